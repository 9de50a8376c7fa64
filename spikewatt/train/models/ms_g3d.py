"""MS-G3D: disentangled multi-scale graphs over joints and frames (Liu et al., arXiv 2003.14111).

Three stages, each relu(factorised path + G3D paths) and a multi-scale temporal convolution.
Factorised: relu(BN(W [x A_0, ..., x A_12])), A_k the joints exactly k bones away, then two
multi-scale temporal convolutions. G3D, for windows of 3 and 5 frames: the same with 6 scales on
the graph of a whole window, whose nodes are all joints of all its frames, then a convolution that
joins the window. Each A_k is normalised, plus a learned mask that starts within 1e-6 of zero.
`TwoStreamMsG3d` adds the logits of joints and bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25, Skeleton
from spikewatt.train.blocks.ann.adjacency import neighbours, scales, window_graph
from spikewatt.train.blocks.ann.layered import LayeredNet, Streams
from spikewatt.train.blocks.ann.multi_scale import MultiScaleGraph, MultiScaleLayer, WindowGraph
from spikewatt.train.blocks.ann.temporal import Frames
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=60, frames=300, persons=2)  # 3,194,595 parameters


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the paper's.

    graph_scales, window_scales: neighbourhoods of the two paths, the joint itself included.
    windows: frames of each G3D path (none: factorised path only). dilations: distance of the
    frames in each window. disentangled: rings of exactly k bones, otherwise powers of A.
    factorised: the other path.
    """

    graph_scales: int = 13
    window_scales: int = 6
    windows: tuple[int, ...] = (3, 5)
    dilations: tuple[int, ...] = (1, 1)
    disentangled: bool = True
    mask: bool = True
    factorised: bool = True
    width: int = 96
    dropout: float = 0.0


@dataclass(frozen=True)
class Stage:
    """Shape of a stage; the first changes channels in its graphs, the others behind them."""

    channels_in: int
    channels_out: int
    stride: int
    first: bool

    @property
    def inner(self) -> int:
        """Channels between a graph convolution and what follows it."""
        return self.channels_out if self.first else self.channels_in


def _window_path(skeleton: Skeleton, shape: Stage, place: int, options: Options) -> nn.Module:
    window = Frames(options.windows[place], shape.stride, options.dilations[place])
    nodes = window_graph(neighbours(skeleton), window.kernel)
    adjacency = scales(nodes, options.window_scales, options.disentangled)
    graph = MultiScaleGraph(adjacency, shape.channels_in, shape.inner, options.mask)
    return WindowGraph(graph, shape.channels_out, window)


def _factorised(skeleton: Skeleton, shape: Stage, options: Options) -> nn.Module:
    adjacency = scales(neighbours(skeleton), options.graph_scales, options.disentangled)
    return nn.Sequential(
        MultiScaleGraph(adjacency, shape.channels_in, shape.inner, options.mask),
        MultiScaleLayer(shape.inner, shape.channels_out, shape.stride),
        nn.ReLU(),
        MultiScaleLayer(shape.channels_out, shape.channels_out),
    )


class StageBlock(nn.Module):
    """relu(sum of the paths), then a multi-scale temporal convolution."""

    def __init__(self, skeleton: Skeleton, shape: Stage, options: Options) -> None:
        super().__init__()
        places = range(len(options.windows))
        paths = [_window_path(skeleton, shape, place, options) for place in places]
        factorised = [_factorised(skeleton, shape, options)] if options.factorised else []
        self.paths = nn.ModuleList([*factorised, *paths])
        self.temporal = MultiScaleLayer(shape.channels_out, shape.channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V)."""
        y = torch.relu(sum(path(x) for path in self.paths))
        return torch.relu(self.temporal(y))


class MsG3d(LayeredNet):
    """One stream of MS-G3D; its taps are the three stages."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "ms-g3d")
        widths = (task.channels, options.width, 2 * options.width, 4 * options.width)
        shapes = [
            Stage(widths[i], widths[i + 1], stride=min(i + 1, 2), first=i == 0) for i in range(3)
        ]
        blocks = [StageBlock(task.skeleton, shape, options) for shape in shapes]
        super().__init__(task, blocks, widths[-1], options.dropout)


class TwoStreamMsG3d(Streams):
    """Logits of the joints' network plus those of the bones'; task.channels = 6."""

    def __init__(self, task: Task, options: Options) -> None:
        build = partial(MsG3d, options=options)
        super().__init__(build, skeleton_task(task, "ms-g3d-2s"), weights=(1.0, 1.0))
