"""The curves as SVG."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter
from measuring import Section

STYLE = {
    "svg.hashsalt": "spikewatt",  # the same numbers give the same file
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
COLOURS = ("#0b6e4f", "#c1440e", "#3a5a98", "#8a8a8a", "#b8860b", "#6d4c8d")


def draw_curve(section: Section, path: Path) -> None:
    """Medians over x with their spread, both axes logarithmic."""
    names = list(dict.fromkeys(n for g in section.groups for n in g.cells))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(5, 3.8), layout="constrained")
        for colour, name in zip(COLOURS, names, strict=False):
            there = [g for g in section.groups if name in g.cells and g.cells[name].values]
            if not there:
                continue
            x = [g.x for g in there]
            low, high = zip(*(g.cells[name].spread for g in there), strict=True)
            medians = [g.cells[name].median for g in there]
            axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, medians, "o-", color=colour, label=name, markersize=3, linewidth=1.2)
        axes.set(xscale="log", yscale="log", xlabel=section.x_label, title=section.title)
        axes.xaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.set_ylabel(section.groups[0].unit)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def draw_ratios(section: Section, path: Path) -> None:
    """Bars from 1 to the ratio to the base, by group, on a logarithmic axis."""
    bars = [
        (f"{g.name.split(':')[0]}: {name}", found.median, found.spread)
        for g in section.groups
        for name in g.cells
        if name != g.base and (found := g.ratio(name)) is not None
    ][::-1]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6, 0.6 + 0.28 * len(bars)), layout="constrained")
        for i, (_, median, (low, high)) in enumerate(bars):
            axes.barh(i, median - 1, left=1, color=COLOURS[0], height=0.6)
            axes.plot([low, high], [i, i], color="black", linewidth=1)
        axes.set_yticks(range(len(bars)), [f"{label} ({median:.3g})" for label, median, _ in bars])
        axes.axvline(1, color="grey", linewidth=0.8)
        axes.set(xscale="log", xlabel=f"ratio to {section.groups[0].base}")
        axes.xaxis.set_major_formatter(PLAIN)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


BARS = ("engines", "neurons")


def draw(sections: list[Section], folder: Path) -> dict[str, str]:
    """Draw what can be drawn into a folder; file names by section."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for section in sections:
        usable = [g for g in section.groups if any(c.values for c in g.cells.values())]
        if not usable or not (section.x_label or section.key in BARS):
            continue
        name = f"benchmarks-{section.key}.svg"
        (draw_curve if section.x_label else draw_ratios)(section, folder / name)
        drawn[section.key] = name
    return drawn
