"""Counts depend on nothing but the clip: not on its batch, its place in it, or its neighbours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from netx_cases import small
from random_networks import network, stimulus

from spikewatt import api
from spikewatt.energy.events import FILL_KEYS, Counts
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Network

SAMPLES, STEPS = 5, 6


def cells(counts: Counts, sample: int) -> dict[int, list[list[int]]]:
    """A sample's counts by layer, step by step."""
    return {
        layer.layer: [getattr(layer, name)[sample].tolist() for name in FILL_KEYS[:-1]]
        for layer in counts.layers
    }


def case(seed: int) -> tuple[Network, np.ndarray]:
    net = network(seed, equalised=True)
    x = stimulus(seed, net.input, clips(net, SAMPLES, STEPS))
    return net, np.repeat(x, STEPS, axis=-1) if x.shape[-1] == 1 else x


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.permutations(range(SAMPLES)), st.integers(1, SAMPLES))
def test_neither_batch_nor_order_changes_a_clip(seed: int, order: list[int], size: int) -> None:
    net, x = case(seed)
    assume(not net.input.drives_dendrite)  # its values are no messages; arrays are read as such
    expected = [cells(api.count(net, x[k : k + 1]), 0) for k in range(SAMPLES)]
    for first in range(0, SAMPLES, size):
        batch = order[first : first + size]
        counts = api.count(net, x[batch])
        assert [cells(counts, i) for i in range(len(batch))] == [expected[k] for k in batch]
        updates = {p.layer: p.size * counts.steps * len(batch) for p in net.populations}
        assert {c.layer: c.neuron_updates for c in counts.layers} == updates


@pytest.mark.lava
@pytest.mark.slow
def test_lava_counts_each_clip_alone_too() -> None:
    net, x = case(7)
    together, order = api.count(net, x, "lava"), [3, 0, 4, 1, 2]
    mixed, native = api.count(net, x[order], "lava"), api.count(net, x)
    for place, k in enumerate(order):
        assert cells(mixed, place) == cells(together, k) == cells(native, k)


def test_the_command_line_counts_the_same_in_any_order(tmp_path: Path) -> None:
    from spikewatt.export import netx

    bias = np.array([3, 9], np.int32)
    netx.write(small([[2, -4, 6], [8, 2, -2]], CubaLif(1024, 128, 4), bias), tmp_path / "n.net")
    x = (np.random.default_rng(4).random((SAMPLES, 3, STEPS)) < 0.5).astype(np.int8)
    parts = {"all": x, "mixed": x[[4, 2, 0, 3, 1]], "first": x[:2], "rest": x[2:]}
    totals = {name: _counted(tmp_path, name, part) for name, part in parts.items()}
    assert totals["all"]["synaptic_events"] > 0
    assert totals["all"] == totals["mixed"]
    both = {k: totals["first"][k] + totals["rest"][k] for k in totals["all"]}
    assert both == totals["all"]


def _counted(folder: Path, name: str, x: np.ndarray) -> dict[str, int]:
    np.save(folder / f"{name}.npy", x)
    arguments = ["run", "n.net", "--input", f"{name}.npy", "--json", f"{name}.json"]
    done = subprocess.run(
        [sys.executable, "-m", "spikewatt", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    totals = json.loads((folder / f"{name}.json").read_text())["totals"]
    names = ("synaptic_events", "synaptic_events_stored", "neuron_updates", "spikes_out")
    return {k: totals[k] for k in names}
