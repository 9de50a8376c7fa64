"""Spikformer (Zhou et al., arXiv 2209.15425) on skeletons: attention by sums of spikes.

    x = LIF(BN(conv 3x3 over frames and joints)), the clip shown at every step
    6 times:  x = x + SSA(x),  q, k, v = LIF(BN(W x)),  SSA = LIF(BN(W LIF_0.5(q k^T v / 8)))
              x = x + MLP(x),  two of LIF(BN(W x)), C -> 4C -> C
    logits = FC(mean over tokens and steps of x)

Tokens are all joints of all frames. Residuals add spikes: x holds small integers. The form on
skeletons (dimension 256, depth 6, one convolution, no position embedding) is the one that
MK-SGN (arXiv 2404.10210) compares with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.train.blocks.mlp import SpikingMlp
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.patches import JointEmbedding
from spikewatt.train.blocks.residual import Parts, Residual
from spikewatt.train.blocks.token_attention import SumMixer, TokenAttention
from spikewatt.train.neuron import Sigmoid, lif
from spikewatt.train.task import SkeletonTask, Task, fold_persons, skeleton_task, unfold_persons

TABLE = SkeletonTask(NTU25, classes=60, channels=3, frames=64)


@dataclass(frozen=True)
class Options:
    """The published network.

    steps: of every clip. scale, attention_threshold: of q k^T v and its neurons. tokens_first:
    compute (q k^T) v; the result is equal, only the number of MACs differs. tau: in steps.
    """

    channels: int = 256
    depth: int = 6
    heads: int = 8
    mlp_ratio: int = 4
    steps: int = 4
    scale: float = 0.125
    attention_threshold: float = 0.5
    tokens_first: bool = False
    tau: float = 2.0
    threshold: float = 1.0

    def parts(self) -> Parts:
        """LIF neurons with SpikingJelly's sigmoid surrogate, and norms that steps share."""
        neuron = partial(lif, tau=self.tau, threshold=self.threshold, surrogate=Sigmoid(4.0))
        return Parts(neuron, StepNorm)


class Spikformer(nn.Module):
    """(N, C, V, F) or (N, M, C, V, F) joints -> (N, classes) logits, the mean over persons.

    Raises SpikewattError for a task without skeletons.
    """

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "spikformer")
        parts = options.parts()
        self.embed = JointEmbedding(task.channels, options.channels, options.steps)
        self.neuron = parts.neuron()
        branches = []
        for _ in range(options.depth):
            branches.append(_attention(options, parts))
            branches.append(SpikingMlp(options.channels, options.mlp_ratio, parts, "spikes"))
        self.blocks = nn.Sequential(*(Residual(b) for b in branches))
        self.head = nn.Linear(options.channels, task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of whole clips."""
        x, persons = fold_persons(x)
        x = self.blocks(self.neuron(self.embed(x)))
        return unfold_persons(self.head(x.mean(dim=(2, 3, 4))), persons)


def _attention(options: Options, parts: Parts) -> TokenAttention:
    neuron = parts.neuron(threshold=options.attention_threshold)
    mixer = SumMixer(options.heads, options.scale, neuron, options.tokens_first)
    return TokenAttention(options.channels, mixer, parts, "spikes")
