"""The training loop: float epochs, then fine-tuning of the folded and quantised network."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import nn

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import Encoder, encoder_from_dict
from spikewatt.errors import SpikewattError
from spikewatt.export.lowering import FloatGraph
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.batches import batches, training_clips
from spikewatt.train.inputs import fitted_encoder, task_of, to_clips, to_places
from spikewatt.train.lowering import lower
from spikewatt.train.models import Model, model
from spikewatt.train.quantised import QuantisedNetwork, quantised
from spikewatt.train.recipe import Recipe, changed
from spikewatt.train.schedule import optimizer as make_optimizer
from spikewatt.train.schedule import rate_share

log = logging.getLogger("spikewatt")
CALIBRATION_CLIPS = 256
SAMPLE_CLIPS = 16  # test clips that travel with a checkpoint
EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Job:
    """One training run. data_spec is what the user wrote; resume goes on from out/last.ckpt."""

    model: Model
    dataset: AnyDataset
    data_spec: str
    recipe: Recipe
    options: Any
    seed: int
    out: Path
    device: str = "auto"
    resume: bool = False


@dataclass
class _State:
    """What changes while training goes on."""

    net: nn.Module
    record: dict[str, Any]
    epoch: int = 0
    float_weights: dict[str, torch.Tensor] | None = None
    scales: list[float] | None = None

    @property
    def fine(self) -> bool:
        """Whether the quantised network trains."""
        return self.scales is not None


@torch.no_grad()
def accuracy(net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of clips whose largest logit is their class; inputs (N, C, V, T)."""
    net.eval()
    right = 0
    device = next(net.parameters()).device
    for x, y in zip(inputs.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True):
        right += int((net(x.to(device)).argmax(dim=1).cpu() == y).sum())
    return right / len(labels)


