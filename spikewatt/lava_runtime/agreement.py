"""Whether two executions agree, and if not: where first, and probably why.

A cause is a function from a `Case` to a sentence or None; `CAUSES` lists them, the most telling
first. A new cause is a new entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import differences
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution
from spikewatt.lava_runtime.reference import Reference, load_reference, save_reference
from spikewatt.network import Dense, IntArray, Network

__all__ = ["Agreement", "Difference", "Reference", "compare", "load_reference", "save_reference"]

Spikes: TypeAlias = dict[int, IntArray]
Values: TypeAlias = npt.NDArray[Any]
Side: TypeAlias = Execution | Reference
Cause: TypeAlias = "Callable[[Case], str | None]"


@dataclass(frozen=True, eq=False)
class Quantity:
    """What two executions recorded of one layer."""

    name: str  # spikes, u, v; or readout, whose groups stand for neurons, of one step
    layer: int
    expected: Values
    found: Values

    def __str__(self) -> str:
        return f"{self.name} of layer {self.layer}"


@dataclass(frozen=True)
class Difference:
    """The first value that differs: the earliest step of the first layer in execution order.

    quantity: spikes, u, v or readout. neuron: (x, y, channel), or (n,). A read-out has groups
    instead of neurons, and the step 0.
    """

    quantity: str
    layer: int
    step: int
    sample: int
    neuron: tuple[int, ...]
    expected: int
    found: int

    def __str__(self) -> str:
        at = f"step {self.step}, sample {self.sample}, neuron {self.neuron}"
        if self.quantity == "readout":
            at = f"sample {self.sample}, group {self.neuron[0]}"
        values = f"expected {self.expected}, found {self.found}"
        return f"{self.quantity} of layer {self.layer}, {at}: {values}"


@dataclass(frozen=True)
class Agreement:
    """What was compared and what came of it; counts holds one line per count that differs."""

    compared: tuple[str, ...]
    mismatches: dict[str, int]  # number of values that differ, by what was compared
    first: Difference | None
    cause: str | None
    counts: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether everything compared is equal."""
        return not self.mismatches and not self.counts

    def __str__(self) -> str:
        if self.equal:
            return f"Equal: {', '.join(self.compared)}."
        values = [f"{n} values of {what}" for what, n in self.mismatches.items()]
        parts = [f"Different: {', '.join(values) or 'counts only'}."]
        parts += [f"First: {self.first}."] * bool(self.first)
        parts += [f"Likely cause: {self.cause}."] * bool(self.cause)
        parts += [f"Counts, expected against found: {'; '.join(self.counts)}."] * bool(self.counts)
        return " ".join(parts)


@dataclass(frozen=True, eq=False)
class Case:
    """One layer that differs, with what is known about the two executions.

    samples: those in which anything recorded of the layer differs.
    """

    network: Network
    layer: int
    samples: frozenset[int]
    expected: Spikes
    found: Spikes

    @cached_property
    def pair(self) -> tuple[IntArray, IntArray]:
        """Expected and found spikes of the layer."""
        return self.expected[self.layer], self.found[self.layer]

    def known_equal(self, layer: int) -> bool:
        """Whether a layer's spikes (or the stimulus) are known to be equal on both sides."""
        if layer not in self.network.by_layer:
            return True
        both = layer in self.expected and layer in self.found
        return both and np.array_equal(self.expected[layer], self.found[layer])

    @property
    def sources_equal(self) -> bool:
        """Whether all that the layer receives is known to be equal."""
        return all(self.known_equal(q.source) for q in self.network.incoming(self.layer))


def _shifted(case: Case) -> str | None:
    expected, found = case.pair
    for word, want, got in (
        ("later", expected[..., :-1], found[..., 1:]),
        ("earlier", expected[..., 1:], found[..., :-1]),
    ):
        if want.any() and np.array_equal(want, got):
            return f"the same spikes come one step {word}: a delay or the phase of a reset is off"
    return None


def _trains(spikes: IntArray) -> IntArray:
    """Spike trains of all neurons, sorted, (neurons, samples x steps)."""
    flat = spikes.reshape(len(spikes), -1, spikes.shape[-1])
    trains = np.concatenate(list(flat), axis=1)
    return np.asarray(trains[np.lexsort(trains.T)])


def _permuted(case: Case) -> str | None:
    expected, found = case.pair
    if not np.array_equal(_trains(expected), _trains(found)):
        return None
    return "the same spike trains come from other neurons: the flatten or axis order is off"


def _left_over(case: Case) -> str | None:
    later = len(case.pair[0]) - 1
    if later < 1 or 0 in case.samples or 2 * len(case.samples) < later:
        return None
    return "the first sample agrees, later ones do not: state or delayed spikes outlive a reset"


