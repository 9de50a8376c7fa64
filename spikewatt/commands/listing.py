"""profiles, models and datasets: what there is."""

from __future__ import annotations

from typing import TextIO

from spikewatt.data.datasets import DATASETS, describe
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
    from spikewatt.train.models import MODELS, model

    if name is None:
        rows = [{"model": m.name, "title": m.title} for m in MODELS.values()]
        render(rows, [Column("model"), Column("title")], file)
        return
    entry = model(name)
    file.write(f"{entry.name}: {entry.title}\nsource: {entry.source}\n")
    from spikewatt.train.models.facts import facts

    rows = [{"entry": key, "value": value} for key, value in facts(entry).items()]
    render(rows, [Column("entry"), Column("value")], file)


def show_datasets(name: str | None, file: TextIO) -> None:
    """All data sets, or what one needs, where it comes from, and its classes."""
    if name is None:
        rows = [{"data": s.usage, "title": s.title} for s in DATASETS.values()]
        render(rows, [Column("data"), Column("title")], file)
        return
    source = describe(name)
    facts = {
        "data": source.usage,
        "title": source.title,
        "needs": source.needs or "nothing",
        "origin": source.origin,
        "split": source.split,
        "classes": ", ".join(source.classes),
    }
    rows = [{"entry": key, "value": value} for key, value in facts.items()]
    render(rows, [Column("entry"), Column("value")], file)
