"""The Loihi 2 engine: its processes on Lava's simulator, on a board with `--target loihi2`."""

from __future__ import annotations

import numpy as np
import pilotnet
import pytest
from click.testing import CliRunner

from spikewatt.cli import cli
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.loihi2.board import Board, unavailable
from spikewatt.lava_runtime.loihi2.engine import Loihi2Engine
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
)

pytestmark = pytest.mark.lava


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Loihi2Engine:
    """The engine on what `--target` names."""
    if request.config.getoption("--target") == "loihi2":
        return Loihi2Engine()
    return Loihi2Engine(Board(simulate=True))


def test_without_a_board_everything_says_the_same_words(tmp_path) -> None:
    reason = unavailable()
    if reason is None:
        pytest.skip("there is a compiler for Loihi 2 here")
    with pytest.raises(SpikewattError) as found:
        Loihi2Engine()
    said = (
        "Engine loihi2 is unavailable, because Intel's extension for Loihi 2 (lava-loihi, for "
        "members of its research community) is not installed. Use lava: the same integer network "
        "on Lava's simulator, bit for bit."
    )
    assert str(found.value) == said
    file = tmp_path / "x.npy"
    np.save(file, np.zeros((1, 1)))
    network = str(pilotnet.shipped("network.net"))
    for more in (["--backend", "loihi2"], ["--verify", "loihi2", "--steps", "1"]):
        done = CliRunner().invoke(cli, ["run", network, "--input", str(file), *more])
        if more[0] == "--backend":
            assert str(done.exception) == said


def agree(request: Request, engine: Loihi2Engine) -> None:
    expected = NativeEngine().run(request)
    found = engine.run(request)
    agreement = compare(request.network, expected, found, request)
    assert agreement.equal, str(agreement)
    if expected.readout is None:
        assert found.readout is None
    else:
        np.testing.assert_array_equal(found.readout, expected.readout)
    assert any(s.any() for s in expected.spikes.values())


def layered(readout: Readout | None, driven: bool) -> Network:
    rng = np.random.default_rng(3)

    def weight(*shape: int) -> np.ndarray:
        return (2 * rng.integers(-60, 64, shape)).astype(np.int32)

    first = Population(0, (6, 5, 2), CubaLif(4096, 300, 60))
    return Network(
        input=Input(0, (6, 5, 2), drives_bias=driven),
        populations=(
            *((first,) if driven else ()),
            Population(1, (4, 3, 3), CubaLif(1024, 300, 40), bias=weight(4, 3, 3) // 8),
            Population(2, (11,), CubaLif(700, 400, 90)),
            Population(3, (6,), CubaLif(4096, 0, 2**17 - 1)),
        ),
        projections=(
            Projection(0, 1, Conv(weight(3, 3, 3, 2))),
            Projection(1, 2, Dense(weight(11, 36))),
            Projection(2, 3, Dense(weight(6, 11))),
        ),
        readout=readout,
    )


@pytest.mark.parametrize("kind", ["membrane", "rate"])
def test_clips_of_spikes(kind: str, target: Loihi2Engine) -> None:
    network = layered(Readout(kind, groups=3), driven=False)
    stimulus = np.random.default_rng(1).integers(0, 2, (3, 6, 5, 2, 9)).astype(np.int32)
    agree(Request(network, stimulus, clips(network, 3, 9), (1, 2, 3)), target)


def test_clips_of_held_frames(target: Loihi2Engine) -> None:
    network = layered(Readout("membrane", groups=6), driven=True)
    frames = np.random.default_rng(2).integers(0, 90, (3, 6, 5, 2, 1)).astype(np.int32)
    agree(Request(network, frames, clips(network, 3, 8), (0, 1, 2)), target)


def test_pilotnet(target: Loihi2Engine) -> None:
    network = pilotnet.network()
    frame = np.rint(pilotnet.frame()).astype(np.int32)[None, ..., None]
    layers = tuple(network.by_layer)
    agree(Request(network, frame, clips(network, 1, pilotnet.STEPS), layers), target)


def test_what_lava_has_no_process_for_is_refused(target: Loihi2Engine) -> None:
    network = layered(None, driven=False)
    stimulus = np.zeros((2, 6, 5, 2, 4), np.int32)
    late = Network(
        network.input,
        network.populations,
        (*network.projections[:2], Projection(2, 3, network.projections[2].synapses, delay=2)),
    )
    with pytest.raises(SpikewattError, match="layer 3 has delays"):
        target.run(Request(late, stimulus, clips(late, 2, 4)))
    with pytest.raises(SpikewattError, match="not u and v"):
        target.run(Request(network, stimulus, clips(network, 2, 4), (1,), record_state=True))
