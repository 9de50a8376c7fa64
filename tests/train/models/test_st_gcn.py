"""ST-GCN's graph convolution against its equation, and its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.models.st_gcn import TABLE, LabelledGraphConv, Options, StGcn


def parameters(classes: int, options: Options) -> int:
    with torch.device("meta"):
        net = StGcn(replace(TABLE, classes=classes), options)
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_the_golden_count_is_sixty_classes_with_a_fixed_adjacency() -> None:
    assert parameters(60, Options()) == 3_098_832
    assert parameters(400, Options()) == 3_098_832 + 340 * 257
    assert parameters(60, replace(Options(), importance=False)) == 3_098_832 - 10 * 3 * 25 * 25


def test_persons_share_the_input_norm() -> None:
    with torch.device("meta"):
        nets = [StGcn(replace(TABLE, persons=m), Options()) for m in (1, 2)]
    assert [net.input_norm.norm.num_features for net in nets] == [75, 75]


def test_graph_convolution_is_a_sum_over_labelled_neighbours() -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1)
    torch.manual_seed(0)
    unit = StGcn(task, replace(Options(), width=4)).blocks[1].graph
    assert isinstance(unit, LabelledGraphConv)
    unit.importance.data.uniform_()
    unit.norm = torch.nn.Identity()
    x = torch.randn(2, 4, 3, 20)
    weight = unit.conv.weight[:, :, 0, 0].unflatten(0, (3, 4))
    bias = unit.conv.bias.unflatten(0, (3, 4))
    expected = torch.zeros(2, 4, 3, 20)
    degree = NW_UCLA20.partitions().sum(axis=(0, 2))
    for joint in range(20):
        for label, subset in enumerate(NW_UCLA20.partitions()):
            for source in subset[joint].nonzero()[0]:
                sent = torch.einsum("oc,ncf->nof", weight[label], x[..., source])
                sent = sent + bias[label][:, None]
                share = unit.importance[label, joint, source] / float(degree[joint])
                expected[..., joint] += share * sent
    torch.testing.assert_close(unit(x), torch.relu(expected))


@pytest.mark.parametrize(("strategy", "subsets"), [("uniform", 1), ("distance", 2), ("spatial", 3)])
def test_strategies(strategy: str, subsets: int) -> None:
    task = replace(TABLE, frames=6, persons=1)
    net = StGcn(task, replace(Options(), strategy=strategy, width=4)).eval()
    assert net.blocks[0].graph.adjacency.shape == (subsets, 25, 25)
    assert net(torch.zeros(1, 3, NTU25.size, 6)).shape == (1, 60)


def test_unknown_strategy() -> None:
    with pytest.raises(SpikewattError, match="partition strategy"):
        StGcn(TABLE, replace(Options(), strategy="random"))
