"""A traced and quantised network: its spikes are the engines'."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from torch import nn

from spikewatt.export.lowering import Edge, FloatPopulation, trace
from spikewatt.export.lowering.maps import ConvMap
from spikewatt.lava_runtime.agreement import Reference, compare
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train.batches import Batch
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.tdbn import TimeDependentNorm
from spikewatt.train.learner import Learner
from spikewatt.train.lowering import lower
from spikewatt.train.neuron import lif, plif
from spikewatt.train.objective import Beside
from spikewatt.train.quantised import QuantisedPopulation, quantised
from spikewatt.train.quantize import gained, quantize_weight
from spikewatt.train.recipe import Recipe
from spikewatt.train.reference import slayer_spikes
from spikewatt.validation import violations

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


def test_weights_that_outgrow_the_state_are_scaled_down() -> None:
    limit = 2**12 - 1
    net, x = settled(), torch.randint(-limit, limit + 1, (2, 2, 6, 5, 8)).float()
    twin = quantised(trace(net, (1, 2, 6, 5, 8), (6, 5, 2)), x, limit)
    assert twin.hold_within(limit, x) == []
    with torch.no_grad():
        for population in twin.populations:
            for weight in population.weights:
                weight.mul_(3)  # as fine-tuning might
    first = twin.populations[0]
    before = first.scale
    assert twin.hold_within(limit, x)[0] == "neuron"
    assert first.scale < before
    assert twin.hold_within(limit, x) == []
    network = twin.lower(x, {"message_bits": 12})
    stimuli = x.sign().mul(limit).permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    spikes, _, _ = slayer_spikes(twin, stimuli)
    request = Request(network, stimuli, clips(network, 2, 8), tuple(network.by_layer))
    found = NativeEngine().run(request)
    for layer, expected in zip(network.by_layer, spikes, strict=False):
        np.testing.assert_array_equal(found.spikes[layer], expected)


def test_the_quantised_network_decides_like_the_float_one() -> None:
    net, x = settled(), torch.randint(-LIMIT, LIMIT + 1, (16, 2, 6, 5, 8)).float()
    twin = quantised(trace(net, (1, 2, 6, 5, 8), (6, 5, 2)), x, LIMIT)
    difference = (twin(x) - net(x)).abs().mean() / net(x).std()
    assert difference < 0.5


def test_a_step_is_as_large_in_the_integers_of_every_population() -> None:
    limit = 2**7 - 1  # so that the first weights, and so their scale, differ from the others'
    net, x = settled(), torch.randint(-limit, limit + 1, (4, 2, 6, 5, 8)).float()
    twin = quantised(trace(net, (1, 2, 6, 5, 8), (6, 5, 2)), x, limit)
    recipe = Recipe(finetune_lr=0.1, weight_decay=0.0, grad_clip=1e9)
    learner = Learner(twin, recipe, Beside(lambda clips: clips, None, None, exact=True))
    learner.set_up(Fabric(accelerator="cpu"), None)
    before = [p.weights[0].clone() for p in twin.populations]
    learner.begin(0)
    learner.step(Batch(x, torch.tensor([0, 1, 2, 0]), len(x)), 0.1, 1)
    assert learner.rate == pytest.approx(0.1)
    moved = [
        float((p.weights[0] - old).abs().max()) * p.scale
        for p, old in zip(twin.populations, before, strict=True)
        if not p.population.exact
    ]
    assert max(p.scale for p in twin.populations) > 3 * min(p.scale for p in twin.populations)
    np.testing.assert_allclose(moved, 0.1, rtol=1e-3)  # AdamW's first step is its rate


def test_the_same_integers_in_float64() -> None:
    """Of millions of weights some lie where float32 and float64 would round to either side."""
    torch.manual_seed(1)
    edge = Edge((0,), ConvMap(torch.randn(2048, 2048, 1, 1)))
    bias = torch.randn(2048, 40, 40)
    population = QuantisedPopulation(
        FloatPopulation(1, "p", 2048, (40, 40), 4096, 2048, 1.0, (edge,), bias), scale=0.7
    )
    weights, biases = population.integers(0), population.constant_bias()
    exact = quantize_weight(edge.map.weight.double() * 0.7)
    assert not torch.equal(exact, weights.double())
    population.double()
    assert torch.equal(population.integers(0), weights.double())
    assert torch.equal(population.constant_bias(), biases.double())


class Timed(nn.Module):
    """Membrane shortcuts past norms of single steps, as SVFormer has them."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.embed, self.first = nn.Conv3d(2, 6, (3, 3, 1), padding=(1, 1, 0)), plif()
        self.mix, self.second = Pointwise(6, 6), plif()
        self.pad = nn.Conv3d(6, 6, (3, 3, 1), padding=(1, 1, 0), groups=6)
        self.third = lif()
        self.norms = nn.ModuleList(TimeDependentNorm(6, steps) for _ in range(3))
        self.classify = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.norms[0](self.embed(x))
        b = a + self.norms[1](self.pad(self.mix(self.first(a))))
        c = torch.cat((self.norms[2](self.mix(self.second(b))), b), dim=1)
        joined = self.third(c)
        return self.classify(joined.mean(dim=(2, 3)).mean(dim=-1))


