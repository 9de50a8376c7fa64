"""The two-layer perceptron of spiking transformers."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.residual import Parts, residual_stage


class SpikingMlp(nn.Module):
    """C -> ratio C -> C at every token and step, each layer with norm and neurons of its own.

    residual: "spikes" (neurons last) or "membrane" (neurons first), the kind of sum it joins.
    """

    def __init__(self, channels: int, ratio: int, parts: Parts, residual: str) -> None:
        super().__init__()
        stage = residual_stage(residual)
        self.expand = stage(channels, ratio * channels, parts)
        self.contract = stage(ratio * channels, channels, parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., T) -> same."""
        return self.contract(self.expand(x))
