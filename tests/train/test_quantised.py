"""A traced and quantised network: its spikes are the engines'."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from spikewatt.export.lowering import trace
from spikewatt.lava_runtime.agreement import Reference, compare
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.neuron import lif, plif
from spikewatt.train.quantised import quantised
from spikewatt.train.reference import slayer_spikes

LIMIT = 15


class Branches(nn.Module):
    """A convolution, a residual of spikes, a concat, a gate and a mean: what wires can say."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2, 6, (3, 3, 1), padding=(1, 1, 0), bias=False)
        self.norm, self.neuron = StepNorm(6), lif()
        self.mix, self.mix_norm, self.mix_neuron = Pointwise(6, 6), StepNorm(6), plif()
        self.depthwise = nn.Conv3d(6, 6, (3, 1, 1), stride=(2, 1, 1), groups=6)
        self.deep = lif()
        self.joined = Pointwise(12, 5)
        self.joined_neuron = lif()
        self.classify = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.neuron(self.norm(self.conv(x)))
        b = self.mix_neuron(self.mix_norm(self.mix(a))) + a
        c = self.deep(self.depthwise(self.mix(b)) * 0.5)
        gated = c * c
        d = self.joined_neuron(self.joined(torch.cat((c, gated), dim=1)))
        return self.classify(d.mean(dim=(2, 3)).mean(dim=-1))


def settled() -> Branches:
    torch.manual_seed(0)
    net = Branches()
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() > 1:
                p.mul_(5)
    for _ in range(10):
        net(torch.randint(-LIMIT, LIMIT + 1, (4, 2, 6, 5, 8)).float())
    return net.eval()


def test_engines_spike_as_the_quantised_network_does() -> None:
    net, x = settled(), torch.randint(-LIMIT, LIMIT + 1, (3, 2, 6, 5, 8)).float()
    graph = trace(net, (1, 2, 6, 5, 8), (6, 5, 2))
    twin = quantised(graph, x, LIMIT)
    network = twin.lower(x, {"message_bits": 4})
    stimuli = x.permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    spikes, readout, _ = slayer_spikes(twin, stimuli)
    layers = [p.layer for p in network.populations[:-1]]
    expected = Reference(stimuli, dict(zip(layers, spikes, strict=True)), readout)
    request = Request(network, stimuli, clips(network, 3, 8), tuple(network.by_layer))
    agreement = compare(network, expected, NativeEngine().run(request))
    assert agreement.equal, str(agreement)
    fired = [int(s.sum()) for s in expected.spikes.values()]
    assert min(fired) > 0


def test_the_quantised_network_decides_like_the_float_one() -> None:
    net, x = settled(), torch.randint(-LIMIT, LIMIT + 1, (16, 2, 6, 5, 8)).float()
    twin = quantised(trace(net, (1, 2, 6, 5, 8), (6, 5, 2)), x, LIMIT)
    difference = (twin(x) - net(x)).abs().mean() / net(x).std()
    assert difference < 0.5
