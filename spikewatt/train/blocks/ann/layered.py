"""The frame of the skeleton networks: input norm, blocks one after the other, mean, classifier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.ann.temporal import residual
from spikewatt.train.task import SkeletonTask, unfold_persons

Tapped = tuple[torch.Tensor, dict[int, torch.Tensor]]
Output = torch.Tensor | Tapped


@dataclass(frozen=True)
class Layer:
    """Shape of one of the ten layers; the first has no residual around it."""

    channels_in: int
    channels_out: int
    stride: int = 1
    first: bool = False

    def residual(self) -> nn.Module | None:
        """The path around the layer: none, the identity, or a normalised 1x1."""
        return None if self.first else residual(self.channels_in, self.channels_out, self.stride)


def ten_layers(channels: int, width: int = 64) -> tuple[Layer, ...]:
    """Four layers of `width`, three of twice, three of four times that; strides 2 at 5 and 8."""
    widths = [width] * 4 + [2 * width] * 3 + [4 * width] * 3
    before = [channels, *widths[:-1]]
    strides = [2 if i in (4, 7) else 1 for i in range(10)]
    shapes = zip(before, widths, strides, strict=True)
    return tuple(Layer(a, b, s, first=i == 0) for i, (a, b, s) in enumerate(shapes))


class SpatioTemporal(nn.Module):
    """relu(temporal(graph(x)) + residual(x))."""

    def __init__(self, graph: nn.Module, temporal: nn.Module, around: nn.Module | None) -> None:
        super().__init__()
        self.graph, self.temporal, self.around = graph, temporal, around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V)."""
        y = self.temporal(self.graph(x))
        return torch.relu(y if self.around is None else y + self.around(x))


class ClipNorm(nn.Module):
    """Batch normalisation of each coordinate of each joint, of each person or of all alike.

    (N, M, C, V, F), or (N, C, V, F) where persons = 1, -> (N M, C, F, V). Raises SpikewattError
    for clips of another shape.
    """

    def __init__(self, task: SkeletonTask, persons_alike: bool = False) -> None:
        super().__init__()
        self.shape = (task.persons, task.channels, task.skeleton.size)
        self.persons_alike = persons_alike
        features = math.prod(self.shape[1:] if persons_alike else self.shape)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised clips, persons in the batch, joints last."""
        clips = x.unsqueeze(1) if x.dim() == 4 else x
        if clips.dim() != 5 or clips.shape[1:4] != self.shape:
            raise SpikewattError(
                f"A clip of shape {tuple(x.shape)} came to a network for (persons, channels, "
                f"joints) = {self.shape} and frames last. Build the network for the clips' task."
            )
        flat = clips.flatten(0, 1) if self.persons_alike else clips
        y = self.norm(flat.flatten(1, -2)).view(clips.shape)
        return y.flatten(0, 1).transpose(2, 3)


def classifier(channels: int, classes: int) -> nn.Linear:
    """A linear layer, started with a spread of sqrt(2 / classes)."""
    layer = nn.Linear(channels, classes)
    nn.init.normal_(layer.weight, std=math.sqrt(2 / classes))
    return layer


class LayeredNet(nn.Module):
    """Input norm, blocks, mean over frames, joints and persons, classifier."""

    def __init__(
        self,
        task: SkeletonTask,
        blocks: Sequence[nn.Module],
        channels: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.persons = task.persons
        self.input_norm = ClipNorm(task)
        self.blocks = nn.ModuleList(blocks)
        self.dropout = nn.Dropout(dropout)
        self.classifier = classifier(channels, task.classes)

    def run(self, x: torch.Tensor, taps: Sequence[int]) -> Tapped:
        """Mean features (N, C) and the outputs (N M, C, F', V) of the blocks in taps, from 1.

        Raises SpikewattError for a tap that is no block.
        """
        if not set(taps) <= set(range(1, len(self.blocks) + 1)):
            raise SpikewattError(f"Taps {tuple(taps)}: the blocks are 1 to {len(self.blocks)}.")
        y, kept = self.input_norm(x), {}
        for number, block in enumerate(self.blocks, start=1):
            y = block(y)
            if number in taps:
                kept[number] = y
        return unfold_persons(y.mean(dim=(2, 3)), self.persons), kept

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the classifier reads: (N, M, C, V, F) or (N, C, V, F) -> (N, channels)."""
        return self.run(x, ())[0]

    def forward(self, x: torch.Tensor, taps: Sequence[int] = ()) -> Output:
        """Logits (N, classes); with taps also {block: its output (N M, C, F', V)}, from block 1."""
        mean, kept = self.run(x, taps)
        logits = self.classifier(self.dropout(mean))
        return (logits, kept) if taps else logits


class Streams(nn.Module):
    """One network a modality; logits = sum over streams of weight x logits.

    task.channels holds the modalities one after the other, equally many channels each. build:
    task of one modality -> network. Raises SpikewattError where the channels do not divide.
    """

    def __init__(
        self,
        build: Callable[[SkeletonTask], nn.Module],
        task: SkeletonTask,
        weights: Sequence[float],
    ) -> None:
        super().__init__()
        if task.channels % len(weights):
            raise SpikewattError(
                f"{len(weights)} streams cannot share {task.channels} channels. "
                f"Give the data {len(weights)} modalities, or take the network of one stream."
            )
        channels = task.channels // len(weights)
        one = replace(task, channels=channels)
        self.streams = nn.ModuleList(build(one) for _ in weights)
        self.weights = tuple(weights)

    def forward(self, x: torch.Tensor, taps: Sequence[int] = ()) -> Output:
        """As LayeredNet; a tap holds the streams' channels one after the other."""
        parts = x.chunk(len(self.streams), dim=-3)
        outputs = [net(part, taps) for net, part in zip(self.streams, parts, strict=True)]
        logits = [out[0] if taps else out for out in outputs]
        fused = sum(w * one for w, one in zip(self.weights, logits, strict=True))
        if not taps:
            return fused
        return fused, {tap: torch.cat([out[1][tap] for out in outputs], dim=1) for tap in taps}
