"""The frame of MK-SGN and Base-SGN: input norm, coding, fusion, blocks, read-out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.ann.layered import ClipNorm, Output, Tapped
from spikewatt.train.blocks.coding import SpikingCoding
from spikewatt.train.blocks.fusion import MutualInformationFusion, fusion
from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.task import SkeletonTask, unfold_persons

COORDINATES = 3  # channels of one modality


@dataclass(frozen=True)
class FrameOptions:
    """Switches of everything but the blocks; the defaults are MK-SGN's.

    steps: how often a clip is repeated. keep, averaging, width: see `Membrane`; 0.5 and True are
    a LIF of tau 2. fusion: mutual-information, mean or sum, of more than one modality.
    output_spikes: a population of output_threshold between the mean and the classifier. Means
    are small: at 1 it is nearly silent at first, and training wakes it through the surrogate.
    """

    steps: int = 4
    keep: float = 0.25
    averaging: bool = False
    width: float = 1.0
    fusion: str = "mutual-information"
    output_spikes: bool = True
    output_threshold: float = 1.0
    dropout: float = 0.3

    def membrane(self) -> Membrane:
        """The network's neurons."""
        return Membrane(self.keep, self.averaging, self.width)


class SpikingFrame(nn.Module):
    """Clips (N, M, 3 x modalities, V, F), or (N, 3 x modalities, V, F) of one person -> logits.

    The mean over frames, joints and persons -> LIF -> mean over steps -> classifier.
    """

    def __init__(
        self,
        task: SkeletonTask,
        options: FrameOptions,
        blocks: Sequence[nn.Module],
        channels: int,
    ) -> None:
        """channels: of the last block. Raises SpikewattError where 3 does not divide the task's."""
        super().__init__()
        modalities, rest = divmod(task.channels, COORDINATES)
        if rest or not modalities:
            raise SpikewattError(
                f"The clips have {task.channels} channels; a modality has {COORDINATES}."
            )
        neuron = options.membrane().build
        self.task, self.options = task, options
        self.input_norm = ClipNorm(task)
        self.codings = nn.ModuleList(
            SpikingCoding(COORDINATES, options.steps, neuron) for _ in range(modalities)
        )
        features = COORDINATES * task.skeleton.size
        self.fusion = fusion(options.fusion, modalities, features) if modalities > 1 else None
        self.blocks = nn.ModuleList(blocks)
        self.output = neuron(options.output_threshold) if options.output_spikes else nn.Identity()
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(channels, task.classes)

    def coded(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Spikes of each modality, (N M, 3, F, V, S) each."""
        parts = self.input_norm(x).split(COORDINATES, dim=1)
        return [code(part) for code, part in zip(self.codings, parts, strict=True)]

    def run(self, x: torch.Tensor, taps: Sequence[int]) -> Tapped:
        """Output of the last block, and those of the blocks in taps, (N M, C, F', V, S) each."""
        if not set(taps) <= set(range(1, len(self.blocks) + 1)):
            raise SpikewattError(f"Taps {tuple(taps)}: the blocks are 1 to {len(self.blocks)}.")
        spikes, kept = self.coded(x), {}
        y = spikes[0] if self.fusion is None else self.fusion(spikes)
        for number, block in enumerate(self.blocks, start=1):
            y = block(y)
            if number in taps:
                kept[number] = y
        return y, kept

    def forward(self, x: torch.Tensor, taps: Sequence[int] = ()) -> Output:
        """Logits (N, classes); with taps also {block: its output}, blocks counted from 1."""
        y, kept = self.run(x, taps)
        mean = unfold_persons(y.mean(dim=(2, 3)), self.task.persons)
        logits = self.classifier(self.dropout(self.output(mean).mean(dim=-1)))
        return (logits, kept) if taps else logits

    @torch.no_grad()
    def freeze_fusion(self, batches: Iterable[torch.Tensor]) -> None:
        """Fix the fusion's weights from batches of training clips; nothing where they are given."""
        if isinstance(self.fusion, MutualInformationFusion):
            training = self.training
            self.eval()
            self.fusion.freeze(self.coded(x) for x in batches)
            self.train(training)
