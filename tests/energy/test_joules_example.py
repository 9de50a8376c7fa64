"""The worked example of docs/energy-model.md, executed; the page must say the same."""

from pathlib import Path

import numpy as np
import pytest
from oracle import Oracle

from spikewatt.energy.joules import energy
from spikewatt.hardware_profiles import load
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection
from spikewatt.report.recording import Provenance, record_of

PAGE = Path(__file__).parents[2] / "docs" / "energy-model.md"


@pytest.fixture(scope="module")
def record():
    weight = np.array([[10, 0, 4], [-6, 8, 0]], "i4")
    network = Network(
        Input(0, (3,)),
        (Population(1, (2,), CubaLif(i_decay=4096, v_decay=0, v_threshold=10)),),
        (Projection(0, 1, Dense(weight)),),
    )
    stimulus = np.zeros((1, 3, 4), "i4")
    stimulus[0, 0, [0, 2]] = stimulus[0, 1, 1] = 1
    stimulus[0, 2, [0, 1, 3]] = 1
    execution = Oracle(Request(network, stimulus, clips(network, 1, 4))).run()
    return record_of(network, execution, Provenance("example", "by hand"))


def results(prefix):
    """The last cells of the page's rows that begin so, in order."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {prefix} |")]
    return [row.split("|")[-2].strip() for row in rows]


def test_counts(record):
    [layer] = record.layers
    found = {
        "synaptic events": layer.synaptic_events,
        "dense MACs a step": layer.dense_macs,
        "firing rate of the input": layer.firing_rate_in,
        "paper SOPs": int(layer.paper_sops),
        "neuron updates": layer.neuron_updates,
        "of these firing (threshold 10)": layer.spikes_out,
    }
    for name, value in found.items():
        assert results(name)[-1] == str(value)


def test_energies(record):
    davies, derived, paper = (
        energy(record.activity(), load(name))
        for name in ("loihi1_davies", "loihi2_derived", "cmos45_paper")
    )
    shown = {
        "theoretical": [record.paper_energy().energy_j],
        "`cmos45_paper`": [paper.dynamic_j],
        "`loihi1_davies`": [davies.dynamic_j],
        "`loihi2_derived`": [derived.dynamic_j],
        "its low end": [derived.dynamic_band_j[0]],
        "its high end": [davies.dynamic_band_j[1], derived.dynamic_band_j[1]],
    }
    for name, joules in shown.items():
        assert results(name)[-len(joules) :] == [f"{j * 1e12:.1f} pJ" for j in joules]
