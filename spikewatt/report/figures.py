"""The figures of the page, each drawn for wide and for narrow screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from spikewatt.report.comparison import MeasuredEntry, RunEntry, UnavailableEntry
from spikewatt.report.ink import BAND, EVENTS, GRID, INK, MUTED, PAPER, SERIES, STYLE, svg
from spikewatt.report.panels import name_of
from spikewatt.report.quantities import short, si
from spikewatt.report.record import LayerRecord

WIDE_IN, NARROW_IN = 8.6, 4.3  # inches at 72 units an inch: what one SVG unit is on the page
CURVES_MAX = len(SERIES)


@dataclass(frozen=True)
class Drawing:
    """One figure as inline SVG, for both widths; the page shows the one that fits."""

    wide: str
    narrow: str


def _both(draw: Callable[[float], Figure], title: str) -> Drawing:
    with rc_context(STYLE):
        return Drawing(svg(draw(WIDE_IN), title), svg(draw(NARROW_IN), title))


def _axes(width: float, height: float, left_in: float) -> tuple[Figure, Axes]:
    """One set of axes with fixed margins, so that labels have room whatever they say."""
    figure = Figure(figsize=(width, height))
    right_in, top_in, bottom_in = 0.2, 0.42, 0.55
    box = (left_in, bottom_in, width - left_in - right_in, height - top_in - bottom_in)
    axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    axes.tick_params(length=0, pad=6)
    return figure, axes


def _left_in(labels: list[str]) -> float:
    return 0.3 + 0.088 * max(map(len, labels))


def _legend(axes: Axes, columns: int) -> None:
    height_in = axes.figure.get_figheight() * axes.get_position().height  # type: ignore[union-attr]
    handles, labels = axes.get_legend_handles_labels()
    order = [i for c in range(columns) for i in range(c, len(handles), columns)]  # row by row
    axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower left",
        bbox_to_anchor=(-0.01, 1 + 0.04 / height_in),
        ncols=columns,
        borderaxespad=0,
        handlelength=1.1,
        handleheight=0.9,
        columnspacing=1.6,
        handletextpad=0.5,
    )


def _log_axis(axes: Axes, which: str, low: float, high: float, unit: str) -> None:
    """A logarithmic axis from below `low` to above `high`, with plain tick texts."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    decades = np.log10(high / low)
    length = axes.get_position().width * axes.figure.get_figwidth()  # type: ignore[union-attr]
    ticks = max(2, int(length / 0.7)) if which == "x" else 6
    between = [s for s in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)) if decades * len(s) < ticks]
    axis.set_major_locator(LogLocator(10, between[-1] if between else (1.0,), numticks=ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: si(value, unit, 1).strip()))
    axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def operations(run: RunEntry) -> Drawing | None:
    """Paper SOPs and synaptic events of each layer, a sample, on a logarithmic axis."""
    layers = [x for x in run.record.layers if x.paper_sops or x.synaptic_events]
    if not layers:
        return None
    return _both(lambda width: _operations(layers, run.samples, width), "Operations by layer")


def _operations(layers: list[LayerRecord], samples: int, width: float) -> Figure:
    labels = [name_of(x) for x in layers]
    figure, axes = _axes(width, 1.05 + 0.56 * len(layers), _left_in(labels))
    events = np.array([x.synaptic_events for x in layers]) / samples
    sops = np.array([x.paper_sops for x in layers]) / samples
    known = np.concatenate([events, sops])
    low = 10 ** np.floor(np.log10(known[known > 0].min()) - 0.15)
    rows = np.arange(len(layers))
    axes.barh(rows - 0.19, sops, 0.34, color=PAPER, label="paper SOPs")
    axes.barh(rows + 0.19, events, 0.34, color=EVENTS, label="synaptic events")
    for row, layer in enumerate(layers):
        end = max(events[row], sops[row], low)
        ratio = layer.synaptic_events / layer.paper_sops if layer.paper_sops else np.nan
        text = f"\N{MULTIPLICATION SIGN}{short(ratio)}" if np.isfinite(ratio) else ""
        axes.annotate(
            text, (end, row), (6, 0), textcoords="offset points", va="center", color=MUTED
        )
    room = 0.14 if width > NARROW_IN else 0.3  # for the last label
    _log_axis(axes, "x", low, known.max() * (known.max() / low) ** room, "")
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(layers) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_xlabel("operations a sample")
    _legend(axes, 2)
    return figure


def _curves(layers: list[LayerRecord]) -> list[tuple[str, list[int], int]]:
    """Name, events in each bin, and steps a bin; small layers are summed if there are many."""
    seen = [x for x in layers if x.synaptic_events and x.synaptic_events_by_step]
    if len(seen) <= CURVES_MAX:
        return [(name_of(x), x.synaptic_events_by_step, x.steps_per_bin) for x in seen]
    largest = sorted(seen, key=lambda x: -x.synaptic_events)[: CURVES_MAX - 1]
    kept = [x for x in seen if x in largest]
    rest = [x.synaptic_events_by_step for x in seen if x not in largest]
    curves = [(name_of(x), x.synaptic_events_by_step, x.steps_per_bin) for x in kept]
    summed = [sum(column) for column in zip(*rest, strict=True)]
    return [*curves, (f"{len(rest)} more layers", summed, seen[0].steps_per_bin)]


