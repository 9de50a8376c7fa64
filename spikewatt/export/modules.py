"""Trained torch modules to integer networks: lava-dl's own blocks, and modules that say how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch

from spikewatt.errors import SpikewattError
from spikewatt.network import Network


@runtime_checkable
class Lowerable(Protocol):
    """A module that writes itself as an integer network."""

    def lower(self, sample: torch.Tensor, facts: Mapping[str, Any]) -> Network:
        """The network for stimuli shaped as `sample` (one clip or a batch)."""
        ...


def from_slayer(
    module: torch.nn.Module, sample: torch.Tensor, facts: Mapping[str, Any] | None = None
) -> Network:
    """The integer network of a trained module, with exactly the integers that SLAYER computes with.

    module: a module of spikewatt, or a `Sequential` (or a module with `blocks`) of lava-dl's CUBA
    blocks. sample: (N, C, T) or (N, C, H, W, T), an input it takes. facts: `classes`, `encoder`,
    `training`, as `Network` has them. Raises SpikewattError naming a block that cannot be said
    exactly.
    """
    if isinstance(module, Lowerable):
        network: Network = module.lower(sample, facts or {})
        return network
    blocks = getattr(module, "blocks", module)
    if not isinstance(blocks, torch.nn.Sequential | torch.nn.ModuleList | list):
        raise SpikewattError(
            f"{type(module).__name__} is neither a Sequential of lava-dl blocks nor a module with "
            "`blocks`. Put its blocks into a torch.nn.Sequential in the order of data flow."
        )
    from spikewatt.export.slayer_blocks import lower_blocks

    return lower_blocks(module, list(blocks), sample, facts or {})
