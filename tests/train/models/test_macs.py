"""MACs of small networks against their formulas."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.attention import attend
from spikewatt.train.models.macs import dense_macs, parameters
from spikewatt.train.neuron import plif


class Products(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ntd,nsd->nts", x, x) + (x @ x.transpose(1, 2))


class Attention(nn.Module):
    def __init__(self, tokens_first: bool) -> None:
        super().__init__()
        self.tokens_first = tokens_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return attend(x, x, x, 1.0, self.tokens_first)


def test_convolution_over_steps_counts_all_taps() -> None:
    conv = nn.Conv3d(3, 8, (6, 6, 1), stride=(4, 4, 1), padding=(1, 1, 0))
    assert dense_macs(conv, (1, 3, 32, 16, 5)) == 3 * 36 * 8 * 8 * 4 * 5
    grouped = nn.Conv3d(8, 8, (3, 3, 1), padding=(1, 1, 0), groups=8)
    assert dense_macs(grouped, (1, 8, 10, 10, 5)) == 9 * 8 * 100 * 5


def test_linear_and_products() -> None:
    assert dense_macs(nn.Linear(7, 11), (2, 5, 7)) == 2 * 5 * 7 * 11
    assert dense_macs(Products(), (2, 5, 7)) == 2 * 2 * 5 * 5 * 7


def test_the_order_of_attention_decides_its_macs() -> None:
    shape = (1, 2, 9, 5, 3)  # heads, steps, tokens, D
    tokens_first, last = (dense_macs(Attention(order), shape) for order in (True, False))
    assert tokens_first == 2 * 2 * 9 * 5 * 5 * 3
    assert last == 2 * 2 * 9 * 5 * 3 * 3


def test_a_network_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv1d(2, 3, 1), plif(), nn.BatchNorm1d(3)).train()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    assert dense_macs(net, (1, 2, 6)) == 36
    assert net.training
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert net(torch.randn(4, 2, 6)).shape == (4, 3, 6)


def test_frozen_parameters_do_not_count() -> None:
    net = nn.Sequential(plif(), nn.Linear(4, 5))
    assert parameters(net) == 1 + 25
    net[1].bias.requires_grad_(False)
    assert parameters(net) == 1 + 20
