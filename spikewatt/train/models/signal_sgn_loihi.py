"""signal-sgn-loihi: Signal-SGN (arXiv 2408.01701) with parts that a neuromorphic chip has.

    4 units, x in:  h  = LIF(BN(sum over k of W_k (x A_k * E_k)) + b) + shortcut(x)
                    y  = h + LIF(BN(W (q AND mask))),  mask = LIF(sum over joints of k AND v)
                    x' = y + LIF(BN(W (LIF(R), LIF(I)))),  R + iI = W_f DFT(w LIF(BN(conv y)))
    logits = mean over joints and steps of W J x' + b

Frames are steps, and the leak of the neurons is the memory. Against the paper: the graph is the
skeleton's bones with learned weights E, so synapses stay sparse; attention is by masks, as in the
Spike-driven Transformer (arXiv 2307.01694), so it is AND gates; the frequency branch is narrow,
since on the chip it joins all joints with all joints; b is a bias of each joint. No min-max and no
wavelets, which need a host. All modalities enter the first graph convolution together.
Residuals add spikes: each branch is a projection of its own onto the next population.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.data.graph import NW_UCLA20, Skeleton
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.bone_conv import BoneConv
from spikewatt.train.blocks.frequency import Frequency, FrequencyConv
from spikewatt.train.blocks.joint_bias import JointBias
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.neurons import NeuronSettings
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.blocks.residual import Parts
from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer
from spikewatt.train.blocks.token_attention import TokenAttention
from spikewatt.train.task import (
    SkeletonTask,
    Task,
    fold_persons,
    skeleton_task,
    unfold_persons,
)

INPUT_SCALE = 1 / 16  # graded inputs are tens, spikes are ones: weights start alike
TABLE = SkeletonTask(NW_UCLA20, classes=10, channels=12, frames=32)


@dataclass(frozen=True)
class Options:
    """channels and voltage_decay (share of the voltage lost a step) have one entry a unit.

    attention, frequency, joint_bias: the parts. frequency_share: channels of a unit over those of
    its frequency branch. branch, window: see `blocks.frequency`.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256)
    voltage_decay: tuple[float, ...] = (0.5, 0.5, 0.25, 0.25)
    attention: bool = True
    heads: int = 8
    attention_threshold: float = 0.5
    frequency: bool = True
    frequency_share: int = 4
    branch: str = "joined"
    window: bool = True
    joint_bias: bool = True
    branch_gain: float = 0.5
    readout_gain: float = 0.25
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.voltage_decay) or not self.channels:
            raise SpikewattError(
                f"signal-sgn-loihi has {len(self.channels)} channels and "
                f"{len(self.voltage_decay)} voltage_decay; it needs one of each per unit, and at "
                "least one unit."
            )
        for channels in self.channels:
            if channels % self.heads or channels % self.frequency_share:
                raise SpikewattError(
                    f"A unit of {channels} channels with {self.heads} heads and 1 / "
                    f"{self.frequency_share} of them by frequency: take multiples of both."
                )


class BoneLayer(nn.Module):
    """LIF(BN(graph convolution along the bones) + bias of each joint)."""

    def __init__(
        self, skeleton: Skeleton, sizes: tuple[int, int], neuron: nn.Module, joint_bias: bool
    ) -> None:
        super().__init__()
        self.conv, self.norm = BoneConv(skeleton.partitions(), *sizes), StepNorm(sizes[1])
        self.bias = JointBias(sizes[1], skeleton.size) if joint_bias else nn.Identity()
        self.neuron = neuron

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T) spikes."""
        return self.neuron(self.bias(self.norm(self.conv(x))))


class LoihiUnit(nn.Module):
    """Graph convolution, attention and frequency branch, each adding its spikes."""

    def __init__(
        self, skeleton: Skeleton, sizes: tuple[int, int], decay: float, options: Options
    ) -> None:
        super().__init__()
        neuron = NeuronSettings(voltage_decay=decay).build
        self.convolution = BoneLayer(skeleton, sizes, neuron(), options.joint_bias)
        self.shortcut: nn.Module = nn.Identity()
        if sizes[0] != sizes[1]:
            self.shortcut = SpikingLayer(Pointwise(*sizes), sizes[1], neuron())
        self.attention = _attention(sizes[1], neuron, options) if options.attention else None
        self.frequency = None
        if options.frequency:
            width = sizes[1] // options.frequency_share
            settings = Frequency(skeleton.size, options.branch, options.window, width)
            self.frequency = FrequencyConv(sizes[1], sizes[1], settings, neuron)
            _quiet(self.frequency.branch, options.branch_gain)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T) sums of spikes."""
        y = self.convolution(x) + self.shortcut(x)
        for branch in (self.attention, self.frequency):
            if branch is not None:
                y = y + branch(y)
        return y


def _attention(channels: int, neuron: BuildNeuron, options: Options) -> TokenAttention:
    mixer = MaskMixer(options.heads, neuron(options.attention_threshold), mix_heads=True)
    attention = TokenAttention(channels, mixer, Parts(neuron, StepNorm), "spikes", bias=False)
    nn.init.constant_(attention.norm.weight, options.branch_gain)
    return attention


def _quiet(branch: nn.Module, gain: float) -> None:
    """The norms in front of the spikes that leave a frequency branch start at this gain."""
    for layer in branch.children():
        if isinstance(layer, SpikingLayer):
            nn.init.constant_(layer.norm.weight, gain)


class SignalSgnLoihi(nn.Module):
    """(N, C, V, T) or (N, M, C, V, T) graded inputs to (N, classes) logits, mean over persons.

    Raises SpikewattError for a task without skeletons and for an unknown branch.
    """

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "signal-sgn-loihi")
        sizes = (task.channels, *options.channels)
        self.units = nn.ModuleList(
            LoihiUnit(task.skeleton, (sizes[i], sizes[i + 1]), decay, options)
            for i, decay in enumerate(options.voltage_decay)
        )
        self.dropout = nn.Dropout(options.dropout)
        self.readout = IntegratingReadout(task.skeleton.size, sizes[-1], task.classes)
        self.readout.weight.data *= options.readout_gain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of whole clips."""
        x, persons = fold_persons(x)
        x = x * INPUT_SCALE
        for unit in self.units:
            x = self.dropout(unit(x))
        return unfold_persons(self.readout(x), persons)
