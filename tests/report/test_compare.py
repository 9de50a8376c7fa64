"""The comparison, its files and its page."""

import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from spikewatt.energy.measured import PUBLISHED, published
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import load, names
from spikewatt.report.compare import compare
from spikewatt.report.comparison import Comparison
from spikewatt.report.comparison_tables import energy_rows
from spikewatt.report.exports import CSV_COLUMNS, tex, write_csv, write_json, write_latex
from spikewatt.report.html import page, write_html
from spikewatt.report.quantities import count, short, si, si_range
from spikewatt.report.record import MeasuredRecord, save


@pytest.fixture
def profiles():
    return [load(name) for name in names()]


@pytest.fixture
def comparison(record, profiles):
    return compare([record], profiles)


def test_all_energies_are_a_samples(record, comparison):
    [run] = comparison.runs
    events, updates = record.totals.synaptic_events, record.totals.neuron_updates
    sops = record.totals.paper_sops
    assert run.paper.energy_j == pytest.approx(0.9e-12 * sops / record.samples)
    prices = load("loihi2_derived").terms
    pj = prices["synaptic_event"].value * events + prices["neuron_update"].value * updates
    entry = run.profiles["loihi2_derived"]
    assert entry.dynamic_j == pytest.approx(pj * 1e-12 / record.samples)
    assert entry.ratio_to_paper == pytest.approx(entry.dynamic_j / run.paper.energy_j)


def test_a_first_layer_with_values_costs_macs_on_paper(graded_record):
    [run] = compare([graded_record], []).runs
    first, *rest = graded_record.layers
    sops = sum(x.paper_sops for x in rest) / graded_record.samples
    macs = first.dense_macs * graded_record.steps
    assert run.paper.energy_j == pytest.approx(4.6e-12 * macs + 0.9e-12 * sops)


def test_json_has_the_promised_keys(comparison, tmp_path):
    write_json(comparison, tmp_path / "c.json")
    [run] = json.loads((tmp_path / "c.json").read_text())["runs"]
    assert {"network", "backend", "paper", "profiles", "measured"} <= set(run)
    assert run["paper"]["energy_j"] > 0
    assert run["measured"] == {"unavailable": "the oracle backend has no power sensor"}
    promised = "dynamic_j dynamic_band_j static_j total_j terms absent cores chips step_time_s"
    for name in names():
        assert set(promised.split()) <= set(run["profiles"][name])
        assert all(t["source"] for t in run["profiles"][name]["terms"].values())
    assert "message" in run["profiles"]["loihi2_derived"]["absent"]
    ann = run["ann"]
    assert (ann["per_step"]["passes"], ann["per_sample"]["passes"]) == (run["steps"], 1)
    assert ann["per_step"]["energy_j"] == pytest.approx(
        run["steps"] * ann["per_sample"]["energy_j"]
    )


def test_cores_and_static_energy_come_from_the_records_placement(record, comparison):
    [run] = comparison.runs
    for name, entry in run.profiles.items():
        placed = record.placement(name)
        assert (entry.cores, entry.chips) == (placed.cores, placed.chips)
        assert entry.step_time_s == placed.step_time_s
    entry, placed = run.profiles["loihi2_derived"], record.placements["loihi2_derived"]
    watts = load("loihi2_derived").static["chip"].base_value
    assert entry.static_j == pytest.approx(watts * placed.step_time_s * record.steps)
    assert entry.total_j == pytest.approx(entry.dynamic_j + entry.static_j)


def test_a_record_without_weights_has_no_baseline(record, profiles):
    layers = [x.model_copy(update={"weights": None}) for x in record.layers]
    comparison = compare([record.model_copy(update={"layers": layers})], profiles)
    [run] = comparison.runs
    assert "run it again" in run.ann.unavailable
    assert run.profiles["loihi2_derived"].ratio_to_ann == {}
    assert "run it again" in page(comparison)


def test_what_others_measured_on_this_very_network_stands_beside(record, profiles):
    [known] = PUBLISHED
    same = {"network_sha256": known.network_sha256, "steps": known.steps}
    [run] = compare([record.model_copy(update=same)], profiles).runs
    assert [x.joules for x in run.published] == [known.measured.joules]
    assert any(row.get("energy_uj") == known.measured.joules * 1e6 for row in energy_rows(run))
    assert known.source in page(Comparison(runs=[run]))
    assert published(known.network_sha256, known.steps + 1) == []
    assert compare([record], profiles).runs[0].published == []


def test_an_ann_computes_every_dense_mac(record, comparison):
    [run] = comparison.runs
    counts = {name: term.count for name, term in run.ann["per_step"].terms.items()}
    assert counts["multiply"] == record.totals.dense_macs * record.steps
    assert counts["weight_read"] == sum(x.weights for x in record.layers) * record.steps


def test_a_measurement_stands_beside_the_model(record, profiles, tmp_path):
    known = {"joules": 2e-6, "device": "board", "method": "power monitor", "total_j": 3e-6}
    measured = MeasuredRecord(**known)
    measured_run = record.model_copy(update={"measured": measured})
    comparison = compare([measured_run], profiles)
    write_json(comparison, tmp_path / "c.json")
    [run] = json.loads((tmp_path / "c.json").read_text())["runs"]
    assert run["measured"] == known | {"error_j": None}
    assert "board" in page(comparison)


