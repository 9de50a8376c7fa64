"""Random small networks and requests: graphs with all synapses, neurons, inputs and schedules."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spikewatt.energy.events import conv_out_axis
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import Schedule, clips, stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Sparse,
    StartRule,
)

DECAYS = (0, 1, 1024, 4095, 4096)


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def weights(rng, *shape):
    """Whole 8-bit range, about a third zeros."""
    return (rng.integers(-128, 128, shape) * 2 * (rng.random(shape) < 0.7)).astype(np.int32)


def delays(rng, *shape):
    return rng.integers(0, 5, shape).astype(np.int32)


def dense(rng, source: int, target: int) -> Dense:
    delay = pick(
        rng,
        None,
        delays(rng, target, source),
        np.repeat(delays(rng, target, 1), source, axis=1),
        np.repeat(delays(rng, 1, source), target, axis=0),
    )
    return Dense(weights(rng, target, source), delay)


def sparse(rng, source: int, target: int) -> Sparse:
    n = int(rng.integers(1, 2 * source * target))
    targets, sources = rng.integers(target, size=n), rng.integers(source, size=n)
    weight = np.where((w := weights(rng, n)) == 0, 2, w)
    delay = pick(rng, None, delays(rng, n))
    listed = targets.astype(np.int32), sources.astype(np.int32), weight
    return Sparse(*listed, (target, source), dense_macs=source * target, delay=delay)


def conv(rng, source) -> tuple[Conv, tuple[int, int, int]] | None:
    """A convolution that fits the source, and its target's shape; None where nothing is left."""
    groups = int(pick(rng, 1, source[2]))
    kernel = rng.integers(1, 4, 2)
    geometry = [tuple(int(i) for i in rng.integers(lo, 3, 2)) for lo in (1, 0, 1)]
    channels = groups * int(rng.integers(1, 3))
    target = tuple(
        conv_out_axis(source[i], int(kernel[i]), *(g[i] for g in geometry)) for i in (0, 1)
    )
    if min(target) < 1:
        return None
    weight = weights(rng, channels, *kernel, source[2] // groups)
    return Conv(weight, *geometry, groups), (*target, channels)


def population(rng, layer: int, shape, driven: bool = False) -> Population:
    neuron = CubaLif(int(pick(rng, *DECAYS, rng.integers(4097))), int(pick(rng, *DECAYS)), 0)
    neuron = CubaLif(neuron.i_decay, neuron.v_decay, int(rng.integers(0, 700)))
    biased = not driven and rng.random() < 0.6
    bias = rng.integers(-300, 300, shape).astype(np.int32) if biased else None
    return Population(layer, tuple(shape), neuron, bias)


def network(seed: int, equalised: bool) -> Network:
    """A random graph; `equalised` branches arrive no earlier than their target begins."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(i) for i in rng.integers(1, (5, 5, 4)))
    drives = rng.random() < 0.3
    source = Input(0, shape, message_bits=int(pick(rng, 0, 0, 1, 5)), drives_bias=drives)
    populations = [population(rng, 0, shape, driven=True)] if drives else []
    shapes, depths, projections = {0: shape}, {0: 0}, []
    for layer in range(1, int(rng.integers(2, 6))):
        first = int(rng.integers(max(0, layer - 2), layer))
        kernel = conv(rng, shapes[first]) if len(shapes[first]) == 3 else None
        target = kernel[1] if kernel else (int(rng.integers(1, 7)),)
        others = [int(i) for i in rng.integers(0, layer, rng.integers(0, 3))]
        depths[layer] = 1 + max(depths[s] for s in (first, *others))
        for i, s in enumerate((first, *others)):
            sizes = int(np.prod(shapes[s])), int(np.prod(target))
            synapses = kernel[0] if kernel and i == 0 else pick(rng, dense, sparse)(rng, *sizes)
            early = depths[layer] - 1 - depths[s] if equalised else 0
            projections.append(Projection(s, layer, synapses, early + int(rng.integers(0, 3))))
        populations.append(population(rng, layer, target))
        shapes[layer] = target
    size = populations[-1].size
    groups = [g for g in range(1, size + 1) if size % g == 0]
    readout = pick(rng, None, *(Readout(k, int(pick(rng, *groups))) for k in ("membrane", "rate")))
    start = pick(rng, None, *StartRule)
    return Network(source, tuple(populations), tuple(projections), start=start, readout=readout)


def stimulus(seed: int, source: Input, schedule: Schedule) -> np.ndarray:
    """Binary, graded or signed messages, or biases held or one a step."""
    rng = np.random.default_rng(seed)
    held = source.drives_bias and rng.random() < 0.5
    shape = (schedule.samples, *source.shape, 1 if held else schedule.steps)
    if source.drives_bias:
        return rng.integers(-100, 400, shape).astype(np.int32)
    limit = 2**source.message_bits
    values = rng.integers(-limit + 1, limit, shape) if source.message_bits else 1
    return (values * (rng.random(shape) < 0.4)).astype(np.int32)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A random network with a random schedule and stimulus; every layer recorded."""
    seed = draw(st.integers(0, 2**32))
    kind = draw(st.sampled_from(("stream", "reset", "clips")))
    steps, samples = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    net = network(seed, equalised=kind != "stream")
    if kind == "clips":
        schedule = clips(net, samples, steps)
    else:
        schedule = stream(3 * steps, draw(st.integers(1, 8)) if kind == "reset" else None)
    x = stimulus(seed, net.input, schedule)
    return Request(net, x, schedule, tuple(net.by_layer), record_state=True)
