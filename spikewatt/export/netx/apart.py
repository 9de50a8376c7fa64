"""Work on untrusted bytes in a process of its own, which may crash or hang without harm.

HDF5 itself can loop for ever or write outside its memory on damaged files (HDFGroup/hdf5#1707):
no check from outside prevents it.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import signal
import warnings
from collections.abc import Callable
from typing import IO, Any, TypeVar, cast

T = TypeVar("T")


class Died(Exception):
    """The process ended before it had a result; the text says how."""


def apart(task: Callable[[], T], seconds: int) -> T:
    """What a task returns, or the exception it raises, from a forked copy of this process.

    seconds: how long it may compute; in all it may take ten times as long. Raises Died where it
    crashes or takes longer.
    """
    reading, writing = os.pipe()
    child = _fork()
    if child == 0:
        os.close(reading)
        _answer(task, writing, seconds)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            result = _received(pipe)
        status = os.waitpid(child, 0)[1]
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    if status != 0:
        raise Died(_how(status))
    if isinstance(result, Exception):
        raise result
    return cast(T, result)


def _received(pipe: IO[bytes]) -> Any:
    """The result as it arrives, so that large arrays are in memory once; None where it is cut."""
    try:
        return pickle.load(pipe)
    except (EOFError, pickle.UnpicklingError):
        return None


def _fork() -> int:
    """Python 3.12 warns where threads are; the child needs no lock that one of them may hold."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        return os.fork()


def _how(status: int) -> str:
    number = os.waitstatus_to_exitcode(status)
    if -number in (signal.SIGXCPU, signal.SIGALRM):
        return "did not end in time"
    return f"ended with {signal.Signals(-number).name}" if number < 0 else "ended without a result"


def _answer(task: Callable[[], Any], pipe: int, seconds: int) -> None:
    """In the child: the result into the pipe, and nothing of the parent's business at the end."""
    code = 1
    try:
        _limit(seconds)
        with os.fdopen(pipe, "wb") as out:
            pickle.dump(_result(task), out, protocol=pickle.HIGHEST_PROTOCOL)
        code = 0
    finally:
        os._exit(code)


def _limit(seconds: int) -> None:
    gc.disable()  # finalisers of the parent's objects are not the child's
    for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    signal.alarm(10 * seconds)


def _result(task: Callable[[], Any]) -> Any:
    try:
        return task()
    except Exception as error:
        return error
