"""What happens to work on untrusted bytes in a process of its own."""

import os
import signal
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.netx.apart import Died, apart


def raises():
    raise ValueError("as told")


def loops():
    while True:
        pass


def test_a_result_or_an_exception_comes_back():
    np.testing.assert_array_equal(apart(lambda: np.arange(10**6), 5), np.arange(10**6))
    with pytest.raises(ValueError, match="as told"):
        apart(raises, 5)


def test_other_threads_do_not_matter():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert apart(lambda: 7, 5) == 7
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("task", "how"),
    [
        (loops, "did not end in time"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ended with SIGSEGV"),
        (lambda: os._exit(3), "without a result"),
        (lambda: loops, None),
        (lambda: lambda: None, "without a result"),  # cannot be handed back
    ],
)
def test_an_end_without_result_is_told(task, how):
    if how is None:
        assert apart(task, 1) is loops
        return
    with pytest.raises(Died, match=how):
        apart(task, 1)


def test_a_result_that_breaks_off_is_told():
    class Breaks:
        def __reduce__(self):
            os._exit(3)

    with pytest.raises(Died, match="without a result"):
        apart(lambda: [np.arange(10**6), Breaks()], 5)


def test_no_pipe_is_left_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        apart(lambda: 1, 1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.slow
def test_a_file_on_which_hdf5_never_ends_is_refused(tmp_path):
    """A string in HDF5's heap whose size, with its header, is 2^64: the heap goes nowhere."""
    with h5py.File(tmp_path / "a.net", "w") as file:
        file["layer/0/type"] = "input"
    data = bytearray((tmp_path / "a.net").read_bytes())
    size = data.index(b"GCOL") + 16 + 8  # behind the heap's header, in the first object's
    data[size : size + 8] = (2**64 - 16).to_bytes(8, "little")
    (tmp_path / "a.net").write_bytes(data)
    with pytest.raises(SpikewattError, match="did not end in time"):
        netx.read(tmp_path / "a.net")
