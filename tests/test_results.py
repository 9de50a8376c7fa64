"""The table of results: records belong to the campaign, and the page is what they say."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from spikewatt.commands.training import TrainJob, settings_of
from spikewatt.energy.audit import load_paper
from spikewatt.errors import SpikewattError
from spikewatt.train.models import MODELS
from spikewatt.train.recipe import read_toml

ROOT = Path(__file__).parents[1]
SCRIPTS, RESULTS = ROOT / "benchmarks" / "results", ROOT / "results"
NAMES = {path.stem for path in SCRIPTS.glob("*.py")}
TINY = """
frames = 8
epochs = 1
finetune_epochs = 1
batch_size = 64

[model]
channels = [8]
voltage_decay = [0.5]
"""


@pytest.fixture
def script(monkeypatch):
    """Imports a script, which finds its neighbours as scripts do, and forgets all of them."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield importlib.import_module
    for name in (set(sys.modules) - before) & NAMES:
        del sys.modules[name]


def test_every_plan_has_a_recipe_that_fits_its_model(script):
    for plan in script("doing").read_plans(RESULTS):
        settings_of(TrainJob(plan.model, plan.data, config=plan.recipe), MODELS[plan.model])


def test_claims_are_of_models_and_of_the_audit_s_rows():
    rows = {r.row for r in load_paper("mk-sgn").rows if "energy_mj" in r.claimed}
    for model, claim in read_toml(RESULTS / "claims.toml").items():
        assert model in MODELS
        assert "row" not in claim or claim["row"] in rows


def test_records_are_of_the_campaign_and_name_no_folder_of_a_machine(script):
    plans = {plan.name: plan for plan in script("doing").read_plans(RESULTS)}
    for file in (RESULTS / "records").glob("*.json"):
        record = json.loads(file.read_text())
        assert file.stem == f"{record['name']}-seed{record['seed']}"
        plan = plans[record["name"]]
        assert (record["model"], record["table"]) == (plan.model, plan.table)
        recipe, _ = settings_of(
            TrainJob(plan.model, plan.data, config=plan.recipe), MODELS[plan.model]
        )
        assert record["epochs"] == recipe.epochs + recipe.finetune_epochs
        assert record["recipe"]["frames"] == recipe.frames
        assert not any(word.startswith("/") for line in record["commands"] for word in line.split())


def test_the_page_is_what_the_records_say(script, tmp_path):
    text = script("results_table").write(RESULTS, tmp_path)
    assert text == (ROOT / "docs" / "results.md").read_text()


def test_a_campaign_trains_executes_and_skips_what_it_has(script, tmp_path, monkeypatch):
    doing, campaign, table = (script(n) for n in ("doing", "campaign", "results_table"))
    monkeypatch.setattr(doing, "WORK", tmp_path / "work")
    monkeypatch.setattr(doing, "_git", lambda *arguments: "")
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    entry = '[runs.a]\nmodel = "signal-sgn-core"\ndata = "synthetic"\ntable = "other data"\n'
    (tmp_path / "campaign.toml").write_text(entry)
    (tmp_path / "claims.toml").write_text("")
    (recipes / "a.toml").write_text(TINY)
    plans = doing.read_plans(tmp_path)
    assert campaign.campaign(plans, [0], tmp_path) == 0
    record = json.loads(doing.record_path(tmp_path, plans[0], 0).read_text())
    assert record["deployed_accuracy"] == record["quantised_accuracy"]
    assert (
        sum(x["synaptic_events"] for x in record["layers"]) == (record["totals"]["synaptic_events"])
    )
    before = doing.record_path(tmp_path, plans[0], 0).stat().st_mtime_ns
    assert campaign.campaign(plans, [0], tmp_path) == 0
    assert doing.record_path(tmp_path, plans[0], 0).stat().st_mtime_ns == before
    assert "| a | 0 |" in table.write(tmp_path, tmp_path)


def test_changes_without_a_commit_are_refused(script, tmp_path, monkeypatch):
    doing = script("doing")
    monkeypatch.setattr(doing, "_git", lambda *arguments: " M spikewatt/cli.py\n")
    with pytest.raises(SpikewattError, match=r"spikewatt/cli\.py"):
        doing._commit(tmp_path / "commit")
    assert not (tmp_path / "commit").exists()
