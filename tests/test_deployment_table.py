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
        "epochs": 3,
        "file_bytes": 1_500_000,
        "native_s": 2.5,
        "peak_bytes": 1_250_000_000,
        **changes,
    }


def test_every_deploying_network_has_a_small_configuration(script):
    table, sizes = script("deployment_table"), script("sizes")
    assert set(sizes.SMALL) == set(table.DEPLOYABLE)
    for name in table.DEPLOYABLE:
        setup = sizes.Setup(table.MODELS[name])
        assert setup.options != setup.entry.options
        full = sizes.Setup(table.MODELS[name], full=True).options
        assert getattr(full, "waves", True) is True  # the host has them


def test_the_page(script):
    lost = row(
        cores=None,
        chips=None,
        unmapped="Layer 1 does not fit",
        agreement={"slayer": "DIFFERS: 1 value", "lava": "unavailable, because of memory"},
    )
    initialised = row(epochs=0, options={}, agreement={"slayer": "equal", "lava": "equal, 4 steps"})
    placed = row(not_run="of memory")
    del placed["agreement"], placed["events"], placed["native_s"]
    found = {"small/sdt": row(), "small/mk-sgn": {"unavailable": "too large"}, "full/sdt": lost}
    found["full/spikformer"] = placed
    text = script("deployment_page").page(found | {"full/svformer": initialised}, "loihi2_derived")
    assert "| sdt | 3 | 4 | 100 | 2000 | 7 | 1 | 75.0 % | 25.0 % | 0.0 % | equal | equal |" in text
    assert "- sdt: options: channels = [16, 16]\n" in text
    assert "- mk-sgn: unavailable, because too large\n" in text
    assert "| - | - | 75.0 % | 25.0 % | 0.0 % | DIFFERS | unavailable |" in text
    assert "2 of 2 | 3 epochs | 1.5 MB | 2.5 | 1.2 GB |" in text
    assert "2 of 2 | no | 1.5 MB" in text
    assert "lava: unavailable, because of memory; no cores: Layer 1 does not fit" in text
    assert "- svformer: lava: equal, 4 steps\n" in text
    dashes = " - |" * 7
    assert f"| spikformer | 3 | 4 | 100 | 2000 | 7 | 1 |{dashes} 3 epochs | 1.5 MB | - |" in text
    assert "not run, because of memory" in text
    assert text.index("Small configurations") < text.index("The papers' configurations")


def test_an_advice_that_many_need_stands_once(script):
    advice = "a product of spikes; write microcode"
    found = {
        "small/svformer": row(changes=[f"attention of layer 3: {advice}", "encoder: there; code"]),
        "small/mk-sgn": row(changes=[f"attention of layer 9: {advice}", "encoder: there; code"]),
        "small/sdt": row(changes=["read-out: 4 sums; add", "encoder: there; code"]),
    }
    text = script("deployment_page").page(found, "loihi2_derived")
    told = [line for line in text.splitlines() if line.startswith("- ") and "options" not in line]
    assert told == [
        "- svformer, mk-sgn: attention; write microcode",
        "- all: encoder: there; code",
        "- sdt: read-out: 4 sums; add",
    ]


def test_what_is_missing_is_done_and_nothing_else(script, tmp_path, monkeypatch):
    table = script("deployment_table")
    known = {"small/sdt": row(), "small/mk-sgn": {"unavailable": "too large"}}
    (tmp_path / "deployment.json").write_text(json.dumps({"networks": known}))
    done = []
    monkeypatch.setattr(table, "_alone", lambda setup: done.append(setup.key) or row())
    table.main(["--only", "sdt,mk-sgn,spikformer", "--missing", "--out", str(tmp_path)])
    assert done == ["small/mk-sgn", "small/spikformer"]
    table.main(["--only", "sdt", "--full", "--missing", "--out", str(tmp_path)])
    assert done[2:] == ["full/sdt"]


def test_full_networks_are_initialised_unless_asked(script, tmp_path, monkeypatch):
    table, seen = script("deployment_table"), []
    monkeypatch.setattr(table, "_alone", lambda setup: seen.append(setup) or row())
    for more in ([], ["--full"], ["--full", "--epochs", "2"]):
        table.main(["--only", "sdt", "--out", str(tmp_path), *more])
    assert [s.epochs for s in seen] == [12, 0, 2]
    assert [s.clips for s in seen] == [2, 1, 1]


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


@pytest.mark.slow
def test_a_full_network_is_initialised_and_executed(script, tmp_path):
    args = ["--only", "signal-sgn-core", "--full", "--out", str(tmp_path), "--lava-s", "0"]
    script("deployment_table").main(args)
    (core,) = json.loads((tmp_path / "deployment.json").read_text())["networks"].values()
    assert core["agreement"]["slayer"] == "equal"
    assert core["agreement"]["lava"].startswith("not run, because Lava would take 9 processes")
    assert (core["fired"], core["steps"], core["neurons"]) == (4, 32, 11530)
