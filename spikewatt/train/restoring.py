"""Networks from checkpoints: float ones, and the quantised ones that are exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.data.encode import encoder_from_dict
from spikewatt.errors import SpikewattError
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.inputs import task_of, traced_shapes
from spikewatt.train.lowering import lower
from spikewatt.train.models import model
from spikewatt.train.quantised import QuantisedNetwork
from spikewatt.train.recipe import changed


def restore(path: Path) -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    """The quantised network of a finished run, its record, and its sample stimuli."""
    saved = ckpt.load(path)
    if saved.scales is None:
        raise SpikewattError(_why_not_quantised(path, saved))
    net = float_network(path, saved)
    load_weights(net, saved.float_weights, path)
    encoder = encoder_from_dict(saved.record["encoder"])
    stimuli = saved.sample.numpy()
    graph = lower(net, *traced_shapes(encoder))
    twin = QuantisedNetwork(graph, saved.scales)
    load_weights(twin, saved.deployed, path)
    return twin.eval(), saved.record, stimuli


def float_network(path: Path, saved: ckpt.Checkpoint) -> nn.Module:
    """The network of a checkpoint's record, before its weights are loaded."""
    entry = model(saved.record["model"])
    encoder = encoder_from_dict(saved.record["encoder"])
    task = task_of(encoder, len(saved.record["classes"]))
    options = changed(entry.options, saved.record["options"], f"Checkpoint {path}")
    return entry.network(task, options)


def _why_not_quantised(path: Path, saved: ckpt.Checkpoint) -> str:
    if saved.epoch < saved.epochs:
        return (
            f"Checkpoint {path} is after {saved.epoch} epochs and not quantised yet. Finish "
            "training with `spikewatt train ... --resume`."
        )
    why = saved.record.get(ckpt.FLOAT_ONLY, "`spikewatt models` says which networks have one.")
    return (
        f"Checkpoint {path} holds {saved.record['model']}, which has no integer form here and "
        f"cannot be exported. {why}"
    )


def load_weights(net: nn.Module, weights: dict[str, torch.Tensor] | None, path: Path) -> None:
    """Weights of a checkpoint into a network; SpikewattError where they do not fit."""
    try:
        net.load_state_dict(weights or {})
    except RuntimeError as error:
        raise SpikewattError(
            f"Checkpoint {path} is not of the model and options that it names: {error}"
        ) from error
