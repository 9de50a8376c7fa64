"""Samples are independent: each gives together with others what it gives alone, counts too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lava_packed import in_lava

from spikewatt.energy.events import FILL_KEYS
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import (
    AdaptiveLif,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    StartRule,
)

pytestmark = pytest.mark.lava


def weights(rng, targets: int, sources: int) -> np.ndarray:
    return (2 * rng.integers(-40, 60, (targets, sources))).astype(np.int32)


def delayed(rng, targets: int, sources: int) -> Dense:
    """Short delays, and up to the longest there is, far beyond the gap between two samples."""
    longest = np.where(rng.random((targets, sources)) < 0.5, 4, 63)
    return Dense(weights(rng, targets, sources), rng.integers(0, longest).astype(np.int32))


def chain(neuron, bits: int, source: Input, loop: bool, synapses) -> Network:
    """Three populations behind each other, with bias where the model has one, and loops."""
    rng = np.random.default_rng(0)
    has_bias = isinstance(neuron, CubaLif | AdaptiveLif | SigmaDelta)
    bias = rng.integers(0, 60, (3, 5)).astype(np.int32) if has_bias else [None] * 3
    populations = tuple(Population(i, (5,), neuron, bias[i - 1], bits) for i in (1, 2, 3))
    projections = [Projection(i - 1, i, synapses(rng, 5, 5)) for i in (1, 2, 3)]
    if source.layer == 0 and source.drives_dendrite:
        populations = (Population(0, (5,), Delta(4), message_bits=16), *populations)
    if isinstance(neuron, ResonateFire):
        projections += [replace(p, part="imag") for p in projections]
    if loop:
        projections += [Projection(i, i, Dense(weights(rng, 5, 5) // 8 * 2)) for i in (1, 2, 3)]
        projections.append(Projection(3, 1, Dense(weights(rng, 5, 5))))
    return Network(source, populations, tuple(projections))


def plain(rng, targets: int, sources: int) -> Dense:
    return Dense(weights(rng, targets, sources))


LIF = CubaLif(300, 100, 90)
SPIKES, DELTAS = Input(0, (5,)), Input(0, (5,), drives_dendrite=True)
CASES = {
    "bias": chain(LIF, 0, SPIKES, False, plain),
    "delays longer than the gap": chain(LIF, 0, SPIKES, False, delayed),
    "recurrence": chain(LIF, 0, SPIKES, True, plain),
    "recurrence and delays": chain(LIF, 0, SPIKES, True, delayed),
    "adaptive": chain(AdaptiveLif(300, 100, 50, 60, 70, 40), 0, SPIKES, True, plain),
    "resonators": chain(ResonateFire(1500, 3600, 900, False), 0, SPIKES, True, plain),
    "resonators with reset": chain(ResonateFire(1500, 3600, 400, True), 0, SPIKES, True, delayed),
    "sigma-delta": chain(SigmaDelta(30), 16, DELTAS, True, plain),
    "sigma-delta and delays": chain(SigmaDelta(30), 16, DELTAS, False, delayed),
    "sigma": chain(Sigma(), 16, DELTAS, False, plain),
}
SAMPLES, STEPS = 3, 12


def independent_requests(name: str, start: StartRule) -> list[Request]:
    """All samples, the same the other way round, and the one in the middle alone."""
    network = replace(CASES[name], start=start)
    rng = np.random.default_rng(3)
    low = -50 if network.input.drives_dendrite else 0
    x = rng.integers(low, 50, (SAMPLES, 5, STEPS)).astype(np.int32)
    x = x if network.input.drives_dendrite else (x > 30).astype(np.int32)
    stimuli = [x, x[::-1], x[1:2]]
    layers = tuple(network.by_layer)
    return [
        Request(network, s, clips(network, len(s), STEPS), layers, record_state=True)
        for s in stimuli
    ]


def sample_of(done: Execution, k: int) -> dict[str, np.ndarray]:
    """Everything that one sample gave, counts included."""
    given = {
        f"{name} of layer {layer}": array[k]
        for name in ("spikes", "u", "v")
        for layer, array in getattr(done, name).items()
    }
    for layer in done.counts.layers:
        for name in FILL_KEYS[:-1]:
            given[f"{name} of layer {layer.layer}"] = getattr(layer, name)[k]
    return given


@pytest.fixture(scope="module")
def executions(tmp_path_factory):
    """Of all cases and start rules, in one run of Lava."""
    keys = [(name, start) for name in CASES for start in StartRule]
    requests = [independent_requests(*key) for key in keys]
    flat = in_lava([r for group in requests for r in group], tmp_path_factory.mktemp("samples"))
    per_case = len(requests[0])
    return {key: flat[i * per_case : (i + 1) * per_case] for i, key in enumerate(keys)}


@pytest.mark.parametrize("start", StartRule)
@pytest.mark.parametrize("name", CASES)
def test_samples_are_independent(name: str, start: StartRule, executions) -> None:
    together, turned, alone = executions[name, start]
    for layer, spikes in together.spikes.items():
        assert spikes.any(), layer
    same = [(sample_of(together, k), sample_of(turned, SAMPLES - 1 - k)) for k in range(SAMPLES)]
    for want, found in [*same, (sample_of(alone, 0), sample_of(together, 1))]:
        assert found.keys() == want.keys()
        for what, array in found.items():
            np.testing.assert_array_equal(array, want[what], what)
