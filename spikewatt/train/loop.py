"""The training loop: float epochs, then fine-tuning of the folded and quantised network."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering import FloatGraph
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.batches import batches, plain_batches
from spikewatt.train.distill import Distillation, from_recipe
from spikewatt.train.evaluation import accuracy
from spikewatt.train.events import Counter, FloatCounter, QuantisedCounter
from spikewatt.train.inputs import deployed_encoder, task_of, to_clips, to_places
from spikewatt.train.job import Job, material, sample_of
from spikewatt.train.learner import Learner
from spikewatt.train.lowering import lower
from spikewatt.train.objective import COUNTED, Beside
from spikewatt.train.quantised import QuantisedNetwork, quantised
from spikewatt.train.record import check_same_run, run_record
from spikewatt.train.restoring import float_network, load_weights, restore
from spikewatt.train.scalars import Scalars
from spikewatt.train.schedule import rate_share

__all__ = ["Job", "Training", "accuracy", "float_network", "load_weights", "restore", "train"]

log = logging.getLogger("spikewatt")
CALIBRATION_CLIPS = 256


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


class Training:
    """A run of `Job`; `run` trains to the end and returns the path of the last checkpoint."""

    def __init__(self, job: Job, progress: Callable[[int, int], None]) -> None:
        self.job, self.progress = job, progress
        self.fabric = Fabric(accelerator=job.accelerator, devices=1)
        self.material = material(job)
        self.clips, self.encoder = self.material.training, self.material.encoder
        self.sample = sample_of(job, self.encoder)
        torch.manual_seed(job.seed)
        task = task_of(self.encoder, len(job.dataset.classes))
        self.float_net = job.model.network(task, job.options)
        self.distillation, teachers = self._taught()
        self.state = _State(self.float_net, run_record(job, self.encoder, teachers))
        self.deployable = self._has_integer_form()
        self._check_price()
        self.scalars: Scalars | None = None

    def _has_integer_form(self) -> bool:
        """Whether the network has a quantised twin; others train as floats in all epochs."""
        if not self.job.model.deploys:
            return False
        try:
            self._traced(self.float_net)
        except SpikewattError as reason:
            self.state.record[ckpt.FLOAT_ONLY] = str(reason)
            log.warning("%s trains as a float network only: %s", self.job.model.name, reason)
            return False
        return True

    def _check_price(self) -> None:
        if self.job.recipe.events.weight and not self.deployable:
            why = self.state.record.get(ckpt.FLOAT_ONLY, "It is not made of spikes.")
            raise SpikewattError(
                f"The recipe prices synaptic events, but {self.job.model.name} has no integer form "
                f"to count them in: {why} Leave [events] out, or change the model's options."
            )

    @property
    def float_epochs(self) -> int:
        """Epochs of the float network."""
        recipe = self.job.recipe
        return recipe.epochs if self.deployable else recipe.epochs + recipe.finetune_epochs

    @property
    def path(self) -> Path:
        """The checkpoint after the last finished epoch."""
        return self.job.out / "last.ckpt"

    def _taught(self) -> tuple[Distillation | None, list[str]]:
        """The distillation, where the recipe has teachers, and their names."""
        recipe, classes = self.job.recipe, self.job.dataset.classes
        if not recipe.distill.teachers:
            return None, []
        return from_recipe(self.float_net, recipe, self.material.seen, classes)

    def run(self) -> Path:
        """Train; exact resume, since every epoch's randomness depends on seed and epoch alone."""
        self.prepare()
        if self.job.recipe.tensorboard:
            self.scalars = Scalars(self.job.out / "tensorboard", self.state.epoch)
        try:
            self._run_epochs()
        finally:
            if self.scalars is not None:
                self.scalars.close()
        return self.path

    def prepare(self) -> None:
        """Everything in place for the next epoch: that of the checkpoint, or the first."""
        self.job.out.mkdir(parents=True, exist_ok=True)
        ckpt.clear_leftovers(self.path)
        self._set_up(self._restore() if self.job.resume and self.path.exists() else None)

    def _run_epochs(self) -> None:
        recipe = self.job.recipe
        for epoch in range(self.state.epoch, recipe.epochs + recipe.finetune_epochs):
            if epoch == self.float_epochs:
                self._quantise()
            self._epoch(epoch)
        if self.deployable and not self.state.fine:
            self._quantise()
        self._finish()

    def _epoch(self, epoch: int) -> None:
        began = time.perf_counter()
        self._seed(epoch)
        losses = self._train_epoch(epoch)
        self.state.epoch = epoch + 1
        self._write_scalars(losses)
        self._save()
        seconds = time.perf_counter() - began
        events = f", {losses[COUNTED]:.0f} events a clip" if COUNTED in losses else ""
        log.info("epoch %d: loss %.4f%s, %.1f s", epoch + 1, losses["total"], events, seconds)

    def _seed(self, epoch: int) -> None:
        torch.manual_seed(self.job.seed * 1_000_003 + epoch)

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        """Mean over the clips of each loss, and of what is counted beside them."""
        recipe, count = self.job.recipe, batches(self.clips, self.job.recipe)
        total_batches = (recipe.epochs + recipe.finetune_epochs) * count
        before = (epoch - self.float_epochs if self.state.fine else epoch) * count
        self.learner.begin(epoch)
        totals: dict[str, torch.Tensor] = {}
        for i, (x, y) in enumerate(self.clips.epoch(self.job.seed, epoch), start=1):
            losses = self.learner.step(x, y, self._rate(epoch, i / count), before + i)
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0) + loss.detach() * len(y)
            self.progress(epoch * count + i, total_batches)
        return {name: float(total) / len(self.clips.labels) for name, total in totals.items()}

    def _rate(self, epoch: int, share: float) -> float:
        """Learning rate after this share of an epoch."""
        recipe, first = self.job.recipe, self.float_epochs
        if epoch < first:
            return recipe.lr * rate_share(epoch + share, first, recipe)
        fine = replace(recipe, schedule="one-cycle", warm_up=0)
        share = rate_share(epoch - first + share, recipe.finetune_epochs, fine)
        return recipe.finetune_lr * share

    def _shaped(self, x: torch.Tensor) -> torch.Tensor:
        """Clips as the network that trains now takes them."""
        own = x if self.distillation is None else x.narrow(-3, 0, self.distillation.channels)
        return to_places(own, self.encoder) if self.state.fine else own

    def _counter(self) -> Counter | None:
        """Of synaptic events, where the recipe prices them in this phase."""
        price, first = self.job.recipe.events, self.float_epochs
        if not price.weight or (not self.state.fine and price.start_epoch >= first):
            return None
        if self.state.fine:
            return QuantisedCounter(self.state.net, self._shaped)
        task = task_of(self.encoder, len(self.job.dataset.classes))
        copy = self.job.model.network(task, self.job.options)
        return FloatCounter(self.float_net, copy, self._seen_as_places, self.encoder.limit)

    def _seen_as_places(self, net: nn.Module) -> tuple[FloatGraph, Callable[..., torch.Tensor]]:
        """The graph of a float network, and its clips as its integer form would take them."""
        encoder = deployed_encoder(net, self.encoder)
        return self._traced(net), lambda x: to_places(self._shaped(x), encoder)

    def _set_up(self, resumed: ckpt.Checkpoint | None) -> None:
        """What learns in this phase, on the device."""
        recipe, fine = self.job.recipe, self.state.fine
        recipe = replace(recipe, optimizer="adamw") if fine else recipe
        teachers = None if fine else self.distillation
        beside = Beside(self._shaped, teachers, self._counter())
        self.learner = Learner(self.state.net, recipe, beside)
        self.learner.set_up(self.fabric, resumed)

    def _settle(self) -> None:
        """The end of a phase: averaged weights; of the float one, also what its data fix."""
        average = self.learner.average
        if average is not None:
            self.state.net.load_state_dict(average.weights)
        freeze = getattr(self.state.net, "freeze_fusion", None)
        if freeze is not None:
            self._seed(self.float_epochs)
            clips, size = self.job.dataset.train, self.job.recipe.batch_size
            parts = plain_batches(clips, self.encoder, size)
            freeze(self.fabric.to_device(x) for x in parts)

    def _quantise(self) -> None:
        """End of the float phase: measure it, fold, quantise, start over with the optimizer."""
        self._measure("float")
        net = self.float_net.cpu()
        self.state.float_weights = {k: w.clone() for k, w in net.state_dict().items()}
        clips = self.job.dataset.train[:CALIBRATION_CLIPS]
        calibration = to_clips(self.encoder.encode_all(clips), self.encoder)
        self._hand_over()
        places = to_places(calibration, self.encoder)
        twin = quantised(self._traced(self.float_net), places, self.encoder.limit)
        self.state.net, self.state.scales = twin, twin.scales
        self._set_up(None)

    def _hand_over(self) -> None:
        """From here on the encoder computes what the integer network leaves to its host."""
        self.encoder = deployed_encoder(self.float_net, self.encoder)
        self.state.record["encoder"] = self.encoder.to_dict()
        self.sample = sample_of(self.job, self.encoder)

    def _traced(self, net: nn.Module) -> FloatGraph:
        return lower(net, tuple(self.material.test[:1].shape), self.encoder.shape)

    def _test_accuracy(self) -> float:
        test = self.material.test
        return accuracy(self.state.net, self._shaped(test), self.material.test_labels)

    def _measure(self, kind: str) -> None:
        """Settle, and record what share of the test clips is right."""
        self._settle()
        found = self.state.record[f"{kind}_accuracy"] = self._test_accuracy()
        log.info("%s network: test accuracy %.4f", kind, found)
        if self.scalars is not None:
            self.scalars.write({f"test/{kind}_accuracy": found}, self.state.epoch)

    def _finish(self) -> None:
        self._measure("quantised" if self.deployable else "float")
        self._save()

    def _write_scalars(self, losses: dict[str, float]) -> None:
        """Losses, the last learning rate and the test accuracy of an epoch."""
        if self.scalars is None:
            return
        points = {f"train/loss/{name}": v for name, v in losses.items() if name != COUNTED}
        points |= {f"train/{name}": v for name, v in losses.items() if name == COUNTED}
        points["train/lr"] = self.learner.rate
        points["test/accuracy"] = self._averaged_accuracy()
        self.scalars.write(points, self.state.epoch)

    def _averaged_accuracy(self) -> float:
        average = self.learner.average
        if average is None:
            return self._test_accuracy()
        with average.worn_by(self.state.net):
            return self._test_accuracy()

    def _save(self) -> None:
        state = self.state
        checkpoint = ckpt.Checkpoint(
            record=state.record,
            epoch=state.epoch,
            weights=state.net.state_dict(),
            float_weights=state.float_weights,
            scales=state.scales,
            sample=self.sample,
            **self.learner.saved(),
        )
        ckpt.save(checkpoint, self.path)

    def _restore(self) -> ckpt.Checkpoint:
        saved = ckpt.load(self.path)
        check_same_run(saved.record, self.state.record, self.path)
        self.state = replace(
            self.state,
            record=saved.record,
            epoch=saved.epoch,
            float_weights=saved.float_weights,
            scales=saved.scales,
        )
        if saved.scales is not None:
            self.float_net.load_state_dict(saved.float_weights)
            self._hand_over()
            self.state.net = QuantisedNetwork(self._traced(self.float_net), saved.scales)
        self.state.net.load_state_dict(saved.weights)
        return saved


def train(job: Job, progress: Callable[[int, int], None]) -> Path:
    """Run a job to its end; the checkpoint's path. progress: batches done, batches in all."""
    return Training(job, progress).run()
