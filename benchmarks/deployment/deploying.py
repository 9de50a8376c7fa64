"""One network trained, exported, executed by three sides, and placed on a chip's cores."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

import numpy as np
from initialised import Made, adapted, initialised
from sizes import Setup

from spikewatt.commands.training import run_export
from spikewatt.data.clips import AnyDataset
from spikewatt.data.datasets import load
from spikewatt.energy.deployment import HOST, MICROCODE, NATIVE, deployment, runs_on
from spikewatt.energy.events import synapses
from spikewatt.export import netx
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.agreement import Agreement, Reference, compare, load_reference
from spikewatt.lava_runtime.engine import Execution, Request, no_progress
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.lava.forecast import forecast
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network
from spikewatt.train.loop import Job, train

SEED = 0
EQUAL = "equal"
log = logging.getLogger("spikewatt")


@dataclass(frozen=True, eq=False)
class Run:
    """A network as the native engine ran it."""

    network: Network
    request: Request
    execution: Execution


def deployed(setup: Setup, folder: Path, profile: str) -> dict[str, Any]:
    """What the page says of a network; `unavailable` with the reason where there is none.

    Of one that is there and does not run, the cores and why.
    """
    try:
        begun = perf_counter()
        made = (_trained if setup.epochs else _initialised)(setup, folder)
        made_s = perf_counter() - begun
        network = netx.read(made.file)
        row = {
            "options": _changed(setup),
            "epochs": setup.epochs,
            "made_s": round(made_s, 1),
            "file_bytes": made.file.stat().st_size,
            **_sizes(network, profile),
        }
    except Exception as error:
        log.warning("%s: %s", setup.key, error)
        return {"unavailable": why(error)}
    row |= _ran(network, made, setup, profile)
    return row | {"peak_bytes": 1024 * getrusage(RUSAGE_SELF).ru_maxrss}


def _ran(network: Network, made: Made, setup: Setup, profile: str) -> dict[str, Any]:
    """What its execution found; `not_run` with the reason where there was none."""
    try:
        run = _executed(network, made.reference)
    except Exception as error:
        log.warning("%s: %s", setup.key, error)
        return {"not_run": why(error)}
    slayer = f"not run, because {made.no_slayer}" if made.no_slayer else _against(run, made)
    return {
        **_activity(run, profile),
        "native_s": round(run.execution.wall_s, 2),
        "agreement": {"slayer": slayer, "lava": in_lava(run, setup)},
    }


def why(error: Exception) -> str:
    """An error in one line, without the machine's paths."""
    said = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"(?:/[\w.+-]+)+/([\w.+-]+)", r"\1", said)


def _trained(setup: Setup, folder: Path) -> Made:
    dataset = _some(load(setup.data, SEED), setup)
    out = folder / setup.key.replace("/", "-")
    settings = (setup.data, setup.recipe, setup.options, SEED, out, "cpu")
    checkpoint = train(Job(setup.entry, dataset, *settings), no_progress)
    network, reference = out / "network.net", out / "slayer.npz"
    run_export(checkpoint, network, reference)
    return Made(network, load_reference(reference))


def _initialised(setup: Setup, folder: Path) -> Made:
    return initialised(setup, adapted(_some(load(setup.data, SEED), setup), setup), SEED, folder)


def _some(data: AnyDataset, setup: Setup) -> AnyDataset:
    """Clips from all over the data set."""
    parts = ((data.train, setup.train_clips), (data.test, setup.clips))
    train_clips, test_clips = (part[:: max(1, len(part) // n)][:n] for part, n in parts)
    return replace(data, train=train_clips, test=test_clips)


def _executed(network: Network, reference: Reference) -> Run:
    """The native engine on the reference's clips."""
    stimulus = reference.input
    schedule = clips(network, len(stimulus), stimulus.shape[-1])
    request = Request(network, stimulus, schedule, tuple(reference.spikes))
    return Run(network, request, engine("native").run(request))


def _against(run: Run, made: Made) -> str:
    return _verdict(compare(run.network, made.reference, run.execution, run.request))


def _verdict(found: Agreement) -> str:
    return EQUAL if found.equal else f"DIFFERS: {found}"


def _changed(setup: Setup) -> dict[str, Any]:
    """Options that are not the network's own."""
    own, used = asdict(setup.entry.options), asdict(setup.options)
    return {name: value for name, value in used.items() if value != own[name]}


def in_lava(run: Run, setup: Setup) -> str:
    """Lava against the native engine on the first steps of the clips; told where it is too much."""
    steps = min(setup.lava_steps, run.request.schedule.steps)
    network, samples = run.network, run.request.schedule.samples
    stimulus = np.ascontiguousarray(run.request.stimulus[..., :steps])
    short = replace(run.request, stimulus=stimulus, schedule=clips(network, samples, steps))
    expected, total = forecast(short), samples * steps
    if expected.build_s + total * expected.step_s > setup.lava_s:
        return f"not run, because Lava would take {expected}"
    try:
        found = engine("lava").run(short)
        native = engine("native").run(short)
        verdict = _verdict(compare(network, found, native, short))
    except Exception as error:
        return f"unavailable, because {why(error)}"
    return verdict if steps == run.request.schedule.steps else f"{verdict}, {steps} steps of each"


def _sizes(network: Network, profile: str) -> dict[str, Any]:
    place = deployment(network, load_profile(profile))
    return {
        "populations": len(network.populations),
        "projections": len(network.projections),
        "neurons": sum(p.size for p in network.populations),
        "synapses": sum(synapses(network, p) for p in network.projections),
        "cores": place.cores,
        "chips": place.chips,
        "unmapped": place.unmapped,
        "modules": [asdict(m) for m in place.modules],
        "changes": list(place.changes),
    }


def _activity(run: Run, profile: str) -> dict[str, Any]:
    """Where events happen, and how many populations fired at all."""
    counts, places = run.execution.counts, runs_on(run.network, load_profile(profile))
    events = dict.fromkeys((NATIVE, MICROCODE, HOST), 0)
    for layer in counts.layers:
        events[(places or {}).get(layer.layer, HOST)] += int(layer.synaptic_events.sum())
    # the read-out sums and never fires
    spiking = counts.layers[:-1] if run.network.readout else counts.layers
    return {
        "clips": counts.samples,
        "steps": counts.steps,
        "events": events,
        "fired": sum(bool(layer.spikes_out.any()) for layer in spiking),
        "could_fire": len(spiking),
    }
