"""Sensors of the host, with counters in files as the kernel writes them, and the judgement."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from spikewatt.energy.measured import Measured, Unavailable
from spikewatt.energy.sensors import Protocol, measure, measure_with
from spikewatt.energy.sensors.nvml import open_gpu
from spikewatt.energy.sensors.rapl import Rapl, open_cpu
from spikewatt.errors import SpikewattError

QUICK = Protocol(repetitions=3, seconds=0.05, idle_s=0.05, unrest=0.5)


def package(powercap: Path, number: int, energy_uj: int, range_uj: int = 1000) -> Path:
    zone = powercap / f"intel-rapl:{number}"
    zone.mkdir(parents=True)
    (zone / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    return zone


def test_packages_add_up_and_counters_start_again(tmp_path: Path) -> None:
    zones = [package(tmp_path, 0, 100), package(tmp_path, 1, 990)]
    package(tmp_path / "below", 0, 5)
    (tmp_path / "intel-rapl:0:0").mkdir()  # a package's cores are part of it
    sensor = open_cpu(tmp_path)
    assert isinstance(sensor, Rapl)
    (zones[0] / "energy_uj").write_text("150\n")
    (zones[1] / "energy_uj").write_text("20\n")  # beyond its range of 1000
    assert sensor.energy_j() == pytest.approx(80e-6)


def test_a_machine_without_counters(tmp_path: Path) -> None:
    found = open_cpu(tmp_path)
    assert isinstance(found, Unavailable)
    assert "no RAPL counters" in found.reason


def test_counters_that_are_no_numbers(tmp_path: Path) -> None:
    (package(tmp_path, 0, 0) / "energy_uj").write_text("plenty")
    assert isinstance(open_cpu(tmp_path), Unavailable)


def test_a_gpu_is_read_or_the_reason_said() -> None:
    found = open_gpu()
    if isinstance(found, Unavailable):
        assert found.reason
    else:
        assert found.energy_j() > 0


def test_unknown_sensors_are_named() -> None:
    with pytest.raises(SpikewattError, match="Known: cpu, gpu"):
        measure_with("thermometer", lambda: 1)


@dataclass
class Bench:
    """A counter that draws one power at rest and another while `work` runs."""

    idle_w: float
    busy_w: float
    drift_w: float = 0.0
    device = "bench"
    method = "a counter of the test"
    resolution_s = 1e-3

    def __post_init__(self) -> None:
        self.joules, self.since, self.power = 0.0, time.perf_counter(), self.idle_w
        self.busy_s, self.samples = 0.0, 0

    def energy_j(self) -> float:
        now = time.perf_counter()
        self.joules += (now - self.since) * self.power
        self.since = now
        return self.joules

    def work(self) -> int:
        self.energy_j()
        self.power, began = self.busy_w, self.since
        time.sleep(0.01)
        self.energy_j()
        self.busy_s, self.samples = self.busy_s + self.since - began, self.samples + 4
        self.idle_w += self.drift_w
        self.power = self.idle_w
        return 4


def test_dynamic_energy_is_beyond_rest() -> None:
    bench = Bench(idle_w=10, busy_w=30)
    found = measure(bench.work, bench, QUICK)
    assert isinstance(found, Measured)
    assert found.joules == pytest.approx((30 - 10) * bench.busy_s / bench.samples, rel=0.3)
    assert found.total_j is not None
    assert found.total_j > found.joules
    assert found.error_j is not None
    assert "3 repetitions" in found.method


@pytest.mark.parametrize(
    ("bench", "said"),
    [
        (Bench(idle_w=30, busy_w=20), "no more busy than idle"),
        (Bench(idle_w=10, busy_w=30, drift_w=10), "busy with something else"),
    ],
)
def test_what_says_nothing_is_no_measurement(bench: Bench, said: str) -> None:
    found = measure(bench.work, bench, QUICK)
    assert isinstance(found, Unavailable)
    assert said in found.reason


def test_too_short_is_no_measurement() -> None:
    bench = Bench(10, 30)
    found = measure(bench.work, bench, Protocol(seconds=0.01))
    assert isinstance(found, Unavailable)
    assert "too short" in found.reason
