"""Attention between joints on spikes: both orders, and the sum by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.blocks.spiking_attention import Attention, SpikingAttention


def build(attention: Attention, channels: int = 8) -> SpikingAttention:
    torch.manual_seed(0)
    return SpikingAttention(channels, attention, Membrane().build)


def spikes() -> torch.Tensor:
    return torch.randint(0, 2, (2, 8, 3, 6, 4), generator=torch.Generator().manual_seed(1)).float()


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_both_orders_give_the_same_spikes_exactly(heads: int) -> None:
    attention = Attention(heads=heads, scale=0.5)
    tokens, channels = (build(replace(attention, tokens_first=b)) for b in (True, False))
    assert torch.equal(tokens(spikes()), channels(spikes()))
    assert 0 < tokens(spikes()).mean() < 1


@pytest.mark.parametrize("heads", [1, 2])
def test_the_current_is_q_kt_v_of_each_frame_and_step(heads: int) -> None:
    module, x = build(Attention(heads=heads)), spikes()
    currents: list[torch.Tensor] = []
    module.neuron.register_forward_hook(lambda m, inputs, out: currents.append(inputs[0]))
    out = module(x)
    q, k, v = (f(x) for f in (module.query, module.key, module.value))
    size = 8 // heads
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        # one frame, one step: (C, V)
        a, b, c = (f[1, own, 2, :, 3] for f in (q, k, v))
        torch.testing.assert_close(
            currents[0][1, own, 2, :, 3], 0.125 * ((a.T @ b) @ c.T).T, rtol=0, atol=0
        )
    assert set(out.unique().tolist()) <= {0, 1}


def test_parameters_without_an_output_projection() -> None:
    count = sum(p.numel() for p in build(Attention()).parameters() if p.requires_grad)
    assert count == 3 * (8 * 8 + 8 + 2 * 8)


def test_heads_share_the_channels() -> None:
    with pytest.raises(SpikewattError, match="3 heads cannot share 8 channels"):
        build(Attention(heads=3))
