"""Files that snnTorch and SpikingJelly write, each run in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from oracle import Oracle

from spikewatt.export import netx, nir
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network

FRAMEWORKS = {
    "snntorch": ("3.10", ["snntorch==1.0.0", "torch==2.3.1", "numpy<2", "setuptools<81"]),
    "spikingjelly": ("3.11", ["spikingjelly==2.0.0", "torch"]),
}
COMMON = ["nir==1.0.8", "nirtorch==2.6"]
MISMATCH = 0.05  # share of output spikes that 8-bit weights and rounded leaks may move


def environment(folder: Path, name: str) -> Path:
    """The Python of an environment with the framework; a skip says why there is none."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which makes the framework's environment, is not installed")
    version, packages = FRAMEWORKS[name]
    python = folder / "environment" / "bin" / "python"
    for command in (  # without this project's own constraints
        [uv, "--no-config", "venv", "--python", version, str(folder / "environment")],
        [uv, "--no-config", "pip", "install", "--python", str(python), *packages, *COMMON],
    ):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"no environment with {name} can be made here: {made.stderr[-300:]}")
    return python


@pytest.fixture(scope="module", params=FRAMEWORKS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the framework's files."""
    folder = tmp_path_factory.mktemp(request.param)
    python = os.environ.get(f"SPIKEWATT_TEST_{request.param.upper()}")  # one made before
    script = Path(__file__).with_name("nir_frameworks.py")
    command = [python or str(environment(folder, request.param)), str(script), request.param]
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    return folder


def run(network: Network, x: np.ndarray) -> np.ndarray:
    last = network.output.layer
    request = Request(network, x[None].astype(np.int32), clips(network, 1, x.shape[-1]), (last,))
    return Oracle(request).run().spikes[last][0]


@pytest.mark.slow
def test_their_networks_load_and_fire_alike(written: Path) -> None:
    files = sorted(written.glob("*.nir"))
    assert files
    for file in files:
        network = nir.read(file)
        netx.write(network, file.with_suffix(".net"))
        if not file.with_suffix(".npz").exists():  # recurrent: snnTorch's loop lags by a step
            continue
        data = np.load(file.with_suffix(".npz"))
        assert data["spikes"].any(), file
        assert (run(network, data["x"]) != data["spikes"]).mean() <= MISMATCH, file
