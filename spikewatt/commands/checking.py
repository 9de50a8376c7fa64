"""check: whether a file runs, runs as written, and what a target's limits say about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from spikewatt.energy.deployment import Deployment, deployment
from spikewatt.energy.events import dense_macs, synapses_nonzero
from spikewatt.energy.limits import Fit, fit
from spikewatt.export.netx import Inspection, inspect
from spikewatt.files import whole_file
from spikewatt.hardware_profiles import Profile
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.network import Network, Violation
from spikewatt.report.tables import Column, render

_LAYERS = ("layer", "type", "shape", "neurons", "synapses", "dense MACs/step", "depth")
_VIOLATION = ("layer", "what", "found", "limit", "hint")
_MODULES = (
    *("module", "populations", "neurons", "synapses", "words"),
    *("native", "microcode", "host", "cores", "chips", "runs_on"),
)
SEVERAL = "; messages between chips are not modelled"
_NEEDS = {
    "resource": "resource",
    "needed": "needed",
    "per_core": "per core",
    "cores": "cores, at least",
}


def run_check(path: Path, profile: str | None, json_path: Path | None, file: TextIO) -> bool:
    """Write what was found; whether the file has no violation.

    Raises SpikewattError where the file cannot be opened at all, or the profile is unknown.
    """
    target = None if profile is None else load_profile(profile)
    found = inspect(path)
    fitted = fit(found.network, target) if target and found.network else None
    deployed = deployment(found.network, target) if target and found.network else None
    violations = [*found.violations, *(fitted.violations if fitted else ())]
    if json_path is not None:
        report = {**_report(found, violations, fitted), **_deployed_report(deployed)}
        _write_json(report, json_path)
    if found.network is not None:
        columns = (*_LAYERS, "module") if found.network.names else _LAYERS
        render(_rows(found.network), [Column(k) for k in columns], file)
    if violations:
        render([asdict(v) for v in violations], [Column(k) for k in _VIOLATION], file)
    for text in found.warnings:
        file.write(f"warning: {text}\n")
    for text in found.lava_dl:
        file.write(f"not for lava-dl: {text}\n")
    for text in found.hints:
        file.write(f"hint: {text}\n")
    if target is not None:
        _show_fit(target, fitted, file)
    if target is not None and deployed is not None:
        _show_deployment(target, deployed, file)
    noun = "violation" if len(violations) == 1 else "violations"
    file.write(f"{path}: {f'{len(violations)} {noun}' if violations else 'ok'}\n")
    return not violations


def _show_fit(profile: Profile, fitted: Fit | None, file: TextIO) -> None:
    """Lower bounds, and what the profile does not say."""
    if fitted is None:
        file.write(f"{profile.name}: not checked, the file has to be sound first\n")
        return
    if fitted.needs:
        rows = [asdict(n) for n in fitted.needs]
        render(rows, [Column(k, heading) for k, heading in _NEEDS.items()], file)
    unknown = "not known, the profile has no limits"
    for what, least in (("cores", fitted.cores), ("chips", fitted.chips)):
        file.write(f"{what} on {profile.name}: {f'at least {least}' if least else unknown}\n")
    if fitted.native_share is not None:
        share = f"{100 * fitted.native_share:.4g} %"
        file.write(f"neurons that the cores of {profile.name} compute: {share}\n")


def _show_deployment(profile: Profile, deployed: Deployment, file: TextIO) -> None:
    """Modules on cores, and what would have to change."""
    render([asdict(m) for m in deployed.modules], [Column(k) for k in _MODULES], file)
    if deployed.unmapped is not None:
        file.write(f"not mapped to cores: {deployed.unmapped}\n")
    else:
        file.write(
            f"mapped to {deployed.cores} cores on {deployed.chips} chips of {profile.name}"
            f"{SEVERAL if (deployed.chips or 0) > 1 else ''}\n"
        )
    if (host := deployed.host) is not None:
        file.write(
            f"host, {host.module}: {host.neurons} neurons, {host.dense_macs} dense MACs a clip, "
            f"{100 * host.share:.4g} % of the network's; a run counts all of its operations\n"
        )
    for line in deployed.changes:
        file.write(f"to be all native: {line}\n")


def _rows(network: Network) -> list[dict[str, Any]]:
    return [
        {
            "layer": p.layer,
            "type": network.layer_types.get(p.layer, "-"),
            "shape": " x ".join(map(str, p.shape)),
            "neurons": p.size,
            "synapses": sum(synapses_nonzero(network, q) for q in network.incoming(p.layer)),
            "dense MACs/step": sum(dense_macs(network, q) for q in network.incoming(p.layer)),
            "depth": network.depths[p.layer],
            "module": network.names.get(p.layer, "-"),
        }
        for p in network.populations
    ]


def _report(found: Inspection, violations: list[Violation], fitted: Fit | None) -> dict[str, Any]:
    """`cores` and `chips` are lower bounds; null, as `native_share`, where they are not known."""
    return {
        "ok": not violations,
        "violations": [asdict(v) for v in violations],
        "warnings": list(found.warnings),
        "lava_dl": list(found.lava_dl),
        "cores": fitted and fitted.cores,
        "chips": fitted and fitted.chips,
        "native_share": fitted and fitted.native_share,
        "needs": [asdict(n) for n in fitted.needs] if fitted else [],
    }


def _deployed_report(deployed: Deployment | None) -> dict[str, Any]:
    """Modules with their cores; those of the mapping, or why there is none."""
    return {
        "mapped_cores": deployed and deployed.cores,
        "mapped_chips": deployed and deployed.chips,
        "unmapped": deployed and deployed.unmapped,
        "modules": [asdict(m) for m in deployed.modules] if deployed else [],
        "changes": list(deployed.changes) if deployed else [],
        "host": asdict(deployed.host) if deployed and deployed.host else None,
    }


def _write_json(report: dict[str, Any], path: Path) -> None:
    with whole_file(path) as beside:
        beside.write_text(json.dumps(report, indent=1) + "\n")
