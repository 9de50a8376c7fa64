"""`spikewatt datasets NAME:PATH` on the real samples: what is found, what was skipped and why."""

from __future__ import annotations

import io
from pathlib import Path

from spikewatt.commands.listing import show_datasets


def told(spec: str) -> list[str]:
    """The lines below the table of facts, spaces joined."""
    file = io.StringIO()
    show_datasets(spec, file)
    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    return lines[lines.index("clips found") + 2 :]


def test_ntu_with_two_files_cut_short(ntu_folder: Path) -> None:
    lines = told(f"ntu60-xsub:{ntu_folder / 'skeleton'}")
    assert "type on a keyboard 1 0" in lines
    end = lines.index("all 8 7")
    skipped = lines[end + 1 :]
    assert [line.split(": ")[0] for line in skipped] == [
        "skipped train clip S005C002P013R002A056",
        "skipped train clip S012C001P008R002A030",
    ]
    assert all("the file is cut short" in line for line in skipped)


def test_a_part_that_is_missing(video_folder: Path) -> None:
    assert told(f"ucf101:{video_folder}")[-2:] == ["all 0 1", "there are no training clips"]


def test_events_by_class(n_mnist_folder: Path) -> None:
    *classes, total = told(f"n-mnist:{n_mnist_folder}")
    assert total == "all 1000 100"
    assert len(classes) == 10
    assert sum(int(line.split()[1]) for line in classes) == 1000
