"""The comparison as one self-contained page: no link leaves it, it reads offline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spikewatt.report import figures, panels, wording
from spikewatt.report.comparison import Comparison, RunEntry
from spikewatt.report.comparison_tables import layer_rows, notes, side_by_side
from spikewatt.report.quantities import count, short
from spikewatt.report.tables import Row
from spikewatt.report.writing import write_text

_TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Section:
    """What the page shows of one run."""

    run: RunEntry
    title: str
    headline: Markup
    groups: list[wording.Group]
    layers: list[dict[str, str]]
    notes: list[str]
    verified: str
    details: list[tuple[str, str]]
    stacks: list[panels.Stack]
    rasters: list[panels.Panel]
    histograms: list[panels.Panel]
    cores: list[panels.CoreMap]
    figures: dict[str, figures.Drawing | None]


def environment() -> Environment:
    """The templates beside this file."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(comparison: Comparison) -> str:
    """The page as one HTML text."""
    rows, columns = side_by_side(comparison)
    return (
        environment()
        .get_template(_TEMPLATE)
        .render(
            sections=[_section(run) for run in comparison.runs],
            side=[[_text(row.get(c.key)) for c in columns] for row in rows],
            version=comparison.runs[0].record.spikewatt_version,
        )
    )


def write_html(comparison: Comparison, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    write_text(path, page(comparison))


def _section(run: RunEntry) -> Section:
    return Section(
        run=run,
        title=Path(run.network).name,
        headline=wording.headline(run),
        groups=wording.groups(run),
        layers=[_layer_texts(row) for row in layer_rows(run)],
        notes=notes(run),
        verified=" and ".join(Path(name).name for name in run.record.verified_against),
        details=wording.details(run),
        stacks=panels.stacks(run),
        rasters=panels.rasters(run),
        histograms=panels.histograms(run),
        cores=panels.core_maps(run),
        figures={
            "energies": figures.energies(run),
            "operations": figures.operations(run),
            "over_steps": figures.over_steps(run),
        },
    )


def _layer_texts(row: Row) -> dict[str, str]:
    """Texts of a row of the layer table; what a row does not have stays empty."""
    texts = {key: _text(value) for key, value in row.items()}
    if isinstance(sops := row.get("paper_sops"), float):
        texts["paper_sops"] = count(round(sops))
    return texts


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    if isinstance(value, float):
        return short(value)
    return "" if value is None else str(value)
