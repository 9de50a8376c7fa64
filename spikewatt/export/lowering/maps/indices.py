"""Lists of a map on the device of the spikes that pass it."""

from __future__ import annotations

from typing import Any

import torch


def on_device(m: Any, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets and sources of a listed map; copied to each device once."""
    copies = m.__dict__.setdefault("_copies", {})
    if device not in copies:
        copies[device] = m.targets.to(device), m.sources.to(device)
    targets, sources = copies[device]
    return targets, sources
