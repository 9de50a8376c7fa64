"""A bench as one self-contained page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spikewatt.report.bench import Bench, BenchMedian, Spread
from spikewatt.report.bench_tables import heading, notes, sizes, verdict
from spikewatt.report.comparison import MeasuredEntry
from spikewatt.report.html import environment
from spikewatt.report.quantities import count, short, si, si_range
from spikewatt.report.writing import write_text

_TEMPLATE = "bench.html.j2"
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Line:
    """One backend as text; bar: its latency's share of the slowest backend's, 0 to 1."""

    backend: str
    latency: str
    latency_band: str
    rate: str
    rate_band: str
    events: str
    accuracy: str
    theoretical: str
    profiles: list[str]
    measured: str
    same: str
    bar: float
    unavailable: str | None


@dataclass(frozen=True)
class Case:
    """One network on one input."""

    title: str
    what: str
    profiles: list[str]
    lines: list[Line]


def page(bench: Bench) -> str:
    """The page as one HTML text."""
    return (
        environment()
        .get_template(_TEMPLATE)
        .render(
            cases=_cases(bench),
            heading=heading(bench),
            notes=notes(bench),
            version=bench.spikewatt_version,
            details=_details(bench),
        )
    )


def write_html(bench: Bench, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    write_text(path, page(bench))


def _details(bench: Bench) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {number}" for name, number in bench.versions.items())
    return [("command", bench.command), ("cores", str(bench.cores)), ("versions", versions)]


def _cases(bench: Bench) -> list[Case]:
    by_case: dict[tuple[str, str], list[BenchMedian]] = {}
    for m in bench.medians:
        by_case.setdefault((m.network, m.input), []).append(m)
    return [_case(network, given, found) for (network, given), found in by_case.items()]


def _case(network: str, given: str, found: list[BenchMedian]) -> Case:
    profiles = list(dict.fromkeys(n for m in found if m.energy for n in m.energy.profiles))
    slowest = max((m.latency_s.median for m in found if m.latency_s), default=1.0)
    what = f"{sizes(found[0])}, {Path(given).name}"
    return Case(Path(network).name, what, profiles, [_line(m, profiles, slowest) for m in found])


def _line(m: BenchMedian, profiles: list[str], slowest: float) -> Line:
    energy = m.energy
    modelled = [energy.profiles.get(n) if energy else None for n in profiles]
    measured = energy.measured if energy else None
    return Line(
        backend=m.backend,
        latency=si(m.latency_s.median, "s") if m.latency_s else DASH,
        latency_band=si_range(m.latency_s.low, m.latency_s.high, "s") if m.latency_s else "",
        rate=short(m.samples_per_s.median) if m.samples_per_s else DASH,
        rate_band=_ends(m.samples_per_s),
        events=DASH if m.synaptic_events is None else count(m.synaptic_events),
        accuracy=DASH if m.accuracy is None else f"{m.accuracy:.2%}",
        theoretical=si(energy.theoretical_j if energy else None, "J"),
        profiles=[si(x.modelled_j if x else None, "J") for x in modelled],
        measured=si(measured.joules, "J") if isinstance(measured, MeasuredEntry) else DASH,
        same="" if m.unavailable else verdict(m),
        bar=m.latency_s.median / slowest if m.latency_s else 0.0,
        unavailable=m.unavailable,
    )


def _ends(s: Spread | None) -> str:
    return f"{short(s.low)} to {short(s.high)}" if s else ""
