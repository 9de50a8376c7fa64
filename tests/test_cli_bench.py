"""`spikewatt bench` on real files: what it prints, writes, refuses and leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from processes import MARK, hear_interrupts, marked, until

from spikewatt.export import netx
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, Readout

pytestmark = pytest.mark.lava

SAMPLES, STEPS = 3, 20


def spikewatt(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spikewatt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=500)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two networks of the same input, three clips, and a long stream."""
    rng = np.random.default_rng(0)
    for name, size in (("a.net", 4), ("b.net", 6)):
        weight = (2 * rng.integers(-20, 60, (size, 6))).astype(np.int32)
        network = Network(
            Input(0, (6,)),
            (Population(1, (size,), CubaLif(1000, 300, 90)),),
            (Projection(0, 1, Dense(weight)),),
            readout=Readout("rate", 2),
        )
        netx.write(network, tmp_path / name)
    np.save(tmp_path / "x.npy", rng.integers(0, 2, (SAMPLES, 6, STEPS)))
    return tmp_path


def test_engines_and_networks_side_by_side(folder: Path) -> None:
    backends = [f"--backend={name}" for name in ("native", "torch", "lava", "loihi2")]
    files = ("--json", "b.json", "--html", "b.html", "--trace", "t.csv")
    done = spikewatt(
        "bench", "a.net", "b.net", "--input", "x.npy", *backends, "--repeat", 2, *files, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    found = json.loads((folder / "b.json").read_text())
    check_rows(found, folder)
    check_page((folder / "b.html").read_text())
    networks = {line.split(",")[0] for line in (folder / "t.csv").read_text().splitlines()[1:]}
    assert networks == {"a.net on x.npy", "b.net on x.npy"}
    table = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in table if line[:1] == ["a.net"]] == [
        ["a.net", name] for name in ("native", "torch", "lava", "loihi2")
    ]


def check_rows(found: dict, folder: Path) -> None:
    """A row a turn; who runs did the same, and says of what sort its energies are."""
    keys = {"network", "backend", "repeat", "latency_s", "samples_per_s", "accuracy", "energy"}
    turns = {(r["network"], r["backend"], r["repeat"]) for r in found["rows"]}
    names = ("native", "torch", "lava")
    assert turns == {(n, b, i) for n in ("a.net", "b.net") for b in names for i in (0, 1)}
    for row in found["rows"]:
        assert keys <= row.keys()
        assert row["latency_s"] > 0
        assert row["samples_per_s"] > 0
        assert row["energy"]["profiles"]["loihi2_derived"]["dynamic_j"] > 0
        assert "unavailable" in row["energy"]["measured"]
    by = {(m["network"], m["backend"]): m for m in found["medians"]}
    for network in ("a.net", "b.net"):
        assert by[network, "native"]["same_as"] is None
        for backend in ("torch", "lava"):
            median = by[network, backend]
            assert (median["same"], median["same_as"]) == (True, "native")
            assert median["synaptic_events"] == by[network, "native"]["synaptic_events"] > 0
            values = sorted(
                r["latency_s"]
                for r in found["rows"]
                if (r["network"], r["backend"]) == (network, backend)
            )
            spread = median["latency_s"]
            assert [spread["low"], spread["high"]] == values
            assert spread["median"] == pytest.approx(sum(values) / 2)
        assert by[network, "loihi2"]["unavailable"]
    record = folder / "r.json"
    options = ("--input", "x.npy", "--json", record)
    assert spikewatt("run", "a.net", *options, cwd=folder).returncode == 0
    run = json.loads(record.read_text())
    events = run["totals"]["synaptic_events"]
    assert by["a.net", "native"]["synaptic_events"] == pytest.approx(events / SAMPLES)


