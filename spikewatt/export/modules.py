"""Trained torch modules to integer networks: lava-dl's own blocks, and modules that say how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch

from spikewatt.errors import SpikewattError
from spikewatt.network import Network

CONTAINERS = (torch.nn.Sequential, torch.nn.ModuleList, list)


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

    module: a module of spikewatt, or a `Sequential` (or a module with `blocks`) of lava-dl's
    blocks. sample: (N, C, T) or (N, C, H, W, T), an input it takes; it runs once, in evaluation
    mode, and leaves the module's mode and state as they were. The network starts every sample
    from rest, also where SLAYER would go on from the call before (persistent_state, Recurrent).
    facts: `classes`, `encoder`, `training`, as `Network` has them. Raises SpikewattError naming
    a block that cannot be said exactly.
    """
    if isinstance(module, Lowerable):
        network: Network = module.lower(sample, facts or {})
        return network
    blocks = _blocks(module)
    from spikewatt.export.slayer_blocks import lower_blocks

    with _undisturbed(module):
        _run(module, blocks, sample)
    with torch.no_grad():
        return lower_blocks(blocks, sample, facts or {})


def _blocks(module: Any) -> list[torch.nn.Module]:
    """The blocks in the order of data flow; containers within containers are opened."""
    found = getattr(module, "blocks", module)
    if not isinstance(found, CONTAINERS) or not len(found):
        raise SpikewattError(
            f"{type(module).__name__} is neither a Sequential of lava-dl blocks nor a module with "
            "`blocks`. Put its blocks into a torch.nn.Sequential in the order of data flow."
        )
    blocks: list[torch.nn.Module] = []
    for block in found:
        blocks += _blocks(block) if isinstance(block, CONTAINERS) else [block]
    return blocks


def _run(module: torch.nn.Module, blocks: list[torch.nn.Module], sample: torch.Tensor) -> None:
    """Run the sample, and see that the module is the chain of its blocks."""
    try:
        expected = _first(module(sample))
    except Exception as error:
        raise SpikewattError(
            f"{type(module).__name__} itself fails on the sample of shape {tuple(sample.shape)}: "
            f"{error}. Give a sample that its forward pass takes."
        ) from error
    if module in blocks or isinstance(module, CONTAINERS):
        return
    with _undisturbed(module):
        found = sample
        for block in blocks:
            found = _first(block(found))
    if expected.shape == found.shape and not torch.equal(expected, found):
        raise SpikewattError(
            f"{type(module).__name__}.forward does not compute the chain of its `blocks`: on the "
            "sample they differ. Put the blocks into a torch.nn.Sequential in the order of data "
            "flow; what the forward pass does besides cannot be exported."
        )


def _first(output: Any) -> torch.Tensor:
    """Spikes of a block or module that may also return counts."""
    while isinstance(output, tuple | list):
        output = output[0]
    assert isinstance(output, torch.Tensor)
    return output


@contextmanager
def _undisturbed(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; modes, states and delay buffers come back afterwards."""
    kept = [
        (m, m.training, {k: b.clone() for k, b in m._buffers.items() if b is not None})
        for m in module.modules()
    ]
    late = {m: m.delay_buffer for m in module.modules() if hasattr(m, "delay_buffer")}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for m, training, buffers in kept:
            m.training = training
            m._buffers.update(buffers)
            if hasattr(m, "delay_buffer"):
                m.__dict__["delay_buffer"] = late.get(m)
