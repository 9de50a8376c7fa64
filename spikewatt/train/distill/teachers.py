"""Teachers of a recipe: checkpoints of float networks, checked against the student's clips."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spikewatt.data.encode import Encoder, SkeletonEncoder, encoder_from_dict
from spikewatt.data.modalities import MODALITIES
from spikewatt.errors import SpikewattError
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.recipe import Distill
from spikewatt.train.restoring import float_network, load_weights

# what must be as in the student's encoder; how often clips are shown is the student's own
ALIKE = ("skeleton", "frames", "crop", "limit", "align_view", "keep_path", "persons")


@dataclass(frozen=True)
class Teacher:
    """A trained network and the file it came from."""

    path: Path
    net: nn.Module
    model: str
    sha256: str  # of its weights

    @property
    def name(self) -> str:
        """What a record says of it, wherever the file lies."""
        return f"{self.model} sha256:{self.sha256}"


def modalities_of(distill: Distill, own: Sequence[str]) -> tuple[str, ...]:
    """One for each teacher; SpikewattError unless the student's own are the first of them."""
    wanted = tuple(MODALITIES)[: len(distill.teachers)]
    if len(distill.teachers) > len(MODALITIES):
        raise SpikewattError(
            f"The recipe has {len(distill.teachers)} teachers; there are {len(MODALITIES)} "
            f"modalities, {', '.join(MODALITIES)}, and one teacher for each."
        )
    if tuple(own) != wanted[: len(own)]:
        raise SpikewattError(
            f"The student reads {', '.join(own)}, its {len(wanted)} teachers {', '.join(wanted)}. "
            "A student reads the first of its teachers' modalities; change modalities or teachers."
        )
    return wanted


def load_teachers(distill: Distill, encoder: Encoder, classes: Sequence[str]) -> list[Teacher]:
    """All teachers; encoder: of their modalities, one each. Raises SpikewattError for a misfit."""
    if not isinstance(encoder, SkeletonEncoder):
        raise SpikewattError("Teachers are networks of skeletons; this data set holds none.")
    return [
        _teacher(Path(path), encoder, place, classes) for place, path in enumerate(distill.teachers)
    ]


def _teacher(path: Path, encoder: SkeletonEncoder, place: int, classes: Sequence[str]) -> Teacher:
    saved = ckpt.load(path)
    _check_trained(path, saved)
    own = encoder_from_dict(saved.record["encoder"])
    found = {**_facts(own), "classes": saved.record["classes"]}
    _check_alike(path, found, {**_facts(encoder, place), "classes": list(classes)})
    net = float_network(path, saved)
    load_weights(net, saved.deployed, path)
    return Teacher(path, net, saved.record["model"], weights_sha256(saved.deployed))


def _check_trained(path: Path, saved: ckpt.Checkpoint) -> None:
    if saved.scales is not None:
        raise SpikewattError(
            f"Teacher {path} is a quantised {saved.record['model']}; teachers are float networks, "
            "such as ctr-gcn."
        )
    if saved.epoch < saved.epochs:
        raise SpikewattError(
            f"Teacher {path} is after {saved.epoch} of {saved.epochs} epochs. Finish its training "
            "with `spikewatt train ... --resume`."
        )


def _facts(encoder: Encoder, place: int = 0) -> dict[str, Any]:
    """What decides the clips of an encoder: all of them, or those of one modality."""
    record = encoder.to_dict()
    if not isinstance(encoder, SkeletonEncoder):
        return {"kind": record["kind"]}
    alike = {key: record[key] for key in ("kind", *ALIKE)}
    return {**alike, "modality": record["modalities"][place], "gain": record["gain"][place]}


def _check_alike(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differ = [
        f"{key} {found.get(key)!r} (here {wanted[key]!r})"
        for key in wanted
        if found.get(key) != wanted[key]
    ]
    if differ:
        raise SpikewattError(
            f"Teacher {path} does not fit: it was trained with {', '.join(differ)}. Train it on "
            "the student's data with these settings, or name another teacher in this place."
        )


def weights_sha256(weights: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors, in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        w = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {w.dtype} {tuple(w.shape)};".encode())
        digest.update(w.numpy().tobytes())
    return digest.hexdigest()
