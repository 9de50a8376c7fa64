"""One layer executed alone, from the recorded spikes of its sources.

Where two executions first differ in a layer whose sources agree, everything the layer can depend
on is known: its parameters, and what it received. A `Trial` holds both, so that a change of either
can be tried, and executes the layer on the native engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.expansion import expand
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import (
    Conv,
    ConvTranspose,
    CubaLif,
    Dense,
    Input,
    IntArray,
    Network,
    Population,
    Projection,
    Shape,
    Sparse,
    Synapses,
)
from spikewatt.tables import bias_at, changes_bias
from spikewatt.validation import NEVER_FIRES

Values: TypeAlias = npt.NDArray[Any]
Outcome: TypeAlias = dict[str, Values]  # spikes, u, v: (N, *shape, T)


@dataclass(frozen=True, eq=False)
class Afferent:
    """One projection with what its source sent.

    spikes: (N, *shape, T) as recorded; None where the layer projects to itself. shape: the
    source's. at: column of the layer's record in which a spike of the source's first one arrives.
    """

    projection: Projection
    shape: Shape
    spikes: IntArray | None
    at: int


@dataclass(frozen=True)
class Arithmetic:
    """Where an implementation of CUBA-LIF may round or compare otherwise than Lava.

    decay: toward_zero (Lava), down or nearest. at_threshold: a voltage equal to the threshold
    fires. subtract: a spike takes the threshold off the voltage instead of clearing it.
    """

    decay: str = "toward_zero"
    at_threshold: bool = False
    subtract: bool = False


LAVA = Arithmetic()


@dataclass(frozen=True, eq=False)
class Trial:
    """A layer, what it receives, and what the two sides recorded of it.

    lead: steps that the layer runs, from state 0 and without input, before its first recorded
    one. depth: of the layer, in steps. drive: the stimulus (N, *shape, T or 1) where it is the
    layer's bias. outcomes: what was recorded, by side.
    """

    population: Population
    afferents: tuple[Afferent, ...]
    outcomes: dict[str, Outcome]
    lead: int = 0
    depth: int = 1
    drive: IntArray | None = None
    arithmetic: Arithmetic = LAVA

    @cached_property
    def extent(self) -> tuple[int, int]:
        """Samples and steps of the record."""
        spikes = next(iter(self.outcomes.values()))["spikes"]
        return spikes.shape[0], spikes.shape[-1]

    def gives(self, side: str) -> bool:
        """Whether the layer, executed alone, does exactly what this side recorded."""
        outcome = self.outcomes[side]
        done = execute(self, outcome["spikes"])
        return all(np.array_equal(done[name], values) for name, values in outcome.items())

    def part(self, sample: int, steps: int) -> Trial:
        """The first steps of one sample: what a quick test needs."""
        return self._cut(slice(sample, sample + 1), slice(steps))

    def samples(self, first: int, stop: int) -> Trial:
        """Some of the samples."""
        return self._cut(slice(first, stop), slice(None))

    def _cut(self, samples: slice, steps: slice) -> Trial:
        def cut(a: Values) -> Values:
            return a[samples, ..., steps]

        return replace(
            self,
            outcomes={s: {k: cut(a) for k, a in o.items()} for s, o in self.outcomes.items()},
            afferents=tuple(
                a if a.spikes is None else replace(a, spikes=cut(a.spikes)) for a in self.afferents
            ),
            drive=None if self.drive is None else cut(self.drive),
        )


def execute(trial: Trial, own: Values) -> Outcome:
    """Spikes, u and v of a trial; own: the spikes that a recurrent layer sends to itself."""
    if trial.arithmetic == LAVA:
        done = _run(trial, own)
    else:
        received = replace(trial, population=_integrator(trial.population), arithmetic=LAVA)
        done = _cuba(trial, _run(received, own)["u"] >> 6)
    return {name: a[..., trial.lead :] for name, a in done.items()}


def _integrator(population: Population) -> Population:
    """Neurons whose u is the dendrite's input of the step."""
    return replace(population, neuron=CubaLif(4096, 4096, NEVER_FIRES), bias=None, step_bias=None)


