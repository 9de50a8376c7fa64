"""Where Lava cannot be had, what needs it says so and why, and all else works.

Lava is hidden here where it is installed, so that every Python runs these tests.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from netx_cases import small

from spikewatt.commands import demo
from spikewatt.commands.training import run_export
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.lava_door import why_no_lava
from spikewatt.lava_runtime.engines import engine
from spikewatt.network import CubaLif

HIDDEN = "import sys; sys.modules['lava'] = None\n"
WHY = "needs Python 3.10|not installed"


@pytest.fixture
def no_lava(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lava", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network and an input for it."""
    netx.write(small([[40, 60], [60, -80]], CubaLif(1024, 512, 20)), tmp_path / "a.net")
    np.save(tmp_path / "x.npy", np.random.default_rng(1).integers(0, 2, (2, 20)))
    return tmp_path


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HIDDEN + code]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


def spikewatt(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(f"sys.argv[1:] = {arguments}\nfrom spikewatt.cli import main\nmain()", cwd)


@pytest.mark.lava
def test_lava_is_there_where_it_can_be() -> None:
    assert why_no_lava() is None


@pytest.mark.usefixtures("no_lava")
def test_the_engine_is_unavailable() -> None:
    with pytest.raises(SpikewattError, match=rf"^Engine lava is unavailable, because .*({WHY})"):
        engine("lava")


RUN = ("run", "a.net", "--input", "x.npy", "--json", "run.json")


@pytest.mark.parametrize("options", [("--backend", "lava"), ("--verify", "lava")], ids=" ".join)
def test_a_run_says_so_before_it_begins(options: tuple[str, ...], folder: Path) -> None:
    done = spikewatt(folder, *RUN, *options)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: Engine lava is unavailable, because")
    assert len(done.stderr.splitlines()) == 1
    assert not (folder / "run.json").exists()


def test_a_native_run_needs_none(folder: Path) -> None:
    done = spikewatt(folder, *RUN, "--verify", "native")
    assert done.returncode == 0, done.stderr
    assert (folder / "run.json").exists()


@pytest.mark.usefixtures("no_lava")
def test_a_reference_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out, reference = tmp_path / "a.net", tmp_path / "a.npz"
    with pytest.raises(SpikewattError, match=f"SLAYER.*unavailable.*({WHY}).*without --reference"):
        run_export(tmp_path / "last.ckpt", out, reference)


def test_slayers_blocks_are_refused_and_ours_are_not(tmp_path: Path) -> None:
    code = (
        "import torch\n"
        "from spikewatt import SpikewattError, from_slayer\n"
        "try:\n"
        "    from_slayer(torch.nn.Sequential(torch.nn.Identity()), torch.zeros(1, 6, 9))\n"
        "except SpikewattError as error:\n"
        "    print(error)\n"
    )
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lava-dl's slayer is unavailable, because")


@pytest.mark.usefixtures("no_lava")
def test_the_demo_says_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "short.toml"
    training, shape = "frames = 8\nepochs = 1\nfinetune_epochs = 0", "channels = [8]"
    config.write_text(f"{training}\n[model]\n{shape}\nvoltage_decay = [0.5]\n")
    monkeypatch.setattr(demo, "CONFIG", config)
    told, out = io.StringIO(), tmp_path / "demo"
    demo.run_demo(out, 0, lambda done, total: None, told)
    text = told.getvalue()
    assert f"4. Left out, because {why_no_lava()}: the run of 8 clips in Lava" in text
    assert "equal" not in text.split("5. What")[0]  # nothing is claimed that was not checked
    made = {path.name for path in out.iterdir() if path.is_file()}
    assert made == {"network.net", "run.json", "comparison.html"}
    assert all(name in text.splitlines()[-1] for name in made)
