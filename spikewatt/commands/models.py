"""models: the networks that can be trained, and what each is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from spikewatt.errors import SpikewattError
from spikewatt.report.tables import Column, Row, render
from spikewatt.train.models import MODELS, Model, model
from spikewatt.train.models.connections import Connections, connections
from spikewatt.train.models.facts import Facts, described, facts

_LIST = (
    *("model", "kind", "classes", "parameters", "dense_macs", "steps", "persons"),
    *("lif_neurons", "deploys", "title"),
)
_LEGEND = (
    "All counts are of the model's table configuration (`spikewatt models NAME`).\n"
    "dense_macs: of one clip, all its persons and steps; divide by steps for those of a step.\n"
    "lif_neurons: for one person. deploys: whether it has an integer form.\n"
)


def list_models(file: TextIO) -> None:
    """Every model in its table's configuration."""
    render([_line(m) for m in MODELS.values()], [Column(c) for c in _LIST], file)
    file.write(f"\n{_LEGEND}")


def _line(entry: Model) -> Row:
    f = facts(entry)
    return {
        "model": entry.name,
        "kind": _kind(entry),
        "classes": entry.table.classes,
        "parameters": f.parameters,
        "dense_macs": f.counts.macs,
        "steps": f.steps or None,
        "persons": f.persons,
        "lif_neurons": f.neurons or None,
        "deploys": _yes(entry.deploys),
        "title": entry.title,
    }


def _kind(entry: Model) -> str:
    return "spiking" if entry.spiking else "ANN"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def show_model(name: str, file: TextIO) -> None:
    """One model: source, configuration, counts by kind, synapses, options, recipe.

    Raises SpikewattError with the known names.
    """
    entry = model(name)
    file.write(f"{entry.name}: {entry.title}\nsource: {entry.source}\n\n")
    found = facts(entry)
    _entries(_summary(entry, found), file)
    _by_kind(found, file)
    _integer_form(entry, file)
    file.write("\noptions (in the table [model] of --config)\n")
    _entries(asdict(entry.options), file)
    file.write("\nrecipe\n")
    _entries(_flat(entry.recipe.to_dict()), file)


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of tables within the table as `table.entry`, last."""
    nested = {k: v for k, v in record.items() if isinstance(v, Mapping)}
    plain = {k: v for k, v in record.items() if k not in nested}
    return plain | {f"{k}.{name}": v for k, table in nested.items() for name, v in table.items()}


def _summary(entry: Model, f: Facts) -> dict[str, Any]:
    summary = {"kind": _kind(entry), "reads": entry.reads, "classes": entry.table.classes}
    summary |= described(entry.table) | {"parameters": f.parameters, "dense MACs": f.counts.macs}
    if f.steps:
        summary |= {"steps": f.steps, "dense MACs a step": f.counts.macs / f.steps}
        summary["dense MACs on values"] = f.counts.on_values
        summary["LIF neurons"] = f.neurons
    return summary | {"deploys": _yes(entry.deploys)}


def _entries(values: Mapping[str, Any], file: TextIO) -> None:
    rows = [{"entry": key, "value": _text(value)} for key, value in values.items()]
    render(rows, [Column("entry"), Column("value")], file)


def _text(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return ", ".join(str(v) for v in value) or "-"
    return str(value) if isinstance(value, bool) else value


def _by_kind(f: Facts, file: TextIO) -> None:
    file.write("\nlayers by kind: dense MACs of one clip, all its persons and steps\n")
    rows: list[Row] = []
    for kind in dict.fromkeys((*f.counts.by_kind, *f.parameters_by_kind)):
        macs = f.counts.by_kind.get(kind, 0)
        share = 100 * macs / f.counts.macs
        rows.append(
            {
                "kind": kind,
                "parameters": f.parameters_by_kind.get(kind, 0),
                "dense_macs": macs,
                "share_percent": share,
            }
        )
    _table(rows, ("kind", "parameters", "dense_macs", "share_percent"), file)


def _table(rows: Sequence[Row], columns: Sequence[str], file: TextIO) -> None:
    render(rows, [Column(c) for c in columns], file)


def _integer_form(entry: Model, file: TextIO) -> None:
    """What the lowered graph holds, or why there is none."""
    if not entry.deploys:
        return
    try:
        found = connections(entry)
    except SpikewattError as error:
        file.write(f"\ninteger form: unavailable, because {error}\n")
        return
    changed = "".join(f", {k} = {str(v).lower()}" for k, v in found.changed.items())
    file.write(f"\ninteger form: one person, {found.frames} frames{changed}\n")
    _table(_synapses(found), ("kind", "projections", "synapses", "on_loihi"), file)
    share = 100 * (1 - found.attended / found.neurons)
    file.write(
        f"{found.neurons} LIF neurons in {found.populations} populations, "
        f"{share:.1f} % native on Loihi.\n"
    )
    if found.attended:
        file.write(
            f"Attention reaches {found.attended} of them and needs microcode; it stores no "
            "synapses, the number is that of its products in a step.\n"
        )


def _synapses(found: Connections) -> list[Row]:
    return [
        {
            "kind": kind,
            "projections": found.projections[kind],
            "synapses": number,
            "on_loihi": "microcode" if kind == "attention" else "native",
        }
        for kind, number in found.synapses.items()
    ]
