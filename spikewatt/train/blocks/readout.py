"""Read-outs: logits from the spikes of a clip."""

from __future__ import annotations

import torch
from torch import nn

LOGIT_GAIN = 5.0  # spikes are rare: logits start near one


class IntegratingReadout(nn.Module):
    """Integrating read-out: logits = sum over joints, channels and steps of W J x, plus bias.

    W is shared by the joints, J is a learned weight of each joint.
    """

    def __init__(self, joints: int, channels: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, channels) * LOGIT_GAIN * channels**-0.5)
        self.joints = nn.Parameter(torch.ones(joints))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) spikes -> (N, classes) logits."""
        mean = torch.einsum("ncvt,v->nc", x, self.joints) / (x.shape[2] * x.shape[3])
        return mean @ self.weight.T + self.bias
