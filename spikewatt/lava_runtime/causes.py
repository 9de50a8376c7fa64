"""Why two executions probably differ, at the first layer that does.

The layer is executed alone, from what it received, once as the network has it and once for each
hypothesis of `hypotheses.py`: the one that gives exactly what a side recorded is the cause. Where
that cannot be done, or nothing fits, what the spikes look like has to do. A cause is a function
from a `Case` to a sentence or None; `CAUSES` lists them, the most telling first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.case import Case, first_place
from spikewatt.lava_runtime.hypotheses import HYPOTHESES
from spikewatt.lava_runtime.reference import SUMS
from spikewatt.lava_runtime.replay import Trial, Values
from spikewatt.network import CubaLif, Dense

Cause: TypeAlias = Callable[[Case], "str | None"]

ALSO = 2  # further hypotheses that are named where several fit


def _tried(case: Case) -> str | None:
    """The hypothesis under which the layer gives what a side recorded."""
    if case.trial is None:
        return None
    trial, follower = case.trial
    for side in trial.outcomes:
        texts = [] if side == follower else list(islice(_fitting(trial, side), 1 + ALSO))
        if texts:
            also = f" (and just so: {'; '.join(texts[1:])})" if texts[1:] else ""
            rest = "neither side follows the network as it stands"
            if follower:
                rest = f"what was {_other(side)} follows the network"
            return f"layer {case.layer} gives exactly what was {side} {texts[0]}{also}; {rest}"
    return None


def _other(side: str) -> str:
    return "found" if side == "expected" else "expected"


def _fitting(trial: Trial, side: str) -> Iterator[str]:
    """Hypotheses that reproduce a side; most are ruled out by the first difference alone."""
    sample, step = first_place(trial)
    for hypothesis in HYPOTHESES:
        for text, changed in hypothesis(trial):
            same_samples = changed.extent[0] == trial.extent[0]
            quick = changed.part(sample, step + 1) if same_samples else changed
            if _gives(quick, side) and _gives(changed, side):
                yield text


def _gives(trial: Trial, side: str) -> bool:
    """Whether a hypothesis holds; one that no engine can execute does not."""
    try:
        return trial.gives(side)
    except SpikewattError:
        return False


def _shifted(case: Case) -> str | None:
    expected, found = case.pair
    for word, want, got in (
        ("later", expected[..., :-1], found[..., 1:]),
        ("earlier", expected[..., 1:], found[..., :-1]),
    ):
        if want.any() and np.array_equal(want, got):
            return f"the same spikes come one step {word}: a delay or the phase of a reset is off"
    return None


def _trains(spikes: Values) -> Values:
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
    if later < 1 or 0 in case.samples or 4 * len(case.samples) < 3 * later:
        return None
    return "the first sample agrees, later ones do not: state or delayed spikes outlive a reset"


def _by_state(case: Case) -> str | None:
    """Which half of a CUBA-LIF neuron differs, where its states are recorded."""
    want, got = (side.get("u", {}).get(case.layer) for side in (case.expected, case.found))
    cuba = isinstance(case.network.by_layer[case.layer].neuron, CubaLif)
    if not cuba or not case.sources_equal or want is None or got is None:
        return None
    if np.array_equal(want, got):
        return (
            f"what layer {case.layer} receives is equal and so is its current u: its bias, voltage "
            f"decay, threshold or reset differ{_follower(case)}"
        )
    return (
        f"what layer {case.layer} receives is equal and its current u is not: its own weights, "
        f"delays or current decay differ{_follower(case)}"
    )


def _follower(case: Case) -> str:
    side = case.trial[1] if case.trial else None
    return f"; what was {side} follows the network" if side else ""


def _own_parameters(case: Case) -> str | None:
    if not case.sources_equal:
        return None
    incoming = case.network.incoming(case.layer)
    dense = [case.network.shape_of(q.source) for q in incoming if isinstance(q.synapses, Dense)]
    flatten = ", flatten order" if any(len(shape) > 1 for shape in dense) else ""
    return (
        f"what layer {case.layer} receives is equal, so its own weights{flatten}, delays, bias, "
        f"decays or threshold differ{_follower(case)}"
    )


def _not_recorded(case: Case) -> str | None:
    if case.unknown_sources:
        return f"unknown, because what layer {case.layer} receives is not recorded"
    return f"unknown; what layer {case.layer} receives differs before it is recorded"


def _to_record(case: Case) -> str:
    if not (unknown := case.unknown_sources):
        return ""
    noun = "layer" if len(unknown) == 1 else "layers"
    return f"; record {noun} {', '.join(map(str, unknown))} too on both sides to tell more"


def _readout_itself(case: Case) -> str | None:
    if not case.known_equal(case.layer):
        return None
    return "the last layer's spikes are equal: the read-out's kind, groups or last step differ"


def _beside_readout(case: Case) -> str:
    return "the read-outs are equal: the persons of a clip, or what the host adds, differ"


SPIKE_CAUSES: tuple[Cause, ...] = (
    _tried,
    _shifted,
    _permuted,
    _left_over,
    _by_state,
    _own_parameters,
    _not_recorded,
)
STATE_CAUSES: tuple[Cause, ...] = (_tried, _by_state, _own_parameters, _not_recorded)
CAUSES: dict[str, tuple[Cause, ...]] = {
    "spikes": SPIKE_CAUSES,
    "u": STATE_CAUSES,
    "v": STATE_CAUSES,
    "readout": (_readout_itself, _not_recorded),
    "decision": (_beside_readout,),
}


def likely_cause(quantity: str, case: Case) -> str:
    """The first cause that fits; a state that differs together with its spikes is told by them."""
    spikes = quantity not in SUMS and not case.known_equal(case.layer)
    causes = CAUSES["spikes" if spikes else quantity]
    told = next(text for cause in causes if (text := cause(case)) is not None)
    return told + _to_record(case)
