"""Whether a device that was asked for is there."""

from __future__ import annotations

import torch

from spikewatt.errors import SpikewattError


def require_cuda() -> None:
    """SpikewattError where torch sees no GPU."""
    if not torch.cuda.is_available():
        raise SpikewattError("Device cuda is unavailable: no CUDA GPU was found. Use --device cpu.")
