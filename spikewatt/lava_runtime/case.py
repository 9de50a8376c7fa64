"""The first layer that differs, and how it is executed alone.

What it received is what its sources were recorded to send, or the stimulus. The schedule, where
nobody says it, is the one under which the layer does what one of the sides did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TypeAlias

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.attending import attended
from spikewatt.lava_runtime.replay import Afferent, Outcome, Trial, Values
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import Attention, IntArray, Network, Projection, Sparse, StartRule

Record: TypeAlias = dict[str, dict[int, Values]]  # spikes, u, v by layer

SAMPLES = 8  # so many around the first difference are executed again


@dataclass(frozen=True, eq=False)
class Case:
    """The first layer that differs, with what is known about the two executions.

    samples: those in which anything recorded of the layer differs. stimulus, schedule: what was
    executed, None where unknown.
    """

    network: Network
    layer: int
    samples: frozenset[int]
    expected: Record
    found: Record
    stimulus: IntArray | None = None
    schedule: Schedule | None = None

    @cached_property
    def pair(self) -> tuple[Values, Values]:
        """Expected and found spikes of the layer."""
        return self.expected["spikes"][self.layer], self.found["spikes"][self.layer]

    def known_equal(self, layer: int) -> bool:
        """Whether a layer's spikes (or the stimulus) are known to be equal on both sides."""
        if layer not in self.network.by_layer:
            return True
        want, got = (side["spikes"].get(layer) for side in (self.expected, self.found))
        return want is not None and got is not None and np.array_equal(want, got)

    @property
    def unknown_sources(self) -> list[int]:
        """This layer and those that project to it, where not recorded on both sides."""
        known = self.expected["spikes"].keys() & self.found["spikes"].keys()
        needed = {self.layer, *_sources(self.network, self.layer)}
        return sorted((needed & self.network.by_layer.keys()) - known)

    @property
    def sources_equal(self) -> bool:
        """Whether all that the layer receives from elsewhere is known to be equal."""
        return all(map(self.known_equal, _sources(self.network, self.layer) - {self.layer}))

    @cached_property
    def trial(self) -> tuple[Trial, str | None] | None:
        """The layer alone, and the side that it reproduces; None where it cannot be executed.

        Where the schedule is not known, the one under which a side is reproduced is taken.
        """
        try:
            trials = list(_trials(self))
            for trial in trials:
                for side in trial.outcomes:
                    if trial.gives(side):
                        return trial, side
        except SpikewattError:  # the native engine does not have this layer: nothing to try
            return None
        return (trials[0], None) if trials else None


def _sources(network: Network, layer: int) -> set[int]:
    """Layers that project to a layer."""
    return {source for q in network.incoming(layer) for source in q.sources}


def _outcomes(case: Case) -> dict[str, Outcome]:
    """By side what both recorded of the layer."""
    sides = {"expected": case.expected, "found": case.found}
    return {
        name: {k: side[k][case.layer] for k in side if case.layer in side[k]}
        for name, side in sides.items()
    }


def _trials(case: Case) -> Iterator[Trial]:
    """The layer under each schedule that it may have been executed with."""
    if not case.sources_equal or case.layer not in case.expected["spikes"]:
        return
    read = {case.layer, *_sources(case.network, case.layer)}
    if case.network.input.layer in read and case.stimulus is None:
        return
    depth, schedule = case.network.depths[case.layer], case.schedule
    if schedule is not None and not schedule.windowed:
        if schedule.period is None or schedule.period + depth <= schedule.steps:
            yield _streamed(case, schedule.period)
        return
    together = case.network.start is StartRule.TOGETHER
    if schedule is not None:
        together = not schedule.staggered
    if case.network.table_steps is not None:  # counted from a reset by depth
        yield _around_first(_trial(case, lead=0))
        return
    for rule in (together, not together) if schedule is None else (together,):
        yield _around_first(_trial(case, lead=depth if rule else 0))
    if schedule is None and len(case.pair[0]) == 1:
        yield _streamed(case, None)


