"""A user's own claim, the conventions, rounding, and what the command writes."""

import io
import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatt.commands.auditing import run_audit
from spikewatt.energy.audit import OwnClaim, audit_claim
from spikewatt.energy.audit.conventions import attempt, conventions
from spikewatt.energy.audit.figures import (
    NOT,
    REPRODUCED,
    WITHIN,
    exact,
    printed,
    short,
    verdict,
)
from spikewatt.errors import SpikewattError

HALF = Fraction("0.005")


def fits(macs, sops, energy):
    rows = audit_claim(OwnClaim.of_text(macs, sops, energy))
    return [r.row for r in rows if r.verdict != NOT]


@pytest.mark.parametrize("name", list(conventions()))
def test_every_convention_finds_itself(name):
    """A claim made with a convention is reproduced by it."""
    convention = conventions()[name]
    factor = convention.factors[-1]
    macs, sops = printed("1.734"), printed("9.182")
    energy = attempt(name, {"macs_g": macs, "sops_g": sops}, printed("1"), factor).energy_mj[1]
    wants = convention.prices
    found = fits(
        macs.text if "macs_g" in wants else None,
        sops.text if "sops_g" in wants else None,
        f"{energy:f}",
    )
    assert convention.title in found


def test_by_hand():
    (best, *_) = audit_claim(OwnClaim.of_text("0.700", "20.760", "21.904"))
    assert best.verdict == REPRODUCED
    assert best.row == conventions()["paper"].title
    assert best.computed["energy_mj"] == float(
        Fraction("4.6") * Fraction("0.700") + Fraction("0.9") * Fraction("20.760")
    )
    assert best.why.startswith("4.6 x 0.700 G + 0.9 x 20.760 G = 21.904 mJ")


def test_a_batch_that_was_not_divided_out():
    assert fits("0.700", "20.760", "350.464") == [conventions()["batch"].title]


def test_none_fits_and_every_convention_shows_its_ratio():
    rows = audit_claim(OwnClaim.of_text("2.48", None, "12.15"))
    assert {r.verdict for r in rows} == {NOT}
    first = rows[0]
    assert first.row == conventions()["mac_only"].title
    assert first.computed["ratio"] == pytest.approx(12.15 / (4.6 * 2.48))
    assert len(rows) == len({r.row for r in rows})


def test_zero_macs_are_no_mac_term():
    assert fits("0", "3.00", "2.700") == [conventions()["sop_only"].title]


@given(st.decimals(min_value="0.01", max_value=100, places=2))
def test_counts_rounded_in_print_stay_within_rounding(sops):
    """A true count printed with two digits less still gives its energy within rounding."""
    true = Fraction(sops) + HALF / 3
    energy = f"{float(Fraction('0.9') * true):.4f}"
    claim = OwnClaim.of_text(None, f"{sops:.2f}", energy)
    title = conventions()["sop_only"].title
    (own,) = (r for r in audit_claim(claim) if r.row == title)
    assert own.verdict == WITHIN


@pytest.mark.parametrize(
    ("claimed", "computed", "expected"),
    [
        ("1.0", exact("1.04"), REPRODUCED),
        ("1.0", exact("1.05"), REPRODUCED),
        ("1.0", exact("1.06"), NOT),
        ("1.00", tuple(map(Decimal, ("0.99", "1.02", "1.05"))), WITHIN),
        ("1.00", tuple(map(Decimal, ("1.006", "1.02", "1.05"))), NOT),
        ("46", exact("46.4"), REPRODUCED),
    ],
)
def test_verdicts(claimed, computed, expected):
    assert verdict(printed(claimed), computed) == expected


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        ("0", 4, "0"),
        ("12345.678", 4, "12346"),
        ("0.00095386", 2, "0.00095"),
        ("20.760", 6, "20.76"),
        ("100", 3, "100"),
    ],
)
def test_short_numbers(value, digits, text):
    assert short(Decimal(value), digits) == text


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (("1", "2", None), "--energy-mj"),
        ((None, None, "3"), "--macs or --sops"),
        (("a", None, "3"), "--macs.* is 'a'"),
        (("-1", None, "3"), "0 or more"),
        (("nan", None, "3"), "expected a number"),
        (("1", None, "inf"), "energy in mJ"),
        (("1", None, "0"), "must be positive"),
    ],
)
def test_claims_that_are_none(claim, said):
    with pytest.raises(SpikewattError, match=said):
        OwnClaim.of_text(*claim)


def test_both_counts_zero():
    with pytest.raises(SpikewattError, match="Both counts are 0"):
        audit_claim(OwnClaim.of_text("0", "0.0", "3"))


def audited(paper=None, claim=None, json_path=None):
    file = io.StringIO()
    run_audit(paper, claim, json_path, file)
    return file.getvalue()


def test_the_command_writes_table_reasons_and_json(tmp_path):
    text = audited(json_path=tmp_path / "a.json")
    for said in ("6.0 times too large", "0.21 G, not 0.68 G", "11.408 mJ", "about 329 mJ"):
        assert said in text
    rows = json.loads((tmp_path / "a.json").read_text())["rows"]
    keys = {"paper", "table", "row", "claimed", "computed", "verdict", "why"}
    assert all(set(row) == keys for row in rows)
    assert {row["paper"] for row in rows} == {"MK-SGN", "SVFormer"}
    ctr = next(r for r in rows if r["row"] == "CTR-GCN" and r["claimed"]["energy_mj"] == 12.15)
    assert round(ctr["computed"]["energy_mj"], 2) == 11.41
    assert f"{len(rows)} rows: " in text


def test_one_paper_and_own_claim():
    assert "MK-SGN" not in audited("svformer")
    text = audited(claim=OwnClaim.of_text(None, "0.66", "0.582"))
    assert text.rstrip().endswith("follows none of the conventions tried")
    assert "follows: " in audited(claim=OwnClaim.of_text(None, "0.66", "0.594"))


def test_it_starts_light():
    code = (
        "import sys, io\n"
        "from spikewatt.commands.auditing import run_audit\n"
        "run_audit(None, None, None, io.StringIO())\n"
        "heavy = {'torch', 'lava', 'numba', 'matplotlib', 'h5py', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
