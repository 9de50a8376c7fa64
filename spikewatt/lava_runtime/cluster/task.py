"""What a worker does: execute one shard with an engine of its own, and tell how far it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic

from distributed import get_worker

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Progress, Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import IntArray, Network

TOLD_S = 0.2  # how often a worker tells how far it is
LAVA = threading.Lock()  # a worker's threads take turns: a Lava run is many processes


@dataclass(frozen=True)
class How:
    """Engine and its threads, steps of a sample, what to record; all the same for every shard.

    topic: where progress is told. version: that of who asks.
    """

    engine: str
    threads: int
    steps: int
    record: tuple[int, ...]
    record_state: bool
    topic: str
    version: str


def installed() -> str:
    """Version of spikewatt in this process."""
    return version("spikewatt")


def hold(network: Network) -> Network:
    """A network as a task, so that it is sent once, and again to whoever takes a lost one over."""
    return network


def execute(network: Network, stimulus: IntArray, number: int, how: How) -> Execution:
    """Execute the clips of one shard; SpikewattError as the engine raises it."""
    if how.version != installed():
        raise SpikewattError(
            f"A worker has spikewatt {installed()}, this is {how.version}. Counts could differ: "
            "install the same version everywhere."
        )
    schedule = clips(network, len(stimulus), how.steps)
    request = Request(network, stimulus, schedule, how.record, how.record_state)
    if how.engine != "lava":
        return engine(how.engine, how.threads).run(request, _teller(number, how.topic))
    with LAVA:
        return engine(how.engine).run(request, _teller(number, how.topic))


def _teller(number: int, topic: str) -> Progress:
    """Progress as events that the client reads: shard, who works on it, steps done."""
    worker, told = get_worker(), -TOLD_S

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done == total or monotonic() - told >= TOLD_S:
            told = monotonic()
            worker.log_event(topic, (number, worker.address, done))

    return progress
