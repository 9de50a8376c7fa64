"""docs/deployment.md from what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikewatt.energy.deployment import HOST, MICROCODE, NATIVE

INTRODUCTION = """# Networks on a chip

Every network that has an integer form, trained for a few epochs on embedded data (the table is \
about where and whether it runs, not about accuracy), exported, and executed on the same clips by \
slayer's own neurons, the native engine and Lava's simulator. `equal` means: every spike of every \
population, the read-out, and against Lava every count, bit for bit. Populations that never fired \
would agree trivially, so the page says how many did.

Cores and chips are those of the mapping under `{profile}` (docs/energy-model.md, "Cores"); \
`spikewatt check NET.net --profile {profile}` gives them module by module. Events are shares of \
the synaptic events of the run: on neurocores as they are, in attention (a product of spikes, \
which takes microcode), and in neurons that the cores do not have (embedded or host CPU). The \
encoder and the argmax of the read-out have no synaptic events; they always are on a processor.

Made by `uv run python benchmarks/deployment/deployment_table.py`, network by network \
(`--only mk-sgn`, `--full`); what it found is in deployment.json beside this page.
"""
TITLES = {
    "small": "Small configurations",
    "full": "The papers' configurations",
}
HEAD = (
    *("network", "populations", "projections", "neurons", "synapses", "cores", "chips"),
    *("events native", "microcode", "host", "SLAYER = native", "native = Lava"),
    *("clips x steps", "fired"),
)
Found = Mapping[str, Mapping[str, Any]]


def page(found: Found, profile: str) -> str:
    """The page; found: by size/network."""
    parts = [INTRODUCTION.format(profile=profile)]
    for size, title in TITLES.items():
        networks = {k.split("/")[1]: v for k, v in found.items() if k.startswith(f"{size}/")}
        if networks:
            parts += [f"## {title}\n", _table(networks), _remarks(networks)]
    return "\n".join(parts).rstrip() + "\n"


def _table(networks: Found) -> str:
    lines = [HEAD, ("---",) + ("---:",) * (len(HEAD) - 1)]
    lines += [(name, *_cells(row)) for name, row in networks.items() if "unavailable" not in row]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    events, agreement = row["events"], row["agreement"]
    total = sum(events.values())
    shares = [
        f"{100 * events[k] / total:.1f} %" if total else "-" for k in (NATIVE, MICROCODE, HOST)
    ]
    return (
        *(_number(row[k]) for k in ("populations", "projections", "neurons", "synapses")),
        *(_number(row[k]) for k in ("cores", "chips")),
        *shares,
        *(_short(agreement[k]) for k in ("slayer", "lava")),
        f"{row['clips']} x {row['steps']}",
        f"{row['fired']} of {row['could_fire']}",
    )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _short(verdict: str) -> str:
    """One word; the rest stands below."""
    return verdict.split(",")[0].split(":")[0]


def _remarks(networks: Found) -> str:
    """What did not fit into the table, and what would make each network all native."""
    lines = []
    for name, row in networks.items():
        if "unavailable" in row:
            lines.append(f"- {name}: unavailable, because {row['unavailable']}")
            continue
        said = [v for v in row["agreement"].values() if v != "equal"]
        said += [f"no cores: {row['unmapped']}"] * bool(row["unmapped"])
        said += row["changes"]
        if row["options"]:
            changed = ", ".join(f"{k} = {_plain(v)}" for k, v in row["options"].items())
            said.insert(0, f"options: {changed}")
        lines.append(f"- {name}: {'; '.join(said)}")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list | tuple) else str(value)