def _trial(case: Case, lead: int) -> Trial:
    """As samples that all begin with a reset; columns count from each layer's own first step."""
    network, layer = case.network, case.layer
    depths = network.depths
    afferents = [
        Afferent(_alone(network, q), network.shape_of(q.source), _received(case, q), at)
        for q in network.incoming(layer)
        for at in [depths[q.source] + 1 + q.delay - depths[layer]]
    ]
    entry = network.input
    drive = _held(case) if entry.drives_bias and layer == entry.layer else None
    if entry.drives_dendrite and layer == entry.layer:
        afferents.append(_dendrite(case))
    return Trial(
        population=network.by_layer[layer],
        afferents=tuple(afferents),
        outcomes=_outcomes(case),
        lead=lead,
        depth=depths[layer],
        drive=drive,
    )


def _alone(network: Network, projection: Projection) -> Projection:
    """A projection of one source; attention's weight, applied to what it multiplied."""
    if not isinstance(projection.synapses, Attention):
        return projection
    size = prod(network.shape_of(projection.target))
    weight = np.full(size, projection.synapses.weight[0], np.int32)
    return replace(projection, synapses=_one_to_one(weight))


def _one_to_one(weight: IntArray) -> Sparse:
    index = np.arange(weight.size, dtype=np.int32)
    return Sparse(index, index, weight, (weight.size, weight.size), 0)


def _received(case: Case, projection: Projection) -> IntArray | None:
    """What a projection's source sent; of attention, the product of what its sources sent."""
    s = projection.synapses
    if not isinstance(s, Attention):
        return _sent(case, projection.source)
    known = [_sent(case, layer) for layer in projection.sources]
    q, k, v = (a.reshape(len(a), -1, a.shape[-1]).swapaxes(1, 2) for a in known if a is not None)
    one = replace(s, weight=np.ones(1, np.int32))
    shape = case.network.shape_of(projection.target)
    product = attended(one, shape, (q, k, v)).swapaxes(1, 2).astype(np.int32)
    return np.asarray(product.reshape(len(product), *shape, -1))


def _sent(case: Case, layer: int) -> IntArray | None:
    """Recorded spikes of a source; the stimulus as the engine takes it."""
    if layer == case.layer:
        return None
    if layer in case.network.by_layer:
        return case.expected["spikes"][layer]
    assert case.stimulus is not None
    graded = case.network.input.message_bits > 0
    return case.stimulus if graded else (case.stimulus != 0).astype(np.int32)


def _held(case: Case) -> IntArray:
    """The stimulus of a population that it drives, with held values at every step."""
    assert case.stimulus is not None
    steps = case.pair[0].shape[-1]
    return np.broadcast_to(case.stimulus, (*case.stimulus.shape[:-1], steps))


def _dendrite(case: Case) -> Afferent:
    """A stimulus that is the dendrite's input, as synapses of weight 1 without latency."""
    entry = case.network.input
    one = _one_to_one(np.ones(entry.size, np.int32))
    projection = Projection(entry.layer, entry.layer, one)
    return Afferent(projection, entry.shape, _held(case), at=0)


def _streamed(case: Case, period: int | None) -> Trial:
    """A plain stream as one sample; one with resets as the samples between them."""
    trial = _trial(case, lead=0)
    depths, steps = case.network.depths, trial.extent[1]
    if period is None:
        plain = (
            replace(a, at=a.at + trial.depth - depths[a.projection.source]) for a in trial.afferents
        )
        return replace(trial, afferents=tuple(plain))
    count = (steps - trial.depth) // period

    def cut(a: Values, first: int) -> Values:
        row = a[0][..., first : first + count * period]
        return np.moveaxis(row.reshape(*row.shape[:-1], count, period), -2, 0)

    sent = [
        a if a.spikes is None else replace(a, spikes=cut(a.spikes, depths[a.projection.source]))
        for a in trial.afferents
    ]
    sides = {s: {k: cut(a, trial.depth) for k, a in o.items()} for s, o in trial.outcomes.items()}
    drive = None if trial.drive is None else cut(trial.drive, 0)
    return _around_first(replace(trial, outcomes=sides, afferents=tuple(sent), drive=drive))


def first_place(trial: Trial) -> tuple[int, int]:
    """Sample and step of the first difference."""
    want, got = trial.outcomes["expected"], trial.outcomes["found"]
    wrong = [np.argwhere(want[k] != got[k])[:, [-1, 0]] for k in want.keys() & got.keys()]
    step, sample = min(map(tuple, np.concatenate(wrong).tolist()), default=(0, 0))
    return sample, step


def _around_first(trial: Trial) -> Trial:
    """Only some samples around the one that differs first."""
    first = max(0, first_place(trial)[0] - SAMPLES // 2)
    return trial.samples(first, first + SAMPLES)
