"""Networks that lava-dl gets wrong, and the files that its own export makes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import h5py
import numpy as np
import torch
from late import slayers
from slayer_cases import CUBA, Stimulus, randomised, spikes

from spikewatt.export import netx
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, StartRule

T = 12
cuba, norms = slayers("block.cuba"), slayers("neuron.norm")


def dense(sizes: tuple[int, int], norm: object = None, **options: object) -> torch.nn.Module:
    params = CUBA | ({"norm": norm} if norm else {})
    block = randomised(cuba.Dense(params, *sizes, delay_shift=False, **options))
    if norm:
        block.neuron.norm.running_mean = -torch.randint(10, 40, (sizes[1],)) / 64
    return block


@cache
def clip() -> Stimulus:
    """Three clips of 12 steps."""
    found = spikes((6,), seed=3, steps=T)
    return found


def one() -> np.ndarray:
    """The first clip, (6, T)."""
    return clip().x[0].numpy().astype(np.int32)


@cache
def biased() -> torch.nn.Sequential:
    """Two layers whose biases fire on their own."""
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        dense((6, 7), norms.MeanOnlyBatchNorm), dense((7, 5), norms.MeanOnlyBatchNorm)
    ).eval()
    net(clip().x)
    return net


@cache
def delayed() -> torch.nn.Sequential:
    """The same, the first with axonal delays of 0 to 6 steps."""
    torch.manual_seed(2)
    net = torch.nn.Sequential(
        dense((6, 7), norms.MeanOnlyBatchNorm, delay=True), dense((7, 5))
    ).eval()
    net(clip().x)
    net[0].delay.delay.data = torch.arange(7).float()
    return net


@cache
def conv_delayed() -> torch.nn.Sequential:
    torch.manual_seed(3)
    first, second = (
        cuba.Conv(dict(CUBA), *s, 3, delay=True, delay_shift=False) for s in ((2, 3), (3, 4))
    )
    second.delay = None
    net = torch.nn.Sequential(randomised(first), randomised(second))
    net(torch.zeros(1, 2, 8, 7, T))
    first.delay.delay.data = torch.tensor([0.0, 3.0, 5.0])
    return net


@cache
def recurrent(inputs: int) -> torch.nn.Sequential:
    """A recurrent layer of 6 with delays of its outputs, and a layer behind."""
    torch.manual_seed(4)
    block = cuba.Recurrent(dict(CUBA), inputs, 6, delay=True, delay_shift=False)
    randomised(block, gain=0.5)
    net = torch.nn.Sequential(block, dense((6, 5)))
    net(torch.zeros(1, inputs, T))
    block.delay.delay.data = torch.arange(6).float()
    return net


@cache
def scaled() -> torch.nn.Sequential:
    torch.manual_seed(5)
    block = dense((6, 7), norms.WgtScaleBatchNorm)
    block.neuron.norm.running_var = torch.tensor([3.9])  # divides the current by 2
    net = torch.nn.Sequential(block).eval()
    net(clip().x)
    return net


def reset_network() -> Network:
    """Delays of up to 9 steps, and biases that fire."""
    rng = np.random.default_rng(6)
    weight, back = (2 * rng.integers(-40, 60, s).astype(np.int32) for s in ((7, 6), (5, 7)))
    delay = rng.integers(0, 9, (5, 7)).astype(np.int32)
    populations = (
        Population(1, (7,), CubaLif(2000, 400, 64), np.full(7, 30, np.int32)),
        Population(2, (5,), CubaLif(2000, 400, 64), np.full(5, 20, np.int32)),
    )
    projections = (Projection(0, 1, Dense(weight)), Projection(1, 2, Dense(back, delay)))
    return Network(Input(0, (6,)), populations, projections, StartRule.BY_DEPTH)


def export(net: torch.nn.Sequential, path: Path, first: str = "input") -> None:
    """lava-dl's own export of each block, behind an input layer."""
    with h5py.File(path, "w") as file:
        shape = [int(net[0].synapse.in_channels)] if hasattr(net[0], "synapse") else [6]
        file["layer/0/type"] = np.array([first.encode()])
        file["layer/0/shape"] = np.array(shape)
        for i, block in enumerate(net):
            block.export_hdf5(file.create_group(f"layer/{i + 1}"))


def make_files(folder: Path) -> None:
    export(biased(), folder / "biased.net")
    export(delayed(), folder / "delayed.net")
    export(conv_delayed(), folder / "conv.net")
    export(recurrent(6), folder / "recurrent.net")
    export(recurrent(4), folder / "recurrent_other.net")
    export(scaled(), folder / "scaled.net")
    export(scaled(), folder / "plain.net")
    with h5py.File(folder / "plain.net", "a") as file:
        del file["layer/1/neuron/weight_exp"]
    with h5py.File(folder / "conv.net", "a") as file:
        del file["layer/0/shape"]
        file["layer/0/shape"] = np.array([2, 8, 7])
    with h5py.File(folder / "pool.net", "w") as file:
        file["layer/0/type"], file["layer/0/shape"] = np.array([b"input"]), np.array([2, 8, 8])
        pool = cuba.Pool(dict(CUBA), 2, delay_shift=False)
        pool(torch.zeros(1, 2, 8, 8, T))
        pool.export_hdf5(file.create_group("layer/1"))
    with h5py.File(folder / "input.net", "w") as file:
        layer = file.create_group("layer/0")
        layer["type"], layer["shape"] = np.array([b"input"]), np.array([6])
        layer["weight"], layer["bias"] = np.array([[64.0]]), np.array([0.75])
        for key, value in (("type", b"CUBA"), ("iDecay", 4096), ("vDecay", 9), ("vThMant", 64)):
            layer[f"neuron/{key}"] = value
    netx.write(reset_network(), folder / "reset.net")
    np.save(folder / "one.npy", one())
    np.save(folder / "two.npy", np.concatenate([one(), one()], axis=-1))
    angles, gains = np.meshgrid(np.linspace(0.1, 1.5, 30), [0.9, 0.97])
    decays = np.rint(4096 * gains * np.stack([np.sin(angles), np.cos(angles)]))
    np.save(folder / "decays.npy", decays.reshape(2, -1).T.astype(int))
