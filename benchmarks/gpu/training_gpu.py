"""Training steps of the results' networks on one GPU, with our neuron and with slayer's own."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from slayer_cuda import neurons_of_slayer

from spikewatt.commands.bench.turns import turns
from spikewatt.commands.training import TrainJob, job_of
from spikewatt.train.loop import Training
from spikewatt.train.machines import share_of

NETWORKS = (
    *("signal-sgn-loihi", "signal-sgn-core", "signal-sgn", "base-sgn", "mk-sgn"),
    *("spikformer", "sdt"),
)
ROUNDS, STEPS, WARM = 3, 6, 2


def _stepper(training: Training) -> Callable[[], float]:
    """Milliseconds of a step over the next batches of the first epoch, data and optimiser too."""

    def batches() -> Iterator[Any]:
        while True:
            yield from training.clips.epoch(0, 0, share_of(training.fabric))

    coming = batches()
    training.learner.begin(0)

    def once(steps: int = STEPS) -> float:
        torch.cuda.synchronize()
        begun = perf_counter()
        for _ in range(steps):
            training.learner.step(next(coming), 1e-4, 1)
        torch.cuda.synchronize()
        return 1000 * (perf_counter() - begun) / steps

    once(WARM)
    return once


def step_ms(name: str, data: str, recipe: Path | None) -> dict[str, Any]:
    """Both neurons' training steps of one network, in turn."""
    job = job_of(TrainJob(name, data, config=recipe))
    with tempfile.TemporaryDirectory() as folder:
        measures, contexts = {}, {"spikewatt": nullcontext, "slayer": neurons_of_slayer}
        for which, within in contexts.items():
            training = Training(replace(job, out=Path(folder) / which), lambda done, total: None)
            training.prepare()
            with within():
                measures[which] = _stepper(training)
        values: dict[str, list[float]] = {which: [] for which in measures}
        for order in turns(list(measures), ROUNDS):
            for which in order:
                with contexts[which]():
                    values[which].append(measures[which]())
    ours, theirs = values["spikewatt"], values["slayer"]
    return {
        "batch": job.recipe.batch_size,
        "frames": job.recipe.frames,
        "parameters": sum(p.numel() for p in training.form.net.parameters()),
        "ours_ms": statistics.median(ours),
        "slayer_ms": statistics.median(theirs),
        "ratio": statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
    }
