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
        bones = (self.edges * self.partitions).flatten(0, 1)  # (K V, V)
        # one product for all bones, one for all weights
        heard = torch.matmul(bones.expand(n * c, -1, -1), x.reshape(n * c, v, t))
        mixing = self.weight.permute(1, 2, 0).flatten(1)  # (C out, C in K)
        mixed = nn.functional.conv1d(heard.view(n, -1, v * t), mixing.unsqueeze(-1))
        return mixed.view(n, -1, v, t)
