"""The command line on real files: what it prints, refuses, leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import h5py
import numpy as np
import pytest

WHEEL = Path(sysconfig.get_paths()["purelib"]) / "tests/lava/lib/dl/netx"
NTIDIGITS = WHEEL / "gts/ntidigits"


def spikewatt(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spikewatt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


def refused(*arguments: object, cwd: Path, told: str) -> None:
    """Exit 1, one paragraph on stderr that tells `told`, nothing on stdout, no new file."""
    before = sorted(cwd.iterdir())
    done = spikewatt(*arguments, cwd=cwd)
    assert done.returncode == 1, done
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert sorted(cwd.iterdir()) == before


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A NetX file as lava-dl writes it: input, flatten, dense."""
    path = tmp_path / "chain.net"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer")
        for i, (kind, shape) in enumerate(
            (("input", (1, 1, 6)), ("flatten", (6,)), ("dense", (4,)))
        ):
            group = layer.create_group(str(i))
            group["type"] = np.array([kind.encode()], dtype="S10")
            group["shape"] = np.array(shape)
        dense = layer["2"]
        dense["weight"] = 2.0 * rng.integers(-60, 60, (4, 6))
        for key, value in {"iDecay": 1024, "vDecay": 512, "vThMant": 80, "refDelay": 1}.items():
            dense[f"neuron/{key}"] = value
        dense["neuron/type"] = b"CUBA"
    return path


@pytest.fixture
def input_file(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(1).integers(0, 2, (6, 20)))
    return path


def test_run_counts_what_the_spikes_say(chain: Path, input_file: Path, tmp_path: Path) -> None:
    record, out = tmp_path / "run.json", tmp_path / "out.npz"
    done = spikewatt("run", chain, "--input", input_file, "--json", record, "--out", out)
    assert done.returncode == 0, done.stderr
    run = json.loads(record.read_text())
    (layer,) = run["layers"]
    with h5py.File(chain) as file:
        fan_out = np.count_nonzero(file["layer/2/weight"][()], axis=0)
    spikes = np.load(input_file)
    assert layer["index"] == 2
    assert layer["spikes_in"] == spikes.sum()
    assert layer["synaptic_events"] == (spikes.sum(axis=1) * fan_out).sum()
    assert layer["neuron_updates"] == 4 * 20
    assert run["totals"]["synaptic_events"] == layer["synaptic_events"]
    recorded = np.load(out)["spikes"]
    assert recorded.shape == (4, 20)
    assert recorded.sum() == layer["spikes_out"]


def test_clips_and_states(chain: Path, tmp_path: Path) -> None:
    clips = np.random.default_rng(2).integers(0, 2, (3, 6, 10))
    np.save(tmp_path / "c.npy", clips)
    options = ("--record", "all", "--record-state", "--out", tmp_path / "o.npz")
    assert spikewatt("run", chain, "--input", tmp_path / "c.npy", *options).returncode == 0
    with np.load(tmp_path / "o.npz") as out:
        assert out["layer_2"].shape == out["v_2"].shape == out["u_2"].shape == (3, 4, 10)


@pytest.mark.lava
def test_ntidigits_matches_its_ground_truth(tmp_path: Path) -> None:
    options = ("--layers", 5, "--record", "all", "--out", "o.npz", "--json", "r.json")
    done = spikewatt(
        "run",
        NTIDIGITS / "ntidigits.net",
        "--input",
        NTIDIGITS / "input.npy",
        *options,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "o.npz") as out:
        recorded = {name: out[name] for name in out.files}
    expected = np.load(NTIDIGITS / "output.npy")
    # Lava's timeline runs one step ahead of the file's
    np.testing.assert_array_equal(recorded["spikes"][:, :-1], expected[:, 1:])
    layers = {
        layer["index"]: layer for layer in json.loads((tmp_path / "r.json").read_text())["layers"]
    }
    sources = {2: np.load(NTIDIGITS / "input.npy"), 3: recorded["layer_2"], 4: recorded["layer_3"]}
    with h5py.File(NTIDIGITS / "ntidigits.net") as file:
        for i, spikes in sources.items():
            fan_out = np.count_nonzero(file[f"layer/{i}/weight"][()], axis=0)
            assert layers[i]["synaptic_events"] == (spikes.sum(axis=1) * fan_out).sum()


