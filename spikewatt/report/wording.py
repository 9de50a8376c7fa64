"""What the page says about a run: headline, estimates with their sources, facts of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from spikewatt.energy.paper import prices
from spikewatt.hardware_profiles import Quantity
from spikewatt.report.comparison import (
    A_PASS_A_SAMPLE,
    A_PASS_A_STEP,
    BASELINE,
    BY_SENSOR,
    FROM_EVENTS,
    PASSES,
    THEORETICAL,
    MeasuredEntry,
    ProfileEntry,
    RunEntry,
    TermEntry,
    UnavailableEntry,
)
from spikewatt.report.quantities import count, short, si, si_range
from spikewatt.report.record import HostRecord

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Price:
    """A term of an estimate, as text: count x price = energy, and where the price is from."""

    term: str
    count: str
    price: str
    band: str
    energy: str
    kind: str
    source: str
    calibrated_on: str | None


@dataclass(frozen=True)
class Estimate:
    """A row of the energy table, as text, with its prices and what it leaves out."""

    name: str
    energy: str
    band: str = DASH
    static: str = DASH
    total: str = DASH
    ratio: str = DASH
    ratio_step: str = DASH
    ratio_sample: str = DASH
    prices: list[Price] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)
    source: str = ""


@dataclass(frozen=True)
class Group:
    """Estimates of one kind."""

    kind: str
    what: str
    estimates: list[Estimate]


def headline(run: RunEntry) -> Markup:
    """The result in a few sentences."""
    events, sops = run.record.totals.synaptic_events, run.record.totals.paper_sops
    per_sample = count(round(events / run.samples))
    text = Markup("A sample causes <b>{} synaptic events</b>").format(per_sample)
    if sops:
        text += f", {short(events / sops)} times the papers\N{RIGHT SINGLE QUOTATION MARK} SOPs"
    text += Markup(
        ". The papers\N{RIGHT SINGLE QUOTATION MARK} formula puts it at <b>{}</b>"
    ).format(si(run.paper.energy_j, "J"))
    return text + _modelled(run) + "." + _published(run) + _baseline(run)


def _modelled(run: RunEntry) -> Markup:
    name = run.featured
    if name is None:
        return Markup("")
    entry = run.profiles[name]
    text = Markup("; the counted events cost <b>{}</b>{} at the prices of {}").format(
        si(entry.modelled_j, "J"), _band_note(entry), name
    )
    if entry.ratio_to_paper:
        text += Markup(", <b>{} times</b> as much").format(short(entry.ratio_to_paper, 2))
    return text


def _published(run: RunEntry) -> Markup:
    text = Markup(" {} was measured to draw <b>{}</b> for it, on {}.")
    return Markup("").join(
        text.format(x.device, si(x.joules, "J"), x.caveat) for x in run.published
    )


def _baseline(run: RunEntry) -> Markup:
    if isinstance(run.ann, UnavailableEntry):
        return Markup("")
    one = next(iter(run.ann.values()))
    return Markup(" An int8 ANN of the same shape takes <b>{}</b> for one pass.").format(
        si(one.energy_j / one.passes, "J")
    )


def _band_note(entry: ProfileEntry) -> str:
    band = _band(entry.dynamic_band_j)
    return "" if band == DASH else f" ({band})"


def _band(band_j: tuple[float, float] | None) -> str:
    low, high = band_j or (0.0, 0.0)
    return si_range(low, high, "J") if high > low else DASH


def _times(ratio: float | None) -> str:
    return short(ratio) if ratio else DASH


def groups(run: RunEntry) -> list[Group]:
    """All estimates of a run by kind, each with its sources."""
    return [
        Group(
            THEORETICAL, "the papers\N{RIGHT SINGLE QUOTATION MARK} formula", [_theoretical(run)]
        ),
        Group(
            FROM_EVENTS,
            "counted in the execution, times a profile\N{RIGHT SINGLE QUOTATION MARK}s prices",
            [_profile(name, entry) for name, entry in run.profiles.items()],
        ),
        Group(BY_SENSOR, "the arbiter, where there is one", _sensor(run)),
        Group(BASELINE, "of the same shape, with its memory accesses", _ann(run)),
    ]


def _theoretical(run: RunEntry) -> Estimate:
    mac, sop = prices()
    return Estimate(
        name="4.6 pJ \N{MULTIPLICATION SIGN} MAC + 0.9 pJ \N{MULTIPLICATION SIGN} SOP",
        energy=si(run.paper.energy_j, "J"),
        ratio="1",
        prices=[_formula(run.paper.macs, mac, "MAC"), _formula(run.paper.sops, sop, "SOP")],
    )


def _profile(name: str, entry: ProfileEntry) -> Estimate:
    return Estimate(
        name=f"{entry.title} ({name})",
        energy=si(entry.modelled_j, "J"),
        band=_band(entry.dynamic_band_j),
        static=si(entry.static_j, "J"),
        total=si(entry.total_j, "J"),
        ratio=_times(entry.ratio_to_paper),
        ratio_step=_times(entry.ratio_to_ann.get(A_PASS_A_STEP)),
        ratio_sample=_times(entry.ratio_to_ann.get(A_PASS_A_SAMPLE)),
        prices=_prices(entry.terms),
        absent=list(entry.absent_why.items()),
    )


def _ann(run: RunEntry) -> list[Estimate]:
    if isinstance(run.ann, UnavailableEntry):
        return [Estimate(f"unavailable: {run.ann.unavailable}", DASH)]
    return [
        Estimate(
            name=PASSES[name],
            energy=si(ann.energy_j, "J"),
            band=_band(ann.band_j),
            ratio=_times(ann.ratio_to_paper),
            prices=_prices(ann.terms),
            absent=list(ann.absent_why.items()),
        )
        for name, ann in run.ann.items()
    ]


def _sensor(run: RunEntry) -> list[Estimate]:
    if isinstance(run.measured, MeasuredEntry):
        rows = [_measured(run, run.measured)]
    else:
        rows = [Estimate(f"unavailable: {run.measured.unavailable}", DASH)]
    published = [(x, f"published; {x.caveat}", f"{x.method}. {x.source}") for x in run.published]
    return [*rows, *(_measured(run, *entry) for entry in published)]


def _measured(run: RunEntry, found: MeasuredEntry, how: str = "", source: str = "") -> Estimate:
    ann = {} if isinstance(run.ann, UnavailableEntry) else run.ann
    over = {name: _times(found.joules / x.energy_j) for name, x in ann.items() if x.energy_j}
    return Estimate(
        name=f"{found.device}, {how or found.method}",
        energy=si(found.joules, "J"),
        ratio=_times(found.joules / run.paper.energy_j if run.paper.energy_j else None),
        ratio_step=over.get(A_PASS_A_STEP, DASH),
        ratio_sample=over.get(A_PASS_A_SAMPLE, DASH),
        source=source,
    )


def _prices(terms: Mapping[str, TermEntry]) -> list[Price]:
    return [_price(name.replace("_", " "), term) for name, term in terms.items()]


def _price(name: str, t: TermEntry) -> Price:
    return Price(
        term=name,
        count=count(t.count),
        price=f"{t.price:g} {t.unit}",
        band="" if t.price_low == t.price_high else f"{t.price_low:g} to {t.price_high:g}",
        energy=si(t.energy_j, "J"),
        kind=t.kind.replace("_", " "),
        source=t.source,
        calibrated_on=t.calibrated_on,
    )


def _formula(occurrences: float, price: Quantity, name: str) -> Price:
    return Price(
        term=name,
        count=count(occurrences),
        price=f"{price.value:g} {price.unit}",
        band="",
        energy=si(occurrences * price.band_pj[1] * 1e-12, "J"),
        kind=price.kind.replace("_", " "),
        source=price.source,
        calibrated_on=None,
    )


def details(run: RunEntry) -> list[tuple[str, str]]:
    """Facts of the run that make it repeatable, each with its name."""
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
        ("samples a clip, one a person", count(r.persons) if r.persons > 1 else None),
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
        ("host", None if r.host is None else _host(r.host)),
        ("synapses counted", f"{r.totals.coverage:.1%}"),
        ("versions", ", ".join(f"{k} {v}" for k, v in r.versions.items())),
        ("spikewatt", r.spikewatt_version),
    ]
    return [(key, value) for key, value in found if value]


def _host(found: HostRecord) -> str:
    work = f"{count(found.macs)} MACs, {count(found.acs)} ACs"
    share = f"{found.dense_macs_share:.1%} of the dense MACs"
    return f"{found.module}: {work} in all, {share}, {found.coverage:.0%} counted"


def _rate(steps_per_s: float | None) -> str:
    return "rate unknown" if steps_per_s is None else f"{short(steps_per_s)} steps a second"
