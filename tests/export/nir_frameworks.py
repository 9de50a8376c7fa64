"""Networks that snnTorch and SpikingJelly write as NIR, with their own spikes on an input.

Run in an environment that has the framework: FRAMEWORK FOLDER -> NAME.nir and NAME.npz each.
"""

import sys
from pathlib import Path

import nir
import numpy as np
import torch

STEPS = 30


def snntorch(folder: Path) -> None:
    """Leaky, synaptic and recurrent neurons, hard reset in the step of the spike."""
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    options = {"init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}

    def leaky(beta: float, *shape: int, **more: bool):
        return snn.Leaky(
            beta=torch.full(shape, beta), threshold=torch.ones(shape), **options, **more
        )

    def synaptic(n: int):
        decays = {"alpha": torch.full((n,), 0.8), "beta": torch.full((n,), 0.7)}
        return snn.Synaptic(**decays, threshold=torch.ones(n), output=True, **options)

    linear, conv = torch.nn.Linear, torch.nn.Conv2d
    networks = {
        "dense": ([linear(6, 9), leaky(0.9, 9), linear(9, 4, bias=False), synaptic(4)], (6,)),
        "image": (
            [
                conv(2, 4, 3, padding=1),
                torch.nn.AvgPool2d(2),
                leaky(0.5, 4, 4, 4),
                torch.nn.Flatten(),
                linear(64, 5),
                leaky(0.9, 5, output=True),
            ],
            (2, 8, 8),
        ),
    }
    for name, (modules, shape) in networks.items():
        net = louder(torch.nn.Sequential(*modules), 6)
        x = spikes(shape)
        with torch.no_grad():
            found = torch.stack([net(x[t][None])[0][0] for t in range(STEPS)])
        graph = export_to_nir(net, x[:1], ignore_dims=[0])
        save(folder / f"snntorch-{name}", graph, x, found)
    recurrent = [linear(6, 9), snn.RLeaky(beta=0.9, linear_features=9, init_hidden=True)]
    net = torch.nn.Sequential(*recurrent, linear(9, 4), leaky(0.5, 4, output=True))
    graph = export_to_nir(net, torch.zeros(1, 6), ignore_dims=[0])
    save(folder / "snntorch-recurrent", graph)


def spikingjelly(folder: Path) -> None:
    """Integrate-and-fire and leaky neurons, pooling, reset potentials."""
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    networks = {
        "dense": (
            [
                layer.Linear(6, 9),
                neuron.LIFNode(tau=2.0),
                layer.Linear(9, 4, bias=False),
                neuron.LIFNode(tau=4.0, v_reset=-0.5, decay_input=False),
            ],
            (6,),
        ),
        "image": (
            [
                layer.Conv2d(2, 4, 3, padding=1),
                neuron.IFNode(),
                layer.AvgPool2d(2),
                layer.Conv2d(4, 3, (1, 1)),
                neuron.LIFNode(tau=2.0),
                layer.Flatten(),
                layer.Linear(48, 5),
                neuron.ParametricLIFNode(init_tau=3.0, v_reset=0.2),
            ],
            (2, 8, 8),
        ),
    }
    for name, (modules, shape) in networks.items():
        net, x = louder(torch.nn.Sequential(*modules), 12), spikes(shape)
        graph = export_to_nir(net, x[:1])
        functional.reset_net(net)
        with torch.no_grad():
            found = torch.stack([net(x[t][None])[0] for t in range(STEPS)])
        save(folder / f"spikingjelly-{name}", graph, x, found)


def louder(net: torch.nn.Sequential, factor: float) -> torch.nn.Sequential:
    """Weights large enough to fire often."""
    with torch.no_grad():
        for module in net:
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
                module.weight *= factor
    return net


def spikes(shape: tuple[int, ...]) -> torch.Tensor:
    """(T, C, [H, W]) spikes."""
    return (torch.rand(STEPS, *shape) < 0.5).float()


def save(path: Path, graph: nir.NIRGraph, x=None, found=None) -> None:
    """The file, and input and output with time last and (x, y, channel) order."""
    nir.write(path.with_suffix(".nir"), graph)
    if x is not None:
        arrays = {"x": x.numpy().T, "spikes": found.numpy().T}  # all axes turned round
        np.savez(path.with_suffix(".npz"), **arrays)


if __name__ == "__main__":
    torch.manual_seed(0)
    {"snntorch": snntorch, "spikingjelly": spikingjelly}[sys.argv[1]](Path(sys.argv[2]))
