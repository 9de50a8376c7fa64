"""Spike-driven Transformer (Yao et al., arXiv 2307.01694) on skeletons: attention by masks.

    x = BN(conv 3x3 over frames and joints), the clip shown at every step
    6 times:  s = LIF(x),  q, k, v = LIF(BN(W s)),  mask = LIF_0.5(sum over tokens of k AND v)
              x = x + BN(W (q AND mask))
              x = x + MLP(x),  two of BN(W LIF(x)), C -> 4C -> C
    logits = mean over tokens and steps of FC(LIF(x))

Residuals add membrane potentials; everything between them is spikes, so every product is an AND
gate or a sum, and LIF populations suffice. Tokens are all joints of all frames. The form on
skeletons is the one that MK-SGN (arXiv 2404.10210) compares with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.errors import unknown_name
from spikewatt.train.blocks.mask_attention import MaskMixer
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
    """The published network; attention and residual are the paper's ablations.

    attention: "masks", or "sums" as in Spikformer. residual: "membrane", or "spikes".
    mix_heads: the map between heads that the released code declares before the mask's neurons and
    does not use; here it is used, and starts as the identity. False is the paper's equation.
    pool_first: the head's neurons read the mean over tokens, as in the released code.
    """

    channels: int = 256
    depth: int = 6
    heads: int = 8
    mlp_ratio: int = 4
    steps: int = 4
    attention: str = "masks"
    residual: str = "membrane"
    attention_threshold: float = 0.5
    scale: float = 0.125
    mix_heads: bool = True
    pool_first: bool = False
    tau: float = 2.0
    threshold: float = 1.0

    def parts(self) -> Parts:
        """LIF neurons with SpikingJelly's sigmoid surrogate, and norms that steps share."""
        neuron = partial(lif, tau=self.tau, threshold=self.threshold, surrogate=Sigmoid(4.0))
        return Parts(neuron, StepNorm)


class SpikeDrivenTransformer(nn.Module):
    """(N, C, V, F) or (N, M, C, V, F) joints -> (N, classes) logits, the mean over persons.

    Raises SpikewattError for a task without skeletons, an unknown attention or residual.
    """

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "sdt")
        parts = options.parts()
        self.pool_first = options.pool_first
        self.embed = JointEmbedding(task.channels, options.channels, options.steps)
        # spike residuals start from spikes
        self.entry = parts.neuron() if options.residual == "spikes" else nn.Identity()
        branches = []
        for _ in range(options.depth):
            branches.append(_attention(options, parts))
            mlp = SpikingMlp(options.channels, options.mlp_ratio, parts, options.residual)
            branches.append(mlp)
        self.blocks = nn.Sequential(*(Residual(b) for b in branches))
        self.neuron = parts.neuron()
        self.head = nn.Linear(options.channels, task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of whole clips."""
        x, persons = fold_persons(x)
        x = self.blocks(self.entry(self.embed(x))).flatten(2, 3)
        if self.pool_first:
            x = x.mean(dim=2, keepdim=True)
        spikes = self.neuron(x)
        return unfold_persons(self.head(spikes.mean(dim=(2, 3))), persons)


def _masks(options: Options, neuron: nn.Module) -> nn.Module:
    return MaskMixer(options.heads, neuron, options.mix_heads)


def _sums(options: Options, neuron: nn.Module) -> nn.Module:
    return SumMixer(options.heads, options.scale, neuron)


MIXERS: dict[str, Callable[[Options, nn.Module], nn.Module]] = {"masks": _masks, "sums": _sums}


def _attention(options: Options, parts: Parts) -> TokenAttention:
    if options.attention not in MIXERS:
        raise unknown_name("attention", options.attention, list(MIXERS))
    neuron = parts.neuron(threshold=options.attention_threshold)
    mixer = MIXERS[options.attention](options, neuron)
    return TokenAttention(options.channels, mixer, parts, options.residual, bias=False)
