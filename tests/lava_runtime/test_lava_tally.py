"""Events counted many steps at a time equal those counted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.energy.events import FILL_KEYS
from spikewatt.lava_runtime.lava import tally
from spikewatt.lava_runtime.lava.results import PopulationResults, Window
from spikewatt.lava_runtime.lava.tally import Tally
from spikewatt.lava_runtime.schedule import Schedule

SCHEDULE = Schedule(3, 5, total_steps=25, period=7, staggered=True, windowed=True)
DEPTH, SOURCES = 2, 3000


@pytest.mark.parametrize("largest", [90, 2**30], ids=["single", "double"])
@pytest.mark.parametrize("is_same", [True, False])
@pytest.mark.parametrize("kept", [1, 256])
def test_equals_a_count_one_by_one(largest, is_same, kept, monkeypatch) -> None:
    """Few spikes in a step and many, inside samples and between them."""
    monkeypatch.setattr(tally, "STEPS_MAX", kept)
    rng = np.random.default_rng(0)
    fan_out = rng.integers(0, largest, SOURCES)
    stored = fan_out if is_same else fan_out + rng.integers(0, 9, SOURCES)
    results = PopulationResults(
        np.zeros((4, 3, 5), np.int64), np.zeros(len(FILL_KEYS), np.int64), np.zeros(1, np.int64)
    )
    found = Tally(fan_out, stored, results, Window(SCHEDULE, DEPTH), last=24)
    counts, fill = np.zeros((4, 3, 5), np.int64), np.zeros(len(FILL_KEYS), np.int64)
    for step in range(25):
        fired = rng.random(SOURCES) < [0, 0.01, 0.2, 0.9][step % 4]
        found.add(step, fired, np.flatnonzero(fired))
        added = [fired.sum(), fan_out[fired].sum(), stored[fired].sum()]
        for row, n in zip((0, 2, 3), added, strict=True):
            sample, index = divmod(step - DEPTH, 7)
            if 0 <= sample < 3 and index < 5:
                counts[row, sample, index] = n
            else:
                fill[row] += n
    np.testing.assert_array_equal(results.counts, counts)
    np.testing.assert_array_equal(results.fill, fill)
    assert counts.any()
    assert fill.any()
