"""run: execute a network on an array or a data set, verify, record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.commands.measuring import check_target, measured, save_log
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.files import save_arrays
from spikewatt.lava_runtime.agreement import Agreement, compare, load_reference
from spikewatt.lava_runtime.cluster import ClusterEngine, Workers
from spikewatt.lava_runtime.engine import Engine, Execution, Progress, Request
from spikewatt.lava_runtime.engines import ENGINES, engine
from spikewatt.lava_runtime.loihi2.board import Board
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.lava_runtime.stimulus import from_array
from spikewatt.network import IntArray, Network
from spikewatt.report.record import RunRecord
from spikewatt.report.recording import Outcome, Provenance, record_of

SPLITS = ("train", "test")
PIECE_BYTES = 2**20
MAPPED_BYTES = 2**26  # from this size on an input stays on the disk, where the engine can read it


@dataclass(frozen=True)
class RunJob:
    """The options of `run`; exactly one of input and data is given."""

    network: Path
    input: Path | None = None
    data: str | None = None
    split: str = "test"
    limit: int | None = None
    backend: str = "native"
    steps: int | None = None
    reset: int | None = None
    layers: int | None = None
    skip: int = 0
    message_bits: int | None = None
    spike_exp: int | None = None
    workers: int | None = None  # processes that share the samples
    scheduler: str | None = None
    slurm: bool = False
    threads: int | None = None  # of the native engine
    record: str = ""
    record_state: bool = False
    verify: str | None = None
    seed: int = 0
    command: str = ""
    keep_output: bool = True  # the last layer's spikes, for `save_output` and the record
    place: bool = True  # work out the network's place on each profile's cores, for the record
    measure: str | None = None  # a sensor of the host that measures the run's energy
    board: str | None = None
    partition: str | None = None
    host: str | None = None
    probe: Path | None = None  # where the log of a board's probes goes

    @property
    def target(self) -> Board:
        """The board of the loihi2 engine."""
        return Board(self.host, self.partition, self.board, probes=self.probe is not None)


@dataclass(frozen=True, eq=False)
class RunResult:
    """What `run` found; agreement only with `verify`."""

    network: Network
    execution: Execution
    record: RunRecord
    agreement: Agreement | None
    are_clips: bool


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What a network is run on: labels, by sample, where it comes from a data set."""

    values: IntArray
    are_clips: bool
    name: str
    sha256: str
    labels: tuple[int, ...] | None = None


def prepare(job: RunJob) -> tuple[Stimulus, Request]:
    """Read a job's network and input; SpikewattError for anything that does not fit."""
    network = netx.read(
        job.network,
        layers=job.layers,
        skip=job.skip,
        message_bits=job.message_bits,
        spike_exp=job.spike_exp,
    )
    stimulus = _from_data(job, network) if job.data else _from_file(job, network)
    return stimulus, _request(job, network, stimulus)


def _engine(job: RunJob) -> Engine:
    """This process, or workers that share the samples: one process more would share nothing."""
    check_target(job.backend, job.target)
    chosen = engine(job.backend, job.threads, job.target)
    if job.verify in ENGINES:
        engine(job.verify)  # says that it is unavailable before anything runs
    if not (job.scheduler or job.slurm or (job.workers or 1) > 1):
        return chosen
    return ClusterEngine(
        job.backend, Workers(job.workers or 1, job.scheduler, job.slurm), job.threads
    )


def run_network(job: RunJob, progress: Progress) -> RunResult:
    """Execute a job; SpikewattError for anything that does not fit."""
    chosen = _engine(job)
    stimulus, request = prepare(job)
    network = request.network
    execution = chosen.run(request, progress)
    agreement = _verify(job, request, execution, progress) if job.verify else None
    outcome = _outcome(job, stimulus, execution, agreement)
    outcome = replace(outcome, measured=measured(job.measure, chosen, request, execution))
    source = Provenance(
        network=str(job.network),
        input=stimulus.name,
        command=job.command,
        network_sha256=sha256(job.network),
        input_sha256=stimulus.sha256,
        seed=job.seed,
    )
    record = record_of(network, execution, source, outcome, place=job.place)
    save_log(job.probe, execution, record)
    return RunResult(network, execution, record, agreement, stimulus.are_clips)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def recorded_layers(text: str, network: Network) -> tuple[int, ...]:
    """Layers named by `--record`: numbers separated by commas, or `all`."""
    if text == "all":
        return tuple(network.by_layer)
    try:
        layers = tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise SpikewattError(
            f"--record {text!r} is neither `all` nor layer numbers separated by commas."
        ) from None
    unknown = [i for i in layers if i not in network.by_layer]
    if unknown:
        known = ", ".join(map(str, network.by_layer))
        raise SpikewattError(f"--record: layer {unknown[0]} has no neurons. Known: {known}.")
    return layers


def load_array(path: Path, mapped: bool = False) -> npt.NDArray[Any]:
    """The array of an .npy file, without running any code of the file; `mapped` leaves it there."""
    try:
        loaded = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except OSError as error:
        reason = error.strerror or "it is not an .npy file"
        raise SpikewattError(f"Input {path} cannot be read: {reason}.") from error
    except (ValueError, EOFError) as error:
        raise SpikewattError(
            f"Input {path} is not an .npy array of numbers: {error}. Save it with numpy.save."
        ) from error
    if not isinstance(loaded, np.ndarray):
        raise SpikewattError(f"Input {path} holds several arrays; give an .npy file of one.")
    return loaded


