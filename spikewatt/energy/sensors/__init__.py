"""Energy counters of the host, by name, and how work is measured with them."""

from __future__ import annotations

from collections.abc import Callable

from spikewatt.energy.measured import Measurement, Unavailable
from spikewatt.energy.sensors.meter import Protocol, Sensor, Work, measure
from spikewatt.energy.sensors.nvml import open_gpu
from spikewatt.energy.sensors.rapl import open_cpu
from spikewatt.errors import unknown_name

__all__ = ["SENSORS", "Protocol", "Sensor", "measure", "measure_with"]

SENSORS: dict[str, Callable[[], Sensor | Unavailable]] = {"cpu": open_cpu, "gpu": open_gpu}


def measure_with(name: str, work: Work, protocol: Protocol | None = None) -> Measurement:
    """Energy of a sample of this work by the sensor of this name, or why it is not known.

    Raises SpikewattError for a name that is no sensor's.
    """
    if name not in SENSORS:
        raise unknown_name("sensor", name, list(SENSORS))
    sensor = SENSORS[name]()
    if isinstance(sensor, Unavailable):
        return sensor
    return measure(work, sensor, protocol or Protocol.for_sensor(sensor))
