"""One run of the campaign: train, export, execute all test clips, price the events; its record."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spikewatt.commands.running import RunJob, run_network
from spikewatt.commands.training import TrainJob, run_export, run_training
from spikewatt.energy.paper import PaperLayer, paper_energy
from spikewatt.errors import SpikewattError
from spikewatt.files import whole_file
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.report.compare import compare
from spikewatt.report.record import RunRecord
from spikewatt.report.recording import versions
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.inputs import task_of
from spikewatt.train.models.facts import clip_shape
from spikewatt.train.models.macs import counted, parameters
from spikewatt.train.recipe import read_toml
from spikewatt.train.restoring import encoder_from_dict, float_network

RECORDS = "records"
SCHEMA = "spikewatt.result/1"
WORK = Path("runs/results")
PROFILE = "loihi2_derived"
LAYER = (
    *("index", "type", "module", "neurons", "synapses_nonzero", "spikes_in", "spikes_out"),
    *("synaptic_events", "neuron_updates", "dense_macs", "paper_sops"),
)


@dataclass(frozen=True)
class Plan:
    """An entry of campaign.toml; its recipe is recipes/NAME.toml.

    table: of the page. after: records that must be there first, those of its teachers. seeds: the
    only ones it is for, or none. gpu: too large for processors; without a GPU only by name.
    """

    name: str
    recipe: Path
    model: str
    data: str
    table: str
    after: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    gpu: bool = False


def read_plans(folder: Path) -> list[Plan]:
    """All entries of a folder's campaign.toml, in their order; SpikewattError if it has none."""
    found = read_toml(folder / "campaign.toml").get("runs", {})
    if not found:
        raise SpikewattError(f"{folder / 'campaign.toml'} has no table [runs.NAME].")
    return [
        Plan(
            name=name,
            recipe=folder / "recipes" / f"{name}.toml",
            model=entry["model"],
            data=entry["data"],
            table=entry["table"],
            after=tuple(entry.get("after", ())),
            seeds=tuple(entry.get("seeds", ())),
            gpu=entry.get("gpu", False),
        )
        for name, entry in found.items()
    ]


def record_path(folder: Path, plan: Plan, seed: int) -> Path:
    """Where a run's record lies."""
    return folder / RECORDS / f"{plan.name}-seed{seed}.json"


def _work(plan: Plan, seed: int) -> Path:
    return WORK / f"{plan.name}-seed{seed}"


@contextmanager
def claimed(plan: Plan, seed: int) -> Iterator[bool]:
    """Whether this process has the run to itself; a process that ends gives it up."""
    folder = _work(plan, seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def done(plan: Plan, seed: int) -> dict[str, Any]:
    """The record of a run that this call does, or goes on with."""
    out = _work(plan, seed)
    commit = _commit(out / "commit")
    job = TrainJob(plan.model, plan.data, out, seed=seed, resume=True, config=plan.recipe)
    checkpoint = run_training(job, lambda done, total: None)
    saved = ckpt.load(checkpoint)
    command = (
        f"spikewatt train --model {plan.model} --data {plan.data} --seed {seed} "
        f"--config {plan.recipe} --out {out}"
    )
    found = _float_only(checkpoint, saved) if saved.scales is None else _executed(plan, out)
    return {
        "schema": SCHEMA,
        "name": plan.name,
        "table": plan.table,
        "seed": seed,
        "commands": [command, *found.pop("commands", ())],
        "commit": commit,
        "versions": versions(),
        **_trained(checkpoint, saved),
        **found,
    }


def _commit(file: Path) -> str:
    """The commit with which a run began; SpikewattError where the package differs from it."""
    if file.exists():
        return file.read_text().strip()
    changed = _git("status", "--porcelain", "--", "spikewatt")
    if changed:
        raise SpikewattError(
            f"spikewatt/ has changes that no commit holds ({changed.splitlines()[0].strip()}), so "
            "a record could not say what it was made with. Commit them first."
        )
    file.write_text(_git("rev-parse", "HEAD"))
    return file.read_text().strip()


def _git(*arguments: str) -> str:
    try:
        found = subprocess.run(("git", *arguments), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SpikewattError(f"`git {arguments[0]}` says no commit: {error}.") from error
    return found.stdout


def _trained(path: Path, saved: ckpt.Checkpoint) -> dict[str, Any]:
    """What training says of itself."""
    record = saved.record
    kept = ("model", "data", "options", "recipe", "train_clips", "test_clips", "device", "torch")
    return {
        **{key: record[key] for key in kept},
        "parameters": parameters(float_network(path, saved)),
        "epochs": saved.epoch,
        "train_s": round(saved.seconds, 1),
        "float_accuracy": record["float_accuracy"],
        "quantised_accuracy": record.get("quantised_accuracy"),
    }


def _float_only(path: Path, saved: ckpt.Checkpoint) -> dict[str, Any]:
    """An ANN's dense MACs at the papers' price; it has no events."""
    encoder = encoder_from_dict(saved.record["encoder"])
    shape = clip_shape(task_of(encoder, len(saved.record["classes"])))
    macs = counted(float_network(path, saved), shape).macs
    paper = paper_energy([PaperLayer(macs, 0.0, True)], samples=1, steps=1)
    return {"float_only": saved.record.get(ckpt.FLOAT_ONLY, "an ANN"), "paper": asdict(paper)}


def _executed(plan: Plan, out: Path) -> dict[str, Any]:
    """The exported network on all test clips, and what its events cost."""
    network = out / "network.net"
    run_export(out / "last.ckpt", network, None)
    commands = (
        f"spikewatt export {out / 'last.ckpt'} --out {network}",
        f"spikewatt run {network} --data {plan.data}",
    )
    job = RunJob(network, data=plan.data, command=commands[-1], workers=1, keep_output=False)
    run = run_network(job, lambda done, total: None).record
    size = network.stat().st_size
    return {"commands": commands, "network_bytes": size, **_run(run)}


def _run(run: RunRecord) -> dict[str, Any]:
    """Totals and sums by layer, all clips together; energies a clip."""
    found = compare([run], [load_profile(PROFILE)]).runs[0]
    modelled = found.profiles[PROFILE]
    return {
        "deployed_accuracy": run.accuracy,
        "network_sha256": run.network_sha256,
        "samples": run.samples,
        "steps": run.steps,
        "totals": run.totals.model_dump(),
        "layers": [x.model_dump(include=set(LAYER)) for x in run.layers],
        "paper": found.paper.model_dump(),
        "modelled": {
            "profile": PROFILE,
            **modelled.model_dump(include={"dynamic_j", "dynamic_band_j", "cores", "chips"}),
            "terms_j": {name: term.energy_j for name, term in modelled.terms.items()},
            "absent": modelled.absent_why,
        },
    }


def write(record: dict[str, Any], path: Path) -> None:
    """Write a record whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
