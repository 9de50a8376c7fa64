"""Folding and quantising against the plain arithmetic they stand for."""

from __future__ import annotations

import numpy as np
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.blocks.graph_unit import GraphUnit, QuantisedGraphUnit
from spikewatt.train.blocks.neurons import NeuronSettings
from spikewatt.train.blocks.readout import IntegratingReadout, QuantisedReadout
from spikewatt.train.quantize import (
    GROWTH_ROOM,
    fill_scale,
    quantize_bias,
    quantize_weight,
    to_integers,
)


def unit(channels: tuple[int, int] = (5, 7)) -> GraphUnit:
    torch.manual_seed(1)
    module = GraphUnit(NW_UCLA20.partitions(), channels, NeuronSettings())
    with torch.no_grad():
        module.edges.add_(0.3 * torch.randn(module.edges.shape))
    for _ in range(20):
        module(torch.randint(0, 2, (8, 5, 20, 6)).float())
    return module.eval()


def test_folding_keeps_the_current() -> None:
    module = unit()
    x = torch.randint(0, 2, (3, 5, 20, 6)).float()
    currents = {}
    module.norm.register_forward_hook(lambda m, a, out: currents.update(out=out))
    module(x)
    weight, bias = module.folded()
    adjacency = module.edges * module.partitions
    expected = torch.einsum("kvu,koc,ncut->novt", adjacency, weight, x) + bias[:, None, None]
    torch.testing.assert_close(currents["out"], expected, rtol=1e-4, atol=1e-5)


def test_a_quantised_unit_computes_with_its_integers() -> None:
    quantised = QuantisedGraphUnit(unit(), scale=1.5)
    x = torch.randint(0, 2, (2, 5, 20, 6)).float()
    seen = {}
    quantised.neuron.register_forward_pre_hook(lambda m, a: seen.update(current=a[0]))
    quantised(x)
    weights = to_integers(quantised.edge_weights())
    expected = np.zeros((2, 7, 20, 6), dtype=np.int64)
    for k, (target, source) in enumerate(zip(quantised.target, quantised.source, strict=True)):
        sent = np.einsum("oc,nct->not", weights[k], x[:, :, source].numpy().astype(np.int64))
        expected[:, :, target] += sent
    np.testing.assert_array_equal(to_integers(seen["current"]), expected)


def test_quantised_values_are_what_the_chip_holds() -> None:
    weight = quantize_weight(torch.linspace(-6, 6, 999))
    integers = to_integers(weight)
    assert set(integers % 2) == {0}
    assert (integers.min(), integers.max()) == (-256, 254)
    bias = to_integers(quantize_bias(torch.tensor([-100.0, 0.008, 100.0])))
    assert list(bias) == [-4096, 1, 4095]


def test_gradients_pass_through_quantisation() -> None:
    x = torch.tensor([0.3, 9.0, -9.0], requires_grad=True)
    quantize_weight(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1]


def test_fill_scale_stops_at_the_first_limit() -> None:
    small = torch.tensor([0.01])
    assert fill_scale(torch.tensor([1.0]), small, 1.0) * 64 == 254
    assert fill_scale(small, torch.tensor([4095.0]), 0.01) * 64 == 1
    assert fill_scale(small, small, 2.0**17 - 1) * 64 == GROWTH_ROOM


def test_the_quantised_readout_is_the_float_one_rounded() -> None:
    torch.manual_seed(0)
    readout = IntegratingReadout(joints=20, channels=7, classes=3)
    quantised = QuantisedReadout(readout, scale=0.5)
    x = torch.randint(0, 2, (4, 7, 20, 6)).float()
    weights = to_integers(quantised.synapse_weights()).astype(np.int64)
    spikes = x.sum(-1).numpy().astype(np.int64)
    charge = np.einsum("ncv,kcv->nk", spikes, weights) + to_integers(quantised.step_bias()) * 6
    np.testing.assert_array_equal(to_integers(quantised.membrane(x)), charge)
    torch.testing.assert_close(quantised(x), readout(x), rtol=0.2, atol=0.1)
