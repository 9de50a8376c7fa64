"""The training loop: float epochs, then fine-tuning of the folded and quantised network."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spikewatt.data.encode import Encoder
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.batches import batches, plain_batches
from spikewatt.train.distill import Distillation, from_recipe
from spikewatt.train.evaluation import accuracy, mean_loss
from spikewatt.train.events import Counter, QuantisedCounter
from spikewatt.train.form import CALIBRATION_CLIPS, Form
from spikewatt.train.inputs import to_clips, to_places
from spikewatt.train.job import Job, material, sample_of
from spikewatt.train.learner import Learner
from spikewatt.train.machines import agree, device_name, fabric_of, share_of
from spikewatt.train.objective import COUNTED, Beside
from spikewatt.train.record import check_same_run, run_record
from spikewatt.train.restoring import float_network, load_weights, restore
from spikewatt.train.scalars import Scalars
from spikewatt.train.schedule import rate_after

__all__ = ["Job", "Training", "accuracy", "float_network", "load_weights", "restore", "train"]

log = logging.getLogger("spikewatt")


@dataclass
class _State:
    """What changes while training goes on."""

    net: nn.Module
    record: dict[str, Any]
    epoch: int = 0
    float_weights: dict[str, torch.Tensor] | None = None
    scales: list[float] | None = None
    seconds: float = 0.0  # of all epochs

    @property
    def fine(self) -> bool:
        """Whether the quantised network trains."""
        return self.scales is not None


class Training:
    """A run of `Job`; `run` trains to the end and returns the path of the last checkpoint."""

    def __init__(self, job: Job, progress: Callable[[int, int], None]) -> None:
        self.job, self.fabric = job, fabric_of(job)
        self.first = self.fabric.is_global_zero  # the process that writes and tells
        self.progress = progress if self.first else lambda done, total: None
        self.material = material(job)
        self.clips = self.material.training
        torch.manual_seed(job.seed)
        self.form = Form(job, self.material.encoder)
        self.sample = sample_of(job, self.encoder)
        self.distillation, teachers = self._taught()
        machine = {"device": device_name(self.fabric), "torch": torch.__version__}
        self.state = _State(self.form.net, run_record(job, self.encoder, teachers) | machine)
        self._tell_refusal()
        self.form.check_price()
        self.scalars: Scalars | None = None

    @property
    def encoder(self) -> Encoder:
        """Of what the network that trains now reads."""
        return self.form.encoder

    def _tell_refusal(self) -> None:
        if self.job.model.deploys and not self.form.deployable:
            self.state.record[ckpt.FLOAT_ONLY] = self.form.refusal
            name = self.job.model.name
            log.warning("%s trains as a float network only: %s", name, self.form.refusal)

    @property
    def float_epochs(self) -> int:
        """Epochs of the float network."""
        recipe = self.job.recipe
        return recipe.epochs + (0 if self.form.deployable else recipe.finetune_epochs)

    @property
    def path(self) -> Path:
        """The checkpoint after the last finished epoch."""
        return self.job.out / "last.ckpt"

    def _taught(self) -> tuple[Distillation | None, list[str]]:
        """The distillation, where the recipe has teachers, and their names."""
        recipe, classes = self.job.recipe, self.job.dataset.classes
        if not recipe.distill.teachers:
            return None, []
        return from_recipe(self.form.net, recipe, self.material.seen, classes)

    def run(self) -> Path:
        """Train; exact resume, since every epoch's randomness depends on seed and epoch alone.

        A run that is over stays as it is.
        """
        if self._finished():
            return self.path
        self.prepare()
        if self.job.recipe.tensorboard and self.first:
            self.scalars = Scalars(self.job.out / "tensorboard", self.state.epoch)
        try:
            self._run_epochs()
        finally:
            if self.scalars is not None:
                self.scalars.close()
        return self.path

    def _finished(self) -> bool:
        if not (self.job.resume and self.path.exists()):
            return False
        saved = ckpt.load(self.path)
        check_same_run(saved.record, self.state.record, self.path)
        return saved.finished

    def prepare(self) -> None:
        """Everything in place for the next epoch: that of the checkpoint, or the first."""
        if self.first:
            self.job.out.mkdir(parents=True, exist_ok=True)
            ckpt.clear_leftovers(self.path)
        self.fabric.barrier()
        self._set_up(self._restore() if self.job.resume and self.path.exists() else None)

    def _run_epochs(self) -> None:
        recipe = self.job.recipe
        for epoch in range(self.state.epoch, recipe.epochs + recipe.finetune_epochs):
            if epoch == self.float_epochs:
                self._quantise()
            self._epoch(epoch)
        if self.form.deployable and not self.state.fine:
            self._quantise()
        self._measure("quantised" if self.form.deployable else "float")
        self._save()

    def _epoch(self, epoch: int) -> None:
        began = time.perf_counter()
        self._seed(epoch, self.fabric.global_rank)
        losses = self._train_epoch(epoch)
        agree(self.fabric, self.learner.tensors())
        self.state.epoch = epoch + 1
        seconds = time.perf_counter() - began
        self.state.seconds += seconds
        self._write_scalars(losses)
        self._save()
        if self.first:
            events = f", {losses[COUNTED]:.0f} events a clip" if COUNTED in losses else ""
            log.info("epoch %d: loss %.4f%s, %.1f s", epoch + 1, losses["total"], events, seconds)

    def _seed(self, epoch: int, rank: int = 0) -> None:
        torch.manual_seed(self.job.seed * 1_000_003 + epoch + (rank << 40))

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        """Mean over the clips of each loss, and of what is counted beside them."""
        recipe, count = self.job.recipe, batches(self.clips, self.job.recipe)
        total_batches = (recipe.epochs + recipe.finetune_epochs) * count
        before = (epoch - self.float_epochs if self.state.fine else epoch) * count
        self.learner.begin(epoch)
        totals: dict[str, torch.Tensor] = {}
        share = share_of(self.fabric)
        for i, batch in enumerate(self.clips.epoch(self.job.seed, epoch, share), start=1):
            rate = rate_after(epoch + i / count, self.float_epochs, recipe)
            losses = self.learner.step(batch, rate, before + i)
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0) + loss.detach() * batch.weight * batch.size
            self.progress(epoch * count + i, total_batches)
        means = {name: total / len(self.clips.labels) for name, total in totals.items()}
        return {name: float(self.fabric.all_reduce(mean)) for name, mean in means.items()}

    def _shaped(self, x: torch.Tensor) -> torch.Tensor:
        """Clips as the network that trains now takes them."""
        own = x if self.distillation is None else x.narrow(-3, 0, self.distillation.channels)
        return to_places(own, self.encoder) if self.state.fine else own

    def _counter(self) -> Counter | None:
        """Of synaptic events, where the recipe prices them in this phase."""
        price = self.job.recipe.events
        if not price.weight:
            return None
        if self.state.fine:
            return QuantisedCounter(self.state.net, self._shaped)
        return self.form.counter(self._shaped) if price.start_epoch < self.float_epochs else None

    def _set_up(self, resumed: ckpt.Checkpoint | None) -> None:
        """What learns in this phase, on the device."""
        recipe, fine = self.job.recipe, self.state.fine
        recipe = replace(recipe, optimizer="adamw") if fine else recipe
        teachers = None if fine else self.distillation
        beside = Beside(self._shaped, teachers, self._counter(), exact=fine)
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
        if self.state.fine:
            self._hold_within()
            self._undo_harm()

    def _hold_within(self) -> None:
        """What fine-tuning has made of the weights still fits the neurons' state."""
        grown = self.state.net.hold_within(self.encoder.limit, self.form.calibration())
        self.state.scales = self.state.net.scales
        if grown and self.first:
            log.info("weights of %s outgrew the 24-bit state; scaled down", ", ".join(grown))

    def _undo_harm(self) -> None:
        """Fine-tuning that has raised the loss on the training clips is taken back.

        Not where events have a price, which a higher loss may be worth.
        """
        untuned = self.state.record["untuned"]
        loss, better = self._plain_loss(), untuned["loss"]
        kept = self.state.record["tuned"] = loss <= better or self.job.recipe.events.weight > 0
        if kept:
            return
        self.state.net = self.fabric.to_device(self.form.twin(untuned["scales"]))
        self.state.scales = self.state.net.scales
        if self.learner.average is not None:
            self.learner.average.load(self.state.net.state_dict())
        if self.first:
            text = "fine-tuning raised the loss on the training clips from %.3f to %.3f; taken back"
            log.info(text, better, loss)

    def _plain_loss(self) -> float:
        """Mean loss of training clips from all over the split, as they are."""
        train, encoder = self.job.dataset.train, self.material.encoder
        some = train[:: -(-len(train) // CALIBRATION_CLIPS)]
        clips = self._shaped(to_clips(encoder.encode_all(some), encoder))
        labels = torch.tensor([c.label for c in some])
        return mean_loss(self.state.net, clips, labels, self.job.recipe.label_smoothing)

    def _quantise(self) -> None:
        """End of the float phase: measure it, fold, quantise, start over with the optimizer."""
        self._measure("float")
        before = self._plain_loss()
        net = self.form.net.cpu()
        self.state.float_weights = {k: w.clone() for k, w in net.state_dict().items()}
        twin = self.form.quantised(self.fabric.device)
        self._handed_over()
        self.state.net, self.state.scales = twin, twin.scales
        self._set_up(None)
        loss = self._plain_loss()
        self.state.record["untuned"] = {"loss": loss, "scales": twin.scales}
        if self.first:
            log.info("quantised: loss on training clips %.3f, as float %.3f", loss, before)

    def _handed_over(self) -> None:
        """What the encoder of the integer network changes."""
        self.state.record["encoder"] = self.encoder.to_dict()
        self.sample = sample_of(self.job, self.encoder)

    def _test_accuracy(self) -> float:
        test = self.material.test
        return accuracy(self.state.net, self._shaped(test), self.material.test_labels)

    def _measure(self, kind: str) -> None:
        """Settle, and record what share of the test clips is right."""
        self._settle()
        found = self.state.record[f"{kind}_accuracy"] = self._test_accuracy()
        if self.first:
            log.info("%s network: test accuracy %.4f", kind, found)
        if self.scalars is not None:
            self.scalars.write({f"test/{kind}_accuracy": found}, self.state.epoch)

    def _write_scalars(self, losses: dict[str, float]) -> None:
        """Losses, events, the last learning rate and the test accuracy of an epoch."""
        if self.scalars is None:
            return
        points = {f"train/{'' if k == COUNTED else 'loss/'}{k}": v for k, v in losses.items()}
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
        if self.first:
            ckpt.save(self._checkpoint(), self.path)
        self.fabric.barrier()

    def _checkpoint(self) -> ckpt.Checkpoint:
        state = self.state
        return ckpt.Checkpoint(
            record=state.record,
            epoch=state.epoch,
            weights=state.net.state_dict(),
            float_weights=state.float_weights,
            scales=state.scales,
            sample=self.sample,
            seconds=state.seconds,
            **self.learner.saved(),
        )

    def _restore(self) -> ckpt.Checkpoint:
        saved = ckpt.load(self.path)
        check_same_run(saved.record, self.state.record, self.path)
        self.state = replace(
            self.state,
            record=saved.record,
            epoch=saved.epoch,
            float_weights=saved.float_weights,
            scales=saved.scales,
            seconds=saved.seconds,
        )
        if saved.scales is not None:
            self.form.net.load_state_dict(saved.float_weights)
            self.state.net = self.form.restored(saved.scales)
            self._handed_over()
        self.state.net.load_state_dict(saved.weights)
        return saved


def train(job: Job, progress: Callable[[int, int], None]) -> Path:
    """Run a job to its end; the checkpoint's path. progress: batches done, batches in all."""
    return Training(job, progress).run()