def timed(steps: int) -> Timed:
    torch.manual_seed(1)
    net = Timed(steps)
    for norm in net.norms:
        nn.init.uniform_(norm.weight, -1, 2)
        nn.init.normal_(norm.bias)
    for _ in range(10):
        net(torch.randint(-LIMIT, LIMIT + 1, (4, 2, 6, 5, steps)).float())
    return net.eval()


def test_gains_and_biases_of_steps_are_the_engines() -> None:
    steps = 8
    net, x = timed(steps), torch.randint(-LIMIT, LIMIT + 1, (6, 2, 6, 5, steps)).float()
    graph = lower(net, (1, 2, 6, 5, steps), (6, 5, 2))
    twin = quantised(graph, x, LIMIT)
    network = twin.lower(x, {"message_bits": 4})
    assert violations(network) == []
    assert network.table_steps == steps
    stimuli = x.permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    spikes, readout, _ = slayer_spikes(twin, stimuli)
    layers = [p.layer for p in network.populations[:-1]]
    expected = Reference(stimuli, dict(zip(layers, spikes, strict=True)), readout)
    request = Request(network, stimuli, clips(network, 6, steps), tuple(network.by_layer))
    agreement = compare(network, expected, NativeEngine().run(request))
    assert agreement.equal, str(agreement)
    assert min(int(s.sum()) for s in expected.spikes.values()) > 100
    difference = (twin(x) - net(x)).abs().mean() / net(x).std()
    assert difference < 0.5


def test_fine_tuning_moves_gains_and_biases_of_steps() -> None:
    net, x = timed(5), torch.randint(-LIMIT, LIMIT + 1, (4, 2, 6, 5, 5)).float()
    twin = quantised(lower(net, (1, 2, 6, 5, 5), (6, 5, 2)), x, LIMIT)
    twin(x).square().sum().backward()
    for population in twin.populations[:-1]:
        assert population.step_bias.grad.abs().sum() > 0
        assert not population.bias.requires_grad
        assert all(g.grad.abs().sum() > 0 for g in population.gains.values())
        assert all(b.grad.abs().sum() > 0 for b in population.gained_biases.values())
    assert [len(p.gains) for p in twin.populations] == [1, 2, 3, 0]
    assert [len(p.gained_biases) for p in twin.populations] == [0, 1, 1, 0]


def test_gained_sums_are_integers_and_their_gradient_the_products() -> None:
    arrived = torch.tensor([-131071, -5, -1, 0, 1, 5, 131071]).float() / 64
    arrived = arrived.reshape(1, 1, 1, 7, 1).expand(2, 1, 1, 7, 3).clone().requires_grad_()
    gain = torch.tensor([[2048, -4095, 4096]]) / 4096
    gain.requires_grad_()
    found = gained(arrived, gain)
    whole, shares = (arrived * 64).long(), (gain * 4096).long()
    product = whole * shares[:, None, None]
    want = product.sign() * (product.abs() >> 12)
    assert torch.equal((found * 64).long(), want)
    found.sum().backward()
    assert torch.equal(arrived.grad, gain.detach()[:, None, None].expand_as(arrived))
    assert torch.equal(gain.grad, arrived.detach().sum(dim=(0, 2, 3)))
