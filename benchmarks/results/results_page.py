"""docs/results.md from the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from spikewatt.energy.audit import load_paper
from spikewatt.train.models import MODELS

INTRODUCTION = """# Results

What the exported integer networks get right on data that their training never saw, and what they
cost. Every number is of a record in `results/records/` (recipe, seed, commands, commit), which

```
uv run python benchmarks/results/campaign.py        # trains, exports, executes what is missing
uv run python benchmarks/results/results_table.py   # this page
```

make. **Everything here is small**: two processor cores trained for minutes, where the papers'
networks are {times} and trained for longer; the tables of sizes say how
much. A network below its paper's figure is short by what the table says, and nothing here shows
that the paper's size does not reach it.

Accuracies are after the last epoch, in percent of all test clips: mean over the seeds, smallest
and largest in brackets; no best epoch is picked. `float` is the float network before it is
quantised, `deployed` the exported integers, executed by the native engine. SOPs, events and
energies are a clip's. Paper energy is 4.6 pJ x MAC + 0.9 pJ x SOP; modelled energy are counted
events times the prices of `{profile}`, dynamic, with its band (docs/energy-model.md). Small
networks of a few frames cost little: compare along a row, not with a paper's of another size.
Minutes of training are by the clock, while other runs shared the machine.
"""
Records = Sequence[Mapping[str, Any]]
Cell = Callable[[Records], str]


def page(records: Records, claims: Mapping[str, Any], profile: str, figure: str | None) -> str:
    """The page; records: all of them; claims: by model; figure: of the trade-off, if drawn."""
    networks = [r for r in _of(records, "networks") if MODELS[r["model"]].spiking]
    parts = [INTRODUCTION.format(profile=profile, times=_larger(networks))]
    for title, table, write in SECTIONS:
        chosen = _of(records, table) if table else list(records)
        if chosen:
            parts += [f"## {title}\n", write(chosen, claims)]
            if table == "trade-off" and figure:
                parts.append(f"![{title}](figures/{figure})\n")
    return "\n".join(parts).rstrip() + "\n"


def _of(records: Records, table: str) -> list[Mapping[str, Any]]:
    return [r for r in records if r["table"] == table]


def _by_name(records: Records) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        found.setdefault(record["name"], []).append(record)
    return found


def _larger(records: Records) -> str:
    """How many times larger the papers' networks are."""
    ratios = [_paper_parameters(r["model"]) / r["parameters"] for r in records]
    return f"up to {max(ratios):.0f} times as large" if ratios else "larger"


def _paper_parameters(model: str) -> int:
    from spikewatt.train.models.facts import facts

    return facts(MODELS[model]).parameters


