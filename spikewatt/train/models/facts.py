"""What a model is made of, counted from its modules and its integer network."""

from __future__ import annotations

from typing import Any

import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.energy.events import dense_macs, synapses
from spikewatt.export.modules import from_slayer
from spikewatt.train.models import Model

CLASSES, CHANNELS, LIMIT = 10, 12, 63  # NW-UCLA, four modalities


def facts(entry: Model) -> dict[str, Any]:
    """Parameters, LIF neurons, synapses and dense MACs for NW-UCLA's skeleton and classes."""
    recipe = entry.recipe
    torch.manual_seed(0)
    net = entry.build(entry.table, entry.options)
    sample = torch.zeros(1, CHANNELS, NW_UCLA20.size, recipe.frames)
    network = from_slayer(net.quantise(sample, LIMIT), sample, {"message_bits": LIMIT.bit_length()})
    macs = sum(dense_macs(network, p) for p in network.projections)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "skeleton": f"{NW_UCLA20.name}, {CLASSES} classes, {CHANNELS} input channels",
        "steps per clip": recipe.frames,
        "populations": len(network.populations),
        "LIF neurons": sum(p.size for p in network.populations),
        "synapses (non-zero)": sum(synapses(network, p) for p in network.projections),
        "dense MACs per step": macs,
        "dense MACs per clip": macs * recipe.frames,
        "recipe": f"{recipe.epochs} + {recipe.finetune_epochs} epochs, batch {recipe.batch_size}",
    }
