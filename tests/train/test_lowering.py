"""Each lowering against the float module that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.energy.events import dense_macs
from spikewatt.errors import SpikewattError
from spikewatt.expansion import expand
from spikewatt.export.lowering.graph import Edge, FloatGraph
from spikewatt.export.lowering.maps import ConvMap, JointMap, PlaceMap, compose, identity
from spikewatt.export.lowering.tracing import HANDLERS
from spikewatt.export.lowering.wires import Wire, concat
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, Sparse
from spikewatt.train.blocks.ann.layered import ClipNorm
from spikewatt.train.blocks.bone_conv import BoneConv
from spikewatt.train.blocks.graph_conv import Graph, GraphConv
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.blocks.tdbn import TimeDependentNorm
from spikewatt.train.lowering import LOWERINGS, between_heads, clip_norm
from spikewatt.train.task import SkeletonTask

STEPS = 3


def wire(shape: tuple[int, ...], places: tuple[int, int]) -> Wire:
    """The wire of the input, (1, C, *view, T)."""
    channels = shape[1]
    edge = Edge((0,), identity(channels))
    bias = torch.zeros(channels, *places)
    graph = FloatGraph((*places, channels))
    return Wire(graph, torch.Size(shape), channels, places, (edge,), bias)


def value(w: Wire, x: torch.Tensor) -> torch.Tensor:
    """What a wire stands for when the input is x (N, C, *view, T)."""
    given = x.reshape(len(x), x.shape[1], *w.graph.input_shape[:2], x.shape[-1])
    arrived = [
        (e.map.apply(e.map.weight, given) + (0 if e.bias is None else e.bias[..., None]))
        * (1 if e.gain is None else e.gain[:, None, None])
        for e in w.edges
    ]
    total = sum(arrived) + w.bias[None, ..., None]
    total = total if w.step_bias is None else total + w.step_bias[:, None, None]
    return total.mean(dim=-1) if w.averaged else total


def settled(module: nn.Module, x: torch.Tensor) -> nn.Module:
    for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm1d)):
        with torch.no_grad():
            norm.weight.uniform_(0.5, 2)
            norm.bias.normal_()
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    return module.eval()


def bones() -> BoneConv:
    conv = BoneConv(NW_UCLA20.partitions(), 4, 5)
    nn.init.normal_(conv.edges)
    return conv


def graph(learnable: bool, unit_length: bool) -> GraphConv:
    conv = GraphConv(Graph(NTU25.partitions(), learnable, unit_length), 4, 5)
    if learnable:
        nn.init.normal_(conv.adjacency)
    return conv


CASES = [
    ("pointwise", lambda: Pointwise(4, 5), (4, 20), (20, 1)),
    ("linear of channels", lambda: Pointwise(4, 5, bias=False), (4, 6, 20), (6, 20)),
    ("norm", lambda: StepNorm(4), (4, 6, 20), (6, 20)),
    ("norm of steps", lambda: TimeDependentNorm(4, STEPS), (4, 6, 20), (6, 20)),
    ("conv", lambda: nn.Conv3d(4, 6, (3, 3, 1), padding=(1, 1, 0)), (4, 6, 5), (6, 5)),
    ("stride", lambda: nn.Conv3d(4, 6, (5, 1, 1), (2, 1, 1), (2, 0, 0)), (4, 6, 5), (6, 5)),
    ("depthwise", lambda: nn.Conv3d(4, 4, (3, 3, 1), groups=4), (4, 6, 5), (6, 5)),
    ("grouped", lambda: nn.Conv3d(4, 6, (3, 3, 1), groups=2), (4, 6, 5), (6, 5)),
    ("over joints", lambda: nn.Conv2d(4, 6, (3, 1), padding=(1, 0)), (4, 20), (20, 1)),
    ("bones", bones, (4, 20), (20, 1)),
    ("graph of frames", lambda: graph(False, False), (4, 6, 25), (6, 25)),
    ("learned graph", lambda: graph(True, True), (4, 25), (25, 1)),
    ("read-out", lambda: IntegratingReadout(20, 4, 3), (4, 20), (20, 1)),
]


@pytest.mark.parametrize(("name", "build", "view", "places"), CASES, ids=[c[0] for c in CASES])
def test_a_lowered_module_computes_what_it_did(name, build, view, places) -> None:
    torch.manual_seed(1)
    x = torch.randint(0, 2, (2, *view, STEPS)).float()
    module = settled(build(), x)
    handlers = {**HANDLERS, **LOWERINGS}
    handler = next(handlers[kind] for kind in type(module).__mro__ if kind in handlers)
    lowered = handler(module, wire((1, *view, STEPS), places))
    expected = module(x)
    found = value(lowered, x)
    torch.testing.assert_close(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


def test_maps_compose_as_functions_do() -> None:
    torch.manual_seed(2)
    x = torch.randn(1, 4, 6, 5, 2)
    kernel = ConvMap(torch.randn(6, 4, 3, 3), padding=(1, 1))
    mix = ConvMap(torch.randn(4, 4, 1, 1))
    deep = ConvMap(torch.randn(4, 1, 5, 5), padding=(2, 2), groups=4)
    for first, then in ((mix, kernel), (kernel, ConvMap(torch.randn(3, 6, 1, 1))), (mix, deep)):
        both = compose(first, then)
        expected = then.apply(then.weight, first.apply(first.weight, x))
        torch.testing.assert_close(both.apply(both.weight, x), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(SpikewattError, match="do not merge"):
        compose(kernel, ConvMap(torch.randn(3, 6, 3, 3)))


def test_concatenated_wires_keep_their_channels() -> None:
    torch.manual_seed(3)
    x = torch.randn(2, 4, 20, STEPS)
    w = wire((1, 4, 20, STEPS), (20, 1))
    both = concat((w * 2.0, w), dim=1)
    torch.testing.assert_close(value(both, x)[:, :, :, 0], torch.cat((2 * x, x), dim=1))


def timed(channels: int, x: torch.Tensor) -> TimeDependentNorm:
    """A norm of steps, some of whose gains are negative."""
    norm = settled(TimeDependentNorm(channels, STEPS), x)
    with torch.no_grad():
        norm.weight[::3] *= -1
    return norm


def test_gains_of_steps_pass_shortcuts_factors_and_joins() -> None:
    torch.manual_seed(7)
    x = torch.randn(2, 4, 6, 5, STEPS)
    conv, mix = nn.Conv3d(4, 4, (3, 3, 1), padding=(1, 1, 0)), Pointwise(4, 4)
    norms = [timed(4, x) for _ in range(3)]

    def net(a, call):
        first = call(norms[0], call(conv, a))
        second = first + call(norms[1], call(mix, a)) + a * 2.0
        twice = call(norms[2], second) * 0.5  # norms of steps behind each other are one
        return torch.cat((twice, a, first), dim=1)

    handlers = {**HANDLERS, **LOWERINGS}

    def lowered(module, w):
        kinds = type(module).__mro__
        return next(handlers[kind] for kind in kinds if kind in handlers)(module, w)

    w = net(wire((1, 4, 6, 5, STEPS), (6, 5)), lowered)
    expected = net(x, lambda module, a: module(a))
    torch.testing.assert_close(value(w, x), expected, rtol=1e-4, atol=1e-4)
    assert all(e.gain is None or e.gain.abs().max() == 1 for e in w.edges)
    assert w.spikes_of is None


def test_biases_that_end_at_the_border_are_multiplied_too() -> None:
    """A biased layer, a padded one and a norm of steps: what LFE is."""
    torch.manual_seed(8)
    x = torch.randn(2, 4, 6, 5, STEPS)
    mix, pad = Pointwise(4, 4), nn.Conv3d(4, 4, (3, 3, 1), padding=(1, 1, 0), groups=4)
    norms = timed(4, x), timed(4, x)
    handlers = {**HANDLERS, **LOWERINGS}
    w = handlers[nn.Conv3d](pad, handlers[nn.Conv1d](mix, wire((1, 4, 6, 5, STEPS), (6, 5))))
    w = handlers[TimeDependentNorm](norms[0], w)
    assert [e.bias is not None for e in w.edges] == [True]
    expected = norms[0](pad(mix(x)))
    torch.testing.assert_close(value(w, x), expected, rtol=1e-4, atol=1e-4)
    joined = concat((w * 0.5, w), dim=1)
    both = torch.cat((0.5 * expected, expected), dim=1)
    torch.testing.assert_close(value(joined, x), both, rtol=1e-4, atol=1e-4)
    twice = handlers[TimeDependentNorm](norms[1], w)
    torch.testing.assert_close(value(twice, x), norms[1](expected), rtol=1e-4, atol=1e-4)


def test_a_map_behind_a_norm_of_steps_is_refused() -> None:
    w = wire((1, 4, 6, 5, STEPS), (6, 5))
    norm = LOWERINGS[TimeDependentNorm](timed(4, torch.zeros(1, 4, 6, 5, STEPS)), w)
    with pytest.raises(SpikewattError, match="right behind a norm of single steps"):
        HANDLERS[nn.Conv1d](Pointwise(4, 4), norm)
    with pytest.raises(SpikewattError, match="right behind a norm of single steps"):
        norm.mean(dim=(2, 3))
    with pytest.raises(SpikewattError, match="norm of 3 steps behind a wire of 4"):
        LOWERINGS[TimeDependentNorm](TimeDependentNorm(4, STEPS), wire((1, 4, 6, 5, 4), (6, 5)))


def test_means_over_places_and_steps() -> None:
    torch.manual_seed(4)
    x = torch.randn(2, 4, 6, 25, STEPS)
    w = wire((1, 4, 6, 25, STEPS), (6, 25))
    for axes in ((2, 3), (3,), (2,)):
        found = value(w.mean(dim=axes, keepdim=True), x)
        torch.testing.assert_close(found, x.mean(dim=axes, keepdim=True))
    assert tuple(w.mean(dim=(2, 3)).mean(dim=-1).shape) == (1, 4)


def test_what_no_synapse_does_is_refused() -> None:
    w = wire((1, 4, 20, STEPS), (20, 1))
    with pytest.raises(SpikewattError, match="'softmax'"):
        w.softmax(dim=1)
    with pytest.raises(SpikewattError, match="relu"):
        torch.relu(w)
    with pytest.raises(SpikewattError, match="AND gate"):
        (w + w) * w


@pytest.mark.parametrize("stride", [1, 2])
def test_gains_of_places_go_into_the_layer_behind(stride) -> None:
    torch.manual_seed(5)
    x, gain = torch.randn(2, 4, 6, 25, STEPS), torch.randn(4, 6, 25)
    first = PlaceMap(gain)
    conv = ConvMap(torch.randn(3, 4, 3, 3), (stride, stride), (1, 1))
    both = compose(first, conv)
    expected = conv.apply(conv.weight, first.apply(gain, x))
    torch.testing.assert_close(both.apply(both.weight, x), expected, rtol=1e-4, atol=1e-4)


def test_gains_of_joints_go_into_the_graph_behind() -> None:
    torch.manual_seed(6)
    x, gain = torch.randn(2, 4, 20, 1, STEPS), torch.randn(4, 20, 1)
    targets, sources = torch.nonzero(torch.eye(20).roll(1, 0) + torch.eye(20), as_tuple=True)
    joints = JointMap(torch.randn(len(targets), 5, 4), targets, sources, (20, 20))
    both = compose(PlaceMap(gain), joints)
    expected = joints.apply(joints.weight, x * gain[None, ..., None])
    torch.testing.assert_close(both.apply(both.weight, x), expected, rtol=1e-4, atol=1e-4)


def test_an_input_that_never_changes_has_no_gain() -> None:
    """The root's bone is 0 in every clip: the norm's 1 / sqrt(eps) must not reach a weight."""
    norm = ClipNorm(SkeletonTask(classes=2, channels=3, skeleton=NW_UCLA20))
    settled(norm, torch.zeros(0))
    constant = torch.arange(norm.norm.num_features) % 7 == 0
    norm.norm.running_var[constant] = 1e-7
    x = torch.randint(-9, 9, (4, 3, 20, 6)).float()
    x.view(4, 60, 6)[:, constant] = norm.norm.running_mean[constant][:, None]
    w = clip_norm(norm, wire((1, 3, 20, 6), (6, 20)))
    assert float(w.edges[0].map.weight.abs().max()) < 10
    found = value(w, x.transpose(2, 3).unsqueeze(-1))
    torch.testing.assert_close(found[..., 0], norm(x), rtol=1e-4, atol=1e-4)


def test_heads_mix_by_listed_synapses() -> None:
    """Sums over places of each head's channels, times the map between heads."""
    torch.manual_seed(7)
    heads, channels, places = 3, 12, (4, 5)
    mixing = torch.randn(heads, heads)
    both = wire((1, channels, 20, STEPS), places)
    m = between_heads(mixing, both)
    x = torch.randint(0, 2, (2, channels, *places, STEPS)).float()
    summed = x.sum(dim=(2, 3)).unflatten(1, (heads, -1))
    expected = torch.einsum("hg,ngdt->nhdt", mixing, summed).flatten(1, 2)
    found = both.mapped(m, (1, channels, 1, STEPS), channels, (1, 1))
    torch.testing.assert_close(value(found, x)[:, :, 0, 0], expected, rtol=1e-5, atol=1e-5)
    integers = torch.full_like(m.weight, 2).int().numpy()
    listed = m.lower(integers, (*places, channels), (1, 1, channels))
    assert listed.weight.size == heads * channels * 20