def test_csv_has_a_line_for_every_number(record, comparison, tmp_path):
    write_csv(comparison, tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    events = {r["layer"]: r["value"] for r in rows if r["quantity"] == "synaptic_events"}
    assert int(events.pop("all")) == sum(map(int, events.values()))
    assert {r["estimate"] for r in rows} == {
        "",
        "theoretical",
        "from measured events",
        "int8 ANN",
        "measured (sensor)",
    }
    assert all(
        r["source"]
        for r in rows
        if r["quantity"].startswith(("synaptic_event_", "neuron_update_")) and r["profile"]
    )
    static = {r["profile"]: r["value"] for r in rows if r["quantity"] == "static"}
    known = {name: entry.static_j for name, entry in comparison.runs[0].profiles.items()}
    # unknown is empty, not 0
    assert static == {name: "" if j is None else str(j) for name, j in known.items()}
    assert "" in static.values()


def test_latex_is_balanced_and_escaped(comparison, tmp_path):
    write_latex(comparison, tmp_path / "c.tex")
    text = (tmp_path / "c.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 2
    assert not re.search(r"(?<!\\)_", text)
    assert tex("a_b & 5 % #1 {x} \\") == r"a\_b \& 5 \% \#1 \{x\} \textbackslash{}"
    for table in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end", text, flags=re.DOTALL):
        lines = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.split(r"(?<!\\)&", line)) for line in lines} == {len(table[0])}


class _Page(HTMLParser):
    """What a page refers to, and the ids it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        names = ("href", "src", "srcset", "data", "action", "poster", "xlink:href")
        self.links += [value for key, value in attributes if key in names]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_from_outside(comparison):
    text = page(comparison)
    parsed = _Page(text)
    assert all(link.startswith("#") for link in parsed.links)
    assert not {"link", "script", "img", "iframe", "object"} & set(parsed.tags)
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert not re.search(r"(https?:)?//\w", without_names)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text


def test_the_page_says_what_matters(comparison, record):
    text = page(comparison)
    words = " ".join(_Page(text).text)
    # three figures for wide and for narrow screens; spikes and rates of three layers
    assert text.count("<svg") == 2 * 3 + 2 * 3
    for column in ("theoretical", "from measured events", "measured (sensor)"):
        assert column in words
    billed = [(t, q) for name in names() for t, q in load(name).terms.items()]
    billed = [q for term, q in billed if not term.startswith(("message", "hop"))]  # not placed
    assert all(" ".join(q.source.split()) in words for q in billed)
    assert "small.net" in words
    assert f"{round(record.totals.synaptic_events / record.samples):,}" in words
    assert "#0000" not in text  # every stand-in colour was replaced
    assert "<small.net>" not in text  # escaped


def test_two_runs_on_one_page(record, graded_record, profiles, tmp_path):
    write_html(compare([record, graded_record], profiles), tmp_path / "two.html")
    text = (tmp_path / "two.html").read_text()
    assert "2 runs compared" in text
    assert text.count("<svg") == 24
    latex = tmp_path / "two.tex"
    write_latex(compare([record, graded_record], profiles), latex)
    assert latex.read_text().count(r"\begin{tabular}") == 2 * 2 + 1


def test_a_run_without_any_spike_has_a_page(run, profiles):
    from dataclasses import replace

    import numpy as np

    from spikewatt.energy.events import LayerCounts
    from spikewatt.report.recording import Provenance, record_of

    network, _, execution = run
    zeros = np.zeros((execution.counts.samples, execution.counts.steps), np.int64)
    layers = tuple(
        LayerCounts(c.layer, zeros, zeros, zeros, zeros, c.neuron_updates, c.fill)
        for c in execution.counts.layers
    )
    silent = replace(execution, counts=replace(execution.counts, layers=layers), wall_s=0.0)
    record = record_of(network, silent, Provenance("silent.net", "x.npy"))
    comparison = compare([record], profiles)
    assert comparison.runs[0].profiles["loihi2_derived"].ratio_to_paper is None
    assert "silent.net" in page(comparison)


def test_different_profiles_of_one_name_are_refused(record):
    one = load("loihi2_derived")
    other = one.model_copy(update={"title": "Another"})
    assert list(compare([record], [one, one]).runs[0].profiles) == ["loihi2_derived"]
    with pytest.raises(SpikewattError, match="Two different profiles"):
        compare([record], [one, other])


def test_comparing_loads_nothing_heavy(record, tmp_path):
    save(record, tmp_path / "run.json")
    code = (
        "import sys, io\n"
        "from spikewatt.report.record import load\n"
        "from spikewatt.report.compare import compare\n"
        "from spikewatt.report.comparison_tables import write_comparison\n"
        "from spikewatt.hardware_profiles import load as profile, names\n"
        f"c = compare([load({str(tmp_path / 'run.json')!r})], [profile(n) for n in names()])\n"
        "write_comparison(c, io.StringIO())\n"
        "heavy = {'torch', 'lava', 'numba', 'matplotlib', 'scipy', 'h5py', 'jinja2'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0935e-3, "1.09 mJ"),
        (999.96e-6, "1.00 mJ"),
        (3.9e-7, "390 nJ"),
        (0.0, "0 J"),
        (None, "\N{EN DASH}"),
        (2.5e-20, "0.0250 aJ"),
    ],
)
def test_quantities_for_people(value, text):
    assert si(value, "J").replace("\N{NO-BREAK SPACE}", " ") == text


def test_ranges_and_counts_for_people():
    text = si_range(8.56e-4, 1.43e-3, "J").replace("\N{NO-BREAK SPACE}", " ")
    assert text == "0.856 to 1.43 mJ"
    assert (count(1234567), count(0.25), short(22.54, 2), short(-3.0)) == (
        "1,234,567",
        "0.2500",
        "23",
        "\N{MINUS SIGN}3.00",
    )