def _run(trial: Trial, own: Values) -> Outcome:
    """On the native engine, the leading steps included."""
    network, stimulus = _alone(trial, own)
    samples, steps = len(stimulus), trial.lead + trial.extent[1]
    layer = network.output.layer
    request = Request(network, stimulus, clips(network, samples, steps), (layer,), True)
    done = NativeEngine(workers=1).run(request)
    return {"spikes": done.spikes[layer], "u": done.u[layer], "v": done.v[layer]}


def _alone(trial: Trial, own: Values) -> tuple[Network, IntArray]:
    """The layer as a network of its own, and its stimulus."""
    if trial.drive is not None:
        return _driven(trial), trial.drive
    population = replace(trial.population, layer=1)
    shapes = [a.shape for a in trial.afferents]
    sent = [_placed(trial, a, own) for a in trial.afferents]
    synapses = [a.projection.synapses for a in trial.afferents]
    if len(shapes) == 1:
        shape, stimulus = shapes[0], sent[0]
    else:
        shape = (sum(map(prod, shapes)),)
        synapses = _side_by_side(synapses, shapes, population.shape)
        stimulus = np.concatenate([s.reshape(len(s), -1, s.shape[-1]) for s in sent], axis=1)
    bits = max(1, int(np.abs(stimulus).max(initial=0)).bit_length())
    pairs = zip(trial.afferents, synapses, strict=True)
    firsts = np.cumsum([0, *map(prod, shapes)])
    projections = tuple(
        replace(a.projection, source=0, target=1, synapses=s, delay=0, axon_delay=axon)
        for (a, s), axon in zip(pairs, _axon_delays(trial, firsts), strict=True)
    )
    return Network(Input(0, shape, bits), (population,), projections), stimulus


def _driven(trial: Trial) -> Network:
    """A layer whose bias is the stimulus; it may project to itself, nothing else reaches it."""
    population = replace(trial.population, layer=0, bias=None, step_bias=None)
    loops = tuple(
        replace(a.projection, source=0, target=0, delay=a.at - 1) for a in trial.afferents
    )
    return Network(Input(0, population.shape, drives_bias=True), (population,), loops)


def _placed(trial: Trial, afferent: Afferent, own: Values) -> IntArray:
    """A source's spikes moved to the steps in which they arrive, (N, *shape, lead + T)."""
    spikes = own if afferent.spikes is None else afferent.spikes
    steps, at = trial.lead + trial.extent[1], trial.lead + afferent.at
    placed = np.zeros((*spikes.shape[:-1], steps), np.int32)
    begin, end = max(at, 0), min(at + spikes.shape[-1], steps)
    if begin < end:
        placed[..., begin:end] = spikes[..., begin - at : end - at]
    return placed


def _axon_delays(trial: Trial, firsts: Values) -> list[IntArray | None]:
    """Axonal delays of each projection, over the sources of all."""
    delays: list[IntArray | None] = []
    for a, first in zip(trial.afferents, firsts[:-1], strict=True):
        if (own := a.projection.axon_delay) is None:
            delays.append(None)
            continue
        delay = np.zeros(firsts[-1], np.int32)
        delay[first : first + own.size] = own.reshape(-1)
        delays.append(delay)
    return delays


def _side_by_side(synapses: list[Synapses], shapes: list[Shape], target: Shape) -> list[Synapses]:
    """Each projection's synapses, with all sources as one population."""
    total, first = sum(map(prod, shapes)), 0
    joined: list[Synapses] = []
    for s, shape in zip(synapses, shapes, strict=True):
        one = listed(s, shape, target)
        sources = (one.sources + first).astype(np.int32)
        joined.append(replace(one, sources=sources, shape=(prod(target), total)))
        first += prod(shape)
    return joined


