"""docs/deployment.md from what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikewatt.energy.deployment import HOST, MICROCODE, NATIVE

INTRODUCTION = """# Networks on a chip

Every network that has an integer form, exported and executed on the same clips by slayer's own \
neurons, the native engine and Lava's simulator. The page is about where and whether it runs, not \
about accuracy. `equal` means: every spike of every population, the read-out, and against Lava \
every count, bit for bit. Populations that never fired would agree trivially, so the page says how \
many did.

Cores and chips are those of the mapping under `{profile}` (docs/energy-model.md, "Cores"); \
`spikewatt check NET.net --profile {profile}` gives them module by module. Events are shares of \
the synaptic events of the run: on neurocores as they are, in attention (a product of spikes, \
which takes microcode), and in neurons that the cores do not have (embedded or host CPU). The \
encoder and the argmax of the read-out have no synaptic events; they always are on a processor.

Made by `uv run python benchmarks/deployment/deployment_table.py`, network by network \
(`--only mk-sgn`, `--full`, `--missing`); what it found, options and modules too, is in \
deployment.json beside this page.
"""
TITLES = {
    "small": (
        "Small configurations",
        "Trained for a few epochs on embedded data.",
    ),
    "full": (
        "The papers' configurations",
        "One person or video at full length. As they are initialised, unless the table says "
        "trained: batch norms measured on embedded clips, zeros of learned graphs replaced by "
        "small weights, since training moves them. A read-out neuron with more sources than a "
        "core has words comes as partial sums that the host adds (`export --readout-sources`). "
        "Seconds are the native engine's, stepping only; memory is the peak of making, writing, "
        "reading, running and comparing it, slayer's pass among them.",
    ),
}
HEAD = (
    *("network", "populations", "projections", "neurons", "synapses", "cores", "chips"),
    *("events native", "microcode", "host", "SLAYER = native", "native = Lava"),
    *("clips x steps", "fired"),
)
COSTS = ("trained", "file", "seconds", "memory")
Found = Mapping[str, Mapping[str, Any]]


def page(found: Found, profile: str) -> str:
    """The page; found: by size/network."""
    parts = [INTRODUCTION.format(profile=profile)]
    for size, (title, text) in TITLES.items():
        networks = {k.split("/")[1]: v for k, v in found.items() if k.startswith(f"{size}/")}
        if networks:
            parts += [f"## {title}\n", f"{text}\n", _table(networks, size == "full")]
            parts += [_remarks(networks), _to_change(networks)]
    return "\n".join(p for p in parts if p).rstrip() + "\n"


def _table(networks: Found, costs: bool) -> str:
    head = HEAD + COSTS * costs
    lines = [head, ("---",) + ("---:",) * (len(head) - 1)]
    lines += [
        (name, *_cells(row), *(_costs(row) if costs else ()))
        for name, row in networks.items()
        if "unavailable" not in row
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    sizes = [_number(row[k]) for k in ("populations", "projections", "neurons", "synapses")]
    sizes += [_number(row[k]) for k in ("cores", "chips")]
    if "not_run" in row:
        return (*sizes, *["-"] * (len(HEAD) - 1 - len(sizes)))
    events, agreement = row["events"], row["agreement"]
    total = sum(events.values())
    shares = [
        f"{100 * events[k] / total:.1f} %" if total else "-" for k in (NATIVE, MICROCODE, HOST)
    ]
    return (
        *sizes,
        *shares,
        *(_short(agreement[k]) for k in ("slayer", "lava")),
        f"{row['clips']} x {row['steps']}",
        f"{row['fired']} of {row['could_fire']}",
    )


def _costs(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        f"{row['epochs']} epochs" if row["epochs"] else "no",
        f"{row['file_bytes'] / 10**6:.1f} MB",
        f"{row['native_s']:.1f}" if "native_s" in row else "-",
        f"{row['peak_bytes'] / 10**9:.1f} GB",
    )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _short(verdict: str) -> str:
    """One word; the rest stands below."""
    return verdict.split(",")[0].split(":")[0]


def _remarks(networks: Found) -> str:
    """Options, and what did not fit into the table."""
    lines = []
    for name, row in networks.items():
        if "unavailable" in row:
            lines.append(f"- {name}: unavailable, because {row['unavailable']}")
            continue
        said = [f"{k}: {v}" for k, v in row.get("agreement", {}).items() if v != "equal"]
        if "not_run" in row:
            said.append(f"not run, because {row['not_run']}")
        said += [f"no cores: {row['unmapped']}"] * bool(row["unmapped"])
        if row["options"]:
            changed = ", ".join(f"{k} = {_plain(v)}" for k, v in row["options"].items())
            said.insert(0, f"options: {changed}")
        lines += [f"- {name}: {'; '.join(said)}"] * bool(said)
    return "\n".join(lines) + "\n"


def _to_change(networks: Found) -> str:
    """What would make the networks all native: each advice once, with whom it concerns."""
    mapped = {name: row for name, row in networks.items() if "unavailable" not in row}
    advice: dict[str, dict[str, list[str]]] = {}
    for name, row in mapped.items():
        for change in row["changes"]:
            subject, _, what = change.partition("; ")
            advice.setdefault(what or subject, {}).setdefault(name, []).append(subject)
    lines = [f"- {_of(what, whom, len(mapped))}" for what, whom in advice.items()]
    return "To be all native:\n\n" + "\n".join(lines) + "\n" if lines else ""


def _of(what: str, whom: Mapping[str, list[str]], everyone: int) -> str:
    """Whom an advice concerns, and where it differs from one to the next, what of it."""
    subjects = {"; ".join(found) for found in whom.values()}
    if len(subjects) == 1:
        names = "all" if len(whom) == everyone else ", ".join(whom)
        (subject,) = subjects
        return f"{names}: {subject}" + (f"; {what}" if what != subject else "")
    kinds = {subject.partition(" of ")[0] for found in whom.values() for subject in found}
    if len(kinds) == 1 and not kinds & subjects:  # which layers is in deployment.json
        return f"{', '.join(whom)}: {kinds.pop()}; {what}"
    each = "; ".join(f"{name}: {', '.join(found)}" for name, found in whom.items())
    return f"{each}; {what}"


def _plain(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list | tuple) else str(value)
