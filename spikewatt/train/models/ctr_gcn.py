"""CTR-GCN: channel-wise topology refinement (Chen et al., ICCV 2021, arXiv 2107.12213).

z[c, t] = sum over k and s of (A_k[t, s] + alpha (W4 tanh(W1 x_t - W2 x_s))[c]) (W3 x_s)[c], with
means over frames under W1 and W2, so that every channel has a topology of its own. A_k is learned
from the skeleton's subsets. Then BN, residual, ReLU, and a multi-scale temporal convolution of
four branches (kernel 5 with dilation 1 and 2, max-pool, 1x1).
alpha starts at 0: at the first step W1, W2 and W4 get gradients that are exactly zero.
`FourStreamCtrGcn` weighs the logits of joints, bones and the motion of both (0.6, 0.6, 0.4, 0.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25, Skeleton
from spikewatt.errors import unknown_name
from spikewatt.train.blocks.ann.adjacency import divide_senders
from spikewatt.train.blocks.ann.graph import GraphLayer
from spikewatt.train.blocks.ann.layered import (
    Layer,
    LayeredNet,
    SpatioTemporal,
    Streams,
    ten_layers,
)
from spikewatt.train.blocks.ann.temporal import MultiScaleTemporal, Scales, frame_conv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=120, persons=2)  # 1,462,092 parameters
LEAST_RELATIONS = 8  # channels of W1 and W2 where the input has only coordinates

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the paper's.

    adaptive: learn A. refine: the channels' own topology. reduction: the input's channels over
    those of W1 and W2. activation: of the difference: tanh, sigmoid or relu.
    """

    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2)
    adaptive: bool = True
    refine: bool = True
    reduction: int = 8
    activation: str = "tanh"
    width: int = 64
    dropout: float = 0.0


class Refinement(nn.Module):
    """R[c, t, s] = (W4 act(W1 x_t - W2 x_s))[c], x the means over frames."""

    def __init__(self, shape: Layer, options: Options) -> None:
        super().__init__()
        if options.activation not in ACTIVATIONS:
            raise unknown_name("activation", options.activation, list(ACTIVATIONS))
        inner = max(shape.channels_in // options.reduction, LEAST_RELATIONS)
        self.activation = ACTIVATIONS[options.activation]
        self.target = frame_conv(shape.channels_in, inner)
        self.source = frame_conv(shape.channels_in, inner)
        self.expand = frame_conv(inner, shape.channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, V, V)."""
        target, source = self.target(x).mean(dim=2), self.source(x).mean(dim=2)
        return self.expand(self.activation(target.unsqueeze(-1) - source.unsqueeze(-2)))


class ChannelGraphConv(nn.Module):
    """sum over k of (A_k + alpha R_k) W3_k x, channel by channel."""

    def __init__(self, shape: Layer, skeleton: Skeleton, options: Options) -> None:
        super().__init__()
        bones = torch.as_tensor(divide_senders(skeleton.partitions()))
        self.adjacency = nn.Parameter(bones, requires_grad=options.adaptive)
        convs = [frame_conv(shape.channels_in, shape.channels_out) for _ in bones]
        self.convs = nn.ModuleList(convs)
        refinements = [Refinement(shape, options) for _ in bones] if options.refine else []
        self.refinements = nn.ModuleList(refinements)
        self.alpha = nn.Parameter(torch.zeros(1)) if options.refine else None

    def topology(self, x: torch.Tensor, subset: int) -> torch.Tensor:
        """A_k + alpha R_k: (N, C out, V, V), or (1, 1, V, V) without refinement."""
        shared = self.adjacency[subset][None, None]
        if self.alpha is None:
            return shared
        return shared + self.alpha * self.refinements[subset](x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        y = 0
        for subset, conv in enumerate(self.convs):
            topology = self.topology(x, subset)
            y = y + torch.matmul(conv(x), topology.transpose(-1, -2))
        return y


def _layer(shape: Layer, skeleton: Skeleton, options: Options) -> nn.Module:
    conv = ChannelGraphConv(shape, skeleton, options)
    graph = GraphLayer(conv, shape.channels_in, shape.channels_out)
    scales = Scales(options.kernel, options.dilations, shape.stride)
    temporal = MultiScaleTemporal(shape.channels_out, shape.channels_out, scales)
    return SpatioTemporal(graph, temporal, shape.residual())


class CtrGcn(LayeredNet):
    """One stream of CTR-GCN; `forward(x, taps=(5, 8))` for distillation."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "ctr-gcn")
        shapes = ten_layers(task.channels, options.width)
        blocks = [_layer(shape, task.skeleton, options) for shape in shapes]
        super().__init__(task, blocks, shapes[-1].channels_out, options.dropout)


class FourStreamCtrGcn(Streams):
    """Joints, bones and their motions, weighed; task.channels = 12."""

    def __init__(self, task: Task, options: Options) -> None:
        build = partial(CtrGcn, options=options)
        super().__init__(build, skeleton_task(task, "ctr-gcn-4s"), weights=(0.6, 0.6, 0.4, 0.4))
