"""What a neuron adds to its current."""

from __future__ import annotations

import torch


class ChannelBias(torch.nn.Module):
    """Bias added to the current of each channel, in the place of slayer's `norm`.

    values: (channels,) in slayer's units, whole multiples of 1 / neuron scale. The fused passes
    add it inside; its gradient reaches `values` where they require one.
    """

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., T) -> (N, C, ..., T)."""
        return current + self.values.reshape(1, -1, *[1] * (current.dim() - 2))
