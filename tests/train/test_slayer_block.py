"""Our blocks beside lava-dl's: the same weights, spikes, gradients and integer networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from late import Late, slayers

from spikewatt.errors import SpikewattError
from spikewatt.export.modules import from_slayer
from spikewatt.network import Network
from spikewatt.train.neuron import ATan, CubaNeuron

pytestmark = pytest.mark.lava
PARAMS = {"threshold": 1.0, "current_decay": 0.4, "voltage_decay": 0.2, "tau_grad": 0.1}
slayer_block, norms = Late("spikewatt.train.slayer_block"), slayers("neuron.norm")
Build = Callable[[Any], torch.nn.Module]


def normed() -> dict[str, Any]:
    return PARAMS | {"norm": norms.MeanOnlyBatchNorm}


FLAT: dict[str, Build] = {
    "Input": lambda m: m.Input(dict(PARAMS), weight=2, bias=0.5),
    "Dense": lambda m: m.Dense(normed(), 6, 5),
    "delay": lambda m: m.Dense(neuron_params=dict(PARAMS), in_neurons=6, out_neurons=5, delay=True),
    "hook": lambda m: m.Dense(dict(PARAMS), 6, 5, pre_hook_fx=None),
    "Affine": lambda m: m.Affine(dict(PARAMS), 6, 5),
    "Affine, static": lambda m: m.Affine(dict(PARAMS), 6, 5, dynamics=False),
    "Recurrent": lambda m: m.Recurrent(dict(PARAMS), 6, 5),
    "KWTA": lambda m: m.KWTA(dict(PARAMS), 6, 5, num_winners=2),
    "persistent": lambda m: m.Dense(PARAMS | {"persistent_state": True}, 6, 5),
}
PLANES: dict[str, Build] = {
    "Conv": lambda m: m.Conv(normed(), 2, 3, 3, padding=1, stride=2),
    "ConvT": lambda m: m.ConvT(dict(PARAMS), 2, 3, 2),
    "Pool": lambda m: m.Pool(normed(), 2),
    "Unpool": lambda m: m.Unpool(dict(PARAMS), 2),
}


# with a kept state, lava-dl's step delay writes into a view and cannot be differentiated
NO_GRADIENT = ("persistent", "KWTA")


def twins(build: Build) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Ours and lava-dl's with equal weights, large enough to fire."""
    built = []
    for family in (slayer_block, slayers("block.cuba")):
        torch.manual_seed(2)
        block = build(family)
        for p in block.parameters():
            if p.dim() > 1:
                p.data *= 4
        built.append(block)
    return built[0], built[1]


def stimulus(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(2, *shape, 13, generator=generator) < 0.5).float()


@pytest.mark.parametrize("name", [*FLAT, *PLANES])
def test_blocks_compute_what_lava_dls_do(name: str) -> None:
    ours, theirs = twins((FLAT | PLANES)[name])
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert type(ours.neuron) is CubaNeuron
    shape = (6,) if name in FLAT else (2, 6, 4)
    for seed in range(3):
        x, outputs = stimulus(shape, seed).requires_grad_(), []
        with torch.set_grad_enabled(name not in NO_GRADIENT):
            for block in (ours, theirs):
                torch.manual_seed(seed)  # delays are drawn at the first clip
                outputs.append(block(x))
                if name not in NO_GRADIENT:
                    (outputs[-1] * torch.arange(13)).sum().backward()
        found, expected = outputs
        assert torch.equal(found, expected)
    assert found.any()
    pairs = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
    for (label, p), (_, q) in pairs:
        assert (p.grad is None) == (q.grad is None), label
        if p.grad is not None:
            torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=1e-5)


def chain(m: Any) -> torch.nn.Module:
    """Every kind of block that one network can hold."""
    return torch.nn.Sequential(
        m.Input(dict(PARAMS | {"current_decay": 1}), weight=1),
        m.Conv(normed(), 2, 3, 3, padding=1),
        m.Pool(dict(PARAMS), 2),
        m.Flatten(),
        m.Dense(normed(), 18, 7),
        m.Recurrent(dict(PARAMS), 7, 6),
        m.Affine(dict(PARAMS), 6, 5),
    )


def integers(network: Network) -> list[Any]:
    """Everything a network consists of, arrays as lists."""
    found: list[Any] = []
    for part in (*network.populations, *network.projections):
        for value in vars(part).values():
            inner = vars(value).values() if hasattr(value, "__dict__") else (value,)
            found += [v.tolist() if isinstance(v, np.ndarray) else v for v in inner]
    return found


def test_the_same_integer_network_comes_out() -> None:
    ours, theirs = twins(chain)
    x = stimulus((2, 6, 4))
    for module in (ours, theirs):
        module(x)  # the norms move
    found, expected = from_slayer(ours, x), from_slayer(theirs, x)
    assert integers(found) == integers(expected)
    assert str(found.readout) == str(expected.readout)
    assert found.start == expected.start


def test_params_stay_the_callers() -> None:
    params = normed()
    slayer_block.Pool(params, 2)
    slayer_block.Recurrent(params, 3, 3)
    assert params == normed()


def test_own_options_reach_the_neuron() -> None:
    params = PARAMS | {"surrogate": ATan(), "detach_reset": True, "input_gain": "decay"}
    block = slayer_block.Dense(params, 6, 5)
    assert (block.neuron.surrogate, block.neuron.detach_reset) == (ATan(), True)
    block(stimulus((6,)))
    with pytest.raises(SpikewattError, match="input_gain"):
        from_slayer(torch.nn.Sequential(block), stimulus((6,)))


def test_a_subclass_is_not_taken_for_lava_dls() -> None:
    class Other(slayer_block.Dense):
        """May compute anything."""

    with pytest.raises(SpikewattError, match="type is not known"):
        from_slayer(torch.nn.Sequential(Other(dict(PARAMS), 6, 5)), stimulus((6,)))
