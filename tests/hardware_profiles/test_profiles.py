"""Profiles: every number has unit and source, and bad files are explained."""

import re

import pytest

from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import Quantity, load, names
from spikewatt.hardware_profiles.schema import TERMS

GOOD = """
name = "mine"
title = "My chip"
summary = "A chip on my desk."

[terms.synaptic_event]
value = 12.5
unit = "pJ"
kind = "measured"
scope = "per_term"
source = "my own bench, a power monitor over ten minutes"
"""


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def numbers():
    return [
        pytest.param(q, id=f"{name}.{table}.{key}")
        for name in names()
        for table, quantities in load(name).tables().items()
        for key, q in quantities.items()
    ]


@pytest.mark.parametrize("quantity", numbers())
def test_no_number_lacks_its_source(quantity):
    assert len(quantity.source) > 15
    assert quantity.unit
    assert quantity.kind
    if quantity.low is not None:
        assert quantity.low <= quantity.value <= quantity.high


PROMISED = [
    "cmos45_horowitz",
    "cmos45_paper",
    "cpu",
    "gpu",
    "loihi1_davies",
    "loihi1_sanafe",
    "loihi2_derived",
    "spinnaker",
    "spinnaker2",
    "truenorth",
]


def test_shipped_profiles_are_there_and_named_as_their_files():
    assert names() == PROMISED
    assert [load(name).name for name in names()] == names()


def test_only_truenorth_is_all_in():
    assert [name for name in names() if load(name).all_in] == ["truenorth"]


@pytest.mark.parametrize("name", PROMISED)
def test_what_no_source_gives_is_absent_with_a_reason(name):
    profile = load(name)
    assert "io" in profile.absent or "static" in profile.absent
    assert all(len(why) > 15 for why in profile.absent.values())
    assert not set(profile.absent) & set(profile.terms)
    assert not (profile.static and "static" in profile.absent)


def test_what_was_fitted_says_on_what():
    assert load("loihi2_derived").calibrated_on == ("PilotNet LIF on Loihi 2",)
    assert load("loihi1_davies").calibrated_on == ()


def test_every_number_in_the_files_is_loaded():
    """No table of a shipped file is dropped on the way."""
    import spikewatt.hardware_profiles.loader as loader

    for name in names():
        text = (loader._FOLDER / f"{name}.toml").read_text()
        values = len(re.findall(r"^value = ", text, flags=re.MULTILINE))
        assert values == sum(len(table) for table in load(name).tables().values())


def test_own_file_by_path(tmp_path):
    profile = load(written(tmp_path, GOOD))
    assert profile.terms["synaptic_event"].value == 12.5
    assert not profile.static


@pytest.mark.parametrize(("unit", "pj"), [("fJ", 0.001), ("pJ", 1), ("nJ", 1e3), ("uJ", 1e6)])
def test_energies_convert_to_pj(unit, pj):
    q = Quantity(value=2, unit=unit, kind="measured", source="my own bench", low=1, high=4)
    assert q.band_pj == pytest.approx((pj, 2 * pj, 4 * pj))


@pytest.mark.parametrize(
    ("unit", "base"), [("mW", 1e-3), ("W", 1), ("ns", 1e-9), ("us", 1e-6), ("cores", 1)]
)
def test_other_units_convert_to_their_base(unit, base):
    q = Quantity(value=3, unit=unit, kind="vendor", source="a data sheet")
    assert q.base_value == pytest.approx(3 * base)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "pJ"\n', "", "terms.synaptic_event.unit is missing"),
        ('source = "my own bench, a power monitor over ten minutes"\n', "", "source is missing"),
        ('kind = "measured"', 'kind = "guessed"', "terms.synaptic_event.kind is 'guessed'"),
        ('unit = "pJ"', 'unit = "mW"', "terms.synaptic_event.unit is 'mW', expected one of fJ"),
        ("value = 12.5", 'value = "12.5"', "terms.synaptic_event.value is '12.5'"),
        ("value = 12.5", "value = -1", "terms.synaptic_event.value is -1"),
        ("value = 12.5", "value = inf", "terms.synaptic_event.value is inf"),
        ("value = 12.5", "value = 12.5\nlow = 1.0", "a band needs both low and high"),
        ("value = 12.5", "value = 12.5\nlow = 13.0\nhigh = 14.0", "outside its band"),
        (
            "value = 12.5",
            "value = 12.5\nvolts = 1",
            "terms.synaptic_event.volts is not a known key",
        ),
        ("terms.synaptic_event", "terms.synapse", "terms.synapse is not a known term"),
        ("[terms.synaptic_event]", "[terms.synaptic_event", "is not valid TOML"),
        ('name = "mine"', "", "name is missing"),
    ],
)
def test_bad_files_are_explained(tmp_path, old, new, said):
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(SpikewattError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_all_in_is_never_added_to_terms(tmp_path):
    text = GOOD.replace('"per_term"', '"all_in"')
    assert load(written(tmp_path, text)).all_in
    more = text + text[text.index("[terms") :].replace("synaptic_event", "neuron_update")
    with pytest.raises(SpikewattError, match="all_in figure holds everything"):
        load(written(tmp_path, more))


def test_updates_are_not_billed_twice(tmp_path):
    term = GOOD[GOOD.index("[terms") :]
    one = GOOD + term.replace("synaptic_event", "neuron_update_active")
    with pytest.raises(SpikewattError, match="need each other"):
        load(written(tmp_path, one))
    both = one + term.replace("synaptic_event", "neuron_update_inactive")
    twice = both + term.replace("synaptic_event", "neuron_update")
    with pytest.raises(SpikewattError, match="bill updates twice"):
        load(written(tmp_path, twice))


@pytest.mark.parametrize("name", ["loihi9", "missing.toml"])
def test_unknown_profiles(name):
    with pytest.raises(SpikewattError, match=r"loihi1_davies|cannot be read"):
        load(name)


def test_binary_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\x89HDF\xff\x00")
    with pytest.raises(SpikewattError, match="not valid TOML"):
        load(path)


def test_every_term_is_explained():
    assert all(TERMS.values())
