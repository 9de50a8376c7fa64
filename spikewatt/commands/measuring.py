"""What a run drew: a board's probes, or a sensor of the host."""

from __future__ import annotations

from pathlib import Path

from spikewatt.energy.sensors import measure_with
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Engine, Execution, Request
from spikewatt.lava_runtime.loihi2.board import Board
from spikewatt.report import probe
from spikewatt.report.record import (
    MeasuredRecord,
    RunRecord,
    UnmeasuredRecord,
    measured_record,
)


def check_target(backend: str, board: Board) -> None:
    """Options of a board are for the engine that has one."""
    if board != Board() and backend != "loihi2":
        raise SpikewattError(
            f"--board, --partition, --host and --probe are for a Loihi 2 board; the backend is "
            f"{backend}. Add --backend loihi2, or leave them out."
        )


def measured(
    sensor: str | None, engine: Engine, request: Request, execution: Execution
) -> MeasuredRecord | UnmeasuredRecord | None:
    """What probes or a sensor say of a sample; None where nobody was asked."""
    if execution.board is not None:
        return measured_record(execution.board.measurement())
    if sensor is None:
        return None

    def work() -> int:
        engine.run(request)
        return request.schedule.samples

    return measured_record(measure_with(sensor, work))


def save_log(path: Path | None, execution: Execution, record: RunRecord) -> None:
    """Write what a board's probes said."""
    if path is not None and execution.board is not None:
        assert record.network_sha256 is not None
        log = probe.ProbeRecord.of(execution.board, record.network, record.network_sha256)
        probe.save(log, path)
