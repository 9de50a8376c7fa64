"""The functions for notebooks, given what a notebook has at hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import spikewatt
from spikewatt.network import CubaLif, Input, Network, Population, Projection
from spikewatt.synapses import Dense

WEIGHT = np.array([[10, 0, 4], [-6, 8, 0]], dtype=np.int32)
NETWORK = Network(
    Input(0, (3,)),
    (Population(1, (2,), CubaLif(4096, 0, 1)),),
    (Projection(0, 1, Dense(WEIGHT)),),
)
SPIKES = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]])


@pytest.mark.parametrize("given", [torch.from_numpy(SPIKES).float(), SPIKES.tolist()])
def test_tensors_and_lists_are_arrays(given) -> None:
    assert spikewatt.count(NETWORK, SPIKES).layers[0].synaptic_events.sum() == 8
    assert spikewatt.count(NETWORK, given).layers[0].synaptic_events.sum() == 8


def test_what_numpy_cannot_read_is_refused() -> None:
    with pytest.raises(spikewatt.SpikewattError, match="is a Tensor that numpy cannot read"):
        spikewatt.run(NETWORK, torch.ones(3, 4, requires_grad=True))
