"""Files from strangers: whatever they hold, none of it is executed."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fault_places import Place, one_paragraph


class Payload:
    """An object whose unpickling would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(place: Place):
    """Where a payload would leave its file; it must not."""
    path = place.folder / "executed"
    yield path
    assert not path.exists()


def checkpoint(folder: Path, trace: Path) -> tuple:
    torch.save({"record": Payload(trace), "weights": {}}, folder / "evil.ckpt")
    return "export", "evil.ckpt", "--out", "x.net"


def bare_pickle(folder: Path, trace: Path) -> tuple:
    (folder / "evil.ckpt").write_bytes(pickle.dumps(Payload(trace)))
    return "export", "evil.ckpt", "--out", "x.net"


def objects_in_npy(folder: Path, trace: Path) -> tuple:
    np.save(folder / "evil.npy", np.array([Payload(trace)], dtype=object), allow_pickle=True)
    return "run", "small.net", "--input", "evil.npy"


def objects_in_npz(folder: Path, trace: Path) -> tuple:
    values = np.array([Payload(trace)], dtype=object)
    np.savez(folder / "evil.npz", input=values, layer_1=values)
    return "run", "small.net", "--input", "x.npy", "--verify", "evil.npz"


def run_record(folder: Path, trace: Path) -> tuple:
    (folder / "evil.json").write_text(json.dumps({"schema": "spikewatt.run/1", "layers": "x"}))
    return "compare", "evil.json"


def deep_record(folder: Path, trace: Path) -> tuple:
    (folder / "evil.json").write_text("[" * 100_000)
    return "compare", "evil.json"


def probe_log(folder: Path, trace: Path) -> tuple:
    (folder / "evil.json").write_text('{"schema": "spikewatt.probe/1", "steps": 1e400}')
    return "compare", "evil.json"


def profile(folder: Path, trace: Path) -> tuple:
    (folder / "evil.toml").write_text(
        'name = "!!python/object/apply:os.system"\n[terms.x]\nvalue = 1'
    )
    return "check", "small.net", "--profile", "evil.toml"


def recipe(folder: Path, trace: Path) -> tuple:
    (folder / "evil.toml").write_text("epochs = __import__('os')")
    return "train", "--model", "signal-sgn-core", "--data", "synthetic", "--config", "evil.toml"


def network_of_zip(folder: Path, trace: Path) -> tuple:
    with zipfile.ZipFile(folder / "evil.net", "w") as archive:
        archive.writestr("../../executed", "x")
    return "run", "evil.net", "--input", "x.npy"


def nir_of_text(folder: Path, trace: Path) -> tuple:
    (folder / "evil.nir").write_text("not HDF5")
    return "convert", "evil.nir", "x.net"


FILES = (
    checkpoint,
    bare_pickle,
    objects_in_npy,
    objects_in_npz,
    run_record,
    deep_record,
    probe_log,
    profile,
    recipe,
    network_of_zip,
    nir_of_text,
)


@pytest.mark.parametrize("make", FILES, ids=lambda f: f.__name__)
def test_nothing_is_executed(make, place: Place, trace: Path) -> None:
    arguments = make(place.folder, trace)
    evil = next(a for a in arguments if "evil" in a)
    one_paragraph(*place.run(*arguments), told=Path(evil).name)
    place.nothing_left()
