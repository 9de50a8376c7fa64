"""Dynamic energy of work on the host: busy against idle, repeated, refused where it says little.

A repetition reads the counter over idle seconds, over the work, and over idle seconds again:

    P_idle = mean of both idle powers       E = (E_busy - P_idle t) / samples

The mean over repetitions is the result, its standard error the error bar.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as TypingProtocol
from typing import TypeAlias

from spikewatt.energy.measured import Measured, Measurement, Unavailable

Work: TypeAlias = Callable[[], int]  # runs once; returns the number of samples it ran

READINGS = 20  # of the counter, at least, in any interval that is measured


class Sensor(TypingProtocol):
    """A counter of energy. resolution_s: how often it is renewed."""

    @property
    def device(self) -> str:
        """What is measured."""
        ...

    @property
    def method(self) -> str:
        """How."""
        ...

    @property
    def resolution_s(self) -> float:
        """Seconds after which the counter is renewed."""
        ...

    def energy_j(self) -> float:
        """Joules since some moment."""
        ...


@dataclass(frozen=True)
class Protocol:
    """How long and how often to measure.

    seconds: of work in a repetition, at least. idle_s: of rest before and after it. unrest: share
    of the busy power by which the idle power may wander within a repetition; more means that
    something else uses the device.
    """

    repetitions: int = 5
    seconds: float = 2.0
    idle_s: float = 1.0
    unrest: float = 0.1

    @classmethod
    def for_sensor(cls, sensor: Sensor) -> Protocol:
        """The usual one, with intervals in which the counter is renewed often enough."""
        shortest = READINGS * sensor.resolution_s
        return cls(seconds=max(cls.seconds, shortest), idle_s=max(cls.idle_s, shortest))


@dataclass(frozen=True)
class _Repetition:
    """Joules and seconds of one repetition."""

    busy_j: float
    busy_s: float
    samples: int
    idle_w: tuple[float, float]  # before, after

    @property
    def dynamic_j(self) -> float:
        """Energy of a sample beyond rest."""
        return (self.busy_j - statistics.mean(self.idle_w) * self.busy_s) / self.samples

    @property
    def total_j(self) -> float:
        """Energy of a sample with rest."""
        return self.busy_j / self.samples

    @property
    def unrest(self) -> float:
        """How far the idle power wandered, as a share of the busy power."""
        before, after = self.idle_w
        return abs(after - before) * self.busy_s / self.busy_j if self.busy_j > 0 else float("inf")


def measure(work: Work, sensor: Sensor, protocol: Protocol) -> Measurement:
    """Dynamic energy of a sample of this work, or why the measurement says nothing."""
    shortest = READINGS * sensor.resolution_s
    if min(protocol.seconds, protocol.idle_s) < shortest:
        return Unavailable(
            f"{min(protocol.seconds, protocol.idle_s):g} s are too short for {sensor.method}, "
            f"which is renewed every {sensor.resolution_s:g} s; measure at least {shortest:g} s"
        )
    work()  # compiled, cached and warm
    repetitions = [_repetition(work, sensor, protocol) for _ in range(protocol.repetitions)]
    return _judged(repetitions, sensor, protocol)


def _repetition(work: Work, sensor: Sensor, protocol: Protocol) -> _Repetition:
    before = _idle_w(sensor, protocol.idle_s)
    joules, began, samples = sensor.energy_j(), time.perf_counter(), 0
    while time.perf_counter() - began < protocol.seconds:
        samples += work()
    busy_j, busy_s = sensor.energy_j() - joules, time.perf_counter() - began
    return _Repetition(busy_j, busy_s, samples, (before, _idle_w(sensor, protocol.idle_s)))


def _idle_w(sensor: Sensor, seconds: float) -> float:
    joules, began = sensor.energy_j(), time.perf_counter()
    time.sleep(seconds)
    return (sensor.energy_j() - joules) / (time.perf_counter() - began)


def _judged(found: list[_Repetition], sensor: Sensor, protocol: Protocol) -> Measurement:
    dynamic = [r.dynamic_j for r in found]
    mean = statistics.mean(dynamic)
    unrest = statistics.median(r.unrest for r in found)
    if unrest > protocol.unrest:
        return Unavailable(
            f"the {sensor.device} was busy with something else: its idle power wandered by "
            f"{unrest:.0%} of the busy power, limit {protocol.unrest:.0%}; leave it alone"
        )
    if mean <= 0:
        return Unavailable(
            f"the {sensor.device} drew no more busy than idle ({mean:g} J a sample); the work is "
            "bound by its input and output, or too small: measure longer, or a larger network"
        )
    error = statistics.stdev(dynamic) / len(dynamic) ** 0.5 if len(dynamic) > 1 else None
    method = f"{sensor.method}; idle subtracted, mean of {len(found)} repetitions"
    total = statistics.mean(r.total_j for r in found)
    return Measured(mean, sensor.device, method, error_j=error, total_j=total)