@pytest.mark.parametrize("blocks", [1, 3])
def test_many_pairs_of_joints_are_summed_as_one_matrix(blocks) -> None:
    """The same sums and gradients as pair by pair, which is what few pairs take."""
    torch.manual_seed(9)
    to, seen = torch.cartesian_prod(torch.arange(5), torch.arange(4)).T
    weight = torch.randint(-9, 9, (20, 3, 2)).float().requires_grad_()
    x = torch.randint(0, 2, (2, 2, blocks, 4, STEPS)).float().requires_grad_()
    whole = JointMap(weight, to, seen, (5, 4), blocks).apply(weight, x)
    pairs = zip(to.tolist(), seen.tolist(), weight, strict=True)
    parts = [torch.zeros(2, 3, blocks, STEPS) for _ in range(5)]
    for target, source, w in pairs:
        parts[target] = parts[target] + torch.einsum("oi,nibt->nobt", w, x[:, :, :, source])
    expected = torch.stack(parts, dim=3)
    assert torch.equal(whole, expected)
    some = torch.randn_like(whole)
    found = torch.autograd.grad(whole, (weight, x), some)
    for own, other in zip(found, torch.autograd.grad(expected, (weight, x), some), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("blocks", "kept", "kind"), [(1, 1, Dense), (1, 0.2, Sparse), (2, 1, Sparse)]
)
def test_joints_that_all_hear_all_become_a_matrix(blocks, kept, kind) -> None:
    torch.manual_seed(8)
    joints, channels = 4, 3
    to, seen = torch.cartesian_prod(torch.arange(joints), torch.arange(joints)).T
    weight = torch.randint(1, 9, (joints**2, channels, channels)) * 2
    weight *= torch.rand(weight.shape) < kept
    m = JointMap(weight.float(), to, seen, (joints, joints), blocks, macs=77)
    shape = (blocks * joints, 1, channels)
    synapses = m.lower(weight.int().numpy(), shape, shape)
    assert isinstance(synapses, kind)
    target = Population(1, shape, CubaLif(4096, 0, 10))
    network = Network(Input(0, shape), (target,), (Projection(0, 1, synapses),))
    assert dense_macs(network, network.projections[0]) == 77
    x = torch.randint(0, 2, (1, channels, *shape[:2], 1)).float()
    expected = m.apply(m.weight, x)[0, ..., 0].permute(1, 2, 0).reshape(-1)
    every = expand(synapses, shape, shape)
    matrix = every.weight if isinstance(every, Dense) else np.zeros(every.shape)
    if isinstance(every, Sparse):
        np.add.at(matrix, (every.targets, every.sources), every.weight)
    found = matrix @ x[0, ..., 0].permute(1, 2, 0).reshape(-1).numpy()
    np.testing.assert_array_equal(found, expected)
