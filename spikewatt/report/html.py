"""The comparison as one self-contained page: no link leaves it, it reads offline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spikewatt.energy.paper import PRICES, prices
from spikewatt.hardware_profiles import Quantity
from spikewatt.report import figures
from spikewatt.report.comparison import (
    BY_SENSOR,
    FROM_EVENTS,
    THEORETICAL,
    Comparison,
    MeasuredEntry,
    ProfileEntry,
    RunEntry,
)
from spikewatt.report.comparison_tables import layer_rows, notes
from spikewatt.report.quantities import count, short, si, si_range
from spikewatt.report.writing import write_text

_TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Estimate:
    """A row of the energy table, as text."""

    kind: str
    name: str
    energy: str
    band: str
    static: str
    total: str
    ratio: str


@dataclass(frozen=True)
class Price:
    """A row of the table of sources, as text."""

    profile: str
    term: str
    count: str
    price: str
    band: str
    energy: str
    kind: str
    source: str
    calibrated_on: str | None


@dataclass(frozen=True)
class Section:
    """What the page shows of one run."""

    run: RunEntry
    title: str
    headline: Markup
    estimates: list[Estimate]
    layers: list[dict[str, str]]
    prices: list[Price]
    absent: list[tuple[str, list[tuple[str, str]]]]
    notes: list[str]
    verified: str
    details: list[tuple[str, str]]
    figures: dict[str, figures.Drawing | None]


def page(comparison: Comparison) -> str:
    """The page as one HTML text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(run) for run in comparison.runs]
    names = list(dict.fromkeys(name for run in comparison.runs for name in run.profiles))
    return environment.get_template(_TEMPLATE).render(
        sections=sections, names=names, si=si, version=comparison.runs[0].record.spikewatt_version
    )


