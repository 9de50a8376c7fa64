"""The audit of published tables: arithmetic by hand, and every row with its source."""

from decimal import Decimal
from fractions import Fraction

import pytest

from spikewatt.energy.audit import PAPERS, audit_paper, audit_papers, load_paper
from spikewatt.energy.audit.checks import CHECKS
from spikewatt.energy.audit.counts import network_counts
from spikewatt.energy.audit.figures import (
    LEFT_OUT,
    NOT,
    REPRODUCED,
    UNQUOTED,
    UNRATED,
    WITHIN,
    exact,
    printed,
    verdict,
)
from spikewatt.energy.audit.svformer import (
    BATCH,
    baseline_parts,
    counted_macs,
    rate_of,
    sops_from_rates,
)
from spikewatt.energy.audit.svformer_layers import Layout, layers
from spikewatt.errors import SpikewattError

E_MAC, E_AC = Fraction("4.6"), Fraction("0.9")
E_MAC_PJ = Decimal("4.6")


def row(paper, name, table=None):
    (found,) = (
        r for r in audit_paper(paper) if r.row == name and (table is None or r.table == table)
    )
    return found


def claims():
    return [
        pytest.param(claim, id=f"{name}: {claim.table}, {claim.row}")
        for name in PAPERS
        for claim in load_paper(name).rows
    ]


@pytest.mark.parametrize("claim", claims())
def test_every_claim_names_its_source_and_check(claim):
    assert "arXiv" in claim.source
    assert claim.check in CHECKS
    names = {"sop_at_mac", "steps_twice_sop_only", *network_counts()}
    for text in (*claim.claimed.values(), *claim.given.values()):
        assert text in names or printed(text)


def test_every_row_has_a_verdict_and_says_why():
    rows = audit_papers()
    assert len(rows) == sum(len(load_paper(name).rows) for name in PAPERS)
    assert {r.verdict for r in rows} <= {REPRODUCED, WITHIN, NOT, UNQUOTED, UNRATED, LEFT_OUT}
    assert all(len(r.why) > 20 for r in rows)


def test_unknown_paper_lists_the_known():
    with pytest.raises(SpikewattError, match="mk-sgn, svformer"):
        audit_paper("attention-is-all")


# --- SVFormer


def test_svformer_counts_equal_the_counted_ones():
    """Totals that were counted on the networks themselves; ss, st, dp, wd to the printed digit."""
    assert counted_macs() == 38_189_558_784
    variants = {
        "34.336": Layout(blocks=(1, 1, 2, 1)),
        "14.909": Layout(channels=(64, 128, 256, 512)),
        "48.751": Layout(blocks=(1, 2, 4, 2)),
        "53.323": Layout(channels=(128, 256, 512, 768)),
    }
    for text, layout in variants.items():
        figure = printed(text)
        assert abs(Decimal(counted_macs(layout)) / 10**9 - figure.value) <= figure.half


def test_svformer_with_batch_norms_is_the_authors_own_log():
    """Two operations for each biased output behind a batch norm give the log's 38.346109952 G."""
    found = {layer.name: layer for layer in layers(Layout())}
    without = ("conv1", "depthwise", "head.fc")
    normed = [x for name, x in found.items() if not name.endswith(without)]
    norms = 2 * sum(layer.outputs for layer in normed)
    assert counted_macs() + norms == 38_346_109_952


def test_svformer_table_1_sum():
    r = row("svformer", "SVFormer-base, UCF101")
    assert r.verdict == REPRODUCED
    by_hand = E_MAC * Fraction("0.700") + E_AC * Fraction("20.760")
    assert r.computed["energy_mj"] == float(by_hand) == r.claimed["energy_mj"]


def test_svformer_baseline_is_six_times_too_large():
    r = row("svformer", "ANN baseline, MACs")
    assert r.verdict == NOT
    assert r.computed["macs_g"] == counted_macs() / 1e9
    assert r.computed["ratio"] == pytest.approx(229.163 / 38.189558784)
    assert "6.0 times too large" in r.why
    assert "229.1627 G" in r.why
    assert r.computed["energy_mj"] == pytest.approx(4.6 * 38.189558784)


def test_svformer_baseline_by_hand():
    """Convolutions once, Linear and head x 16, one attention product: the printed 229.163 G."""
    parts = baseline_parts()
    linear = sum(x.macs for x in layers(Layout()) if x.kind == "linear")
    bias = parts["linear"] - BATCH * linear
    assert bias == 16 * sum(x.features for x in layers(Layout()) if x.kind == "linear")
    assert parts["head_conv"] == BATCH * (1024 * 2 * 16 * 7 * 7 + 1024)
    assert parts["head_linear"] == BATCH * (1024 * 101 + 101)
    total = sum(parts.values())
    assert round(total / 1e9, 3) == 229.163
    assert f"{total / 1e9:.4f}" == "229.1627"


def test_svformer_first_layer():
    r = row("svformer", "SVFormer-base, MACs")
    macs = 16 * 56 * 56 * 128 * (6 * 6 * 3 + 1)
    assert r.computed["macs_g"] == macs / 1e9
    assert r.verdict == REPRODUCED


