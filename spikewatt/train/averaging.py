"""Moving average of a network's weights, which is often better than its last weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class Average:
    """a = d a + (1 - d) w after each step, d = min(decay, (1 + n) / (10 + n)) after n steps.

    The second bound lets the average forget its random start. Weights and statistics of norms are
    averaged, whole numbers are copied.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: w.detach().clone() for name, w in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module, steps: int) -> None:
        """Take in the network after its step number `steps`, from 1."""
        share = 1 - min(self.decay, (1 + steps) / (10 + steps))
        pairs = [(self.weights[name], w) for name, w in net.state_dict().items()]
        averaged = [p for p in pairs if p[0].is_floating_point()]
        torch._foreach_lerp_([a for a, _ in averaged], [w for _, w in averaged], share)
        for kept, w in pairs:
            if not kept.is_floating_point():
                kept.copy_(w)

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Go on from a saved average."""
        for name, w in weights.items():
            self.weights[name].copy_(w)

    @contextmanager
    def worn_by(self, net: nn.Module) -> Iterator[None]:
        """The network has the averaged weights within the block, its own again after it."""
        own = {name: w.detach().clone() for name, w in net.state_dict().items()}
        net.load_state_dict(self.weights)
        try:
            yield
        finally:
            net.load_state_dict(own)
