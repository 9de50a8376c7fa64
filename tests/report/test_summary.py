"""What `run` prints of a record."""

from __future__ import annotations

import io

import pytest

from spikewatt.report.record import MeasuredRecord, UnmeasuredRecord
from spikewatt.report.summary import run_summary


@pytest.mark.parametrize(
    ("measured", "line"),
    [
        (
            UnmeasuredRecord(unavailable="the machine shows no counter"),
            "measured (sensor): unavailable, because the machine shows no counter",
        ),
        (
            MeasuredRecord(joules=1.5e-3, error_j=2e-5, device="a chip", method="RAPL"),
            "measured (sensor): 0.0015 +- 2e-05 J dynamic a sample, a chip, RAPL",
        ),
        (
            MeasuredRecord(joules=1.5e-3, device="a chip", method="a probe"),
            "measured (sensor): 0.0015 J dynamic a sample, a chip, a probe",
        ),
    ],
)
def test_what_a_sensor_said_is_told(record, measured, line) -> None:
    file = io.StringIO()
    run_summary(record.model_copy(update={"measured": measured}), file)
    assert file.getvalue().splitlines()[-1] == line


def test_nothing_is_told_of_a_sensor_that_nobody_asked(record) -> None:
    file = io.StringIO()
    run_summary(record.model_copy(update={"measured": None}), file)
    assert "sensor" not in file.getvalue()
