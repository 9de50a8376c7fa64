"""Whether two executions agree, and if not: where first, and probably why (`causes.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from spikewatt.energy.events import differences
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.case import Case, Record
from spikewatt.lava_runtime.causes import likely_cause
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.reference import (
    SUMS,
    Reference,
    load_reference,
    save_reference,
)
from spikewatt.lava_runtime.replay import Values
from spikewatt.network import Network

__all__ = ["Agreement", "Difference", "Reference", "compare", "load_reference", "save_reference"]

Side: TypeAlias = Execution | Reference


@dataclass(frozen=True, eq=False)
class Quantity:
    """What two executions recorded of one layer."""

    name: str  # spikes, u, v; or readout, decision, whose groups stand for neurons, of one step
    layer: int
    expected: Values
    found: Values

    def __str__(self) -> str:
        return f"{self.name} of layer {self.layer}"


@dataclass(frozen=True)
class Difference:
    """The first value that differs: the earliest step of the first layer in execution order.

    quantity: spikes, u, v, readout or decision. neuron: (x, y, channel), or (n,). A read-out has
    groups instead of neurons, and the step 0; a decision's sample is its clip. module: of the
    trained network, where the file names it.
    """

    quantity: str
    layer: int
    step: int
    sample: int
    neuron: tuple[int, ...]
    expected: int
    found: int
    module: str = ""

    def __str__(self) -> str:
        at = f"step {self.step}, sample {self.sample}, neuron {self.neuron}"
        if self.quantity in SUMS:
            what = "clip" if self.quantity == "decision" else "sample"
            at = f"{what} {self.sample}, group {self.neuron[0]}"
        values = f"expected {self.expected}, found {self.found}"
        layer = f"{self.layer} ({self.module})" if self.module else str(self.layer)
        return f"{self.quantity} of layer {layer}, {at}: {values}"


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


def _sums(network: Network, expected: Side, found: Execution) -> list[Quantity]:
    """Read-outs, and decisions where they are something else."""
    quantities = []
    for name in SUMS if network.decides_apart else SUMS[:1]:
        want, got = (getattr(side, name) for side in (expected, found))
        if want is not None and got is not None:
            layer = network.output.layer
            quantities.append(Quantity(name, layer, want[..., np.newaxis], got[..., np.newaxis]))
    return quantities


def _counts(expected: Side, found: Execution) -> tuple[str, ...] | None:
    """Lines for counts that differ; None where a reference has none."""
    if isinstance(expected, Reference):
        return None
    return tuple(differences(expected.counts, found.counts))


def _record(side: Side) -> Record:
    if isinstance(side, Reference):
        return {"spikes": side.spikes}
    return {"spikes": side.spikes, "u": side.u, "v": side.v}


def _cause(
    network: Network, sides: tuple[Side, Execution], all_q: list[Quantity], first: Difference,
    request: Request | None,
) -> str:  # fmt: skip
    samples = _differing_samples([q for q in all_q if q.layer == first.layer])
    stimulus = request.stimulus if request else None
    if isinstance(sides[0], Reference):
        stimulus = sides[0].input
    records = _record(sides[0]), _record(sides[1])
    schedule = request.schedule if request else None
    case = Case(network, first.layer, samples, *records, stimulus, schedule)
    return likely_cause(first.quantity, case)


def compare(
    network: Network, expected: Side, found: Execution, request: Request | None = None
) -> Agreement:
    """Compare recorded spikes and state, read-outs and counts, as far as both sides have them.

    request: what was executed; with its stimulus and schedule the cause of a difference in the
    layers behind the input can be found too (a reference file brings its own stimulus).
    Raises SpikewattError where they have nothing in common, or other samples or steps.
    """
    quantities = _layers(network, expected, found)
    sums, counts = _sums(network, expected, found), _counts(expected, found)
    for q in (all_q := [*quantities, *sums]):
        _check_shape(q)
    if not all_q and counts is None:
        raise SpikewattError(
            "Nothing to compare: the reference and the run have no recorded layer and no read-out "
            "in common. Record the layers that the reference holds."
        )
    first = _first_in_layers(quantities)
    for q in sums:
        first = first or _first_in_layers([q])
    if first is not None:
        first = replace(first, module=network.names.get(first.layer, ""))
    return Agreement(
        compared=(*map(str, all_q), *(["counts"] if counts is not None else [])),
        mismatches={str(q): n for q in all_q if (n := np.count_nonzero(q.expected != q.found))},
        first=first,
        cause=_cause(network, (expected, found), all_q, first, request) if first else None,
        counts=counts or (),
    )
