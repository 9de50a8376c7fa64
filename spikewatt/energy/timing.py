"""How long a step takes: the largest of the busiest core's terms, the heaviest link, the floor.

    t_step = max(updates x t_neuron, events x t_event, reads x t_read, link, floor)

Each over all cores and for each step; after the runtime model of Timcheck et al. 2026. A term whose
time the profile's sources do not give is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.load import Load
from spikewatt.energy.mapping.routes import Routes
from spikewatt.hardware_profiles.schema import Profile

Floats = npt.NDArray[np.float64]

IO_BOUND_RATIO = 10.0  # measured over modelled step time from which a run counts as I/O-bound


@dataclass(frozen=True, eq=False)
class StepTime:
    """Time of the steps of an execution, in seconds.

    steps_s: (samples, steps). step_time_s: their mean; band_s: with every time at its low and at
    its high end. terms_s: mean of each term at the busiest place; limited_by: the term that sets
    the time of most steps. absent: terms without a time, with the reason.
    """

    steps_s: Floats
    step_time_s: float
    band_s: tuple[float, float]
    terms_s: dict[str, float]
    limited_by: str
    absent: dict[str, str]

    def sample_s(self, steps: int) -> float:
        """Time between samples that follow one another: steps x mean step time."""
        return steps * self.step_time_s

    def throughput(self, steps: int) -> float:
        """Samples a second, streamed back to back."""
        return 1 / self.sample_s(steps)

    def latency_s(self, steps: int, latency_steps: int) -> float:
        """From a sample's first step to its result: (steps + latency in steps) x step time."""
        return (steps + latency_steps) * self.step_time_s


def energy_delay_js(energy_j: float, latency_s: float) -> float:
    """Energy-delay product of one sample, in joule seconds."""
    return energy_j * latency_s


def io_bound(modelled_step_s: float, measured_step_s: float) -> bool:
    """Whether the cores explain less than a tenth of a measured step: host and I/O set its pace."""
    return measured_step_s > IO_BOUND_RATIO * modelled_step_s


_End = int  # 0 low, 1 value, 2 high


# What each core's times of a profile apply to, from the load: (cores, samples, steps), or None.


def _dendrites(load: Load, profile: Profile, end: _End) -> Floats | None:
    """Updates, with the times of those that fire and those that do not."""
    if "neuron_update" in profile.timing:
        active = inactive = _seconds(profile, "neuron_update", end)
    elif {"neuron_update_active", "neuron_update_inactive"} <= profile.timing.keys():
        active = _seconds(profile, "neuron_update_active", end)
        inactive = _seconds(profile, "neuron_update_inactive", end)
    else:
        return None
    quiet = load.updates[:, None, None] - load.firing
    return np.asarray(load.firing * active + quiet * inactive)


def _synapses(load: Load, profile: Profile, end: _End) -> Floats | None:
    if "synaptic_event" not in profile.timing:
        return None
    return np.asarray(load.events * _seconds(profile, "synaptic_event", end))


def _reads(load: Load, profile: Profile, end: _End) -> Floats | None:
    """Reads of synaptic memory, where a source gives their time for an arriving message."""
    if "memory_read" not in profile.timing:
        return None
    return np.asarray(load.messages_in * _seconds(profile, "memory_read", end))


_CORE_TERMS: dict[str, Callable[[Load, Profile, _End], Floats | None]] = {
    "neuron_update": _dendrites,
    "synaptic_event": _synapses,
    "memory_read": _reads,
}


def core_times(load: Load, profile: Profile) -> Floats | None:
    """What each core takes of each step, the largest of its terms, (cores, samples, steps).

    None where the profile gives no time of events or updates.
    """
    terms = {name: term(load, profile, 1) for name, term in _CORE_TERMS.items()}
    known = [times for times in terms.values() if times is not None]
    if terms["neuron_update"] is None and terms["synaptic_event"] is None:
        return None
    return np.asarray(np.maximum.reduce(known))


# What the chip's times apply to: (samples, steps), or None.


def _link(load: Load, routes: Routes | None, profile: Profile, end: _End) -> Floats | None:
    if routes is None or not {"hop_ew", "hop_ns"} <= profile.timing.keys():
        return None
    heaviest = np.zeros(load.events.shape[1:])
    for (_, start, stop), messages in routes.links.items():
        name = "hop_ew" if start[1] == stop[1] else "hop_ns"
        heaviest = np.maximum(heaviest, messages * _seconds(profile, name, end))
    return heaviest


def _floor(load: Load, routes: Routes | None, profile: Profile, end: _End) -> Floats | None:
    names = [name for name in ("step_floor", "barrier") if name in profile.timing]
    if not names:
        return None
    return np.full(load.events.shape[1:], max(_seconds(profile, name, end) for name in names))


_CHIP_TERMS: dict[str, Callable[[Load, Routes | None, Profile, _End], Floats | None]] = {
    "link": _link,
    "floor": _floor,
}


def _seconds(profile: Profile, name: str, end: _End) -> float:
    q = profile.timing[name]
    return q.base_value * (q.band[end] / q.value if q.value else 1.0)


def step_time(load: Load, routes: Routes | None, profile: Profile) -> StepTime | None:
    """Time of each step under a profile; None where it gives no time of events or updates."""
    ends = [_terms(load, routes, profile, end) for end in (0, 1, 2)]
    if not {"neuron_update", "synaptic_event"} & ends[1].keys():
        return None
    low, value, high = (np.maximum.reduce(list(terms.values())) for terms in ends)
    names, terms = list(ends[1]), list(ends[1].values())
    largest = np.stack(terms).argmax(axis=0)
    missing = [name for name in (*_CORE_TERMS, *_CHIP_TERMS) if name not in names]
    absent = dict.fromkeys(missing, "the profile's sources give no time for it")
    return StepTime(
        steps_s=value,
        step_time_s=float(value.mean()),
        band_s=(float(low.mean()), float(high.mean())),
        terms_s={name: float(t.mean()) for name, t in zip(names, terms, strict=True)},
        limited_by=names[int(np.bincount(largest.reshape(-1), minlength=len(names)).argmax())],
        absent=absent,
    )


def _terms(load: Load, routes: Routes | None, profile: Profile, end: _End) -> dict[str, Floats]:
    """Each term at the busiest place."""
    of_cores = {name: term(load, profile, end) for name, term in _CORE_TERMS.items()}
    found = {n: t.max(axis=0, initial=0.0) for n, t in of_cores.items() if t is not None}
    of_chip = {name: term(load, routes, profile, end) for name, term in _CHIP_TERMS.items()}
    return found | {name: times for name, times in of_chip.items() if times is not None}
