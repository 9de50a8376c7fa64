"""A read-out in partial sums decides exactly as the whole one, and fits where that does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spikewatt.energy.deployment import deployment
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.lowering import trace
from spikewatt.hardware_profiles import load
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native.engine import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network, Sparse
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.lowering import LOWERINGS
from spikewatt.train.neuron import lif
from spikewatt.train.quantised import quantised

JOINTS, CHANNELS, CLASSES, STEPS = 5, 4, 3, 6
SOURCES = 2 * JOINTS * CHANNELS  # two branches, which add their spikes


class TwoBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = Pointwise(2, CHANNELS)
        self.first, self.second = lif(), lif(threshold=0.5)
        self.readout = IntegratingReadout(JOINTS, CHANNELS, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.mix(x)
        return self.readout(self.first(y) + self.second(y))


@pytest.fixture(scope="module")
def twin():
    torch.manual_seed(0)
    net = TwoBranches().eval()
    nn.init.normal_(net.readout.bias)
    x = torch.randint(-8, 9, (3, 2, JOINTS, 1, STEPS)).float()
    graph = trace(net, (1, 2, JOINTS, STEPS), (JOINTS, 1, 2), LOWERINGS)
    return quantised(graph, x, 8), x


def lowered(twin, at_most: int | None) -> Network:
    module, x = twin
    return module.lower(x, {"message_bits": 4, "readout_sources": at_most})


def narrow(words: int) -> Profile:
    """Loihi 2 with so few words a core."""
    loihi2 = load("loihi2_derived")
    limit = loihi2.limits["synaptic_memory_per_core"].model_copy(update={"value": words})
    limits = {**loihi2.limits, "synaptic_memory_per_core": limit}
    return loihi2.model_copy(update={"limits": limits})


@pytest.mark.parametrize(("at_most", "parts"), [(None, 1), (SOURCES, 1), (20, 2), (12, 4), (1, 40)])
def test_parts_add_up_to_the_whole(twin, tmp_path, at_most, parts) -> None:
    networks = [lowered(twin, None), lowered(twin, at_most)]
    netx.write(networks[1], tmp_path / "a.net")
    networks[1] = netx.read(tmp_path / "a.net")
    assert networks[1].output.size == CLASSES * parts
    stimuli = twin[1].permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    whole, divided = (NativeEngine().run(Request(n, stimuli, clips(n, 3, STEPS))) for n in networks)
    assert whole.readout.any()
    np.testing.assert_array_equal(divided.readout, whole.readout)
    last = [execution.counts.layers[-1].synaptic_events for execution in (whole, divided)]
    np.testing.assert_array_equal(*last)
    if parts > 1:
        for p in networks[1].incoming(networks[1].output.layer):
            assert isinstance(p.synapses, Sparse)
            assert np.bincount(p.synapses.targets).max() <= at_most


def test_check_proposes_what_fits(twin) -> None:
    profile = narrow(20)
    found = deployment(lowered(twin, None), profile)
    assert found.cores is None
    advice = next(c for c in found.changes if "hears" in c)
    assert f"each hears {SOURCES} sources, 20 fit on a core" in advice
    assert "--readout-sources 20" in advice
    divided = deployment(lowered(twin, 20), profile)
    assert divided.cores is not None
    assert not any("hears" in c for c in divided.changes)
    assert "2 partial sums a class" in divided.changes[-1]


def test_no_sources_are_refused(twin) -> None:
    with pytest.raises(SpikewattError, match="hears nothing"):
        lowered(twin, 0)
