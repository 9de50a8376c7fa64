"""Random small networks and requests: graphs with all synapses, neurons, inputs and schedules."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np
from hypothesis import strategies as st

from spikewatt.energy.events import conv_out_axis
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import Schedule, clips, stream
from spikewatt.network import (
    AdaptiveLif,
    Attention,
    Conv,
    ConvTranspose,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Pool,
    Population,
    Projection,
    Readout,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
    StartRule,
    Synapses,
    Unpool,
)

DECAYS = (0, 1, 1024, 4095, 4096)


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def weights(rng, *shape):
    """Whole 8-bit range, about a third zeros."""
    return (rng.integers(-128, 128, shape) * 2 * (rng.random(shape) < 0.7)).astype(np.int32)


def divisor(rng, n: int) -> int:
    return int(pick(rng, *(i for i in range(1, n + 1) if n % i == 0)))


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
    """Some synapses, zeros among them, some of them twice; some in blocks that share them."""
    repeats = divisor(rng, gcd(source, target))
    ends = target // repeats, source // repeats
    n = int(rng.integers(1, 2 * ends[0] * ends[1] + 1))
    targets, sources = (rng.integers(size, size=n).astype(np.int32) for size in ends)
    delay = pick(rng, None, delays(rng, n))
    shape, macs = (target, source), source * target
    return Sparse(targets, sources, weights(rng, n), shape, macs, delay, repeats=repeats)


def _pairs(rng, *lows: int) -> list[tuple[int, int]]:
    return [tuple(int(i) for i in rng.integers(low, 3, 2)) for low in lows]


def _sizes(source, kernel, stride, padding, dilation, after=(0, 0)) -> tuple[int, ...]:
    """Places of a kernel along x and y."""
    return tuple(
        conv_out_axis(source[i] + after[i], int(kernel[i]), stride[i], padding[i], dilation[i])
        for i in (0, 1)
    )


def _grown(rng, source, kernel, stride, padding, dilation) -> tuple[int, ...]:
    """A size over which the kernel has as many places as the source."""
    reach = [dilation[i] * (int(kernel[i]) - 1) + 1 for i in (0, 1)]
    rest = [int(rng.integers(0, stride[i])) for i in (0, 1)]
    return tuple((source[i] - 1) * stride[i] + reach[i] - 2 * padding[i] + rest[i] for i in (0, 1))


def conv(rng, source) -> tuple[Conv, tuple[int, ...]] | None:
    """A convolution that fits the source, and its target's shape; None where nothing is left."""
    groups = int(pick(rng, 1, source[2]))
    kernel, geometry = rng.integers(1, 4, 2), _pairs(rng, 1, 0, 1)
    channels = groups * int(rng.integers(1, 3))
    weight = weights(rng, channels, *kernel, source[2] // groups)
    sizes = _sizes(source, kernel, *geometry)
    return (Conv(weight, *geometry, groups), (*sizes, channels)) if min(sizes) >= 1 else None


def transposed(rng, source):
    groups = int(pick(rng, 1, source[2]))
    kernel, geometry = rng.integers(1, 4, 2), _pairs(rng, 1, 0, 1)
    channels = groups * int(rng.integers(1, 3))
    weight = weights(rng, channels, *kernel, source[2] // groups)
    shape = (*_grown(rng, source, kernel, *geometry), channels)
    return ConvTranspose(weight, *geometry, groups), shape


def pool(rng, source):
    kernel, geometry = rng.integers(1, 4, 2), _pairs(rng, 1, 0, 1)
    after = _pairs(rng, 0)[0]
    sizes = _sizes(source, kernel, *geometry, after)
    return Pool(weights(rng, *kernel), *geometry, after), (*sizes, source[2])


def unpool(rng, source):
    kernel, geometry = rng.integers(1, 4, 2), _pairs(rng, 1, 0, 1)
    shape = (*_grown(rng, source, kernel, *geometry), source[2])
    return Unpool(weights(rng, *kernel), *geometry), shape


def kernels(rng, source) -> tuple[Synapses, tuple[int, ...]] | None:
    """Synapses with shared kernels, and their target's shape; None where they do not fit."""
    if len(source) != 3:
        return None
    made = pick(rng, conv, conv, transposed, pool, unpool)(rng, source)
    return made if made and min(made[1]) >= 1 and max(made[1]) <= 9 else None


def cuba(rng) -> CubaLif:
    i_decay = int(pick(rng, *DECAYS, rng.integers(4097)))
    return CubaLif(i_decay, int(pick(rng, *DECAYS)), int(rng.integers(0, 700)))


def adaptive(rng) -> AdaptiveLif:
    decays = (int(pick(rng, *DECAYS, rng.integers(4097))) for _ in range(4))
    return AdaptiveLif(*decays, int(rng.integers(0, 300)), int(rng.integers(0, 50)))


def _exponents(rng) -> tuple[int, int]:
    return int(pick(rng, 0, 0, 3, 6)), int(pick(rng, 0, 3, 6))


def delta(rng) -> Delta:
    return Delta(int(rng.integers(0, 20)), *_exponents(rng))


def sigma(rng) -> Sigma:
    return Sigma()


def sigma_delta(rng) -> SigmaDelta:
    activation = str(pick(rng, "relu", "unit"))
    return SigmaDelta(int(rng.integers(0, 500)), *_exponents(rng), activation)


def resonator(rng) -> ResonateFire:
    bits = int(pick(rng, 12, 12, 7))
    decays = (int(i) for i in rng.integers(-(2**bits), 2**bits + 1, 2))
    threshold = int(rng.integers(0, 2**15))
    return ResonateFire(*decays, threshold, bool(rng.random() < 0.5), int(pick(rng, 0, 6)), bits)


NEURONS = (cuba, cuba, adaptive, sigma, sigma_delta, resonator)


def population(rng, layer: int, shape, driven: bool = False, neuron=None) -> Population:
    """CUBA-LIF unless told; `driven` ones leave their bias to the stimulus."""
    neuron = neuron or cuba(rng)
    graded = isinstance(neuron, Delta | Sigma | SigmaDelta)
    has_bias = isinstance(neuron, CubaLif | AdaptiveLif | SigmaDelta)
    biased = has_bias and not driven and rng.random() < 0.6
    bias = rng.integers(-300, 300, shape).astype(np.int32) if biased else None
    return Population(layer, tuple(shape), neuron, bias, message_bits=16 if graded else 0)


def entry(rng, shape) -> tuple[Input, list[Population]]:
    """The stimulus as spikes, as a population's bias, or as what a delta encoder receives."""
    way = pick(rng, "spikes", "spikes", "bias", "dendrite")
    bits = int(pick(rng, 0, 0, 1, 5)) if way == "spikes" else 0
    source = Input(0, shape, bits, way == "bias", way == "dendrite")
    if way == "spikes":
        return source, []
    makers = (cuba, adaptive, sigma_delta) if way == "bias" else (delta, delta, *NEURONS)
    return source, [population(rng, 0, shape, True, pick(rng, *makers)(rng))]


def projection(rng, source: int, target: int, synapses, size: int) -> Projection:
    """A projection with small delays; size is that of its source."""
    axon = pick(rng, None, None, None, delays(rng, size))
    return Projection(source, target, synapses, int(rng.integers(0, 3)), axon)


def _parted(rng, q: Projection, target: Population) -> Projection:
    if isinstance(target.neuron, ResonateFire) and rng.random() < 0.5:
        return replace(q, part="imag")
    return q


def loop(rng, p: Population) -> list[Projection]:
    """Recurrence of about a quarter of the populations."""
    if rng.random() < 0.75:
        return []
    synapses = pick(rng, dense, sparse)(rng, p.size, p.size)
    return [_parted(rng, projection(rng, p.layer, p.layer, synapses, p.size), p)]


def often(rng, layer: int, shape) -> Population:
    """Neurons that fire often: attention multiplies spikes."""
    neuron = CubaLif(int(pick(rng, 4096, 2048)), 4096, int(rng.integers(0, 150)))
    return population(rng, layer, shape, neuron=neuron)


def attention(rng, source: Input, shapes, depths) -> tuple[list[Population], list[Projection]]:
    """Attention behind everything else: up to three sources of one shape and depth, and a target.

    The sources are new populations behind a random layer, or the binary input itself.
    """
    enters = not (source.message_bits or source.drives_bias or source.drives_dendrite)
    if enters and rng.random() < 0.2:
        target = population(rng, len(shapes), shapes[0], neuron=pick(rng, *NEURONS)(rng))
        return [target], [attending(rng, [0, 0, 0], target)]
    first = int(rng.integers(len(shapes)))
    shape = (*(int(i) for i in rng.integers(1, 4, 2)), int(pick(rng, 2, 4, 6)))
    layer, populations, projections = len(shapes), [], []
    for i in range(int(rng.integers(1, 4))):
        made = often(rng, layer + i, shape)
        size = int(np.prod(shapes[first]))
        synapses = pick(rng, dense, sparse)(rng, size, made.size)
        projections.append(projection(rng, first, made.layer, synapses, size))
        populations.append(made)
    roles = [int(pick(rng, *(p.layer for p in populations))) for _ in range(3)]
    target = population(rng, layer + len(populations), shape, neuron=pick(rng, *NEURONS)(rng))
    projections.append(attending(rng, roles, target))
    early = depths[first] + 1  # a projection past the sources waits for them
    size = int(np.prod(shapes[0]))
    past = projection(rng, 0, target.layer, dense(rng, size, target.size), size)
    if rng.random() < 0.4:
        projections.append(_parted(rng, replace(past, delay=past.delay + early), target))
    return [*populations, target], projections


def attending(rng, roles: list[int], target: Population) -> Projection:
    shape = target.shape
    weight = np.array([pick(rng, 1, -1, 2, 8, -50, 254)], np.int32)
    heads, blocks = divisor(rng, shape[2]), divisor(rng, shape[0] * shape[1])
    order = bool(rng.random() < 0.5)
    s = Attention(weight, heads, roles[1], roles[2], blocks, tokens_first=order)
    q = Projection(roles[0], target.layer, s, int(rng.integers(0, 3)))
    return _parted(rng, q, target)


def readout_of(rng, output: Population) -> Readout | None:
    groups = [g for g in range(1, output.size + 1) if output.size % g == 0]
    return pick(rng, None, *(Readout(k, int(pick(rng, *groups))) for k in ("membrane", "rate")))


def network(seed: int, equalised: bool, attends: bool = True) -> Network:
    """A random graph; `equalised` branches arrive no earlier than their target begins.

    attends: nearly half of them end in attention.
    """
    rng = np.random.default_rng(seed)
    shape = tuple(int(i) for i in rng.integers(1, (5, 5, 4)))
    source, populations = entry(rng, shape)
    projections = [q for p in populations for q in loop(rng, p)]
    shapes, depths = {0: shape}, {0: 0}
    for layer in range(1, int(rng.integers(2, 6))):
        first = int(rng.integers(max(0, layer - 2), layer))
        shared = kernels(rng, shapes[first])
        target = shared[1] if shared else (int(rng.integers(1, 7)),)
        others = [int(i) for i in rng.integers(0, layer, rng.integers(0, 3))]
        depths[layer] = 1 + max(depths[s] for s in (first, *others))
        shapes[layer] = target
        made = population(rng, layer, target, neuron=pick(rng, *NEURONS)(rng))
        for i, s in enumerate((first, *others)):
            size = int(np.prod(shapes[s]))
            synapses = shared[0] if shared and i == 0 else None
            synapses = synapses or pick(rng, dense, sparse)(rng, size, made.size)
            q = projection(rng, s, layer, synapses, size)
            early = depths[layer] - 1 - depths[s] if equalised else 0
            projections.append(_parted(rng, replace(q, delay=q.delay + early), made))
        projections += loop(rng, made)
        populations.append(made)
    if attends and rng.random() < 0.4:
        more = attention(rng, source, shapes, depths)
        populations, projections = populations + more[0], projections + more[1]
    ends = {"start": pick(rng, None, *StartRule), "readout": readout_of(rng, populations[-1])}
    return Network(source, tuple(populations), tuple(projections), **ends)


def tabled(seed: int, net: Network, entries: int) -> Network:
    """The network with gains and biases of steps where it can have them, `entries` of each."""
    rng = np.random.default_rng(seed)

    def table(shape, limit: int):
        return rng.integers(-limit, limit + 1, (entries, shape[-1])).astype(np.int32)

    def can_have_bias(layer: int) -> bool:
        driven = net.input.drives_bias and layer == net.input.layer
        neuron = net.by_layer[layer].neuron
        return isinstance(neuron, CubaLif | AdaptiveLif | SigmaDelta) and not driven

    def gained(q: Projection) -> Projection:
        some, full, biased = rng.random(3) < (0.6, 0.3, 0.4)
        shape = net.shape_of(q.target)
        gain = table(shape, 4096)
        gain = np.where(gain < 0, -4096, 4096).astype(np.int32) if full else gain
        if not some:
            return q
        bias = rng.integers(-300, 300, shape).astype(np.int32)
        bias = bias if biased and can_have_bias(q.target) else None
        return replace(q, step_gain=gain, gained_bias=bias)

    def biased(p: Population) -> Population:
        some = rng.random() < 0.5
        return replace(p, step_bias=table(p.shape, 300)) if some and can_have_bias(p.layer) else p

    populations, projections = map(biased, net.populations), map(gained, net.projections)
    return replace(net, populations=tuple(populations), projections=tuple(projections))


def stimulus(seed: int, source: Input, schedule: Schedule) -> np.ndarray:
    """Binary, graded or signed messages, or biases or dendrites held or one a step."""
    rng = np.random.default_rng(seed)
    driven = source.drives_bias or source.drives_dendrite
    held = driven and rng.random() < 0.5
    shape = (schedule.samples, *source.shape, 1 if held else schedule.steps)
    if driven:
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
    if schedule.period and schedule.staggered and draw(st.booleans()):
        net = tabled(seed, net, schedule.period + draw(st.integers(0, 2)))
    x = stimulus(seed, net.input, schedule)
    return Request(net, x, schedule, tuple(net.by_layer), record_state=True)
