"""check: a file against a target's limits, in the table and in JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from netx_cases import small

from spikewatt.commands.checking import run_check
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.network import CubaLif, Network, Readout

WEIGHT = [[2, -4, 6], [8, 2, -2]]


@pytest.fixture
def sound() -> Network:
    return small(WEIGHT, CubaLif(1024, 128, 100))


def checked(network: Network, profile: str | None, folder: Path) -> tuple[bool, str, dict]:
    path, out, text = folder / "n.net", folder / "c.json", io.StringIO()
    netx.write(network, path)
    ok = run_check(path, profile, out, text)
    return ok, text.getvalue(), json.loads(out.read_text())


def test_a_sound_file_needs_at_least_one_core(sound: Network, tmp_path: Path) -> None:
    ok, text, report = checked(sound, "loihi2_derived", tmp_path)
    assert ok
    assert report["ok"]
    assert report["violations"] == []
    assert (report["cores"], report["chips"], report["native_share"]) == (1, 1, 1.0)
    assert "cores on loihi2_derived: at least 1\n" in text
    assert "chips on loihi2_derived: at least 1\n" in text
    assert "neurons that the cores of loihi2_derived compute: 100 %\n" in text


def test_modules_and_changes_are_told(sound: Network, tmp_path: Path) -> None:
    named = replace(sound, names={1: "units.0.neuron"}, readout=Readout("membrane", groups=2))
    _, text, report = checked(named, "loihi2_derived", tmp_path)
    unit, argmax = report["modules"]
    assert (unit["module"], unit["layers"], unit["runs_on"]) == ("units.0", [1], "neurocores")
    assert (unit["neurons"], unit["native"], unit["words"], unit["cores"]) == (2, 2, 3, 1)
    assert argmax["runs_on"] == "embedded or host CPU"
    assert (report["mapped_cores"], report["mapped_chips"], report["unmapped"]) == (1, 1, None)
    (change,) = report["changes"]
    assert change.startswith("read-out: its sums are neurons")
    assert f"to be all native: {change}\n" in text
    assert "mapped to 1 cores on 1 chips of loihi2_derived\n" in text
    _, _, report = checked(named, None, tmp_path)
    assert report["modules"] == report["changes"] == []


def test_limits_of_the_profile_are_violations_too(sound: Network, tmp_path: Path) -> None:
    late = replace(sound, input=replace(sound.input, message_bits=4))
    bad = replace(
        late, populations=(replace(late.populations[0], neuron=CubaLif(1024, 4096, 100)),)
    )
    assert checked(bad, None, tmp_path)[0]
    ok, text, report = checked(bad, "loihi1_davies", tmp_path)
    assert not ok
    assert not report["ok"]
    assert [v["what"] for v in report["violations"]] == ["voltage decay", "message bits"]
    assert all(set(v) == {"layer", "what", "found", "limit", "hint"} for v in report["violations"])
    assert "0..4095 on loihi1_davies" in text
    assert text.endswith("2 violations\n")


def test_without_a_profile_nothing_is_said_of_cores(sound: Network, tmp_path: Path) -> None:
    _, text, report = checked(sound, None, tmp_path)
    assert report["cores"] is report["chips"] is report["native_share"] is None
    assert "cores" not in text


def test_a_profile_without_limits(sound: Network, tmp_path: Path) -> None:
    ok, text, report = checked(sound, "cmos45_paper", tmp_path)
    assert ok
    assert report["cores"] is None
    assert "cores on cmos45_paper: not known" in text


def test_an_unsound_file_is_not_held_against_a_target(sound: Network, tmp_path: Path) -> None:
    import h5py

    path, text = tmp_path / "n.net", io.StringIO()
    netx.write(sound, path)
    with h5py.File(path, "r+") as file:
        file["layer/1/weight"][0, 0] = 1
        del file["layer/1/shape"]
    assert not run_check(path, "loihi2_derived", None, text)
    assert "the file has to be sound first" in text.getvalue()


def test_an_unknown_profile_is_an_error(sound: Network, tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="loihi2_derived"):
        checked(sound, "loihi9", tmp_path)


def test_own_profile_by_path(sound: Network, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'name = "mine"\ntitle = "My chip"\nsummary = "A chip."\n'
        '[terms.synaptic_event]\nvalue = 1.0\nunit = "pJ"\nkind = "measured"\nsource = "my bench"\n'
        '[limits.neurons_per_core]\nvalue = 1\nunit = "neurons"\nkind = "vendor"\n'
        'source = "its data sheet"\n'
        '[limits.delay]\nvalue = 0\nunit = "steps"\nkind = "vendor"\nsource = "its data sheet"\n'
    )
    ok, _, report = checked(sound, str(profile), tmp_path)
    assert ok
    assert report["cores"] == 2
    assert np.isclose(report["needs"][0]["needed"], 2)
    assert report["native_share"] is None
