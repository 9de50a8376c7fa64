"""What each core does in each step, as CSV, or in the trace event format that Perfetto opens.

ui.perfetto.dev and chrome://tracing show the JSON: a process for each chip, a thread for each
core, a slice for each step as long as the core takes of it, and counters of the chip's events.
Times are microseconds, as that format has them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from spikewatt.energy.events import Counts
from spikewatt.energy.mapping.limits import has_cores
from spikewatt.energy.mapping.place import placed
from spikewatt.energy.trace import CoreStep, CoreTrace
from spikewatt.errors import SpikewattError
from spikewatt.files import whole_file
from spikewatt.hardware_profiles import Profile
from spikewatt.network import Network
from spikewatt.report.placing import parts_of

US = 1e6
STEPS_TID = 0  # of the row that shows the chip's steps; cores have the numbers after it


@dataclass(frozen=True, eq=False)
class Traced:
    """A network and what was counted of its execution; name: what a reader calls it."""

    name: str
    network: Network
    counts: Counts


Writer = Callable[[Sequence[Traced]], None]


def trace_writer(path: Path, profile: Profile) -> Writer:
    """What writes a trace to this path; SpikewattError for another ending, or without cores."""
    if path.suffix not in WRITERS:
        known = " or ".join(WRITERS)
        raise SpikewattError(f"The trace {path} ends in {path.suffix!r}; give a name in {known}.")
    if profile.all_in or not has_cores(profile):
        raise SpikewattError(
            f"Profile {profile.name} does not say what a core holds, so nothing can be traced by "
            "core. Name one of a chip first, such as --profile loihi2_derived."
        )
    return lambda found: WRITERS[path.suffix](path, profile, found)


def _core_traces(traced: Traced, profile: Profile) -> Iterator[CoreTrace]:
    """Some samples at a time, so that loads fit into memory."""
    sample, begin_s = 0, 0.0
    for counts in parts_of(traced.counts):
        part = CoreTrace(placed(traced.network, counts, profile), profile, sample, begin_s)
        yield part
        sample, begin_s = sample + counts.samples, part.end_s


def write_csv(path: Path, profile: Profile, found: Sequence[Traced]) -> None:
    """One line for each core and step; what a profile gives no time for stays empty."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "profile", *(f.name for f in fields(CoreStep))])
        for traced in found:
            for part in _core_traces(traced, profile):
                for row in part.rows():
                    writer.writerow([traced.name, profile.name, *asdict(row).values()])


def write_json(path: Path, profile: Profile, found: Sequence[Traced]) -> None:
    """An object with `traceEvents`, written event by event."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8") as file:
        about = {"profile": profile.name, "shares": "a core's share of its layer, by the mapping"}
        file.write(f'{{"otherData": {json.dumps(about)}, "displayTimeUnit": "ns", "traceEvents": [')
        for number, event in enumerate(_events(profile, found)):
            file.write((",\n" if number else "\n") + json.dumps(event))
        file.write("\n]}\n")


def _events(profile: Profile, found: Sequence[Traced]) -> Iterator[dict[str, Any]]:
    first_pid = 1
    for traced in found:
        named = False
        for part in _core_traces(traced, profile):
            if part.starts_s is None:
                raise SpikewattError(
                    f"Profile {profile.name} gives no times, and a trace in JSON is made of them. "
                    "Write CSV, or name another profile first."
                )
            if not named:
                yield from _names(traced, part, first_pid)
                named, chips = True, part.placed.mapping.chips
            yield from _slices(part, first_pid)
        first_pid += chips


def _names(traced: Traced, part: CoreTrace, first_pid: int) -> Iterator[dict[str, Any]]:
    """What processes and threads are called."""
    mapping, types = part.placed.mapping, traced.network.layer_types
    for chip in range(mapping.chips):
        pid = first_pid + chip
        yield _name("process_name", pid, STEPS_TID, f"{traced.name}, chip {chip}")
        yield _name("thread_name", pid, STEPS_TID, "steps")
    for i, core in enumerate(mapping.cores):
        what = f"core {i}: layer {core.layer} {types.get(core.layer, '')}".rstrip()
        yield _name("thread_name", first_pid + i // part.cores_per_chip, i + 1, what)


def _name(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "ts": 0, "args": {"name": name}}


def _slices(part: CoreTrace, first_pid: int) -> Iterator[dict[str, Any]]:
    """Slices of cores; before those of each step the chips' own, and counters."""
    last = None
    for row in part.rows():
        assert row.start_s is not None
        assert row.core_time_s is not None
        at = (row.sample, row.step)
        if at != last:
            yield from _steps(part, row, first_pid)
            last = at
        yield {
            "ph": "X",
            "cat": "core",
            "name": f"step {row.step}",
            "pid": first_pid + row.chip,
            "tid": row.core + 1,
            "ts": row.start_s * US,
            "dur": row.core_time_s * US,
            "args": {key: getattr(row, key) for key in _ARGUMENTS},
        }


_ARGUMENTS = (
    *("sample", "step", "layer", "synaptic_events", "neuron_updates", "firing"),
    *("messages_in", "messages_out"),
)


def _steps(part: CoreTrace, row: CoreStep, first_pid: int) -> Iterator[dict[str, Any]]:
    assert row.start_s is not None
    assert row.step_time_s is not None
    load, at = part.placed.load, (row.sample - part.sample, row.step)
    for chip in range(part.placed.mapping.chips):
        cores = slice(chip * part.cores_per_chip, (chip + 1) * part.cores_per_chip)
        common = {"pid": first_pid + chip, "tid": STEPS_TID, "ts": row.start_s * US}
        name = f"sample {row.sample}, step {row.step}"
        yield {"ph": "X", "cat": "step", "name": name, "dur": row.step_time_s * US, **common}
        for what, counted in (("synaptic events", load.events), ("messages", load.messages_in)):
            total = float(counted[cores, at[0], at[1]].sum())
            yield {"ph": "C", "name": what, "args": {what: total}, **common}


WRITERS: dict[str, Callable[[Path, Profile, Sequence[Traced]], None]] = {
    ".csv": write_csv,
    ".json": write_json,
}