def write_html(comparison: Comparison, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    write_text(path, page(comparison))


def _section(run: RunEntry) -> Section:
    return Section(
        run=run,
        title=Path(run.network).name,
        headline=_headline(run),
        estimates=_estimates(run),
        layers=[_layer_texts(dict(row)) for row in layer_rows(run)],
        prices=_prices(run),
        absent=[(name, list(entry.absent_why.items())) for name, entry in run.profiles.items()],
        notes=notes(run),
        verified=" and ".join(Path(name).name for name in run.record.verified_against),
        details=_details(run),
        figures={
            "energies": figures.energies(run),
            "operations": figures.operations(run),
            "over_steps": figures.over_steps(run),
        },
    )


def _headline(run: RunEntry) -> Markup:
    """The result in one or two sentences."""
    record = run.record
    events, sops = record.totals.synaptic_events, record.totals.paper_sops
    per_sample = count(round(events / run.samples))
    text = Markup("A sample causes <b>{} synaptic events</b>").format(per_sample)
    if sops:
        text += Markup(", {} times the papers\N{RIGHT SINGLE QUOTATION MARK} SOPs").format(
            short(events / sops)
        )
    text += Markup(
        ". The papers\N{RIGHT SINGLE QUOTATION MARK} formula puts it at <b>{}</b>"
    ).format(si(run.paper.energy_j, "J"))
    featured = _featured(run)
    if featured is None:
        return text + "."
    name, entry = featured
    text += Markup("; the counted events cost <b>{}</b>{} at the prices of {}").format(
        si(entry.modelled_j, "J"), _band_note(entry), name
    )
    if entry.ratio_to_paper:
        text += Markup(", <b>{} times</b> as much").format(short(entry.ratio_to_paper, 2))
    return text + "."


def _featured(run: RunEntry) -> tuple[str, ProfileEntry] | None:
    """The profile of the headline: the last one that is not the papers' own prices."""
    hardware = [item for item in run.profiles.items() if item[0] != PRICES]
    return hardware[-1] if hardware else None


def _band_note(entry: ProfileEntry) -> str:
    low, high = entry.dynamic_band_j or (0.0, 0.0)
    return f" ({si_range(low, high, 'J')})" if high > low else ""


def _estimates(run: RunEntry) -> list[Estimate]:
    formula = "4.6 pJ \N{MULTIPLICATION SIGN} MAC + 0.9 pJ \N{MULTIPLICATION SIGN} SOP"
    dash = "\N{EN DASH}"
    rows = [Estimate(THEORETICAL, formula, si(run.paper.energy_j, "J"), dash, dash, dash, "1")]
    for profile, entry in run.profiles.items():
        low, high = entry.dynamic_band_j or (0.0, 0.0)
        rows.append(
            Estimate(
                kind=FROM_EVENTS,
                name=f"{entry.title} ({profile})",
                energy=si(entry.modelled_j, "J"),
                band=si_range(low, high, "J") if high > low else dash,
                static=si(entry.static_j, "J"),
                total=si(entry.total_j, "J"),
                ratio=short(entry.ratio_to_paper) if entry.ratio_to_paper else dash,
            )
        )
    return [*rows, _sensor(run, dash)]


def _sensor(run: RunEntry, dash: str) -> Estimate:
    if not isinstance(run.measured, MeasuredEntry):
        name = f"unavailable: {run.measured.unavailable}"
        return Estimate(BY_SENSOR, name, dash, dash, dash, dash, dash)
    paper = run.paper.energy_j
    name = f"{run.measured.device}, {run.measured.method}"
    ratio = short(run.measured.joules / paper) if paper else dash
    return Estimate(BY_SENSOR, name, si(run.measured.joules, "J"), dash, dash, dash, ratio)


def _layer_texts(row: dict[str, object]) -> dict[str, str]:
    """Texts of a row of the layer table; what a row does not have stays empty."""
    texts = {}
    for key, value in row.items():
        if isinstance(value, int) and not isinstance(value, bool):
            texts[key] = count(value)
        elif isinstance(value, float):
            texts[key] = count(round(value)) if key == "paper_sops" else short(value)
        else:
            texts[key] = "" if value is None else str(value)
    return texts


def _prices(run: RunEntry) -> list[Price]:
    """Every price on the page with its source, the formula's first."""
    mac, sop = prices()
    rows = [
        _formula_price("MAC", run.paper.macs, mac),
        _formula_price("SOP", run.paper.sops, sop),
    ]
    for name, entry in run.profiles.items():
        for term, t in entry.terms.items():
            band = "" if t.price_low == t.price_high else f"{t.price_low:g} to {t.price_high:g}"
            rows.append(
                Price(
                    profile=name,
                    term=term.replace("_", " "),
                    count=count(t.count),
                    price=f"{t.price:g} {t.unit}",
                    band=band,
                    energy=si(t.energy_j, "J"),
                    kind=t.kind.replace("_", " "),
                    source=t.source,
                    calibrated_on=t.calibrated_on,
                )
            )
    return rows


def _formula_price(term: str, occurrences: float, price: Quantity) -> Price:
    return Price(
        profile=THEORETICAL,
        term=term,
        count=count(occurrences),
        price=f"{price.value:g} {price.unit}",
        band="",
        energy=si(occurrences * price.band_pj[1] * 1e-12, "J"),
        kind=price.kind.replace("_", " "),
        source=price.source,
        calibrated_on=None,
    )


def _details(run: RunEntry) -> list[tuple[str, str]]:
    r = run.record
    found = [
        ("network", r.network),
        ("network sha256", r.network_sha256),
        ("input", r.input),
        ("input sha256", r.input_sha256),
        ("command", r.command),
        ("backend", r.backend),
        ("verified against", ", ".join(r.verified_against)),
        ("accuracy", None if r.accuracy is None else f"{r.accuracy:.2%}"),
        ("samples", count(r.samples)),
        ("steps a sample", count(r.steps)),
        ("latency", f"{r.latency_steps} steps"),
        ("seed", None if r.seed is None else str(r.seed)),
        ("building", si(r.build_s, "s")),
        ("stepping", f"{si(r.wall_s, 's')}, {_rate(r.steps_per_s)}"),
        ("footprint", f"{count(r.metrics.footprint)} bytes"),
        ("connection sparsity", f"{r.metrics.connection_sparsity:.1%}"),
        ("activation sparsity", f"{r.metrics.activation_sparsity:.1%}"),
        ("effective MACs a sample", count(r.metrics.effective_macs)),
        ("effective ACs a sample", count(r.metrics.effective_acs)),
        ("synapses counted", f"{r.totals.coverage:.1%}"),
        ("versions", ", ".join(f"{k} {v}" for k, v in r.versions.items())),
        ("spikewatt", r.spikewatt_version),
    ]
    return [(key, value) for key, value in found if value]


def _rate(steps_per_s: float | None) -> str:
    return "rate unknown" if steps_per_s is None else f"{short(steps_per_s)} steps a second"