def test_svformer_sops_share_the_fault():
    r = row("svformer", "SVFormer-base, SOPs")
    low, value, high = sops_from_rates(load_paper("svformer").rates, BATCH)
    assert r.verdict == NOT
    assert low < Decimal("20.7605")
    assert high > Decimal("20.7595")
    assert abs(value - Decimal("20.760")) < Decimal("0.001")
    assert r.computed["sops_g"] == pytest.approx(20.760 / r.computed["ratio"])
    assert r.computed["energy_mj"] == pytest.approx(4.6 * 0.7 + 0.9 * r.computed["sops_g"])


def test_svformer_has_a_rate_for_every_layer_and_no_other():
    rates = load_paper("svformer").rates
    used = {layer.rate for layer in layers(Layout()) if layer.rate}
    kv = {name for name in used if name.endswith(".kv")}
    wanted = (used - kv) | {name.removesuffix("kv") + x for name in kv for x in "kv"}
    assert wanted == rates.keys()
    lower = [rate_of(x, rates) for x in layers(Layout()) if x.rate == "stage3.1.kv"]
    assert lower[0].text == min(rates["stage3.1.k"], rates["stage3.1.v"], key=float)


def test_svformer_share_rests_on_the_baseline():
    r = row("svformer", "share of the ANN's energy")
    assert r.verdict == NOT
    assert "21 mJ / (4.6 x 229.163 G) = 1.99 %" in r.why
    assert r.computed["share_percent"] == pytest.approx(100 * 21.904 / (4.6 * 38.189558784))


def test_svformer_accuracy_takes_fifteen_views():
    r = row("svformer", "84.03 % at 21.904 mJ")
    assert r.computed["energy_mj"] == pytest.approx(15 * 21.904)
    assert "about 329 mJ" in r.why


# --- MK-SGN


def test_ctr_gcn_holds():
    r = row("mk-sgn", "CTR-GCN", "GCN rows")
    assert r.verdict == REPRODUCED
    assert r.computed["energy_mj"] == float(E_MAC * Fraction("7.88"))


def test_ctr_gcn_on_ucla_is_11_41_not_12_15():
    r = row("mk-sgn", "CTR-GCN", "NW-UCLA rows")
    assert r.verdict == NOT
    assert round(r.computed["energy_mj"], 2) == 11.41
    assert r.claimed["energy_mj"] == 12.15


@pytest.mark.parametrize(
    ("name", "sops", "energy", "implied"),
    [
        ("SNN row of 0.66 G", "0.66", "0.582", "0.6467"),
        ("SNN row of 0.67 G", "0.67", "0.596", "0.6622"),
    ],
)
def test_two_rows_are_off_beyond_rounding(name, sops, energy, implied):
    r = row("mk-sgn", name)
    assert r.verdict == NOT
    assert r.computed["energy_mj"] == float(E_AC * Fraction(sops))
    assert f"implies {implied} G SOPs" in r.why
    assert round(float(Fraction(energy) / E_AC), 4) == float(implied)
    # even the smallest count that prints so gives more
    assert E_AC * (Fraction(sops) - Fraction("0.005")) > Fraction(energy) + Fraction("0.0005")


def test_missing_mac_term():
    r = row("mk-sgn", "SNN rows, MAC term")
    macs = 3 * 3 * 3 * 3 * 64 * 25 * 2 * 4 * 4  # persons, steps, modalities
    assert r.computed["macs_g"] == macs / 1e9
    assert r.computed["energy_mj"] == pytest.approx(4.6 * macs / 1e9)


def test_table_6_gives_less_than_a_third():
    r = row("mk-sgn", "SOPs from firing rates")
    assert r.verdict == NOT
    assert "0.21 G, not 0.68 G" in r.why
    assert r.computed["rate_needed_percent"] == pytest.approx(100 * 0.68 / 9.98342656)
    assert "mean rate of 6.8 %" in r.why


def test_distillation_does_not_change_a_count():
    r = row("mk-sgn", "MK-SGN with and without distillation, FLOPs")
    assert r.computed["macs_g"] == 9.98342656
    assert "4 steps x 2.4959 G = 9.9834 G" in r.why
    assert r.verdict == NOT


@pytest.mark.parametrize(
    ("name", "table", "macs"),
    [
        ("ST-GCN", "GCN rows", "2.56"),
        ("2s-AGCN", "GCN rows", "35.8"),
        ("Shift-GCN", "GCN rows", "10"),
        ("MS-G3D", "GCN rows", "67.63"),
        ("Shift-GCN", "NW-UCLA rows", "0.7"),
    ],
)
def test_energy_alone_proves_nothing(name, table, macs):
    """The count is the shortest that prints as this energy; the verdict does not claim more."""
    r = row("mk-sgn", name, table)
    assert r.verdict == UNQUOTED
    assert r.computed["macs_g"] == float(macs)
    printed_mj = next(c for c in load_paper("mk-sgn").rows if (c.row, c.table) == (name, table))
    assert verdict(printed(printed_mj.claimed["energy_mj"]), exact(E_MAC_PJ * Decimal(macs))) == (
        REPRODUCED
    )


def test_tables_follow_neither_equation_33_nor_the_text():
    assert row("mk-sgn", "steps applied to SOPs again").computed["energy_mj"] == pytest.approx(
        0.9 * 0.67 * 4
    )
    assert row("mk-sgn", "SOPs at the price of a MAC").computed["energy_mj"] == pytest.approx(
        4.6 * 0.67
    )
