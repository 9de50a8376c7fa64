"""Whether Lava and lava-dl can be used here, and the error where they cannot."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from spikewatt.errors import SpikewattError

PYTHON = (3, 10)  # Lava is archived: its dataclasses fail at import from 3.11 on


def why_no_lava() -> str | None:
    """Why Lava and lava-dl cannot be used here; None where they can. Imports neither."""
    here = sys.version_info[:2]
    if here != PYTHON:
        return "Lava is archived and needs Python {}.{}, this is Python {}.{}".format(
            *PYTHON, *here
        )
    return None if find_spec("lava") else "lava-nc and lava-dl are not installed"


def require_lava(what: str, instead: str) -> None:
    """SpikewattError where Lava cannot be used: `what` is unavailable, why, what to do instead."""
    why = why_no_lava()
    if why is not None:
        raise SpikewattError(f"{what} is unavailable, because {why}. {instead}")