def test_compare_is_plain_on_a_pipe(chain: Path, input_file: Path, tmp_path: Path) -> None:
    spikewatt("run", chain, "--input", input_file, "--json", "r.json", cwd=tmp_path)
    outputs = ("--html", "p.html", "--json", "c.json", "--csv", "c.csv", "--latex", "c.tex")
    done = spikewatt("compare", "r.json", *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "from measured events" in done.stdout
    comparison = json.loads((tmp_path / "c.json").read_text())
    assert set(comparison["runs"][0]["profiles"]) >= {"cmos45_paper", "loihi1_davies"}
    assert all((tmp_path / name).stat().st_size for name in ("p.html", "c.csv", "c.tex"))


def test_check_says_ok_and_tells_violations(chain: Path, tmp_path: Path) -> None:
    done = spikewatt("check", chain, "--json", "c.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "c.json").read_text())["ok"] is True
    with h5py.File(chain, "r+") as file:
        file["layer/2/weight"][0, 0] = 4000.5
        del file["layer/2/type"]
        file["layer/2/type"] = np.array([b"dense"], dtype="S10")
    done = spikewatt("check", chain, "--json", "c.json", cwd=tmp_path)
    assert done.returncode == 1
    report = json.loads((tmp_path / "c.json").read_text())
    assert report["ok"] is False
    assert {"layer", "what", "found", "limit", "hint"} <= set(report["violations"][0])


def test_lists() -> None:
    assert "nw-ucla:PATH" in spikewatt("datasets").stdout
    assert "loihi2_derived" in spikewatt("profiles").stdout
    assert "Davies" in spikewatt("profiles", "loihi1_davies").stdout


def test_models_are_listed_with_their_counts() -> None:
    """Golden parameters of the papers' networks, plain digits, a line each however wide."""
    done = spikewatt("models")
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.split("\n\n")[0].splitlines()
    columns = head.split()
    rows = {line.split()[0]: dict(zip(columns, line.split(), strict=False)) for line in lines}
    golden = {
        "svformer": ("101", "13801612", "38189558784"),
        "mk-sgn": ("60", "1885044", "9983426560"),
        "base-sgn": ("60", "2074626", "10111221760"),
        "spikformer": ("60", "4782908", "30872386560"),
        "sdt": ("60", "4778684", "30243290112"),
        "ctr-gcn": ("120", "1462092", "1939179520"),
        "2s-agcn": ("120", "3484930", "19407405720"),
        "ms-g3d": ("60", "3194595", "32772308040"),
        "shift-gcn": ("60", "693107", "3569295360"),
        "st-gcn": ("60", "3098832", "17092815360"),
    }
    for name, counts in golden.items():
        row = rows[name]
        assert (row["classes"], row["parameters"], row["dense_macs"]) == counts
    assert rows["svformer"]["lif_neurons"] == "5218304"
    assert (rows["ctr-gcn"]["kind"], rows["ctr-gcn"]["lif_neurons"]) == ("ANN", "-")


def test_a_model_says_what_it_is_made_of() -> None:
    done = spikewatt("models", "signal-sgn-core")
    assert done.returncode == 0, done.stderr
    lines = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert lines >= {
        "parameters 182878",
        "dense MACs 124331520",
        "steps 32",
        "dense MACs a step 3885360",
        "LIF neurons 11520",
        "integer form: one person, 8 frames",
        "graph 4 3370496 native",
        "11520 LIF neurons in 4 populations, 100.0 % native on Loihi.",
        "voltage_decay 0.5, 0.5, 0.25, 0.25",
        "augment.yaw 1",
    }
    ann = spikewatt("models", "shift-gcn").stdout
    assert "deploys     no" in ann
    assert "integer form" not in ann


def test_attention_needs_microcode() -> None:
    text = spikewatt("models", "svformer-3stg").stdout
    assert "integer form: one person, 4 frames\n" in text
    assert "attention            3   10485760  microcode" in text
    assert "Attention reaches 81920 of them" in text


def test_a_data_set_and_what_lies_at_its_path(nw_ucla_folder: Path) -> None:
    text = spikewatt("datasets", "nw-ucla").stdout
    assert "needs    a folder with train.json" in text
    assert "clips found" not in text
    done = spikewatt("datasets", f"nw-ucla:{nw_ucla_folder}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["all", "1020", "464"]


def test_embedded_data_and_skipped_clips(tmp_path: Path) -> None:
    embedded = spikewatt("datasets", "synthetic-events").stdout.splitlines()
    assert embedded[-1].split() == ["all", "192", "64"]
    assert "pick up                      24     8" in embedded
    name = "S001C001P001R001A001.skeleton"
    (tmp_path / name).write_text("1\n")
    (tmp_path / name.replace("P001", "P003")).write_text("1\n")
    refused("datasets", f"ntu60-xsub:{tmp_path}", cwd=tmp_path, told="S001C001P001R001A001")


def test_bad_input_is_refused(chain: Path, input_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.net"
    text.write_text("this is no HDF5")
    np.save(tmp_path / "wide.npy", np.zeros((7, 20)))
    np.save(tmp_path / "half.npy", np.full((6, 20), 0.5))
    unknown = tmp_path / "unknown.net"
    with h5py.File(unknown, "w") as file:
        file["layer/0/type"] = np.array([b"mystery"], dtype="S10")
        file["layer/0/shape"] = np.array([4])
    (tmp_path / "bare.toml").write_text('name = "bare"\n[terms.synaptic_event]\nvalue = 1.0\n')
    spikewatt("run", chain, "--input", input_file, "--json", tmp_path / "r.json")
    cases = {
        ("run", "none.net", "--input", input_file): "none.net",
        ("run", text, "--input", input_file): "text.net",
        ("run", chain, "--input", "none.npy"): "none.npy",
        ("run", chain, "--input", "wide.npy"): "(7, 20)",
        ("run", chain, "--input", "half.npy"): "0.5",
        ("run", chain, "--input", text): "not an .npy",
        ("run", unknown, "--input", input_file): "mystery",
        ("run", chain, "--input", input_file, "--backend", "cray"): "native",
        ("run", chain, "--input", input_file, "--backend", "loihi2"): "unavailable, because",
        ("run", chain, "--input", input_file, "--record", "9"): "layer 9",
        ("run", chain, "--data", "synthetic"): "no input encoder",
        ("run", chain, "--input", input_file, "--verify", "none.npz"): "none.npz",
        ("train", "--model", "none", "--data", "synthetic"): "signal-sgn-core",
        ("train", "--model", "signal-sgn-core", "--data", "none"): "nw-ucla",
        ("train", "--model", "signal-sgn-core", "--data", "nw-ucla:/none"): "/none",
        ("export", text, "--out", "o.net"): "not a checkpoint",
        ("compare", "r.json", "--profile", "none"): "loihi2_derived",
        ("compare", "r.json", "--profile", "bare.toml"): "unit",
        ("compare", text): "not a run record",
        ("profiles", "none"): "cmos45_paper",
        ("models", "none"): "signal-sgn-core",
        ("datasets", "none"): "synthetic",
        ("datasets", "synthetic:x"): "takes no path",
        ("datasets", "nw-ucla:/none"): "/none",
        ("check", text): "text.net",
    }
    for arguments, told in cases.items():
        refused(*arguments, cwd=tmp_path, told=told)


def test_wrong_usage_is_exit_2(chain: Path) -> None:
    assert spikewatt("run", chain).returncode == 2
    assert spikewatt("nothing").returncode == 2


def test_nothing_half_written(chain: Path, input_file: Path, tmp_path: Path) -> None:
    done = spikewatt(
        "run", chain, "--input", input_file, "--out", "no/such/folder/o.npz", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "no/such/folder" in done.stderr
    assert not list(tmp_path.rglob("*.part"))
