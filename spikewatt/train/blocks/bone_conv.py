"""Graph convolution along the bones, with a learned weight for each bone: synapses stay sparse."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


class BoneConv(nn.Module):
    """y = sum over k of W_k x (A_k * E_k); tensors (N, C, V, T), no bias.

    partitions: (K, V, V) 0/1, [k, target, source]; E is learned where A is not zero (Signal-SGN,
    arXiv 2408.01701, with the learned graph kept to the bones).
    """

    def __init__(
        self, partitions: npt.NDArray[np.float32], channels_in: int, channels_out: int
    ) -> None:
        super().__init__()
        kernels = partitions.shape[0]
        self.register_buffer("partitions", torch.as_tensor(partitions))
        self.edges = nn.Parameter(torch.as_tensor(partitions).clone())
        spread = (channels_in * kernels) ** -0.5
        self.weight = nn.Parameter(torch.randn(kernels, channels_out, channels_in) * spread)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T)."""
        n, c, v, t = x.shape
        z = 0
        for adjacency, weight in zip(self.edges * self.partitions, self.weight, strict=True):
            gathered = torch.matmul(adjacency, x).reshape(n, c, v * t)
            z = z + torch.matmul(weight, gathered)
        return z.view(n, -1, v, t)
