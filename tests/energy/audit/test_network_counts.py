"""The committed counts are those of the networks, and the rows that use them are right by hand."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from spikewatt.energy.audit import audit_paper, load_paper
from spikewatt.energy.audit.counts import giga, network_counts
from spikewatt.energy.audit.figures import LEFT_OUT, NOT, UNRATED
from spikewatt.energy.audit.svformer import counted_macs
from spikewatt.energy.audit.svformer_layers import Layout, layers

FOLDER = Path(__file__).parents[3] / "benchmarks" / "audit"
E_MAC, E_AC = 4.6, 0.9


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import network_counts as script

    return script


def row(name: str, table: str, paper: str = "mk-sgn"):
    (found,) = (r for r in audit_paper(paper) if (r.row, r.table) == (name, table))
    return found


def test_the_file_is_what_the_networks_give(script: ModuleType) -> None:
    assert script.FILE.read_text(encoding="utf-8") == script.text()


def test_counts_that_were_made_before() -> None:
    """MACs to the digit as they were counted on other implementations of these networks."""
    counts = network_counts()
    assert counts["ctr-gcn"].macs_g.text == "1.9392"
    assert round(counts["ctr-gcn-ucla"].macs / 1e9, 3) == 0.618
    assert round(counts["mk-sgn"].macs / 4e9, 3) == 2.496
    assert round(counts["base-sgn"].macs / 4e9, 3) == 2.528
    assert {n: counts[n].parameters for n in ("st-gcn", "small-st-gcn", "2s-agcn")} == {
        "st-gcn": 3_098_832,
        "small-st-gcn": 2_108_322,
        "2s-agcn": 3_484_930,
    }


def test_svformer_is_the_layout_that_the_audit_adds_up() -> None:
    network = network_counts()["svformer"]
    assert network.macs == counted_macs()
    assert network.on_values == layers(Layout())[0].macs


def test_every_network_is_used() -> None:
    used = {c.given.get("network") for p in ("mk-sgn", "svformer") for c in load_paper(p).rows}
    assert set(network_counts()) - used == {"base-sgn"}


@pytest.mark.parametrize(("number", "text"), [(2_495_856_640, "2.4959"), (336_960, "0.00033696")])
def test_giga_is_exact_and_its_text_short(number: int, text: str) -> None:
    figure = giga(number)
    assert figure.value * 10**9 == number
    assert figure.half == 0
    assert figure.text == text


@pytest.mark.parametrize(
    ("name", "table", "macs", "printed"),
    [
        ("ST-GCN, the smaller network counted", "GCN rows", 2_526_958_720, 11.776),
        ("ST-GCN, the published network counted", "GCN rows", 17_092_815_360, 11.776),
        ("2s-AGCN, two streams counted", "GCN rows", 2 * 19_407_405_720, 164.68),
        ("Shift-GCN, four streams counted", "GCN rows", 4 * 3_569_295_360, 46),
        ("MS-G3D, two streams counted", "GCN rows", 2 * 32_772_308_040, 311.10),
        ("Shift-GCN, four streams counted", "NW-UCLA rows", 4 * 247_472_640, 3.22),
    ],
)
def test_networks_without_spikes(name: str, table: str, macs: int, printed: float) -> None:
    r = row(name, table)
    assert r.computed["macs_g"] == macs / 1e9
    assert r.computed["energy_mj"] == pytest.approx(E_MAC * macs / 1e9)
    assert r.computed["ratio"] == pytest.approx(printed / (E_MAC * macs / 1e9))
    assert r.verdict == NOT


@pytest.mark.parametrize(
    ("name", "energy", "macs", "on_values"),
    [
        ("Base-SGN", 0.195, 3_250_015_040, 81 * 52 * 20 * 4),
        ("Spikformer", 0.673, 20_067_043_840, 27 * 256 * 52 * 20 * 4),
        ("Spike-driven Transformer", 0.643, 19_658_148_352, 27 * 256 * 52 * 20 * 4),
    ],
)
def test_implied_firing_rates(name: str, energy: float, macs: int, on_values: int) -> None:
    r = row(name, "NW-UCLA rows")
    sops = (energy - E_MAC * on_values / 1e9) / E_AC
    assert r.verdict == UNRATED
    assert r.computed["sops_g"] == pytest.approx(sops)
    assert r.computed["rate_needed_percent"] == pytest.approx(100 * sops * 1e9 / (macs - on_values))


def test_the_mac_term_does_not_explain_mk_sgns_energy() -> None:
    r = row("MK-SGN, its MAC term counted", "NW-UCLA rows")
    macs = 4 * 81 * 52 * 20 * 4
    assert r.computed["macs_g"] == macs / 1e9
    assert r.computed["energy_mj"] == pytest.approx(E_MAC * macs / 1e9 + E_AC * 0.165)
    assert "9.4 times those counted" in r.why


@pytest.mark.parametrize(
    ("paper", "name", "table", "updates"),
    [
        ("mk-sgn", "MK-SGN, neuron updates", "NW-UCLA rows", 4 * 4_329_776),
        ("svformer", "SVFormer-base, neuron updates", "1", 16 * 5_218_304),
    ],
)
def test_neuron_updates(paper: str, name: str, table: str, updates: int) -> None:
    r = row(name, table, paper)
    assert r.verdict == LEFT_OUT
    assert r.computed["updates_g"] == updates / 1e9
    assert r.computed["energy_mj"] == pytest.approx(E_MAC * updates / 1e9)
