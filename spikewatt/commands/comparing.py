"""compare: runs under profiles, as tables and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from spikewatt.hardware_profiles import load as load_profile
from spikewatt.hardware_profiles import names
from spikewatt.report import probe
from spikewatt.report.compare import compare
from spikewatt.report.comparison import Comparison, CountersEntry
from spikewatt.report.comparison_tables import write_comparison
from spikewatt.report.exports import write_csv, write_json, write_latex
from spikewatt.report.record import RunRecord
from spikewatt.report.record import load as load_record

HEAD_BYTES = 200  # of a record, where its schema stands


def _html(comparison: Comparison, path: Path) -> None:
    from spikewatt.report.html import write_html  # matplotlib: only where a page is wanted

    write_html(comparison, path)


WRITERS: dict[str, Callable[[Comparison, Path], None]] = {
    "html": _html,
    "json_path": write_json,
    "csv": write_csv,
    "latex": write_latex,
}


def _with_probes(paths: Sequence[Path]) -> tuple[list[RunRecord], dict[int, CountersEntry]]:
    """The run records, measured where a probe log is among the files; a chip's counters by run."""
    logs = {path: probe.load(path) for path in paths if is_probe(path)}
    records = [load_record(path) for path in paths if path not in logs]
    counters = {}
    for path, log in logs.items():
        for i in probe.matching(log, records, path):
            records[i] = probe.applied(log, records[i])
            if (found := log.counters()) is not None:
                counters[i] = found
    return records, counters


def is_probe(path: Path) -> bool:
    """Whether a file begins as a probe log does; what it holds is checked when it is read."""
    try:
        with path.open("rb") as file:
            return probe.SCHEMA.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False


def run_compare(
    runs: Sequence[Path],
    profiles: Sequence[str],
    files: Mapping[str, Path | None],
    file: TextIO,
) -> None:
    """Compare run records under profiles (all shipped ones if none is named); write everything.

    runs: run records, and logs of a board's probes, each of which goes to the runs of its network.
    files: a path for each of WRITERS, or None.
    """
    chosen = [load_profile(name) for name in profiles or names()]
    records, counters = _with_probes(runs)
    comparison = compare(records, chosen, counters)
    for kind, path in files.items():
        if path is not None:
            WRITERS[kind](comparison, path)
    write_comparison(comparison, file)