class Page(HTMLParser):
    """Texts and tags; every tag that has to be closed is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def check_page(text: str) -> None:
    page = Page()
    page.feed(text)
    assert page.open == []
    assert "http" not in page.text
    for said in ("a.net", "b.net", "native", "torch", "lava", "as native", "unavailable, because"):
        assert said in page.text


def test_an_ann_on_the_same_clips(tmp_path: Path) -> None:
    """A trained network's clips, as an untrained graph network reads them."""
    from spikewatt.data.datasets import load
    from spikewatt.data.encode_skeleton import SkeletonEncoder

    dataset = load("synthetic", 0)
    encoder = SkeletonEncoder(dataset.graph, modalities=("joint",), frames=8)
    size = int(np.prod(encoder.shape))
    weight = (2 * np.random.default_rng(0).integers(-20, 60, (16, size))).astype(np.int32)
    network = Network(
        Input(0, encoder.shape, message_bits=int(encoder.limit).bit_length()),
        (Population(2, (16,), CubaLif(1000, 300, 90)),),
        (Projection(0, 2, Dense(weight)),),
        readout=Readout("rate", len(dataset.classes)),
        classes=tuple(dataset.classes),
        encoder=encoder.to_dict(),
    )
    netx.write(network, tmp_path / "s.net")
    options = ("--data", "synthetic", "--limit", 3, "--repeat", 1, "--json", "b.json")
    done = spikewatt("bench", "s.net", *options, "--ann", "small-st-gcn", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    native, ann = json.loads((tmp_path / "b.json").read_text())["medians"]
    assert native["accuracy"] is not None
    assert (ann["backend"], ann["same"], ann["accuracy"]) == ("ann:small-st-gcn", None, None)
    assert ann["latency_s"]["median"] > 0
    assert ann["energy"]["theoretical_j"] > 0
    assert ann["energy"]["profiles"] == {}
    refusal = spikewatt("bench", "s.net", *options, "--ann", "svformer", cwd=tmp_path)
    assert refusal.returncode == 0
    assert "svformer" in refusal.stdout
    assert "unavailable" in refusal.stdout


REFUSED = {
    ("none.net", "--input", "x.npy"): (1, "none.net"),
    ("a.net", "--input", "none.npy"): (1, "none.npy"),
    ("a.net", "--input", "x.npy", "--backend", "cray"): (1, "loihi2, native, torch"),
    ("a.net", "--input", "x.npy", "--profile", "none"): (1, "loihi2_derived"),
    ("a.net", "--input", "x.npy", "--trace", "t.txt"): (1, ".csv or .json"),
    ("a.net", "--input", "x.npy", "--trace", "t.csv", "--profile", "truenorth"): (1, "a core"),
    ("a.net", "b.net", *(3 * ("--input", "x.npy"))): (1, "2 networks and 3 inputs"),
    ("a.net",): (2, "either --input"),
    ("a.net", "--input", "x.npy", "--data", "synthetic"): (2, "either --input"),
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_bad_input_is_refused(folder: Path, arguments: tuple[str, ...]) -> None:
    status, told = REFUSED[arguments]
    before = sorted(folder.iterdir())
    done = spikewatt("bench", *arguments, "--json", "b.json", cwd=folder)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(("end", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_no_file_and_no_process(
    folder: Path, end: signal.Signals, status: int
) -> None:
    np.save(folder / "long.npy", np.ones((6, 200_000), np.int8))  # minutes in Lava
    (scratch := folder / "scratch").mkdir()
    before, mark = sorted(folder.iterdir()), uuid.uuid4().hex
    options = ("--input", "long.npy", "--backend", "native", "--backend", "lava")
    process = subprocess.Popen(
        [sys.executable, "-m", "spikewatt", "bench", "a.net", *options, "--json", "b.json"],
        env=os.environ | {MARK: mark, "TMPDIR": str(scratch)},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    assert until(lambda: sum("lava.child" in c for c in marked(mark).values()) >= 4, 120)
    os.killpg(process.pid, end)
    assert process.wait(30) == status
    assert until(lambda: not marked(mark), 10), marked(mark)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    assert sorted(folder.iterdir()) == before
    assert not list(scratch.iterdir())