def _own_parameters(case: Case) -> str | None:
    if not case.sources_equal:
        return None
    incoming = case.network.incoming(case.layer)
    dense = [case.network.shape_of(q.source) for q in incoming if isinstance(q.synapses, Dense)]
    flatten = ", flatten order" if any(len(shape) > 1 for shape in dense) else ""
    return (
        f"what layer {case.layer} receives is equal, so its own weights{flatten}, delays, bias, "
        "decays or threshold differ"
    )


def _not_recorded(case: Case) -> str | None:
    return f"unknown; record the layers before layer {case.layer} on both sides to tell"


def _readout_itself(case: Case) -> str | None:
    if not case.known_equal(case.layer):
        return None
    return "the last layer's spikes are equal: the read-out's kind, groups or last step differ"


SPIKE_CAUSES: tuple[Cause, ...] = (_shifted, _permuted, _left_over, _own_parameters, _not_recorded)
STATE_CAUSES: tuple[Cause, ...] = (_own_parameters, _not_recorded)
CAUSES: dict[str, tuple[Cause, ...]] = {
    "spikes": SPIKE_CAUSES,
    "u": STATE_CAUSES,
    "v": STATE_CAUSES,
    "readout": (_readout_itself, _not_recorded),
}


def _likely_cause(first: Difference, case: Case) -> str:
    """The first cause that fits; a state that differs together with its spikes is told by them."""
    spikes = first.quantity != "readout" and not case.known_equal(case.layer)
    causes = CAUSES["spikes" if spikes else first.quantity]
    return next(text for cause in causes if (text := cause(case)) is not None)


def _first(quantity: str, layer: int, expected: Values, found: Values) -> Difference:
    """The first differing value of (N, *shape, T) arrays by step, sample, neuron."""
    step, sample, *neuron = (int(i) for i in np.argwhere(np.moveaxis(expected != found, -1, 0))[0])
    at = (sample, *neuron, step)
    values = int(expected[at]), int(found[at])
    return Difference(quantity, layer, step, sample, tuple(neuron), *values)


def _check_shape(q: Quantity) -> None:
    if q.expected.shape != q.found.shape:
        raise SpikewattError(
            f"The {q} to compare has shape {q.found.shape}, the expected one {q.expected.shape} "
            "(samples first, steps last). Run both on the same input, for the same steps."
        )


def _layers(network: Network, expected: Side, found: Execution) -> list[Quantity]:
    """What both sides recorded, layers in execution order."""
    pairs = [("spikes", expected.spikes, found.spikes)]
    if isinstance(expected, Execution):
        pairs += [("u", expected.u, found.u), ("v", expected.v, found.v)]
    return [
        Quantity(name, p.layer, want[p.layer], got[p.layer])
        for p in network.populations
        for name, want, got in pairs
        if p.layer in want and p.layer in got
    ]


def _first_in_layers(quantities: list[Quantity]) -> Difference | None:
    """The earliest difference of the first layer that has one."""
    wrong = [q for q in quantities if not np.array_equal(q.expected, q.found)]
    here = [q for q in wrong if q.layer == wrong[0].layer]
    firsts = [_first(q.name, q.layer, q.expected, q.found) for q in here]
    return min(firsts, key=lambda d: d.step, default=None)


def _differing_samples(quantities: list[Quantity]) -> frozenset[int]:
    wrong = [np.argwhere(q.expected != q.found)[:, 0].tolist() for q in quantities]
    return frozenset(sample for samples in wrong for sample in samples)


def _readout(network: Network, expected: Side, found: Execution) -> Quantity | None:
    if expected.readout is None or found.readout is None:
        return None
    sums = (np.asarray(side.readout)[..., np.newaxis] for side in (expected, found))
    return Quantity("readout", network.output.layer, *sums)


def _counts(expected: Side, found: Execution) -> tuple[str, ...] | None:
    """Lines for counts that differ; None where a reference has none."""
    if isinstance(expected, Reference):
        return None
    return tuple(differences(expected.counts, found.counts))


def compare(network: Network, expected: Side, found: Execution) -> Agreement:
    """Compare recorded spikes and state, read-outs and counts, as far as both sides have them.

    Raises SpikewattError where they have nothing in common, or other samples or steps.
    """
    quantities = _layers(network, expected, found)
    readout, counts = _readout(network, expected, found), _counts(expected, found)
    for q in (all_q := [*quantities, readout] if readout else quantities):
        _check_shape(q)
    if not all_q and counts is None:
        raise SpikewattError(
            "Nothing to compare: the reference and the run have no recorded layer and no read-out "
            "in common. Record the layers that the reference holds."
        )
    first = _first_in_layers(quantities) or (_first_in_layers([readout]) if readout else None)
    samples = _differing_samples([q for q in all_q if first and q.layer == first.layer])
    case = first and Case(network, first.layer, samples, expected.spikes, found.spikes)
    return Agreement(
        compared=(*map(str, all_q), *(["counts"] if counts is not None else [])),
        mismatches={str(q): n for q in all_q if (n := np.count_nonzero(q.expected != q.found))},
        first=first,
        cause=_likely_cause(first, case) if first and case else None,
        counts=counts or (),
    )
