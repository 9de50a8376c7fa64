"""Logs of a board's probes: what they say of energy, and where they go in a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pilotnet
import pytest
from click.testing import CliRunner

from spikewatt.cli import cli
from spikewatt.commands.running import RunJob, run_network
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import no_progress
from spikewatt.report import probe
from spikewatt.report.record import save

pytestmark = pytest.mark.lava  # PilotNet comes with lava-dl

# Intel's log of PilotNet LIF (lava-dl 0.6.0, tutorials/netx/pilotnet_snn/benchmark.ipynb), whose
# powers have the idle chips left out already
PILOTNET = {
    "schema": "spikewatt.probe/1",
    "network": "network.net",
    "network_sha256": "4a47723327c0c9e18d8ac3dcbfa2f2e011e6f2c03ebe80cb3b9360ae56124fd3",
    "board": "Loihi 2",
    "steps": 10_000,
    "steps_per_sample": 16,
    "chips": 1,
    "active_chips": 1,
    "step_time_us": 1e6 / 408.91 / 16,
    "power_w": 0.679234,
    "static_power_w": 0.232078,
    "source": "lava-dl 0.6.0",
}
# and of PilotNet SDNN (pilotnet_sdnn/benchmark.ipynb at commit 1878d6d), which waits for its input
SDNN = {
    "steps": 2000,
    "steps_per_sample": 1,
    "step_time_us": 1e6 / 11.18,
    "power_w": 0.357242,
    "static_power_w": 0.342234,
}


def written(folder: Path, **changes) -> Path:
    path = folder / "probe.json"
    path.write_text(json.dumps(PILOTNET | changes))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    frame = folder / "frame.npy"
    np.save(frame, np.rint(pilotnet.frame()).astype(np.int32)[None, ..., None])
    job = RunJob(pilotnet.shipped("network.net"), frame, steps=16)
    save(run_network(job, no_progress).record, folder / "run.json")
    return folder / "run.json"


def compared(*paths: Path) -> dict:
    out = paths[0].parent / "compared.json"
    options = ["--profile", "loihi2_derived", "--json", str(out)]
    done = CliRunner().invoke(cli, ["compare", *map(str, paths), *options], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(out.read_text())["runs"][0] | {"text": done.stdout}


def test_pilotnet_as_published(run: Path, tmp_path: Path) -> None:
    found = compared(run, written(tmp_path))["measured"]
    assert found["joules"] == pytest.approx(1.0935e-3, rel=1e-4)
    assert found["total_j"] == pytest.approx(1.661e-3, rel=1e-4)
    assert found["device"] == "Loihi 2"
    assert "10000 steps" in found["method"]


def test_the_sdnn_as_published(tmp_path: Path) -> None:
    log = probe.load(written(tmp_path, **SDNN)).log
    assert log.dynamic_j == pytest.approx(1.342877e-3, rel=1e-3)  # 11.18 is rounded
    assert log.total_j == pytest.approx(31.964948e-3, rel=1e-3)


def test_negative_dynamic_energy_is_no_measurement(run: Path, tmp_path: Path) -> None:
    """At the SDNN's pace its busy power is so near the one at rest that either may be larger."""
    swapped = {"power_w": SDNN["static_power_w"], "static_power_w": SDNN["power_w"]}
    bound = written(tmp_path, **PILOTNET | {"step_time_us": SDNN["step_time_us"]} | swapped)
    found = compared(run, bound)["measured"]["unavailable"]
    assert "negative" in found
    assert "waited for its input and output (89.4 ms a step)" in found


def test_idle_chips_are_left_out(tmp_path: Path) -> None:
    one = probe.load(written(tmp_path)).log
    board = {"chips": 8, "static_power_w": 8 * 0.232078, "power_w": 0.679234 + 7 * 0.232078}
    eight = probe.load(written(tmp_path, **board)).log
    assert eight.dynamic_j == pytest.approx(one.dynamic_j)
    assert eight.total_j == pytest.approx(one.total_j)


def test_counters_stand_beside_the_counts(run: Path, tmp_path: Path) -> None:
    core = {"dendrite_updates": 10**6, "axon_out": 5, "spikes_in": 7}
    cores = [{"chip": 0, "core": i, "syn_ops": (i + 1) * 10**6, **core} for i in range(2)]
    found = compared(run, written(tmp_path, activity=cores))
    assert found["counters"] == {
        "cores": 2,
        "syn_ops": 3e6 / 625,
        "dendrite_updates": 2e6 / 625,
        "axon_out": 10 / 625,
        "spikes_in": 14 / 625,
    }
    assert "The chip counted 4800 syn_ops a sample on 2 cores" in found["text"]


def test_a_log_survives_its_file(tmp_path: Path) -> None:
    record = probe.load(written(tmp_path))
    again = probe.ProbeRecord.of(record.log, record.network, record.network_sha256)
    probe.save(again, tmp_path / "again.json")
    assert probe.load(tmp_path / "again.json").log == record.log


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps"),
        ({"active_chips": 2}, "active_chips 2 of 1 chips"),
        ({"power_w": "much"}, "power_w"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_log_is_refused(changes: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match=said):
        probe.load(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"network_sha256": "0" * 64}, "no run of that"), ({"steps_per_sample": 8}, "have 16 steps")],
)
def test_a_log_needs_a_run_of_its_network(changes: dict, said: str, run: Path, tmp_path) -> None:
    log = written(tmp_path, **changes)
    done = CliRunner().invoke(cli, ["compare", str(run), str(log)])
    assert isinstance(done.exception, SpikewattError)
    assert said in str(done.exception)