def over_steps(run: RunEntry) -> Drawing | None:
    """Synaptic events of each layer over the steps, mean of the samples."""
    curves = _curves(run.record.layers)
    if not curves or run.steps < 2:
        return None
    return _both(lambda width: _over_steps(curves, run, width), "Synaptic events over steps")


def _over_steps(curves: list[tuple[str, list[int], int]], run: RunEntry, width: float) -> Figure:
    columns = min(len(curves), 5 if width > NARROW_IN else 2)
    lines = -(-len(curves) // columns)
    figure, axes = _axes(width, 3.3 + 0.22 * lines, 0.85)
    box = axes.get_position()
    shrink = 0.22 * (lines - 1) / figure.get_figheight()
    axes.set_position((box.x0, box.y0, box.width, box.height - shrink))
    values = []
    for colour, (name, events, per_bin) in zip(SERIES, curves, strict=False):
        steps = np.arange(len(events)) * per_bin
        widths = np.minimum(per_bin, run.steps - steps)  # the last bin may be shorter
        mean = np.array(events) / (run.samples * widths)
        values.append(mean)
        style = "-" if len(mean) > 40 else "o-"
        axes.plot(
            steps, np.where(mean > 0, mean, np.nan), style, ms=3, lw=1.6, color=colour, label=name
        )
    known = np.concatenate(values)
    known = known[known > 0]
    _log_axis(axes, "y", known.min() / 1.6, known.max() * 1.6, "")
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.xaxis.set_major_locator(MaxNLocator(8 if width > NARROW_IN else 5, integer=True))
    axes.set_xlim(0, max(1, run.steps - 1))
    axes.grid(axis="y")
    axes.set_xlabel("step")
    axes.set_ylabel("events a step and sample")
    _legend(axes, columns)
    return figure


def energies(run: RunEntry) -> Drawing | None:
    """The energies of a sample on one logarithmic axis: points, with bands where known."""
    rows = [row for row in _energy_rows(run) if row.joules > 0]
    return _both(lambda width: _energies(rows, width), "Energy of a sample") if rows else None


@dataclass(frozen=True)
class _Estimate:
    """A line of the figure; markers differ, so that colour is not all that tells kinds apart."""

    name: str
    joules: float
    band_j: tuple[float, float] | None
    colour: str
    marker: str


def _energy_rows(run: RunEntry) -> list[_Estimate]:
    rows = [_Estimate("theoretical", run.paper.energy_j, None, PAPER, "D")]
    for name, entry in run.profiles.items():
        rows.append(_Estimate(name, entry.modelled_j or 0.0, entry.dynamic_band_j, EVENTS, "o"))
    if isinstance(run.measured, MeasuredEntry):
        rows.append(_Estimate("sensor", run.measured.joules, None, INK, "*"))
    for x in run.published:
        rows.append(_Estimate("sensor, published", x.joules, None, INK, "*"))
    if not isinstance(run.ann, UnavailableEntry):
        for name, ann in run.ann.items():
            label = f"int8 ANN, {name.replace('per_', 'a ')}"
            rows.append(_Estimate(label, ann.energy_j, ann.band_j, SERIES[5], "s"))
    return rows


def _energies(rows: list[_Estimate], width: float) -> Figure:
    labels = [row.name for row in rows]
    figure, axes = _axes(width, 0.75 + 0.4 * len(rows), _left_in(labels))
    box, height = axes.get_position(), figure.get_figheight()
    axes.set_position((box.x0, box.y0, box.width, 1 - box.y0 - 0.1 / height))
    low, high = _reach(rows)
    for y, row in enumerate(rows):
        start, stop = row.band_j or (row.joules, row.joules)
        if stop > start:  # a band from 0 comes in from the left edge
            ends = [max(start, low / 1e3), stop]
            axes.plot(ends, [y, y], lw=9, color=BAND, solid_capstyle="butt")
            axes.plot(ends, [y, y], "|-", ms=9, lw=1.2, color=row.colour)
        axes.plot([row.joules], [y], row.marker, ms=8, color=row.colour)
        axes.annotate(
            si(row.joules, "J"), (stop, y), (10, 0), textcoords="offset points", va="center"
        )
    room = 0.22 if width > NARROW_IN else 0.6
    span = max(np.log10(high / low), 1.0)
    _log_axis(axes, "x", low / 10 ** (0.06 * span), high * 10 ** (room * span), "J")
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID)
    axes.set_xlabel("energy a sample")
    return figure


def _reach(rows: list[_Estimate]) -> tuple[float, float]:
    """The smallest and the largest energy that is not 0, bands included."""
    ends = [joules for row in rows for joules in (row.joules, *(row.band_j or ())) if joules > 0]
    return min(ends), max(ends)
