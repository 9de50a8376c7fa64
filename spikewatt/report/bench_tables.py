"""The table of a bench, and the lines under it."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from spikewatt.report.bench import Bench, BenchMedian, Spread
from spikewatt.report.comparison import BY_SENSOR, THEORETICAL, MeasuredEntry
from spikewatt.report.tables import Column, Row, render
from spikewatt.report.writing import write_text

UJ = 1e6  # joules to microjoules
MS = 1e3

_HEAD = (
    Column("network"),
    Column("backend"),
    Column("build_s"),
    Column("latency_ms"),
    Column("latency_low", "low"),
    Column("latency_high", "high"),
    Column("samples_per_s", "samples/s"),
    Column("samples_low", "low"),
    Column("samples_high", "high"),
    Column("synaptic_events", "events a sample"),
    Column("accuracy"),
    Column("theoretical_uj", f"{THEORETICAL} uJ"),
)
_TAIL = (Column("measured_uj", f"{BY_SENSOR} uJ"), Column("same"))


def columns(bench: Bench) -> list[Column]:
    """With one column for each profile."""
    names = dict.fromkeys(n for m in bench.medians if m.energy for n in m.energy.profiles)
    return [*_HEAD, *(Column(n, f"{n} uJ") for n in names), *_TAIL]


def row(m: BenchMedian) -> Row:
    """One backend on one network; energies in microjoules a sample."""
    cells: dict[str, object] = {"network": Path(m.network).name, "backend": m.backend}
    if m.unavailable is not None:
        return {**cells, "same": "unavailable"}
    cells |= {"synaptic_events": m.synaptic_events, "accuracy": m.accuracy, "same": verdict(m)}
    cells |= _spread("latency", "latency_ms", m.latency_s, MS)
    cells |= _spread("samples", "samples_per_s", m.samples_per_s, 1.0)
    cells["build_s"] = m.build_s.median if m.build_s else None
    if m.energy is not None:
        cells["theoretical_uj"] = _uj(m.energy.theoretical_j)
        cells |= {name: _uj(p.modelled_j) for name, p in m.energy.profiles.items()}
        if isinstance(m.energy.measured, MeasuredEntry):
            cells["measured_uj"] = _uj(m.energy.measured.joules)
    return cells


def _spread(prefix: str, key: str, s: Spread | None, scale: float) -> dict[str, object]:
    if s is None:
        return {}
    ends = {f"{prefix}_low": s.low * scale, f"{prefix}_high": s.high * scale}
    return {key: s.median * scale, **ends}


def _uj(joules: float | None) -> float | None:
    return None if joules is None else joules * UJ


def verdict(m: BenchMedian) -> str:
    """Whether a backend did the same as the first, in a word or two."""
    if m.same is None:
        return "another network" if m.same_as is None and m.synaptic_events is None else "first"
    return f"as {m.same_as}" if m.same else f"DIFFERS from {m.same_as}"


def notes(bench: Bench) -> list[str]:
    """What a reader must know beside the numbers, one line each."""
    lines = []
    for m in bench.medians:
        who = f"{m.backend} on {Path(m.network).name}"
        if m.unavailable is not None:
            lines.append(f"{who}: unavailable. {m.unavailable}")
        if m.differs is not None:
            lines.append(f"{who}: {m.differs}")
    for reason, whose in _unmeasured(bench).items():
        lines.append(f"{BY_SENSOR} of {', '.join(whose)}: unavailable, because {reason}")
    return lines


def _unmeasured(bench: Bench) -> dict[str, list[str]]:
    """Backends without a sensor's energy by reason, each once."""
    found: dict[str, list[str]] = {}
    for m in bench.medians:
        if m.energy is not None and not isinstance(m.energy.measured, MeasuredEntry):
            names = found.setdefault(m.energy.measured.unavailable, [])
            if m.backend not in names:
                names.append(m.backend)
    return found


def sizes(m: BenchMedian) -> str:
    """Samples and steps of one network's input."""
    return f"{m.samples} sample{'s' if m.samples > 1 else ''} of {m.steps} steps"


def heading(bench: Bench) -> str:
    """What was done."""
    of = {sizes(m) for m in bench.medians}
    what = of.pop() if len(of) == 1 else "samples"
    return (
        f"{what}, {bench.repeats} rounds in turn, medians with smallest and largest; "
        f"latency: one sample alone; a sample's energy"
    )


def write_bench(bench: Bench, file: TextIO) -> None:
    """Write the table and its notes."""
    file.write(f"{heading(bench)}\n\n")
    render([row(m) for m in bench.medians], columns(bench), file)
    for line in notes(bench):
        file.write(f"{line}\n")


def write_json(bench: Bench, path: str | Path) -> None:
    """Write every row and the medians, whole or not at all."""
    write_text(path, bench.model_dump_json(indent=1, by_alias=True) + "\n")
