"""Signal-SGN (Zheng et al., arXiv 2408.01701): frames are steps, joints have frequencies.

    x = min-max over the joints of BN(clip), one frame a step
    4 units, x in:  h = LIF(BN(sum over k of W_k (x A_k) + b_k)) + LIF(down x)       1D-SGC
                    y = h + LIF(BN(W LIF_0.5(q k^T v / 8))),  q, k, v = LIF(BN(W h))
                    x' = y + FSC(y) + residual(x), an FSC where the channels change  FSC
    logits = FC(mean over joints and steps of x + alpha w)
    w = mean over steps of IF(BN(W mean over joints of MWTF(x)))                     MWTF

A_k starts as the identity, of unit length over the sources of a joint. Sums of spikes are small
integers. FSC is in blocks/frequency.py, MWTF in blocks/multiwavelet.py; persons are averaged in
front of the MWTF. TABLE has 1,835,483 parameters and 1.805 GMAC a sample, both persons.

Neurons are SpikingJelly's: tau 2, threshold 1, sigmoid surrogate of slope 4; but the gradient
stops at the reset (`detach_reset`), where the released code lets it through.

Exported, the cores run from the first unit on, for each person apart. The host does norms and
min-max before, and MWTF behind, on the spikes of all steps (train/wave_stage.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.train.blocks.frequency import Frequency, FrequencyConv
from spikewatt.train.blocks.graph_conv import Graph, SpikingGraphConv
from spikewatt.train.blocks.joint_range import JointRange
from spikewatt.train.blocks.membrane import reached_at
from spikewatt.train.blocks.multiwavelet import FUSIONS, WaveNeurons, Waves
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.residual import Parts
from spikewatt.train.blocks.spiking_layer import SpikingLayer
from spikewatt.train.blocks.token_attention import SumMixer, TokenAttention
from spikewatt.train.neuron import CubaNeuron, Sigmoid
from spikewatt.train.task import SkeletonTask, Task, skeleton_task, unfold_persons

TABLE = SkeletonTask(NTU25, classes=60, frames=16, persons=2)
SLOPE = 4.0  # of the sigmoid, by volt
# (features (N, C, V, T), wavelet spikes (N, C, V, T) or None) -> a term of the loss
AuxiliaryLoss = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]


@dataclass(frozen=True)
class Options:
    """The published network; every row of its ablations is a switch.

    attention, frequency (FSC), waves (MWTF): the parts. window, complex_branch: of the FSC.
    levels, polynomials: of the wavelets. mix_heads: the MWTF's map between heads, which the
    released code declares and does not use; here it is used, and starts as the identity.
    min_max: of the input. released_compat: FSC and MWTF as the released code computes them,
    where that is not what the paper says. TFSM is `SignalSgn.auxiliary_loss`.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256)
    subsets: int = 3
    attention: bool = True
    frequency: bool = True
    waves: bool = True
    window: bool = True
    complex_branch: bool = True
    released_compat: bool = False
    levels: int = 3
    polynomials: int = 8
    heads: int = 8
    mix_heads: bool = True
    scale: float = 0.125
    attention_threshold: float = 0.5
    tokens_first: bool = True
    min_max: bool = True
    tau: float = 2.0
    wave_share: float = 0.42
    dropout: float = 0.3

    def leaking(self, threshold: float = 1.0) -> CubaNeuron:
        """H = V + (X - V) / tau."""
        return _neuron(threshold, 1 / self.tau, "decay")

    def integrating(self, threshold: float = 1.0) -> CubaNeuron:
        """H = V + X."""
        return _neuron(threshold, 0.0, 1.0)

    def branch(self) -> str:
        """The FSC's branch."""
        if not self.complex_branch:
            return "real"
        return "released" if self.released_compat else "complex"


def _neuron(threshold: float, voltage_decay: float, input_gain: float | str) -> CubaNeuron:
    return CubaNeuron(
        threshold=threshold,
        current_decay=1.0,
        voltage_decay=voltage_decay,
        surrogate=Sigmoid(SLOPE * threshold),
        detach_reset=True,
        input_gain=input_gain,
    )


