"""Attention by sums and by masks against their plain arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.residual import Parts
from spikewatt.train.blocks.token_attention import GlobalAttention, SumMixer, TokenAttention
from spikewatt.train.neuron import lif, plif

N, HEADS, DIM, TOKENS, STEPS = 2, 4, 3, 7, 5
CHANNELS = HEADS * DIM
PARTS = Parts(lif, StepNorm)


def qkv(seed: int = 0, rate: float = 0.4) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (N, CHANNELS, TOKENS, STEPS)
    return [(torch.rand(shape, generator=generator) < rate).float() for _ in range(3)]


def of_head(x: torch.Tensor, n: int, head: int, step: int) -> torch.Tensor:
    """(tokens, D) of one head at one step."""
    return x[n, head * DIM : (head + 1) * DIM, :, step].T


def test_sums_are_head_by_head_and_step_by_step() -> None:
    q, k, v = qkv()
    expected = torch.zeros_like(q)
    for n in range(N):
        for head in range(HEADS):
            for step in range(STEPS):
                a, b, c = (of_head(x, n, head, step) for x in (q, k, v))
                place = expected[n, head * DIM : (head + 1) * DIM, :, step]
                place.copy_((a @ b.T @ c * 0.125).T)
    assert torch.equal(SumMixer(HEADS, 0.125, nn.Identity())(q, k, v), expected)


@pytest.mark.parametrize("seed", range(3))
def test_both_orders_give_the_same_spikes(seed: int) -> None:
    mixers = [SumMixer(HEADS, 0.125, lif(threshold=0.5), order) for order in (False, True)]
    spikes = [mixer(*qkv(seed)) for mixer in mixers]
    assert torch.equal(*spikes)
    assert 0 < spikes[0].mean() < 1


def test_masks_are_ands_and_a_sum_over_tokens() -> None:
    q, k, v = qkv(rate=0.3)
    mixer = MaskMixer(HEADS, lif(threshold=0.5), mix_heads=False)
    both = torch.logical_and(k.bool(), v.bool()).sum(dim=2, keepdim=True).float()
    mask = lif(threshold=0.5)(both)
    expected = torch.logical_and(q.bool(), mask.bool()).float()
    assert torch.equal(mixer(q, k, v), expected)
    assert 0 < expected.mean() < q.mean()


def test_mixing_heads_starts_as_nothing_and_then_mixes() -> None:
    _, k, v = qkv()
    plain = MaskMixer(HEADS, nn.Identity(), mix_heads=False)
    mixing = MaskMixer(HEADS, nn.Identity(), mix_heads=True)
    assert sum(p.numel() for p in mixing.parameters()) == HEADS**2
    assert torch.equal(mixing.mask(k, v), plain.mask(k, v))
    swap = torch.eye(HEADS)[[1, 0, 2, 3]]
    with torch.no_grad():
        mixing.heads_map.weight.copy_(swap[..., None])
    by_head = plain.mask(k, v).view(N, HEADS, DIM, 1, STEPS)
    assert torch.equal(mixing.mask(k, v), by_head[:, [1, 0, 2, 3]].flatten(1, 2))


@pytest.mark.parametrize("residual", ["spikes", "membrane"])
def test_tokens_are_places_in_any_order(residual: str) -> None:
    torch.manual_seed(0)
    mixer = SumMixer(HEADS, 0.125, lif(threshold=0.5))
    attention = TokenAttention(CHANNELS, mixer, PARTS, residual).eval()
    x = 2 * torch.rand(N, CHANNELS, 3, 4, STEPS)
    y = attention(x)
    assert y.shape == x.shape
    # one place moved: the same result there
    moved = attention(x.transpose(2, 3).contiguous()).transpose(2, 3)
    torch.testing.assert_close(moved, y)
    binary = set(y.unique().tolist()) <= {0.0, 1.0}
    assert binary is (residual == "spikes")


def test_global_attention_is_three_maps_in_one() -> None:
    torch.manual_seed(0)
    x = 2 * torch.randn(N, CHANNELS, 2, 3, STEPS)
    attention = GlobalAttention(CHANNELS, DIM, Parts(plif, StepNorm))
    assert attention.mixer.attend.heads == HEADS
    assert attention.mixer.attend.scale == DIM**-0.5
    currents = attention.qkv_norm(attention.qkv(attention.entry(x.flatten(2, 3))))
    split = currents.view(N, 3, CHANNELS, 6, STEPS).unbind(1)
    q, k, v = (neuron(c) for neuron, c in zip(attention.neurons, split, strict=True))
    expected = attention.norm(attention.project(attention.mixer(q, k, v))).view(x.shape)
    assert torch.equal(attention(x), expected)
    scalars = [p for p in attention.parameters() if p.numel() == 1]
    assert len(scalars) == 5  # PLIF in front, for q, k, v, and before the projection


def test_heads_must_divide_the_channels() -> None:
    with pytest.raises(SpikewattError, match="96 channels with heads of 64"):
        GlobalAttention(96, 64, PARTS)
