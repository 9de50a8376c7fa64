"""What the page draws itself, as plain geometry: shares, rasters, histograms, cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spikewatt.report.comparison import PASSES, RunEntry, TermEntry, UnavailableEntry
from spikewatt.report.entry import numbers
from spikewatt.report.placed import PlacementRecord
from spikewatt.report.quantities import count, short, si
from spikewatt.report.record import LayerRecord

# Terms that are shown as one part of an energy, and the part's colour among the page's series.
PARTS: dict[str, tuple[str, int]] = {
    "synaptic_event": ("synaptic events", 0),
    "synaptic_event_graded": ("synaptic events with values", 6),
    "neuron_update": ("neuron updates", 1),
    "neuron_update_active": ("neuron updates", 1),
    "neuron_update_inactive": ("neuron updates", 1),
    "message": ("messages", 2),
    "hop_ew": ("hops", 3),
    "hop_ns": ("hops", 3),
    "static": ("static", 7),
    "multiply": ("arithmetic", 0),
    "accumulate": ("arithmetic", 0),
    "operand_read": ("operands from a buffer", 4),
    "weight_read": ("weights from memory", 5),
    "activation_access": ("activations", 3),
}
_OTHER = 7


@dataclass(frozen=True)
class Part:
    """One part of an energy: its name, energy as text, share, and colour number."""

    name: str
    energy: str
    share: float
    colour: int

    @property
    def percent(self) -> str:
        """The share as text."""
        return "under 1 %" if self.share < 0.005 else f"{100 * self.share:.0f} %"


@dataclass(frozen=True)
class Stack:
    """An energy by its parts, largest first as the terms come."""

    name: str
    total: str
    parts: list[Part]


def stacks(run: RunEntry) -> list[Stack]:
    """Energy by term of each profile and of the ANN; static energy where it is known."""
    found = []
    for name, entry in run.profiles.items():
        energies = _by_part(entry.terms)
        if entry.static_j is not None:
            energies["static"] = entry.static_j
        found.append(_stack(name, energies))
    if not isinstance(run.ann, UnavailableEntry):
        for name, ann in run.ann.items():
            found.append(_stack(f"int8 ANN, {PASSES[name]}", _by_part(ann.terms)))
    return [stack for stack in found if stack.parts]


def _by_part(terms: Mapping[str, TermEntry]) -> dict[str, float]:
    energies: dict[str, float] = {}
    for name, term in terms.items():
        part = PARTS.get(name, (name.replace("_", " "), _OTHER))[0]
        if term.scope == "all_in":
            part = "all in"
        energies[part] = energies.get(part, 0.0) + term.energy_j
    return energies


def _stack(name: str, energies: Mapping[str, float]) -> Stack:
    colours = dict(PARTS.values())
    total = sum(energies.values())
    parts = [
        Part(part, si(energy_j, "J"), energy_j / total, colours.get(part, _OTHER))
        for part, energy_j in energies.items()
        if energy_j > 0
    ]
    return Stack(name, si(total, "J"), parts)


def name_of(layer: LayerRecord) -> str:
    """What figures call a layer."""
    return f"{layer.index} {layer.type}"


@dataclass(frozen=True)
class Panel:
    """A small drawing: an SVG path in a box of its own units, and the texts around it.

    height_px: on a page of any width. low, high: ends of the horizontal axis.
    """

    label: str
    note: str
    box: tuple[int, int]
    path: str
    height_px: int
    low: str = ""
    high: str = ""


def rasters(run: RunEntry) -> list[Panel]:
    """One panel a recorded layer: a tick for each spike of the chosen neurons."""
    return [_raster(x) for x in run.record.layers if x.raster]


def _raster(layer: LayerRecord) -> Panel:
    assert layer.raster is not None
    rows, steps = len(layer.raster.neurons), layer.raster.steps
    ticks = [f"M{step}.1 {row}.5h.8" for row, step in layer.raster.points()]
    shown = "" if rows == layer.neurons else f"{rows} of "
    return Panel(
        label=name_of(layer),
        note=f"{shown}{count(layer.neurons)} neuron{'s' if layer.neurons > 1 else ''}",
        box=(steps, rows),
        path="".join(ticks),
        height_px=max(14, min(112, 6 * rows)),
        low="0",
        high=str(steps),
    )


def histograms(run: RunEntry) -> list[Panel]:
    """One panel a recorded layer: neurons by firing rate, without the silent ones."""
    return [_histogram(x) for x in run.record.layers if x.rates]


def _histogram(layer: LayerRecord) -> Panel:
    rates = layer.rates
    assert rates is not None
    tallest = max(rates.neurons, default=1)
    bars = [f"M{k}.06 1V{1 - n / tallest:.3f}h.88V1z" for k, n in enumerate(rates.neurons) if n > 0]
    mean = layer.spikes_out / (layer.neurons * rates.slots)
    silent = rates.silent / layer.neurons
    return Panel(
        label=name_of(layer),
        note=f"{_percent(silent)} silent, mean {short(mean, 2)}",
        box=(max(1, len(rates.neurons)), 1),
        path="".join(bars),
        height_px=72,
        low="0",
        high=short(len(rates.neurons) * rates.spikes_per_bin / rates.slots, 2),
    )


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.{0 if share > 0.1 or share == 0 else 1}f} %"


@dataclass(frozen=True)
class Cell:
    """A core: its events and updates relative to the busiest core of each, and in words."""

    events: float
    updates: float
    title: str


@dataclass(frozen=True)
class CoreRow:
    """The cores of one layer."""

    label: str
    note: str
    cells: list[Cell]


@dataclass(frozen=True)
class CoreMap:
    """The cores of one profile's mapping, by layer."""

    profile: str
    summary: str
    rows: list[CoreRow]


