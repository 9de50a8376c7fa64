"""The page of deployed networks: one network for real, and what it says of the others."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = {path.stem for part in (".", "deployment") for path in (FOLDER / part).glob("*.py")}


@pytest.fixture
def script(monkeypatch):
    """Imports a script, which finds its neighbours as scripts do, and forgets all of them."""
    before = set(sys.modules)
    for folder in (FOLDER, FOLDER / "deployment"):
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield importlib.import_module
    for name in (set(sys.modules) - before) & SCRIPTS:
        del sys.modules[name]


def row(**changes: object) -> dict[str, object]:
    return {
        "options": {"channels": [16, 16]},
        "populations": 3,
        "projections": 4,
        "neurons": 100,
        "synapses": 2000,
        "cores": 7,
        "chips": 1,
        "unmapped": None,
        "changes": ["read-out: none"],
        "clips": 2,
        "steps": 4,
        "events": {"neurocores": 75, "neurocores with microcode": 25, "embedded or host CPU": 0},
        "fired": 2,
        "could_fire": 2,
        "agreement": {"slayer": "equal", "lava": "equal"},
        **changes,
    }


def test_every_deploying_network_has_a_small_configuration(script):
    table, sizes = script("deployment_table"), script("sizes")
    assert set(sizes.SMALL) == set(table.DEPLOYABLE)
    for name in table.DEPLOYABLE:
        setup = sizes.Setup(table.MODELS[name])
        assert setup.options != setup.entry.options
        full = sizes.Setup(table.MODELS[name], full=True).options
        assert getattr(full, "waves", False) is False


def test_the_page(script):
    lost = row(
        cores=None,
        chips=None,
        unmapped="Layer 1 does not fit",
        agreement={"slayer": "DIFFERS: 1 value", "lava": "unavailable, because of memory"},
    )
    found = {"small/sdt": row(), "small/mk-sgn": {"unavailable": "too large"}, "full/sdt": lost}
    text = script("deployment_page").page(found, "loihi2_derived")
    assert "| sdt | 3 | 4 | 100 | 2000 | 7 | 1 | 75.0 % | 25.0 % | 0.0 % | equal | equal |" in text
    assert "- sdt: options: channels = [16, 16]; read-out: none\n" in text
    assert "- mk-sgn: unavailable, because too large\n" in text
    assert "| - | - | 75.0 % | 25.0 % | 0.0 % | DIFFERS | unavailable |" in text
    assert "unavailable, because of memory; no cores: Layer 1 does not fit" in text
    assert text.index("Small configurations") < text.index("The papers' configurations")


def test_unknown_networks_are_refused(script, capsys):
    with pytest.raises(SystemExit):
        script("deployment_table").main(["--only", "st-gcn"])
    assert "'st-gcn' does not deploy" in capsys.readouterr().err


@pytest.mark.lava
@pytest.mark.slow
def test_a_network_is_trained_exported_and_executed(script, tmp_path, capsys):
    record = tmp_path / "deployment.json"
    kept = {"schema": 1, "networks": {"small/sdt": row()}}
    record.write_text(json.dumps(kept))
    few = ["--epochs", "1", "--train-clips", "8", "--clips", "2"]
    script("deployment_table").main(["--only", "signal-sgn-core", "--out", str(tmp_path), *few])
    found = json.loads(record.read_text())["networks"]
    assert set(found) == {"small/signal-sgn-core", "small/sdt"}
    core = found["small/signal-sgn-core"]
    assert core["agreement"] == {"slayer": "equal", "lava": "equal"}
    assert (core["populations"], core["clips"], core["steps"]) == (3, 2, 8)
    assert core["events"]["neurocores"] > 0
    assert sum(core["events"].values()) == core["events"]["neurocores"]
    assert [m["module"] for m in core["modules"]][1:4] == ["units.0", "units.1", "readout"]
    assert (tmp_path / "deployment.md").read_text() == capsys.readouterr().out
