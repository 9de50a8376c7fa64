"""bench: read, hold the contests, write tables and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from spikewatt.commands.bench.contest import Contest, Lane, lane
from spikewatt.commands.bench.contestants import contestant
from spikewatt.commands.bench.results import case_results
from spikewatt.commands.running import RunJob, Stimulus, prepare
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import Profile
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.engine import Progress, Request
from spikewatt.report.bench import Bench
from spikewatt.report.bench_tables import write_bench, write_json
from spikewatt.report.recording import spikewatt_version, versions
from spikewatt.report.traces import Traced, trace_writer


@dataclass(frozen=True)
class BenchJob:
    """The options of `bench`; exactly one of input and data is given.

    input, data: one for all networks, or one for each; one network takes several, too.
    ann: a model without spikes, or a checkpoint of one. device: where torch and the ann compute,
    cpu or cuda. trace: where to write what each core does, under the first profile. measure: a
    sensor of the host.
    """

    networks: tuple[Path, ...]
    input: tuple[Path, ...] = ()
    data: tuple[str, ...] = ()
    split: str = "test"
    limit: int | None = None
    steps: int | None = None
    reset: int | None = None
    seed: int = 0
    backends: tuple[str, ...] = ("native",)
    ann: str | None = None
    device: str = "cpu"
    repeat: int = 3
    profiles: tuple[str, ...] = ()
    trace: Path | None = None
    measure: str | None = None
    command: str = ""


@dataclass(frozen=True, eq=False)
class _Case:
    job: RunJob
    stimulus: Stimulus
    contest: Contest


DEFAULT_PROFILES = ("loihi2_derived",)


def run_bench(
    job: BenchJob, progress: Progress, files: Mapping[str, Path | None], file: TextIO
) -> Bench:
    """Hold a contest for each network and input; write the table, the files and the trace.

    files: a path for each of WRITERS, or None. Raises SpikewattError for what does not fit.
    """
    if job.device == "cuda":
        from spikewatt.train.devices import require_cuda  # torch

        require_cuda()
    profiles = [load_profile(name) for name in job.profiles or DEFAULT_PROFILES]
    write_trace = trace_writer(job.trace, profiles[0]) if job.trace is not None else None
    cases = [_case(job, run) for run in cases_of(job)]
    done, total = 0, job.repeat * sum(len(c.contest.lanes) for c in cases)

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    for case in cases:
        case.contest.hold(job.repeat, tick)
    bench = _bench(job, cases, profiles)
    for kind, path in files.items():
        if path is not None:
            WRITERS[kind](bench, path)
    write_bench(bench, file)
    if write_trace is not None:
        write_trace(_traced(cases))
    return bench


def cases_of(job: BenchJob) -> list[RunJob]:
    """Networks and inputs in pairs; SpikewattError where their numbers do not fit."""
    inputs: Sequence[Path | str] = job.input or job.data
    number = max(len(job.networks), len(inputs))
    if not {len(job.networks), len(inputs)} <= {1, number}:
        raise SpikewattError(
            f"There are {len(job.networks)} networks and {len(inputs)} inputs; give one input for "
            "all, one for each network, or several for one network."
        )
    networks = job.networks * (number // len(job.networks))
    given = [*inputs] * (number // len(inputs))
    return [_run_job(job, n, g) for n, g in zip(networks, given, strict=True)]


def _run_job(job: BenchJob, network: Path, given: Path | str) -> RunJob:
    path, data = (given, None) if isinstance(given, Path) else (None, given)
    return RunJob(
        network,
        input=path,
        data=data,
        split=job.split,
        limit=job.limit,
        steps=job.steps,
        reset=job.reset,
        seed=job.seed,
        verify=None,
    )


def _case(job: BenchJob, run: RunJob) -> _Case:
    stimulus, request = prepare(run)
    lanes = [_backend(name, job.device) for name in job.backends]
    if job.ann is not None:
        lanes.append(_ann(job, run, request, stimulus))
    return _Case(run, stimulus, Contest(request, lanes, job.measure))


def _backend(name: str, device: str) -> Lane:
    made = contestant(name, device)  # an unknown name is an error, not a row
    return Lane(name, made)


def _ann(job: BenchJob, run: RunJob, request: Request, stimulus: Stimulus) -> Lane:
    from spikewatt.commands.bench.ann import ann  # torch

    spec = job.ann or ""
    return lane(
        f"ann:{Path(spec).name}", lambda: ann(spec, run, request.network, stimulus, job.device)
    )


def _traced(cases: Sequence[_Case]) -> list[Traced]:
    """The first execution of each network and input."""
    found = []
    for case in cases:
        first = case.contest.reference
        if first is not None and first.execution is not None:
            name = f"{case.job.network.name} on {case.stimulus.name}"
            found.append(Traced(name, case.contest.request.network, first.execution.counts))
    return found


def _bench(job: BenchJob, cases: Sequence[_Case], profiles: Sequence[Profile]) -> Bench:
    results = [case_results(c.job, c.stimulus, c.contest, profiles) for c in cases]
    return Bench(
        spikewatt_version=spikewatt_version(),
        command=job.command,
        versions=versions(),
        cores=len(os.sched_getaffinity(0)),
        repeats=job.repeat,
        rows=[row for rows, _ in results for row in rows],
        medians=[median for _, medians in results for median in medians],
    )


def _html(bench: Bench, path: Path) -> None:
    from spikewatt.report.bench_page import write_html  # jinja: only where a page is wanted

    write_html(bench, path)


WRITERS: dict[str, Callable[[Bench, Path], None]] = {"html": _html, "json_path": write_json}