def _from_file(job: RunJob, network: Network) -> Stimulus:
    if job.input is None:
        raise SpikewattError("A run needs an input: --input X.npy or --data DATA.")
    array = load_array(job.input, _stays_on_disk(job))
    values, are_clips = from_array(network, array, job.steps)
    if job.limit is not None and are_clips:
        values = values[: job.limit]
    return Stimulus(values, are_clips, str(job.input), sha256(job.input))


def _stays_on_disk(job: RunJob) -> bool:
    """Whether the input is too large to be read at once; only the native engine does without."""
    reads_pieces = job.backend == "native" and not job.verify
    return reads_pieces and job.input is not None and _size(job.input) >= MAPPED_BYTES


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _from_data(job: RunJob, network: Network) -> Stimulus:
    from spikewatt.data.encode import encoder_from_dict

    if network.encoder is None:
        raise SpikewattError(
            f"{job.network} records no input encoder, so clips cannot be turned into its input. "
            "Use --input, or a network that `spikewatt export` wrote."
        )
    selected = selected_clips(job, network)
    values = encoder_from_dict(network.encoder).encode_all(selected)
    digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    labels = tuple(c.label for c in selected)
    return Stimulus(values, True, f"{job.data} {job.split}", digest, labels)


def selected_clips(job: RunJob, network: Network) -> Sequence[Any]:
    """Clips of the job's data; SpikewattError where the network has other classes, or for none."""
    from spikewatt.data.datasets import load

    assert job.data is not None
    dataset = load(job.data, job.seed)
    if network.classes and tuple(dataset.classes) != network.classes:
        raise SpikewattError(
            f"{job.network} knows the classes {', '.join(network.classes)}; data set "
            f"{dataset.name} has {', '.join(dataset.classes)}. Use the data it was trained on."
        )
    selected = dataset.test if job.split == "test" else dataset.train
    selected = selected[: job.limit]
    if not selected:
        raise SpikewattError(f"Data set {job.data} has no {job.split} clips to run (--limit?).")
    return selected


def _request(job: RunJob, network: Network, stimulus: Stimulus) -> Request:
    values = stimulus.values
    if stimulus.are_clips and job.reset is not None:
        raise SpikewattError(
            "--reset is for one stream; clips are reset by themselves. Leave it out."
        )
    steps = job.steps or values.shape[-1]
    if stimulus.are_clips:
        schedule = clips(network, len(values), steps)
    else:
        schedule = stream(steps, job.reset)
    layers = recorded_layers("all" if job.verify else job.record, network)
    if not layers and job.keep_output:
        layers = (network.output.layer,)
    return Request(network, values, schedule, layers, job.record_state)


def _verify(job: RunJob, request: Request, found: Execution, progress: Progress) -> Agreement:
    """Against another engine on the same input, or a reference file on the file's input."""
    assert job.verify is not None
    if job.verify in ENGINES:
        expected = engine(job.verify).run(request, progress)
        return compare(request.network, expected, found, request)
    reference = load_reference(Path(job.verify))
    samples, steps = len(reference.input), reference.input.shape[-1]
    schedule = clips(request.network, samples, steps)
    again = replace(
        request,
        stimulus=reference.input,
        schedule=schedule,
        record=tuple(reference.spikes),
        record_state=False,
    )
    return compare(request.network, reference, engine(job.backend).run(again, progress), again)


def _outcome(
    job: RunJob, stimulus: Stimulus, execution: Execution, agreement: Agreement | None
) -> Outcome:
    predictions = None
    if execution.decision is not None and stimulus.are_clips:
        predictions = tuple(int(p) for p in execution.decision.argmax(axis=1))
    accuracy = accuracy_of(execution.decision, stimulus)
    verified = (job.verify,) if agreement is not None and agreement.equal and job.verify else ()
    return Outcome(accuracy=accuracy, predictions=predictions, verified_against=verified)


def accuracy_of(readout: npt.NDArray[Any] | None, stimulus: Stimulus) -> float | None:
    """Share of clips whose largest output, (N, classes), is their label; None without labels."""
    if readout is None or stimulus.labels is None:
        return None
    return float((readout.argmax(axis=1) == np.array(stimulus.labels)).mean())


def save_output(result: RunResult, job: RunJob, path: Path) -> None:
    """OUT.npz: the last layer's spikes, recorded layers, states and the read-out."""
    execution, network = result.execution, result.network
    arrays: dict[str, npt.NDArray[Any]] = {"spikes": execution.spikes[network.output.layer]}
    for i in recorded_layers(job.record, network):
        arrays[f"layer_{i}"] = execution.spikes[i]
        if job.record_state:
            arrays[f"u_{i}"], arrays[f"v_{i}"] = execution.u[i], execution.v[i]
    if not result.are_clips:
        arrays = {name: a[0] for name, a in arrays.items()}
    if execution.readout is not None:
        arrays["readout"] = execution.readout
    if execution.decision is not None and network.decides_apart:
        arrays["decision"] = execution.decision
    save_arrays(path, arrays)
