"""Mixed precision trains the float network; the integer network stays exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import small_networks as small
import torch

from spikewatt.commands.training import run_export
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare, load_reference
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.loop import Training
from spikewatt.train.recipe import Recipe

MIXED = {"precision": "bf16-mixed", "epochs": 3}
SLOW = pytest.mark.slow
NAMES = ("signal-sgn-core", *(pytest.param(n, marks=SLOW) for n in ("mk-sgn", "spikformer", "sdt")))


def silent(done: int, total: int) -> None:
    pass


@pytest.mark.lava
@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_mixed_precision_exports_exactly(name: str, tmp_path: Path) -> None:
    job = small.job(name, tmp_path, **MIXED)
    training = Training(job, silent)
    seen = set()

    def note(module: torch.nn.Module, given: tuple, _: object) -> None:
        if torch.is_tensor(given[0]):  # not while it is traced
            seen.add((module.training, given[0].dtype))

    neurons = [m for m in training.form.net.modules() if hasattr(m, "device_params")]
    neurons[-1].register_forward_hook(note)
    path = training.run()
    assert (True, torch.bfloat16) in seen  # the float phase computed in it
    assert {w.dtype for w in ckpt.load(path).float_weights.values()} <= {
        torch.float32,
        torch.int64,
        torch.bool,
    }
    network, _ = run_export(path, tmp_path / "n.net", tmp_path / "ref.npz")
    expected = load_reference(tmp_path / "ref.npz")
    samples, steps = len(expected.input), expected.input.shape[-1]
    schedule = clips(network, samples, steps)
    request = Request(network, expected.input, schedule, tuple(network.by_layer))
    agreement = compare(network, expected, NativeEngine().run(request))
    assert agreement.equal, str(agreement)
    assert sum(int(s.sum()) for s in expected.spikes.values()) > 0


def test_the_quantised_network_computes_in_float32(tmp_path: Path) -> None:
    training = Training(small.job("signal-sgn-core", tmp_path, **MIXED), silent)
    training.run()
    seen = []
    for population in training.state.net.populations:
        population.register_forward_hook(lambda m, x, y: seen.append(y.dtype))
    training._train_epoch(3)
    assert set(seen) == {torch.float32}


def test_what_would_not_be_exact_is_refused() -> None:
    for precision in ("16-mixed", "bf16-true", "64-true", "half"):
        with pytest.raises(SpikewattError, match="32-true or bf16-mixed"):
            replace(Recipe(), precision=precision)