def listed(synapses: Synapses, source: Shape, target: Shape) -> Sparse:
    """Any synapses one by one; a convolution's sums no longer wrap."""
    if isinstance(synapses, Conv):
        return _conv_listed(synapses, source, target)
    wide = expand(synapses, source, target)
    if isinstance(wide, Dense):
        targets, sources = (i.astype(np.int32) for i in np.nonzero(wide.weight))
        delay = None if wide.delay is None else wide.delay[targets, sources]
        shape = (wide.weight.shape[0], wide.weight.shape[1])
        return Sparse(targets, sources, wide.weight[targets, sources], shape, 0, delay)
    assert isinstance(wide, Sparse)
    return wide


def _conv_listed(conv: Conv, source: Shape, target: Shape) -> Sparse:
    """A convolution is the transposed one from its target to its source, read backwards."""
    out, kx, ky, per_group = conv.weight.shape
    grouped = conv.weight.reshape(conv.groups, out // conv.groups, kx, ky, per_group)
    weight = grouped.transpose(0, 4, 2, 3, 1).reshape(-1, kx, ky, out // conv.groups)
    geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
    back = expand(ConvTranspose(weight, *geometry), target, source)
    assert isinstance(back, Sparse)
    shape = (back.shape[1], back.shape[0])
    return replace(back, targets=back.sources, sources=back.targets, shape=shape)


def _toward_zero(x: Values, kept: int) -> Values:
    return np.asarray(np.sign(x) * (np.abs(x) * kept >> 12))


def _down(x: Values, kept: int) -> Values:
    return np.asarray(x * kept >> 12)


def _nearest(x: Values, kept: int) -> Values:
    return np.asarray(np.sign(x) * (np.abs(x) * kept + 2048 >> 12))


DECAYS = {"toward_zero": _toward_zero, "down": _down, "nearest": _nearest}


def _cuba(trial: Trial, a_in: IntArray) -> Outcome:
    """CUBA-LIF in a trial's arithmetic, from its dendrite's input (N, *shape, lead + T)."""
    n, rules = trial.population.neuron, trial.arithmetic
    assert isinstance(n, CubaLif)
    decayed, threshold = DECAYS[rules.decay], n.v_threshold << 6
    biases = _biases(trial, a_in.shape[-1])
    u = v = np.zeros(a_in.shape[:-1], np.int64)
    kept: list[tuple[Values, Values, Values]] = []
    for step in range(a_in.shape[-1]):
        u = decayed(u, 4096 - n.i_decay) + (a_in[..., step].astype(np.int64) << 6)
        v = decayed(v, 4096 - n.v_decay) + u + (biases[..., step] << 6)
        v = np.clip(v, 1 - 2**23, 2**23 - 1)
        fired = v >= threshold if rules.at_threshold else v > threshold
        v = np.where(fired, v - threshold if rules.subtract else 0, v)
        kept.append((fired, u, v))
    spikes, us, vs = (np.stack(values, axis=-1) for values in zip(*kept, strict=True))
    return {"spikes": spikes.astype(np.int32), "u": us, "v": vs}


def _biases(trial: Trial, steps: int) -> Values:
    """Biases by step, broadcast over samples, neurons and steps."""
    bias = trial.population.bias
    if trial.drive is not None:
        bias_by_step = trial.drive.astype(np.int64)
    else:
        zeros = np.zeros(trial.population.shape, np.int64)
        bias_by_step = (zeros if bias is None else bias.astype(np.int64))[np.newaxis, ..., None]
    incoming = [a.projection for a in trial.afferents]
    if changes_bias(trial.population, incoming):
        rows = [bias_at(trial.population, incoming, t) for t in range(steps)]
        shaped = [row.reshape(trial.population.shape) for row in rows]
        return np.asarray(np.stack(shaped, axis=-1)[np.newaxis])
    return np.broadcast_to(bias_by_step, (*bias_by_step.shape[:-1], steps))
