"""signal-sgn-core: the backbone of Signal-SGN (arXiv 2408.01701) that a chip holds natively.

1D spiking graph convolutions over the joints, one frame a step, and an integrating read-out.
Left out: attention, the frequency branch (FSC) and the wavelet branch (MWTF). The learned graph
is kept to the bones, and memory is the leak of the neurons.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.bone_conv import BoneConv
from spikewatt.train.blocks.neurons import NeuronSettings
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.blocks.spiking_layer import SpikingLayer
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

INPUT_SCALE = 1 / 16  # graded inputs are tens, spikes are ones: weights start alike
TABLE = SkeletonTask(NW_UCLA20, classes=10, channels=12, frames=32)


@dataclass(frozen=True)
class Options:
    """channels and voltage_decay have one entry a unit."""

    channels: tuple[int, ...] = (64, 128, 128, 256)
    voltage_decay: tuple[float, ...] = (0.5, 0.5, 0.25, 0.25)
    dropout: float = 0.25

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.voltage_decay) or not self.channels:
            raise SpikewattError(
                f"signal-sgn-core has {len(self.channels)} channels and "
                f"{len(self.voltage_decay)} voltage_decay; it needs one of each per unit, and at "
                "least one unit."
            )


class SignalSgnCore(nn.Module):
    """(N, C, V, T) graded inputs to (N, classes) logits."""

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "signal-sgn-core")
        sizes = (task.channels, *options.channels)
        partitions = task.skeleton.partitions()
        self.units = nn.ModuleList(
            SpikingLayer(
                BoneConv(partitions, sizes[i], sizes[i + 1]),
                sizes[i + 1],
                NeuronSettings(voltage_decay=decay).build(),
            )
            for i, decay in enumerate(options.voltage_decay)
        )
        self.dropout = nn.Dropout(options.dropout)
        self.readout = IntegratingReadout(task.skeleton.size, sizes[-1], task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, classes)."""
        x = x * INPUT_SCALE
        for unit in self.units:
            x = self.dropout(unit(x))
        return self.readout(x)
