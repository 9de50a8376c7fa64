"""One network trained, exported, executed by three sides, and placed on a chip's cores."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from sizes import Setup

from spikewatt.commands.running import RunJob, RunResult, run_network
from spikewatt.commands.training import run_export
from spikewatt.data.clips import AnyDataset
from spikewatt.data.datasets import load
from spikewatt.energy.deployment import HOST, MICROCODE, NATIVE, deployment, runs_on
from spikewatt.energy.events import synapses
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.agreement import load_reference
from spikewatt.lava_runtime.engine import no_progress
from spikewatt.network import Network
from spikewatt.train.loop import Job, train

SEED = 0
EQUAL = "equal"
log = logging.getLogger("spikewatt")


def deployed(setup: Setup, folder: Path, profile: str) -> dict[str, Any]:
    """What the page says of a network; `unavailable` with the reason where it fails."""
    try:
        network_file, reference = _trained(setup, folder)
        native = _against(network_file, reference, folder, str(reference))
        return {
            "options": _changed(setup),
            **_sizes(native.network, profile),
            **_activity(native, profile),
            "agreement": {
                "slayer": _verdict(native),
                "lava": _lava(network_file, reference, folder),
            },
        }
    except Exception as error:
        log.warning("%s: %s", setup.key, error)
        return {"unavailable": why(error)}


def why(error: Exception) -> str:
    """An error in one line, without the machine's paths."""
    said = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"(?:/[\w.+-]+)+/([\w.+-]+)", r"\1", said)


def _trained(setup: Setup, folder: Path) -> tuple[Path, Path]:
    """The integer network's file, and slayer's spikes on test clips."""
    dataset = _some(load(setup.data, SEED), setup)
    out = folder / setup.key.replace("/", "-")
    settings = (setup.data, setup.recipe, setup.options, SEED, out, "cpu")
    checkpoint = train(Job(setup.entry, dataset, *settings), no_progress)
    network, reference = out / "network.net", out / "slayer.npz"
    run_export(checkpoint, network, reference)
    return network, reference


def _some(data: AnyDataset, setup: Setup) -> AnyDataset:
    """Clips from all over the data set."""
    parts = ((data.train, setup.train_clips), (data.test, setup.clips))
    train_clips, test_clips = (part[:: max(1, len(part) // n)][:n] for part, n in parts)
    return replace(data, train=train_clips, test=test_clips)


def _against(network: Path, reference: Path, folder: Path, other: str) -> RunResult:
    """The native engine on the reference's clips, compared with another side."""
    clips = folder / "clips.npy"
    np.save(clips, load_reference(reference).input)
    job = RunJob(network, input=clips, verify=other, place=False)
    return run_network(job, no_progress)


def _lava(network: Path, reference: Path, folder: Path) -> str:
    try:
        return _verdict(_against(network, reference, folder, "lava"))
    except Exception as error:
        return f"unavailable, because {why(error)}"


def _verdict(result: RunResult) -> str:
    assert result.agreement is not None
    return EQUAL if result.agreement.equal else f"DIFFERS: {result.agreement}"


def _changed(setup: Setup) -> dict[str, Any]:
    """Options that are not the network's own."""
    own, used = asdict(setup.entry.options), asdict(setup.options)
    return {name: value for name, value in used.items() if value != own[name]}


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


def _activity(result: RunResult, profile: str) -> dict[str, Any]:
    """Where events happen, and how many populations fired at all."""
    record, places = result.record, runs_on(result.network, load_profile(profile))
    events = dict.fromkeys((NATIVE, MICROCODE, HOST), 0)
    for layer in record.layers:
        events[(places or {}).get(layer.index, HOST)] += layer.synaptic_events
    # the read-out sums and never fires
    spiking = record.layers[:-1] if result.network.readout else record.layers
    return {
        "clips": record.samples,
        "steps": record.steps,
        "events": events,
        "fired": sum(layer.spikes_out > 0 for layer in spiking),
        "could_fire": len(spiking),
    }
