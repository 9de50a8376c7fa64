"""The networks of the zoo run, and repeat what their records say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spikewatt
from spikewatt.commands.running import RunJob, run_network, sha256
from spikewatt.train.models import MODELS
from spikewatt.train.recipe import changed, recipe_from_dict, settings_from_toml
from spikewatt.validation import violations

ZOO = Path(__file__).parents[1] / "zoo"
NETWORKS = sorted(ZOO.glob("*.net"))
CLIPS = 64


def record(network: Path, kind: str) -> dict:
    return json.loads(network.with_suffix(f".{kind}.json").read_text())


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_records_belong_to_the_network(path: Path) -> None:
    network = spikewatt.load(path)
    assert not violations(network)
    for kind in ("run", "lava"):
        assert record(path, kind)["network_sha256"] == sha256(path)
    assert record(path, "lava")["verified_against"] == ["native"]
    deployed, float_accuracy = record(path, "run")["accuracy"], network.training["float_accuracy"]
    assert deployed >= float_accuracy - 0.01
    assert f"{100 * deployed:.2f} %" in (ZOO / "README.md").read_text()


@pytest.mark.parametrize("path", sorted(ZOO.glob("*.toml")), ids=lambda p: p.stem)
def test_recipes_are_what_trained_the_network(path: Path) -> None:
    training = spikewatt.load(path.with_suffix(".net")).training
    model = MODELS[training["model"]]
    recipe, options = settings_from_toml(path, model.recipe, model.options)
    assert recipe == recipe_from_dict(training["recipe"], model.recipe, "zoo")
    assert options == changed(model.options, training["options"], "zoo")
    assert f"--config zoo/{path.name}`" in (ZOO / "README.md").read_text()


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_a_network_repeats_its_record(path: Path, nw_ucla_folder: Path) -> None:
    job = RunJob(path, data=f"nw-ucla:{nw_ucla_folder}", limit=CLIPS)
    result = run_network(job, lambda done, total: None)
    expected = record(path, "run")["predictions"][:CLIPS]
    np.testing.assert_array_equal(result.record.predictions, expected)