def _frequency(sizes: tuple[int, int], joints: int, options: Options) -> FrequencyConv:
    settings = Frequency(joints, options.branch(), options.window)
    return FrequencyConv(*sizes, settings, options.leaking)


def _attention(channels: int, options: Options) -> TokenAttention:
    neuron = options.leaking(reached_at(options.attention_threshold))
    mixer = SumMixer(options.heads, options.scale, neuron, options.tokens_first)
    return TokenAttention(channels, mixer, Parts(options.leaking, StepNorm), "spikes", bias=False)


class SignalUnit(nn.Module):
    """1D-SGC, attention and FSC with their residuals."""

    def __init__(self, sizes: tuple[int, int], joints: int, options: Options) -> None:
        super().__init__()
        start = np.tile(np.eye(joints, dtype=np.float32), (options.subsets, 1, 1))
        graph = Graph(start, unit_length=True)
        self.convolution = SpikingGraphConv(graph, *sizes, options.leaking)
        self.attention = _attention(sizes[1], options) if options.attention else None
        inner = (sizes[1], sizes[1])
        self.frequency = _frequency(inner, joints, options) if options.frequency else None
        self.residual = _residual(sizes, joints, options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T) sums of spikes."""
        y = self.convolution(x)
        if self.attention is not None:
            y = self.attention(y) + y
        around = self.residual(x)
        return y + around if self.frequency is None else y + self.frequency(y) + around


def _residual(sizes: tuple[int, int], joints: int, options: Options) -> nn.Module:
    """Around a unit: what changes the channels is an FSC, or a plain layer without FSCs."""
    if sizes[0] == sizes[1]:
        return nn.Identity()
    if options.frequency:
        return _frequency(sizes, joints, options)
    return SpikingLayer(Pointwise(*sizes), sizes[1], options.leaking())


class WaveHead(nn.Module):
    """Mean over steps of IF(BN(W mean over joints of MWTF(x)))."""

    def __init__(self, channels: int, options: Options) -> None:
        super().__init__()
        neurons = WaveNeurons(options.integrating, options.leaking)
        settings = Waves(options.polynomials, options.levels, options.heads, options.mix_heads)
        kind = FUSIONS[options.released_compat]
        self.fusion = kind(channels, settings, neurons)
        self.layer = SpikingLayer(Pointwise(channels, channels), channels, options.integrating())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, C, V, T) -> features (N, C), and the spikes of the fusion (N, C, V, T)."""
        spikes = self.fusion(x)
        return self.layer(spikes.mean(dim=2)).mean(dim=-1), spikes


class SignalSgn(nn.Module):
    """(N, M, C, V, F), or (N, C, V, F) of one person -> (N, classes) logits.

    auxiliary_loss: a term of the training loss from the features, None for none (TFSM in the
    paper). `auxiliary` is its value for the last clips in training mode, 0 otherwise. Raises
    SpikewattError for a task without skeletons and for clips of another shape.
    """

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "signal-sgn")
        sizes = (task.channels, *options.channels)
        self.persons = task.persons
        self.input = JointRange(task, options.min_max)
        pairs = zip(sizes, options.channels, strict=False)
        self.units = nn.Sequential(*(SignalUnit(p, task.skeleton.size, options) for p in pairs))
        self.waves = WaveHead(sizes[-1], options) if options.waves else None
        self.wave_share = nn.Parameter(torch.tensor(options.wave_share)) if options.waves else None
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(sizes[-1], task.classes)
        self.auxiliary_loss: AuxiliaryLoss | None = None
        self.auxiliary: torch.Tensor | float = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of whole clips."""
        x = unfold_persons(self.units(self.input(x)), self.persons)
        features, spikes = x.mean(dim=(2, 3)), None
        if self.waves is not None:
            found, spikes = self.waves(x)
            features = features + self.wave_share * self.dropout(found)
        watched = self.training and self.auxiliary_loss is not None
        self.auxiliary = self.auxiliary_loss(x, spikes) if watched else 0.0
        return self.classifier(features)
