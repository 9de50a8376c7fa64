"""compare: runs under profiles, as tables and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from spikewatt.hardware_profiles import load as load_profile
from spikewatt.hardware_profiles import names
from spikewatt.report.compare import compare
from spikewatt.report.comparison import Comparison
from spikewatt.report.comparison_tables import write_comparison
from spikewatt.report.exports import write_csv, write_json, write_latex
from spikewatt.report.record import load as load_record


def _html(comparison: Comparison, path: Path) -> None:
    from spikewatt.report.html import write_html  # matplotlib: only where a page is wanted

    write_html(comparison, path)


WRITERS: dict[str, Callable[[Comparison, Path], None]] = {
    "html": _html,
    "json_path": write_json,
    "csv": write_csv,
    "latex": write_latex,
}


def run_compare(
    runs: Sequence[Path],
    profiles: Sequence[str],
    files: Mapping[str, Path | None],
    file: TextIO,
) -> None:
    """Compare run records under profiles (all shipped ones if none is named); write everything.

    files: a path for each of WRITERS, or None.
    """
    chosen = [load_profile(name) for name in profiles or names()]
    comparison = compare([load_record(path) for path in runs], chosen)
    for kind, path in files.items():
        if path is not None:
            WRITERS[kind](comparison, path)
    write_comparison(comparison, file)
