"""Graph convolution against its sum, and the spiking unit around it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.train.blocks.graph_conv import Graph, GraphConv, SpikingGraphConv, shared_degree
from spikewatt.train.blocks.membrane import Membrane


def random_graph(joints: int, **options: bool) -> Graph:
    adjacency = np.random.default_rng(0).normal(size=(3, joints, joints)).astype(np.float32)
    return Graph(adjacency, **options)


@pytest.mark.parametrize("space", [(), (3,), (3, 2)])
def test_the_sum_over_subsets(space: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    conv = GraphConv(random_graph(5), 2, 4)
    x = torch.randn(2, 2, *space, 5, 6)
    expected = 0
    for a, one in zip(conv.adjacency, conv.convs, strict=True):
        heard = torch.einsum("vw,nc...wt->nc...vt", a, x)
        mixed = torch.einsum("oc,nc...->no...", one.weight[..., 0], heard)
        expected = expected + mixed + one.bias.view(-1, *[1] * (x.dim() - 2))
    torch.testing.assert_close(conv(x), expected)


def test_a_joint_hears_its_sources_not_its_targets() -> None:
    adjacency = np.zeros((1, 3, 3), dtype=np.float32)
    adjacency[0, 2, 0] = 1  # joint 2 hears joint 0
    conv = GraphConv(Graph(adjacency), 1, 1)
    nn.init.ones_(conv.convs[0].weight)
    nn.init.zeros_(conv.convs[0].bias)
    x = torch.tensor([5.0, 7.0, 11.0]).view(1, 1, 3, 1)
    assert conv(x).flatten().tolist() == [0, 0, 5]


def test_unit_length_is_over_the_sources_of_each_target() -> None:
    graph = random_graph(4, unit_length=True)
    used = GraphConv(graph, 1, 1).weights()
    expected = graph.adjacency / np.linalg.norm(graph.adjacency, axis=2, keepdims=True)
    np.testing.assert_allclose(used.detach().numpy(), expected, rtol=1e-3)


def test_a_fixed_graph_is_no_parameter() -> None:
    learned, fixed = (GraphConv(random_graph(5, learnable=b), 2, 4) for b in (True, False))
    counts = [sum(p.numel() for p in conv.parameters()) for conv in (learned, fixed)]
    assert counts == [3 * 25 + 3 * (2 * 4 + 4), 3 * (2 * 4 + 4)]
    assert "adjacency" in fixed.state_dict()


@pytest.mark.parametrize("skeleton", [NTU25, NW_UCLA20], ids=lambda s: s.name)
def test_shared_degree_is_the_normalised_adjacency_in_three_parts(skeleton) -> None:
    parts = shared_degree(skeleton)
    linked = np.eye(skeleton.size)
    for a, b in skeleton.edges:
        linked[a, b] = linked[b, a] = 1
    degree = linked.sum(axis=1)
    np.testing.assert_allclose(parts.sum(axis=0), linked / np.sqrt(np.outer(degree, degree)))
    assert np.count_nonzero(parts) == 3 * skeleton.size - 2
    assert np.array_equal(parts > 0, skeleton.partitions() > 0)


def test_the_unit_adds_spikes_of_both_branches() -> None:
    torch.manual_seed(0)
    same = SpikingGraphConv(random_graph(5), 4, 4, Membrane().build)
    x = torch.randint(0, 3, (2, 4, 3, 5, 4)).float()
    y = same(x)
    assert torch.equal(y, same.layer(x) + (x > 0))  # whole currents pass the shortcut as bits
    other = SpikingGraphConv(random_graph(5), 4, 8, Membrane().build)
    assert torch.equal(other(x), other.layer(x) + other.shortcut(x))
    assert set(other(x).unique().tolist()) <= {0, 1, 2}
