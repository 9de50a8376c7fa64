"""Base-SGN: the network that MK-SGN starts from (arXiv 2404.10210).

Ten blocks as in ST-GCN, each a spiking graph convolution on the fixed S = D^-1/2 (A + I) D^-1/2,
in its self, inward and outward parts, and a spiking temporal convolution; no attention:

    H  = LIF(BN(sum over k of W_k (P S_k) + b_k)) + LIF(down P)
    P' = LIF(BN(conv over 5 frames of H)) + residual(P)

TABLE has 2,074,626 parameters and 2.528 GMAC a step, both persons.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.data.graph import NTU25
from spikewatt.train.models import mk_sgn
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=60, persons=2)


@dataclass(frozen=True)
class Options(mk_sgn.Options):
    """MK-SGN's switches, with ten blocks, a fixed graph and no attention."""

    channels: tuple[int, ...] = (64,) * 4 + (128,) * 3 + (256,) * 3
    strides: tuple[int, ...] = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
    learnable_graph: bool = False
    attention: bool = False


class BaseSgn(mk_sgn.MkSgn):
    """The network; what it has beyond the paper's (several modalities) is MK-SGN's."""

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__(skeleton_task(task, "base-sgn"), options)
