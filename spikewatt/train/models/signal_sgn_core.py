"""signal-sgn-core: the backbone of Signal-SGN (arXiv 2408.01701) that a chip holds natively.

1D spiking graph convolutions over the joints, one frame a step, and an integrating read-out.
Left out: attention, the frequency branch (FSC) and the wavelet branch (MWTF). The learned graph
is kept to the bones, and memory is the leak of the neurons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import NetworkBuilder
from spikewatt.network import Network, Readout, Sparse, StartRule
from spikewatt.train.blocks.graph_unit import GraphUnit, QuantisedGraphUnit
from spikewatt.train.blocks.neurons import NeuronSettings
from spikewatt.train.blocks.readout import IntegratingReadout, QuantisedReadout
from spikewatt.train.quantize import CURRENT_MAX, fill_scale, readout_scale
from spikewatt.train.task import Task, skeleton_task

INPUT_SCALE = 1 / 16  # graded inputs are tens, spikes are ones: weights start alike


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
    """Float network: (N, C, V, T) graded inputs to (N, classes) logits."""

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        task = skeleton_task(task, "signal-sgn-core")
        sizes = (task.channels, *options.channels)
        partitions = task.skeleton.partitions()
        self.units = nn.ModuleList(
            GraphUnit(
                partitions,
                (sizes[i], sizes[i + 1]),
                NeuronSettings(voltage_decay=decay),
                input_scale=INPUT_SCALE if i == 0 else 1.0,
            )
            for i, decay in enumerate(options.voltage_decay)
        )
        self.dropout = nn.Dropout(options.dropout)
        self.readout = IntegratingReadout(task.skeleton.size, sizes[-1], task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, classes)."""
        for unit in self.units:
            x = self.dropout(unit(x))
        return self.readout(x)

    @torch.no_grad()
    def quantise(self, x: torch.Tensor, limit: int) -> QuantisedSgnCore:
        """Fold and quantise; x (N, C, V, T): inputs to calibrate the read-out, |x| <= limit."""
        self.eval()
        scales = []
        for i, unit in enumerate(self.units):
            scales.append(_unit_scale(unit, float(limit) if i == 0 else 1.0))
            x = QuantisedGraphUnit(unit, scales[-1])(x)
        scales.append(readout_scale(self.readout, x))
        return self.with_scales(scales)

    def with_scales(self, scales: list[float]) -> QuantisedSgnCore:
        """The quantised twin with these scales, one a unit and the read-out's last."""
        units = [QuantisedGraphUnit(u, s) for u, s in zip(self.units, scales[:-1], strict=True)]
        return QuantisedSgnCore(units, QuantisedReadout(self.readout, scales[-1]))


def _unit_scale(unit: GraphUnit, largest: float) -> float:
    """The scale that fills 8 bits without any input overflowing the current."""
    weight, bias = unit.folded()
    importance = (unit.edges * unit.partitions).abs().sum(dim=2)  # (K, targets)
    reach = torch.einsum("kv,koc->vo", importance, weight.abs()).max() * largest
    on_bone = unit.edges[unit.partitions > 0].abs().max()
    return fill_scale(weight * on_bone, bias, float(reach))


def _check_current(synapses: Sparse, largest: int, unit: int) -> None:
    """Fine-tuning may not have grown the weights so far that a current could wrap."""
    reach = int(np.bincount(synapses.targets, np.abs(synapses.weight)).max()) * largest
    if reach > CURRENT_MAX:
        raise SpikewattError(
            f"Unit {unit} can reach a current of {reach}, limit {CURRENT_MAX}: beyond it the "
            "chip's 24-bit state wraps and SLAYER's does not. Fine-tune with a smaller learning "
            "rate."
        )


class QuantisedSgnCore(nn.Module):
    """The network in integers over 64: fine-tunes with straight-through gradients, then exports."""

    def __init__(self, units: list[QuantisedGraphUnit], readout: QuantisedReadout) -> None:
        super().__init__()
        self.units, self.readout = nn.ModuleList(units), readout

    @property
    def scales(self) -> list[float]:
        """What `SignalSgnCore.with_scales` needs to build this module again."""
        return [*(u.scale for u in self.units), self.readout.scale]

    def spikes(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Spikes of every unit, (N, C, V, T) each."""
        trace = []
        for unit in self.units:
            x = unit(x)
            trace.append(x)
        return trace

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, classes) logits."""
        return self.readout(self.spikes(x)[-1])

    @torch.no_grad()
    def lower(self, sample: torch.Tensor, facts: Mapping[str, Any]) -> Network:
        """The integer network: a chain of sparse layers and an integrator that is read at the end.

        sample: (N, C, V, T). Neurons are flat in (joint, channel) order.
        """
        _, channels, joints, _ = sample.shape
        builder = NetworkBuilder()
        builder.input((joints, 1, channels), message_bits=facts["message_bits"])
        builder.flatten()
        largest = 2 ** facts["message_bits"] - 1
        for i, unit in enumerate(self.units):
            unit.lower(builder, joints)
            _check_current(builder.projections[-1].synapses, 1 if i else largest, i)
        self.readout.lower(builder)
        readout = Readout("membrane", groups=builder.shape[0])
        return builder.build(StartRule.BY_DEPTH, readout, facts)
