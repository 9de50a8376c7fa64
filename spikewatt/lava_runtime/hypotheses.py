"""Ways in which an implementation may differ, each as a change of one layer that can be tried.

A hypothesis takes the layer as the network has it and yields changed layers, each with the words
that complete "what this layer gives ...". `HYPOTHESES` lists them, the most telling first; a new
one is a function and an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from itertools import permutations
from typing import TypeAlias

import numpy as np

from spikewatt.lava_runtime.replay import Afferent, Arithmetic, Trial, Values
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    IntArray,
    Neuron,
    Projection,
    Shape,
    Sparse,
    Synapses,
)

Change: TypeAlias = tuple[str, Trial]
Hypothesis: TypeAlias = Callable[[Trial], Iterator[Change]]

SHIFTS = (1, -1, 2, -2)  # steps
EXPONENTS = (1, -1, 2, -2, 3, -3, 6, -6)  # powers of two; 6 is Lava's state exponent

NAMES = {"i_decay": "current decay", "v_decay": "voltage decay", "v_threshold": "threshold"}


def _with_afferent(trial: Trial, index: int, afferent: Afferent) -> Trial:
    afferents = [*trial.afferents]
    afferents[index] = afferent
    return replace(trial, afferents=tuple(afferents))


def _with_synapses(trial: Trial, index: int, synapses: Synapses) -> Trial:
    a = trial.afferents[index]
    projection = replace(a.projection, synapses=synapses)
    return _with_afferent(trial, index, replace(a, projection=projection))


def _from(trial: Trial, index: int) -> str:
    """Which projection is meant, where there are several."""
    several = len(trial.afferents) > 1
    return f" from layer {trial.afferents[index].projection.source}" * several


def _steps(n: int) -> str:
    word = "step" if abs(n) == 1 else "steps"
    return f"{abs(n)} {word} {'longer' if n > 0 else 'shorter'}"


def message_bits(trial: Trial) -> Iterator[Change]:
    """Graded spikes taken as binary, or without their sign."""
    for i, a in enumerate(trial.afferents):
        if a.spikes is None or ((np.abs(a.spikes) <= 1).all() and (a.spikes >= 0).all()):
            continue
        binary, unsigned = (a.spikes != 0).astype(np.int32), np.abs(a.spikes)
        text = f"if the message bits{_from(trial, i)} are lost and graded spikes count as 1"
        yield text, _with_afferent(trial, i, replace(a, spikes=binary))
        text = f"if the sign of the spikes{_from(trial, i)} is lost"
        yield text, _with_afferent(trial, i, replace(a, spikes=unsigned))


def kernels(trial: Trial) -> Iterator[Change]:
    """Kernels with their axes swapped or read backwards."""
    for i, a in enumerate(trial.afferents):
        conv = a.projection.synapses
        if not isinstance(conv, Conv):
            continue
        w, where = conv.weight, _from(trial, i)
        turned = [(f"with its kernels{where} flipped (convolved)", w[:, ::-1, ::-1])]
        if w.shape[1] == w.shape[2]:
            swapped = w.swapaxes(1, 2)
            turned.insert(0, (f"with its kernels{where} transposed (x and y swapped)", swapped))
            turned.append(
                (f"with its kernels{where} transposed and flipped", swapped[:, ::-1, ::-1])
            )
        if w.shape[0] == w.shape[3]:
            text = f"with the kernels' input and output channels{where} swapped"
            turned.append((text, w.swapaxes(0, 3)))
        for text, weight in turned:
            yield text, _with_synapses(trial, i, replace(conv, weight=weight))


def _orders(shape: Shape) -> Iterator[tuple[str, IntArray]]:
    """Other orders in which the neurons of a shape may be flattened, as flat indices."""
    names = "xyc"[: len(shape)] if len(shape) > 1 else ""
    flat = np.arange(int(np.prod(shape)))
    for axes in permutations(range(len(shape))):
        order = flat.reshape(shape).transpose(axes).reshape(-1)
        if not np.array_equal(order, flat):
            name = ", ".join(names[i] for i in axes)
            yield f"({name})", order.astype(np.int32)
            if not np.array_equal(back := np.argsort(order), order):
                yield f"({name}), read backwards", back.astype(np.int32)


def flatten_order(trial: Trial) -> Iterator[Change]:
    """Columns or rows of a dense layer laid out in another order of x, y and channel."""
    for i, a in enumerate(trial.afferents):
        dense = a.projection.synapses
        if not isinstance(dense, Dense):
            continue
        for name, order in _orders(a.shape):
            text = f"if its flatten order{_from(trial, i)} is {name} instead of (x, y, c)"
            yield text, _with_synapses(trial, i, _ordered(dense, (slice(None), order)))
        for name, order in _orders(trial.population.shape):
            text = f"if its own neurons are in the order {name} instead of (x, y, c)"
            yield text, _with_synapses(trial, i, _ordered(dense, (order, slice(None))))
        if dense.weight.shape[0] == dense.weight.shape[1]:
            text = f"with its weight matrix{_from(trial, i)} transposed"
            yield text, _with_synapses(trial, i, replace(dense, weight=dense.weight.T))


def _ordered(dense: Dense, at: tuple[slice | IntArray, slice | IntArray]) -> Dense:
    delay = None if dense.delay is None else dense.delay[at]
    return replace(dense, weight=dense.weight[at], delay=delay)


def delays(trial: Trial) -> Iterator[Change]:
    """All that arrives, or what comes from one layer, some steps later or earlier."""
    for n in SHIFTS:
        moved = tuple(replace(a, at=a.at + n) for a in trial.afferents)
        yield f"with delays {_steps(n)}", replace(trial, afferents=moved)
    for i, a in enumerate(trial.afferents):
        for n in SHIFTS if len(trial.afferents) > 1 else ():
            moved_one = replace(a, at=a.at + n)
            yield f"with a delay{_from(trial, i)} {_steps(n)}", _with_afferent(trial, i, moved_one)
        p, s = a.projection, a.projection.synapses
        if isinstance(s, Dense | Sparse) and s.delay is not None:
            text = f"if the synapses' own delays{_from(trial, i)} are lost"
            yield text, _with_synapses(trial, i, replace(s, delay=None))
        if p.axon_delay is not None:
            text = f"if the axonal delays{_from(trial, i)} are lost"
            lost = replace(a, projection=replace(p, axon_delay=None))
            yield text, _with_afferent(trial, i, lost)


def output_delay(trial: Trial) -> Iterator[Change]:
    """The layer as a whole late, its bias too: a delay behind its neurons instead of before."""
    for n in (1, 2):
        if trial.extent[1] > n and trial.drive is None:
            yield f"if its output is delayed by {n} more", _outcomes_earlier(trial, n)


def _outcomes_earlier(trial: Trial, n: int) -> Trial:
    sides = {s: {k: a[..., n:] for k, a in o.items()} for s, o in trial.outcomes.items()}
    return replace(trial, outcomes=sides)


def bias(trial: Trial) -> Iterator[Change]:
    """Bias dropped, or with another exponent."""
    b = trial.population.bias
    if b is None or not b.any():
        return
    yield "without its bias", replace(trial, population=replace(trial.population, bias=None))
    for k in EXPONENTS:
        scaled = replace(trial.population, bias=_scaled(b, k))
        yield f"with its bias times 2^{k} (bias exponent)", replace(trial, population=scaled)


def step_tables(trial: Trial) -> Iterator[Change]:
    """Gains and biases of steps left out, or read a step early or late."""
    gains = any(a.projection.step_gain is not None for a in trial.afferents)
    if trial.population.step_bias is None and not gains:
        return
    yield "without its gains and biases of steps", _with_tables(trial, lambda table: None)
    for n in (1, -1):
        text = f"with its gains and biases of steps read one step {'late' if n > 0 else 'early'}"
        yield text, _with_tables(trial, partial(np.roll, shift=n, axis=0))


def _with_tables(trial: Trial, change: Callable[[IntArray], IntArray | None]) -> Trial:
    def changed(table: IntArray | None) -> IntArray | None:
        return None if table is None else change(table)

    population = replace(trial.population, step_bias=changed(trial.population.step_bias))
    afferents = tuple(
        replace(a, projection=_with_gains(a.projection, changed(a.projection.step_gain)))
        for a in trial.afferents
    )
    return replace(trial, population=population, afferents=afferents)


def _with_gains(projection: Projection, gain: IntArray | None) -> Projection:
    joins = None if gain is None else projection.gained_bias
    return replace(projection, step_gain=gain, gained_bias=joins)


def start_rule(trial: Trial) -> Iterator[Change]:
    """Integrating before the first input arrives, or not."""
    for lead in {0, trial.depth} - {trial.lead}:
        rule = "if all populations start together, at step 0 (start rule)"
        rule = rule if lead else "if populations start by depth (start rule)"
        yield rule, replace(trial, lead=lead)


def _scaled(a: IntArray, k: int) -> IntArray:
    """Times 2^k, whole numbers toward zero."""
    scaled = np.left_shift(a, k) if k >= 0 else np.sign(a) * np.right_shift(np.abs(a), -k)
    return scaled.astype(np.int32)


def weight_exponent(trial: Trial) -> Iterator[Change]:
    """Weights scaled by a power of two."""
    for k in EXPONENTS:
        scaled = trial
        for i, a in enumerate(trial.afferents):
            s = a.projection.synapses
            scaled = _with_synapses(scaled, i, replace(s, weight=_scaled(s.weight, k)))
        if trial.afferents:
            yield f"with weights times 2^{k} (weight exponent)", scaled
    for i, a in enumerate(trial.afferents) if len(trial.afferents) > 1 else ():
        s = a.projection.synapses
        for k in EXPONENTS:
            one = _with_synapses(trial, i, replace(s, weight=_scaled(s.weight, k)))
            yield f"with weights{_from(trial, i)} times 2^{k} (weight exponent)", one


def missing_source(trial: Trial) -> Iterator[Change]:
    """A branch that does not arrive, or arrives with the other sign."""
    for i, a in enumerate(trial.afferents):
        if a.spikes is not None:
            silent = replace(a, spikes=np.zeros_like(a.spikes))
            where = f"from layer {a.projection.source}"
            yield f"if nothing arrives {where}", _with_afferent(trial, i, silent)


def decay_rounding(trial: Trial) -> Iterator[Change]:
    """Decayed states rounded otherwise than toward zero; both decays off by one."""
    if not isinstance(n := trial.population.neuron, CubaLif):
        return
    for rule, text in (("down", "down"), ("nearest", "to the nearest")):
        text = f"if decayed states are rounded {text} instead of toward zero (decay rounding)"
        yield text, replace(trial, arithmetic=Arithmetic(decay=rule))
    for k, text in ((1, "larger"), (-1, "smaller")):
        both = replace(n, i_decay=n.i_decay + k, v_decay=n.v_decay + k)
        if min(both.i_decay, both.v_decay) >= 0 and max(both.i_decay, both.v_decay) <= 4096:
            changed = replace(trial, population=replace(trial.population, neuron=both))
            yield f"with both decays {text} by 1 (decay rounding)", changed


def firing_rule(trial: Trial) -> Iterator[Change]:
    """How a voltage is compared and reset."""
    if isinstance(trial.population.neuron, CubaLif):
        text = "if a voltage equal to the threshold fires"
        yield text, replace(trial, arithmetic=Arithmetic(at_threshold=True))
        text = "if a spike takes the threshold off the voltage instead of clearing it"
        yield text, replace(trial, arithmetic=Arithmetic(subtract=True))


def _near(name: str, value: int) -> list[int]:
    """Other values that a number may have been taken for."""
    if name.endswith(("_exp", "_bits")):
        others, top = [value + 1, value - 1, value + 2, value - 2, 0, 6], 12
    else:
        scaled = [value << k if k > 0 else value >> -k for k in EXPONENTS]
        others, top = [value + 1, value - 1, *scaled], 2**17
    return [other for other in dict.fromkeys(others) if other != value and 0 <= other <= top]


def parameters(trial: Trial) -> Iterator[Change]:
    """Each whole number of the neuron model off by one, or times a power of two."""
    neuron = trial.population.neuron
    numbers = {f.name: getattr(neuron, f.name) for f in fields(neuron)}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        for other in _near(name, value):
            changed: Neuron = replace(neuron, **{name: other})  # type: ignore[arg-type]
            text = f"with a {NAMES.get(name, name.replace('_', ' '))} of {other}, not {value}"
            text += " (decay rounding)" * (name.endswith("decay") and abs(other - value) == 1)
            yield text, replace(trial, population=replace(trial.population, neuron=changed))


def _cut_anew(trial: Trial, first: int, length: int) -> Trial:
    """The same steps, one sample after the other, cut into samples of another phase or length."""

    def cut(a: Values) -> Values:
        row = np.concatenate(list(a), axis=-1)[..., first:]
        count = row.shape[-1] // length
        parts = row[..., : count * length].reshape(*row.shape[:-1], count, length)
        return np.moveaxis(parts, -2, 0)

    sent = [a if a.spikes is None else replace(a, spikes=cut(a.spikes)) for a in trial.afferents]
    sides = {side: {k: cut(a) for k, a in o.items()} for side, o in trial.outcomes.items()}
    return replace(trial, outcomes=sides, afferents=tuple(sent))


def reset_phase(trial: Trial) -> Iterator[Change]:
    """State cleared some steps early or late, or not at all between samples."""
    samples, steps = trial.extent
    if samples < 2 or trial.lead or trial.drive is not None:
        return
    phases = {k: k for k in (1, 2, trial.depth)} | {-k: steps - k for k in (1, 2, trial.depth)}
    for k, first in phases.items():
        if 0 < first < steps:
            text = f"if its reset comes {abs(k)} {'step' if abs(k) == 1 else 'steps'} "
            yield f"{text}{'late' if k > 0 else 'early'}", _cut_anew(trial, first, steps)
    yield "if it is not reset between samples", _cut_anew(trial, 0, samples * steps)


HYPOTHESES: tuple[Hypothesis, ...] = (
    message_bits,
    kernels,
    flatten_order,
    delays,
    bias,
    step_tables,
    start_rule,
    output_delay,
    weight_exponent,
    missing_source,
    decay_rounding,
    firing_rule,
    parameters,
    reset_phase,
)
