"""What a file's name SsssCcccPpppRrrrAaaa says, and which clips train.

Splits: Shahroudy et al. (CVPR 2016) for the 60 actions, Liu et al. (TPAMI 2020) for the 120.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from spikewatt.data.folders import Split
from spikewatt.errors import SpikewattError

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})(?!\d)")

XSUB60 = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
)  # subjects that train
XSUB120 = XSUB60 | frozenset(
    (
        *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85),
        *(86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103),
    )
)
XVIEW_CAMERAS = frozenset((2, 3))


@dataclass(frozen=True)
class Recording:
    """The numbers in a file's name; `action` counts from 1, as in the name."""

    setup: int
    camera: int
    subject: int
    repetition: int
    action: int


def recording(name: str) -> Recording:
    """What a file's name says; raises SpikewattError for a name of another form."""
    match = _NAME.match(name)
    if match is None:
        raise SpikewattError(f"ntu: {name!r} is no name of the form SsssCcccPpppRrrrAaaa.")
    return Recording(*(int(number) for number in match.groups()))


@dataclass(frozen=True)
class Protocol:
    """One of the published splits of the first `actions` actions."""

    name: str
    actions: int
    trains: Callable[[Recording], bool]
    rule: str

    def split(self, found: Recording) -> Split:
        """The part that a recording belongs to."""
        return "train" if self.trains(found) else "test"


_ALL = (
    Protocol(
        "ntu60-xsub",
        60,
        lambda r: r.subject in XSUB60,
        "cross-subject: 20 of the 40 subjects train (40320 of the 56880 clips)",
    ),
    Protocol(
        "ntu60-xview",
        60,
        lambda r: r.camera in XVIEW_CAMERAS,
        "cross-view: cameras 2 and 3 train (37920 of the 56880 clips), camera 1 tests",
    ),
    Protocol(
        "ntu120-xsub",
        120,
        lambda r: r.subject in XSUB120,
        "cross-subject: 53 of the 106 subjects train",
    ),
    Protocol(
        "ntu120-xset",
        120,
        lambda r: r.setup % 2 == 0,
        "cross-setup: the clips of even setup numbers train",
    ),
)
PROTOCOLS = {p.name: p for p in _ALL}
