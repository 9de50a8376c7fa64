"""Colours of figures: drawn with stand-ins that the page turns into its own colours.

Matplotlib knows colours, not themes. A figure is drawn in stand-in colours that nothing else
uses; in the SVG each becomes a CSS variable, so one drawing serves light and dark pages.
"""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, GRID = "#000101", "#000202", "#000303"
EVENTS, PAPER, BAND = "#000404", "#000505", "#000606"
SERIES = tuple(f"#0101{i:02x}" for i in range(8))

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    EVENTS: "--events",
    PAPER: "--paper",
    BAND: "--band",
} | {colour: f"--s{i}" for i, colour in enumerate(SERIES)}

# Texts stay texts: readable by screen readers, in the page's own typeface.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "spikewatt",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}


def svg(figure: Figure, title: str) -> str:
    """The figure as inline SVG in the page's colours, with a title for screen readers."""
    FigureCanvasSVG(figure)
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    # The page decides on the size; the drawing keeps its shape.
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
