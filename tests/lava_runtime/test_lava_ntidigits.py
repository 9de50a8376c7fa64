"""The N-TIDIGITS network of lava-dl's wheel, against the output that its authors recorded."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

pytestmark = pytest.mark.lava

LAYERS = (2, 3, 4)  # 5 is an average, which has no neurons


@pytest.fixture(scope="module")
def folder() -> Path:
    found = [f for f in files("lava-dl") or [] if f.name == "ntidigits.net"]
    return Path(str(found[0].locate())).parent


def read(path: Path) -> Network:
    """The file's dense layers; their 1-D delays belong to the targets, at most 62."""
    populations, projections = [], []
    with h5py.File(path) as file:
        for i in LAYERS:
            layer = file[f"layer/{i}"]
            n = layer["neuron"]
            constants = (int(n[key][()]) for key in ("iDecay", "vDecay", "vThMant"))
            weight, delay = layer["weight"][()].astype(np.int32), None
            if "delay" in layer:
                delay = np.clip(layer["delay"][()], 0, 62).astype(np.int32)
                delay = np.repeat(delay[:, np.newaxis], weight.shape[1], axis=1)
            populations.append(Population(i, weight.shape[:1], CubaLif(*constants)))
            projections.append(Projection(i - 1 if i > 2 else 0, i, Dense(weight, delay)))
    return Network(Input(0, (64,)), tuple(populations), tuple(projections))


@pytest.mark.parametrize("steps", [200, pytest.param(3000, marks=pytest.mark.slow)])
def test_equals_the_recorded_output(folder: Path, steps: int) -> None:
    network = read(folder / "ntidigits.net")
    x = np.load(folder / "input.npy").astype(np.int32)[np.newaxis, :, :steps]
    recorded = np.load(folder / "output.npy").astype(np.int32)
    found = LavaEngine().run(Request(network, x, stream(steps), LAYERS))
    # the recorded timeline lags by one step
    assert recorded[:, :steps].any()
    np.testing.assert_array_equal(found.spikes[4][0, :, : steps - 1], recorded[:, 1:steps])
    sent = {0: x, **found.spikes}
    for p in network.projections:
        events = sum(
            np.count_nonzero(p.synapses.weight[:, source])
            for _, source, _ in np.argwhere(sent[p.source])
        )
        counts = found.counts.by_layer[p.target]
        assert counts.synaptic_events.sum() == events
        np.testing.assert_array_equal(counts.spikes_in[0], sent[p.source][0].sum(axis=0))
        np.testing.assert_array_equal(counts.spikes_out[0], sent[p.target][0].sum(axis=0))
