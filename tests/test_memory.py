"""What has no room is refused before it begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikewatt import memory
from spikewatt.errors import SpikewattError
from spikewatt.export.netx.notes import Notes
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native.engine import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection


def test_the_machine_says_what_is_free():
    assert 10**7 < memory.free_bytes() < 10**14
    memory.check_room("Nothing", 0, "")


def test_records_without_room_are_refused(monkeypatch):
    dense = Dense(np.full((1000, 4), 2, np.int32))
    target = Population(1, (1000,), CubaLif(0, 0, 9))
    network = Network(Input(0, (4,)), (target,), (Projection(0, 1, dense),))
    x = np.ones((2, 4, 50), np.int32)
    request = Request(network, x, clips(network, 2, 50), record=(1,))
    monkeypatch.setattr(memory, "free_bytes", lambda: 400_000)
    NativeEngine().run(request)
    with pytest.raises(SpikewattError, match=r"Recording 1 layers in 2 samples of 50 steps"):
        NativeEngine().run(replace(request, record_state=True))


@pytest.mark.parametrize(
    ("size", "values"),
    [(0, 2**22), (2**20, 2**26), (2**21, 2**27), (2**24, 2**27), (2**26, 2**29), (2**40, 2**30)],
)
def test_a_file_may_hold_what_its_size_makes_plausible(size, values):
    assert Notes.for_bytes(size).budget == values
