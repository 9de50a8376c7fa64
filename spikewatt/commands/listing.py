"""profiles, models and datasets: what there is."""

from __future__ import annotations

from typing import TextIO

from spikewatt.data.datasets import DATASETS, Found, describe, found
from spikewatt.hardware_profiles import load, names
from spikewatt.report.tables import Column, Row, render


def show_profiles(name: str | None, file: TextIO) -> None:
    """All profiles, or every number of one with unit, kind and source."""
    if name is None:
        rows = [{"profile": p, "title": load(p).title} for p in names()]
        render(rows, [Column("profile"), Column("title")], file)
        return
    profile = load(name)
    file.write(f"{profile.name}: {profile.title}\n")
    quantities = {**profile.terms, **profile.static}
    entries: list[Row] = [
        {"entry": key, "value": q.value, "unit": q.unit, "kind": q.kind, "source": q.source}
        for key, q in quantities.items()
    ]
    render(entries, [Column(k) for k in ("entry", "value", "unit", "kind", "source")], file)
    for part, why in profile.absent.items():
        file.write(f"absent: {part}: {why}\n")


def show_models(name: str | None, file: TextIO) -> None:
    """All models, or the parts of one."""
    from spikewatt.commands.models import list_models, show_model

    if name is None:
        list_models(file)
    else:
        show_model(name, file)


def show_datasets(spec: str | None, file: TextIO) -> None:
    """All data sets; for a NAME what it needs and where it comes from; what lies at NAME:PATH.

    What an embedded set holds is counted, too. Raises what `data.datasets.load` raises.
    """
    if spec is None:
        rows = [{"data": s.usage, "title": s.title} for s in DATASETS.values()]
        render(rows, [Column("data"), Column("title")], file)
        return
    name, colon, _ = spec.partition(":")
    source = describe(name)
    there = found(spec) if colon or source.read is None else None
    facts = {
        "data": source.usage,
        "title": source.title,
        "kind": source.kind,
        "needs": source.needs or "nothing",
        "origin": source.origin,
        "split": source.split,
        "classes": ", ".join(source.classes) or "the folders' names",
    }
    rows = [{"entry": key, "value": value} for key, value in facts.items()]
    render(rows, [Column("entry"), Column("value")], file)
    if there is not None:
        _show_found(there, file)


def _show_found(there: Found, file: TextIO) -> None:
    """Clips of each class, and a line for each that was skipped."""
    total = {"class": "all", "training": there.train, "test": there.test}
    rows: list[Row] = [
        {"class": name, "training": train, "test": test} for name, train, test in there.by_class
    ]
    file.write("\nclips found\n")
    render([*rows, total], [Column(k) for k in ("class", "training", "test")], file)
    for line in there.report:
        file.write(f"{line}\n")
