"""Signals at random moments: nothing stays behind, nothing is lost, and it can be done again."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from fault_places import Place

pytestmark = pytest.mark.slow

TRIES = 4
# before Python has installed its handlers a signal ends it as the system does, with nothing begun
STATUS = {
    signal.SIGINT: {130, -signal.SIGINT},
    signal.SIGTERM: {143, -signal.SIGTERM},
    signal.SIGKILL: {-signal.SIGKILL},
}
RUN = ("run", "small.net", "--input", "x.npy", "--json", "out.json")
COMMANDS = {
    "native": (*RUN, "--out", "out.npz"),
    "lava": (*RUN, "--backend", "lava", "--verify", "native"),
    "train": (
        *("train", "--model", "signal-sgn-core", "--data", "synthetic"),
        *("--config", "recipe.toml", "--out", "trained", "--resume"),
    ),
    "export": ("export", "before/last.ckpt", "--out", "out.net", "--reference", "out.npz"),
    "bench": (
        "bench",
        "small.net",
        "--input",
        "x.npy",
        "--backend",
        "native",
        "--json",
        "out.json",
    ),
}


def whole(place: Place) -> dict[str, bytes]:
    """The files that a command has left, which are whole or not there."""
    found = {}
    for path in (place.folder / n for n in ("out.json", "out.npz", "out.net", "trained/last.ckpt")):
        if path.exists():
            found[path.name] = path.read_bytes()
            if path.suffix == ".json":
                json.loads(found[path.name])
            if path.suffix == ".npz":
                assert np.load(path).files
    return found


def trained(place: Place, name: str) -> None:
    recipe = ("--config", "recipe.toml", "--out", name)
    status, _, err = place.run(
        "train", "--model", "signal-sgn-core", "--data", "synthetic", *recipe
    )
    assert status == 0, err


@pytest.mark.parametrize("number", STATUS, ids=lambda n: n.name)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.lava) if n == "lava" else n for n in COMMANDS]
)
def test_a_signal_at_any_moment(name: str, number: signal.Signals, place: Place) -> None:
    if name == "export":
        trained(place, "before")
    began = time.monotonic()
    status, _, err = place.run(*COMMANDS[name])
    assert status == 0, err
    lasts_s, expected = time.monotonic() - began, whole(place)
    for path in (p for p in place.folder.glob("out.*")):
        path.unlink()
    rng = np.random.default_rng()  # other moments each time
    for moment in rng.uniform(0.05, 0.95, TRIES) * lasts_s:
        process = place.start(*COMMANDS[name])
        time.sleep(moment)
        os.kill(process.pid, number)
        process.communicate(timeout=60)
        assert process.returncode in STATUS[number] | {0}, f"after {moment:.2f} s"
        if number is signal.SIGKILL:
            for part in place.folder.rglob("*.part"):  # nobody could remove it; the next run does
                assert Path(part).name.startswith(".")
                part.unlink()
        place.nothing_left()
        whole(place)
    status, _, err = place.run(*COMMANDS[name])
    assert status == 0, err
    if name in ("native", "export"):
        again = whole(place)
        assert {k: again[k] for k in expected if k.endswith(("npz", "net"))} == {
            k: v for k, v in expected.items() if k.endswith(("npz", "net"))
        }
