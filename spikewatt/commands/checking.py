"""check: whether a file runs, and runs as written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from spikewatt.energy.events import dense_macs, fan_out
from spikewatt.export.netx import Inspection, inspect
from spikewatt.files import whole_file
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.network import Network
from spikewatt.report.tables import Column, render

_LAYERS = ("layer", "type", "shape", "neurons", "synapses", "dense MACs/step", "depth")
_VIOLATION = ("layer", "what", "found", "limit", "hint")
UNPLACED = "cores and chips: not known, this version has no mapping to cores"


def run_check(path: Path, profile: str | None, json_path: Path | None, file: TextIO) -> bool:
    """Write what was found; whether the file has no violation.

    Raises SpikewattError where the file cannot be opened at all, or the profile is unknown.
    """
    if profile is not None:
        load_profile(profile)
    found = inspect(path)
    if json_path is not None:
        _write_json(found, json_path)
    if found.network is not None:
        render(_rows(found.network), [Column(k) for k in _LAYERS], file)
    if found.violations:
        rows = [asdict(v) for v in found.violations]
        render(rows, [Column(k) for k in _VIOLATION], file)
    for text in found.warnings:
        file.write(f"warning: {text}\n")
    for text in found.lava_dl:
        file.write(f"not for lava-dl: {text}\n")
    if profile is not None:
        file.write(f"{UNPLACED}\n")
    file.write(
        f"{path}: {'ok' if not found.violations else f'{len(found.violations)} violations'}\n"
    )
    return not found.violations


def _rows(network: Network) -> list[dict[str, Any]]:
    return [
        {
            "layer": p.layer,
            "type": network.layer_types.get(p.layer, "-"),
            "shape": " x ".join(map(str, p.shape)),
            "neurons": p.size,
            "synapses": sum(int(fan_out(network, q).sum()) for q in network.incoming(p.layer)),
            "dense MACs/step": sum(dense_macs(network, q) for q in network.incoming(p.layer)),
            "depth": network.depths[p.layer],
        }
        for p in network.populations
    ]


def _write_json(found: Inspection, path: Path) -> None:
    """`cores`, `chips` and `native_share` are null until a mapping to cores is known."""
    report = {
        "ok": not found.violations,
        "violations": [asdict(v) for v in found.violations],
        "warnings": list(found.warnings),
        "lava_dl": list(found.lava_dl),
        "cores": None,
        "chips": None,
        "native_share": None,
    }
    with whole_file(path) as beside:
        beside.write_text(json.dumps(report, indent=1) + "\n")
