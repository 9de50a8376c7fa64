"""Text files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from spikewatt.files import whole_file


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text; SpikewattError where the disk refuses."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
