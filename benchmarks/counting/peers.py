"""What NeuroBench and SpikingJelly count; runs in an environment of its own, without spikewatt.

python peers.py CASES.npz writes JSON to stdout: by peer its version and, by case and batch size,
what it calls the number of synaptic operations of all clips together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = (4, 2, 1)


def torch_case(arrays: Any, name: str) -> tuple[Any, Any]:
    """The convolution with its neuron left out, and the clips (N, C, x, y)."""
    import torch

    weight = arrays[f"{name}/weight"]
    stride = int(arrays[f"{name}/stride"])
    out, _, _, channels = weight.shape
    conv = torch.nn.Conv2d(channels, out, 3, stride=stride, padding=1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(weight.transpose(0, 3, 1, 2).astype(np.float32)))
        conv.bias.copy_(torch.tensor(arrays[f"{name}/bias"].astype(np.float32)))
    clips = arrays[f"{name}/stimulus"][..., 0].transpose(0, 3, 1, 2)
    return conv, torch.tensor(clips.astype(np.float32))


def batches(clips: Any, size: int) -> Iterator[Any]:
    """The clips in batches."""
    for first in range(0, len(clips), size):
        yield clips[first : first + size]


def neurobench(conv: Any, clips: Any, size: int) -> dict[str, float]:
    """Its benchmark's own metric, an average per sample, times the samples."""
    import torch
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.workload import SynapticOperations
    from neurobench.models import TorchModel

    data = torch.utils.data.TensorDataset(clips, torch.zeros(len(clips)))
    loader = torch.utils.data.DataLoader(data, batch_size=size)
    model = TorchModel(torch.nn.Sequential(conv))
    metrics = Benchmark(model, loader, [], [], [[], [SynapticOperations]])
    found = metrics.run(quiet=True)["SynapticOperations"]
    named = {"AC": "Effective_ACs", "MAC": "Effective_MACs"}
    return {kind: float(found[key]) * len(clips) for kind, key in named.items()}


def spikingjelly(conv: Any, clips: Any, size: int) -> dict[str, float]:
    """Its counter of synaptic operations."""
    import torch
    from spikingjelly.activation_based.op_counter import DispatchCounterMode, SynOpCounter

    counter = SynOpCounter()
    with torch.no_grad(), DispatchCounterMode([counter]):
        for batch in batches(clips, size):
            conv(batch)
    return {"SynOp": float(counter.get_total())}


PEERS: dict[str, Callable[[Any, Any, int], dict[str, float]]] = {
    "neurobench": neurobench,
    "spikingjelly": spikingjelly,
}


def counted(peer: str, arrays: Any, names: list[str]) -> dict[str, Any]:
    """All cases by batch size, and the clips in another order in batches of 2."""
    count, found = PEERS[peer], {}
    for name in names:
        conv, clips = torch_case(arrays, name)
        found[name] = {str(size): count(conv, clips, size) for size in BATCHES}
        found[name]["shuffled"] = count(conv, clips[[0, 2, 1, 3]], 2)
    return {"version": version(peer), "cases": found}


def main(path: Path) -> None:
    """Count with every peer; one that fails says so in its place."""
    arrays = np.load(path)
    names = sorted({key.split("/")[0] for key in arrays.files})
    found = {}
    for peer in PEERS:
        try:
            found[peer] = counted(peer, arrays, names)
        except Exception as error:
            found[peer] = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