def _table(records: Records, columns: Mapping[str, Cell]) -> str:
    rows = [[name, *(c(rs) for c in columns.values())] for name, rs in _by_name(records).items()]
    head = ["run", *columns]
    lines = [head, ["---", *("---:" for _ in columns)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    """The mean, and with several values the smallest and the largest."""
    if len(set(values)) <= 1:
        return write(values[0])
    return f"{write(mean(values))} ({write(min(values))}-{write(max(values))})"


def _percent(key: str) -> Cell:
    def cell(records: Records) -> str:
        values = [r[key] for r in records if r.get(key) is not None]
        return _spread(values, lambda v: f"{100 * v:.2f}") if values else "-"

    return cell


def _average(read: Callable[[Mapping[str, Any]], float | None], form: str) -> Cell:
    def cell(records: Records) -> str:
        values = [v for r in records if (v := read(r)) is not None]
        return format(mean(values), form) if values else "-"

    return cell


def _a_clip(key: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda r: r["totals"][key] / r["samples"] / 1e6 if "totals" in r else None


def _modelled(records: Records) -> str:
    found = [r["modelled"] for r in records if "modelled" in r]
    if not found:
        return "-"
    low, high = (mean(m["dynamic_band_j"][i] for m in found) for i in (0, 1))
    return f"{1e3 * mean(m['dynamic_j'] for m in found):.4f} ({1e3 * low:.4f}-{1e3 * high:.4f})"


def gap(records: Records) -> str:
    """Deployed less float, in points of percent."""
    values = [
        100 * (r["deployed_accuracy"] - r["float_accuracy"])
        for r in records
        if r.get("deployed_accuracy") is not None
    ]
    return _spread(values, lambda v: f"{v:+.2f}") if values else "-"


def _seeds(records: Records) -> str:
    return ", ".join(str(r["seed"]) for r in records)


ACCURACIES: dict[str, Cell] = {
    "seeds": _seeds,
    "float, %": _percent("float_accuracy"),
    "deployed, %": _percent("deployed_accuracy"),
    "deployed - float, points": gap,
}
COSTS: dict[str, Cell] = {
    "parameters": _average(lambda r: r["parameters"], ".0f"),
    "paper SOPs, M": _average(_a_clip("paper_sops"), ".2f"),
    "synaptic events, M": _average(_a_clip("synaptic_events"), ".2f"),
    "paper energy, mJ": _average(lambda r: 1e3 * r["paper"]["energy_j"], ".4f"),
    "modelled energy, mJ": _modelled,
}


def _networks(records: Records, claims: Mapping[str, Any]) -> str:
    """Accuracy and cost, then what the papers claim."""
    return "\n".join(
        (
            _table(records, {**ACCURACIES, **COSTS}),
            "Against what the papers claim on NW-UCLA, of networks of their own size (energy: the\n"
            "audit's tables, docs/energy-model.md):\n",
            _claimed(records, claims),
            "Sizes and schedules, here and (in brackets) in the model's table and recipe:\n",
            sizes(records),
        )
    )


def _claimed(records: Records, claims: Mapping[str, Any]) -> str:
    columns: dict[str, Cell] = {
        "accuracy here, %": lambda rs: _percent(_best_form(rs))(rs),
        "claimed, %": lambda rs: claims[rs[0]["model"]]["accuracy"],
        "short by, points": lambda rs: f"{_short(rs, claims):.2f}",
        "claimed energy, mJ": lambda rs: _claimed_energy(claims[rs[0]["model"]]),
        "paper energy here, mJ": COSTS["paper energy, mJ"],
        "source of the claim": lambda rs: claims[rs[0]["model"]]["source"],
    }
    return _table(records, columns)


def _best_form(records: Records) -> str:
    """Deployed, where the network has an integer form."""
    deployed = records[0].get("deployed_accuracy") is not None
    return "deployed_accuracy" if deployed else "float_accuracy"


def _short(records: Records, claims: Mapping[str, Any]) -> float:
    """Claimed less found; below 0 the network is above the claim."""
    found = mean(r[_best_form(records)] for r in records)
    return float(claims[records[0]["model"]]["accuracy"]) - 100 * found


def _claimed_energy(claim: Mapping[str, Any]) -> str:
    if "row" not in claim:
        return "-"
    rows = [
        r
        for r in load_paper("mk-sgn").rows
        if r.table == "NW-UCLA rows" and r.row == claim["row"] and "energy_mj" in r.claimed
    ]
    return rows[0].claimed["energy_mj"]


def sizes(records: Records) -> str:
    """How each run differs from the model's own configuration and recipe."""
    columns: dict[str, Cell] = {
        "parameters": lambda rs: f"{rs[0]['parameters']} ({_paper_parameters(rs[0]['model'])})",
        "frames": lambda rs: _beside(rs[0], "frames"),
        "epochs": lambda rs: f"{rs[0]['epochs']} ({_own_epochs(rs[0])})",
        "batch": lambda rs: _beside(rs[0], "batch_size"),
        "training, min": _average(_minutes, ".1f"),
        "on": lambda rs: ", ".join(sorted({_device(r) for r in rs})),
        "other options": lambda rs: _changed(rs[0]),
    }
    return _table(records, columns)


def _minutes(record: Mapping[str, Any]) -> float | None:
    """Of all epochs by the clock; records before there was one have processor time."""
    seconds = record.get("train_s", record.get("train_cpu_s"))
    return None if seconds is None else float(seconds) / 60


def _device(record: Mapping[str, Any]) -> str:
    return str(record.get("device", "cpu")).replace("NVIDIA ", "")


def _beside(record: Mapping[str, Any], key: str) -> str:
    return f"{record['recipe'][key]} ({getattr(MODELS[record['model']].recipe, key)})"


def _own_epochs(record: Mapping[str, Any]) -> int:
    recipe = MODELS[record["model"]].recipe
    return recipe.epochs + recipe.finetune_epochs


def _changed(record: Mapping[str, Any]) -> str:
    own = asdict(MODELS[record["model"]].options)
    used = {k: v for k, v in record["options"].items() if _plain(own[k]) != _plain(v)}
    return "; ".join(f"{k} {_plain(v)}" for k, v in used.items()) or "-"


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _short_table(records: Records, claims: Mapping[str, Any]) -> str:
    return "\n".join((_table(records, {**ACCURACIES, **COSTS}), sizes(records)))


GAP = """Integer networks are fine-tuned after they are quantised, without dropout. A gain is not
what integers bring: the schedule goes on, the folded network has weights of its own where the float
one shares them (a bias at every place, a matrix for every pair of joints), and where dropout stands
in front of a norm, the float network is worse than it could be, since its norms keep statistics of
clips with holes in them. The rate is in the units of the chip's weights; runs at 0.0003 are from
before it was, when it was that of the float weights. Sorted by the gap, the largest loss first.
"""


def _gaps(records: Records, claims: Mapping[str, Any]) -> str:
    """All runs with an integer form, the largest loss first."""
    there = [r for r in records if r.get("deployed_accuracy") is not None]
    there.sort(key=lambda r: r["deployed_accuracy"] - r["float_accuracy"])
    columns: dict[str, Cell] = {
        "dropout": lambda rs: str(rs[0]["options"].get("dropout", "-")),
        "epochs of fine-tuning": lambda rs: str(rs[0]["recipe"]["finetune_epochs"]),
        "rate": lambda rs: str(rs[0]["recipe"]["finetune_lr"]),
        **ACCURACIES,
    }
    return "\n".join((GAP, _table(there, columns), *_disagreements(there)))


def _disagreements(records: Records) -> list[str]:
    """Runs whose quantised network did not get the same clips right as what was exported of it."""
    return [
        f"{r['name']}, seed {r['seed']}: the quantised network got "
        f"{100 * r['quantised_accuracy']:.2f} % in training, the exported one "
        f"{100 * r['deployed_accuracy']:.2f} %. They should be equal: currents can have left the "
        "24-bit state, which the code has prevented since; train it again.\n"
        for r in records
        if r["quantised_accuracy"] != r["deployed_accuracy"]
    ]


SECTIONS: tuple[tuple[str, str, Callable[[Records, Mapping[str, Any]], str]], ...] = (
    ("NW-UCLA", "networks", _networks),
    ("Teachers", "teachers", _short_table),
    ("MK-SGN, part by part", "ablation", _short_table),
    ("Larger networks", "large", _short_table),
    ("Accuracy against events", "trade-off", _short_table),
    ("Other data", "other data", _short_table),
    ("What was tried", "tried", _short_table),
    ("Float and integer networks", "", _gaps),
)