class Training:
    """A run of `Job`; `run` trains to the end and returns the path of the last checkpoint."""

    def __init__(self, job: Job, progress: Callable[[int, int], None]) -> None:
        self.job, self.progress = job, progress
        self.fabric = Fabric(accelerator=_accelerator(job.device), devices=1)
        self.encoder = fitted_encoder(job.dataset, job.recipe, job.model.repeat(job.options))
        self.clips = training_clips(job.dataset, self.encoder, job.recipe)
        stimuli = self.encoder.encode_all(job.dataset.test)
        self.test = to_clips(stimuli, self.encoder)
        self.sample = torch.as_tensor(stimuli[:: max(1, len(stimuli) // SAMPLE_CLIPS)])
        self.test_labels = torch.tensor([c.label for c in job.dataset.test])
        torch.manual_seed(job.seed)
        task = task_of(self.encoder, len(job.dataset.classes))
        self.float_net = job.model.build(task, job.options)
        self.state = _State(self.float_net, _record(job, self.encoder))
        self.optimizer: torch.optim.Optimizer | None = None

    @property
    def deployable(self) -> bool:
        """Whether the network has a quantised twin; others train as floats in all epochs."""
        return self.job.model.deploys

    @property
    def float_epochs(self) -> int:
        """Epochs of the float network."""
        recipe = self.job.recipe
        return recipe.epochs if self.deployable else recipe.epochs + recipe.finetune_epochs

    @property
    def path(self) -> Path:
        """The checkpoint after the last finished epoch."""
        return self.job.out / "last.ckpt"

    def run(self) -> Path:
        """Train; exact resume, since every epoch's randomness depends on seed and epoch alone."""
        recipe = self.job.recipe
        self.job.out.mkdir(parents=True, exist_ok=True)
        resumed = self._restore() if self.job.resume and self.path.exists() else {}
        self._set_up(resumed)
        for epoch in range(self.state.epoch, recipe.epochs + recipe.finetune_epochs):
            if epoch == self.float_epochs:
                self._quantise()
            self._epoch(epoch)
        if self.deployable and not self.state.fine:
            self._quantise()
        self._finish()
        return self.path

    def _epoch(self, epoch: int) -> None:
        began = time.perf_counter()
        torch.manual_seed(self.job.seed * 1_000_003 + epoch)
        loss = self._train_epoch(epoch)
        self.state.epoch = epoch + 1
        self._save()
        seconds = time.perf_counter() - began
        log.info("epoch %d: loss %.4f, %.1f s", epoch + 1, loss, seconds)

    def _train_epoch(self, epoch: int) -> float:
        recipe, count = self.job.recipe, batches(self.clips, self.job.recipe)
        total_batches = (recipe.epochs + recipe.finetune_epochs) * count
        loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.net.train()
        total = 0.0
        for i, (x, y) in enumerate(self.clips.epoch(self.job.seed, epoch)):
            total += self._step(x, y, loss_of, self._rate(epoch, (i + 1) / count)) * len(y)
            self.progress(epoch * count + i + 1, total_batches)
        return total / len(self.clips.labels)

    def _rate(self, epoch: int, share: float) -> float:
        """Learning rate after this share of an epoch."""
        recipe, first = self.job.recipe, self.float_epochs
        if epoch < first:
            return recipe.lr * rate_share(epoch + share, first, recipe)
        fine = replace(recipe, schedule="one-cycle", warm_up=0)
        share = rate_share(epoch - first + share, recipe.finetune_epochs, fine)
        return recipe.finetune_lr * share

    def _step(self, x: torch.Tensor, y: torch.Tensor, loss_of: nn.Module, rate: float) -> float:
        assert self.optimizer is not None
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x, y = self.fabric.to_device((x, y))
        loss = loss_of(self.net(self._shaped(x)), y)
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.net, self.optimizer, max_norm=self.job.recipe.grad_clip)
        self.optimizer.step()
        return float(loss.detach())

    def _shaped(self, x: torch.Tensor) -> torch.Tensor:
        """Clips as the network that trains now takes them."""
        return to_places(x, self.encoder) if self.state.fine else x

    def _set_up(self, optimizer_state: dict[str, Any]) -> None:
        """Wrap network and optimizer for the device."""
        recipe = self.job.recipe
        recipe = replace(recipe, optimizer="adamw") if self.state.fine else recipe
        trained = (p for p in self.state.net.parameters() if p.requires_grad)
        optimizer = make_optimizer(trained, recipe)
        if optimizer_state:
            optimizer.load_state_dict(optimizer_state)
        self.net, self.optimizer = self.fabric.setup(self.state.net, optimizer)

    def _quantise(self) -> None:
        """End of the float phase: measure it, fold, quantise, start over with the optimizer."""
        self.state.record["float_accuracy"] = self._test_accuracy()
        log.info("float network: test accuracy %.4f", self.state.record["float_accuracy"])
        net = self.float_net.cpu()
        self.state.float_weights = {k: w.clone() for k, w in net.state_dict().items()}
        clips = self.job.dataset.train[:CALIBRATION_CLIPS]
        calibration = to_clips(self.encoder.encode_all(clips), self.encoder)
        places = to_places(calibration, self.encoder)
        twin = quantised(self._traced(), places, self.encoder.limit)
        self.state.net, self.state.scales = twin, twin.scales
        self._set_up({})

    def _traced(self) -> FloatGraph:
        return lower(self.float_net, tuple(self.test[:1].shape), self.encoder.shape)

    def _test_accuracy(self) -> float:
        return accuracy(self.net, self._shaped(self.test), self.test_labels)

    def _finish(self) -> None:
        kind = "quantised" if self.deployable else "float"
        found = self.state.record[f"{kind}_accuracy"] = self._test_accuracy()
        log.info("%s network: test accuracy %.4f", kind, found)
        self._save()

    def _save(self) -> None:
        assert self.optimizer is not None
        state = self.state
        ckpt.save(
            ckpt.Checkpoint(
                state.record,
                state.epoch,
                state.net.state_dict(),
                state.float_weights,
                state.scales,
                self.sample,
                self.optimizer.state_dict(),
            ),
            self.path,
        )

    def _restore(self) -> dict[str, Any]:
        saved = ckpt.load(self.path)
        _check_same_run(saved.record, self.state.record, self.path)
        self.state = replace(
            self.state,
            record=saved.record,
            epoch=saved.epoch,
            float_weights=saved.float_weights,
            scales=saved.scales,
        )
        if saved.scales is not None:
            self.float_net.load_state_dict(saved.float_weights)
            self.state.net = QuantisedNetwork(self._traced(), saved.scales)
        self.state.net.load_state_dict(saved.weights)
        return saved.optimizer


def _accelerator(device: str) -> str:
    """`auto` is the GPU where there is one."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SpikewattError("Device cuda is unavailable: no CUDA GPU was found. Use --device cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _record(job: Job, encoder: Encoder) -> dict[str, Any]:
    return {
        "model": job.model.name,
        "data": job.data_spec.partition(":")[0],
        "classes": list(job.dataset.classes),
        "encoder": encoder.to_dict(),
        "recipe": job.recipe.to_dict(),
        "options": asdict(job.options),
        "seed": job.seed,
        "train_clips": len(job.dataset.train),
        "test_clips": len(job.dataset.test),
    }


def _check_same_run(saved: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    for key in ("model", "data", "seed", "recipe", "options", "classes"):
        if saved[key] != _plain(wanted[key]):
            raise SpikewattError(
                f"Checkpoint {path} has {key} {saved[key]!r}, this run {_plain(wanted[key])!r}. "
                "Resume with the same settings, or train into another folder."
            )


def _plain(value: Any) -> Any:
    """As JSON gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def train(job: Job, progress: Callable[[int, int], None]) -> Path:
    """Run a job to its end; the checkpoint's path. progress: batches done, batches in all."""
    return Training(job, progress).run()


def restore(path: Path) -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    """The quantised network of a finished run, its record, and its sample stimuli."""
    saved = ckpt.load(path)
    if saved.scales is None:
        raise SpikewattError(_why_not_quantised(path, saved))
    net = float_network(path, saved)
    load_weights(net, saved.float_weights, path)
    encoder = encoder_from_dict(saved.record["encoder"])
    stimuli = saved.sample.numpy()
    graph = lower(net, tuple(to_clips(stimuli[:1], encoder).shape), encoder.shape)
    twin = QuantisedNetwork(graph, saved.scales)
    load_weights(twin, saved.weights, path)
    return twin.eval(), saved.record, stimuli


def float_network(path: Path, saved: ckpt.Checkpoint) -> nn.Module:
    """The network of a checkpoint's record, before its weights are loaded."""
    entry = model(saved.record["model"])
    encoder = encoder_from_dict(saved.record["encoder"])
    task = task_of(encoder, len(saved.record["classes"]))
    options = changed(entry.options, saved.record["options"], f"Checkpoint {path}")
    return entry.build(task, options)


def _why_not_quantised(path: Path, saved: ckpt.Checkpoint) -> str:
    recipe = saved.record["recipe"]
    if saved.epoch < recipe["epochs"] + recipe["finetune_epochs"]:
        return (
            f"Checkpoint {path} is after {saved.epoch} epochs and not quantised yet. Finish "
            "training with `spikewatt train ... --resume`."
        )
    return (
        f"Checkpoint {path} holds {saved.record['model']}, which has no integer form here and "
        "cannot be exported. `spikewatt models` says which networks have one."
    )


def load_weights(net: nn.Module, weights: dict[str, torch.Tensor] | None, path: Path) -> None:
    """Weights of a checkpoint into a network; SpikewattError where they do not fit."""
    try:
        net.load_state_dict(weights or {})
    except RuntimeError as error:
        raise SpikewattError(
            f"Checkpoint {path} is not of the model and options that it names: {error}"
        ) from error
