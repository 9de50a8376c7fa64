"""docs/faults.md: faults tried on every command, and what survived; from the suite in tests/faults.

`uv run python benchmarks/faults/fault_table.py` runs the whole suite, its slow part too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
MOMENTS = int(re.search(r"TRIES = (\d+)", (ROOT / "tests/faults/test_signals.py").read_text())[1])

# the suite's tests, as a reader names them; signals are sent at so many random moments each
FAULTS = {
    "test_a_full_disk": ("full disk", 1),
    "test_training_on_a_full_disk_keeps_the_last_checkpoint": ("full disk while training", 1),
    "test_a_read_only_disk": ("read-only file system", 1),
    "test_a_folder_without_permission": ("no permission", 1),
    "test_what_is_not_there": ("missing files and folders", 1),
    "test_nothing_is_executed": ("files from strangers", 1),
    "test_what_needs_it_says_so": ("optional package missing, needed", 1),
    "test_the_rest_works": ("optional package missing, not needed", 1),
    "test_a_signal_at_any_moment": ("SIGINT, SIGTERM, SIGKILL at random moments", MOMENTS),
    "test_native_memory_is_flat": ("40 000 samples through the native engine", 1),
    "test_lava_memory_is_flat": ("4000 samples through Lava", 1),
    "test_runs_share_a_folder": ("four runs in one folder at once", 1),
}
HEAD = """# Faults

Made by `uv run python benchmarks/faults/fault_table.py` from the suite in `tests/faults`.
A fault is survived if the command ends as promised (one paragraph and exit 1, or the signal's
status), leaves no process, no shared memory and no half-written file behind, keeps what was
there before, and does its work when asked again. Every case that fails counts as data lost.

| fault | where | tried | survived | data lost | not tried here |
|---|---|---:|---:|---:|---|
"""


def outcomes(report: Path) -> dict[str, list[tuple[str, str, str]]]:
    """By test: the case, `passed`, `failed` or `skipped`, and the words of a skip."""
    found = defaultdict(list)
    for case in ET.parse(report).iter("testcase"):
        name, _, inside = case.get("name", "").partition("[")
        skip = case.find("skipped")
        state = "skipped" if skip is not None else "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            state = "failed"
        words = "" if skip is None else skip.get("message", "")
        found[name].append((inside.rstrip("]"), state, words))
    return found


def row(name: str, cases: list[tuple[str, str, str]]) -> str:
    """A line of the table."""
    title, times = FAULTS[name]
    states = Counter(state for _, state, _ in cases)
    tried = (states["passed"] + states["failed"]) * times
    where = sorted({case for case, _, _ in cases if case})
    skipped = "; ".join(sorted({words for _, state, words in cases if state == "skipped"}))
    shown = ", ".join(where) if len(where) < 9 else f"{len(cases)} cases"
    lost = states["failed"] * times
    return f"| {title} | {shown} | {tried} | {tried - lost} | {lost} | {skipped} |"


def main() -> None:
    """Run the suite and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "tests/faults", "-m", "slow or not slow"]
        status = subprocess.run(
            [*command, f"--junitxml={report}"], cwd=ROOT, check=False
        ).returncode
        found = outcomes(report)
    unknown = set(found) - set(FAULTS)
    if unknown:
        raise SystemExit(f"The suite has tests that the table does not name: {sorted(unknown)}")
    PAGE.write_text(HEAD + "\n".join(row(n, found[n]) for n in FAULTS if n in found) + "\n")
    raise SystemExit(status)


if __name__ == "__main__":
    main()