def core_maps(run: RunEntry) -> list[CoreMap]:
    """A map for each compared profile that the network was placed on, the featured one first."""
    placements = run.record.placements or {}
    chosen = [n for n in run.profiles if n in placements and placements[n].groups]
    chosen.sort(key=lambda name: name != run.featured)
    return [
        CoreMap(name, _summary(placements[name], run.steps), _core_rows(placements[name], run))
        for name in chosen
    ]


def _core_rows(placed: PlacementRecord, run: RunEntry) -> list[CoreRow]:
    names = {x.index: name_of(x) for x in run.record.layers}
    loads = {g.layer: (numbers(g.events), numbers(g.updates)) for g in placed.groups}
    most_events = max(max(events, default=0) for events, _ in loads.values()) or 1
    most_updates = max(max(updates, default=0) for _, updates in loads.values()) or 1
    steps = run.steps * run.samples
    rows = []
    for layer, (events, updates) in loads.items():
        cells = [
            Cell(e / most_events, u / most_updates, f"{_a_step(e, u, steps)} a step")
            for e, u in zip(events, updates, strict=True)
        ]
        note = f"{len(cells)} core{'s' if len(cells) > 1 else ''}"
        rows.append(CoreRow(names.get(layer, str(layer)), note, cells))
    return rows


def _a_step(events: int, updates: int, steps: int) -> str:
    return f"{short(events / steps)} synaptic events, {short(updates / steps)} neuron updates"


_LIMITED_BY = {
    "neuron_update": "neuron updates",
    "synaptic_event": "synaptic events",
    "memory_read": "reads of synaptic memory",
    "link": "the heaviest link",
    "floor": "the barrier",
}


def _summary(placed: PlacementRecord, steps: int) -> str:
    parts = [f"{count(placed.cores or 0)} cores"]
    if placed.chips is not None:
        parts.append(f"{count(placed.chips)} chip{'s' if placed.chips > 1 else ''}")
    if placed.step_time_s is not None:
        limit = _LIMITED_BY.get(placed.limited_by or "")
        parts.append(
            f"{si(placed.step_time_s, 's')} a step" + (f" (set by {limit})" if limit else "")
        )
        parts.append(f"{si(placed.step_time_s * steps, 's')} a sample")
    return ", ".join(parts)
