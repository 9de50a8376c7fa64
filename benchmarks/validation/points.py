"""What chips measured, beside what the model says; every row of docs/validation.md.

A point is `calibration` where a number of the model was made from it, else `validation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pilotnet

from spikewatt.energy.activity import Activity
from spikewatt.energy.events import Counts, LayerCounts, fan_out
from spikewatt.energy.joules import EnergyResult, energy
from spikewatt.energy.mapping import partition
from spikewatt.energy.mapping.limits import limits_of
from spikewatt.energy.mapping.place import Placed, placed
from spikewatt.energy.mapping.words import list_words
from spikewatt.energy.timing import io_bound
from spikewatt.hardware_profiles import load
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

MICRO = 1e6
INFERENCES_PER_S = 408.91  # PilotNet LIF, oheogulch board
OTHER_BOARD_PER_S = 342.29  # the same notebook's first version, kp_build board


@dataclass(frozen=True)
class Point:
    """One row. model: the model's value and, in brackets, its band or range."""

    what: str
    role: str  # calibration | validation
    published: str
    model: str
    verdict: str
    why: str


@lru_cache(maxsize=1)
def pilotnet_run() -> tuple[Counts, Placed, EnergyResult]:
    """One inference of the shipped frame on loihi2_derived."""
    counts, profile = pilotnet.counts(pilotnet.frame()), load("loihi2_derived")
    done = placed(pilotnet.network(), counts, profile)
    return counts, done, energy(counts, profile, done.placement)


def verdict(value: float, band: tuple[float, float]) -> str:
    """In or out of the band, and by how much it is out."""
    low, high = band
    if low <= value <= high:
        return "in"
    if value > high:
        return f"out, published is {value / high:.2f} x the model's high end"
    return f"out, published is {value / low:.2f} x the model's low end"


def cores() -> list[Point]:
    """Cores of PilotNet on Loihi 2, and words of the Oxford network."""
    found = len(partition(pilotnet.network(), load("loihi2_derived")).cores)
    form = limits_of(load("loihi2_derived")).synapse
    words = [list_words(np.full(a, n), 8, form) for a, n in ((200, 256), (256, 200))]
    exact = "in, exact" if words == [14600, 14592] else "out"
    rows = "the rules of the mapping were read off this table"
    same = "PilotNet LIF's shapes, so it tests little that the rules were not made from"
    return [
        Point("PilotNet LIF, cores", "calibration", "74", f"{found}", "in, exact", rows),
        Point("PilotNet SDNN, cores", "calibration", "61", f"{found - 13}", "in, exact", same),
        Point(
            "Oxford network, words of two layers on one core",
            "validation",
            "14600, 14592",
            f"{words[0]}, {words[1]}",
            exact,
            "8-bit weights assumed: the network's weights are not published with the log",
        ),
    ]


def pilotnet_energy() -> list[Point]:
    """Dynamic, static and total energy of PilotNet LIF on Loihi 2."""
    _, _, e = pilotnet_run()
    assert None not in (e.dynamic_j, e.dynamic_band_j, e.static_j, e.total_j)
    low, high = e.dynamic_band_j
    static = 0.232078 / INFERENCES_PER_S
    total = (low + e.static_j, high + e.static_j)
    return [
        Point(
            "PilotNet LIF, dynamic energy an inference",
            "calibration",
            "1.0935 mJ",
            f"{e.dynamic_j * 1e3:.3f} mJ ({low * 1e3:.3f} to {high * 1e3:.3f})",
            verdict(1.0935e-3, e.dynamic_band_j),
            "the price of an event was solved from it",
        ),
        Point(
            "PilotNet LIF, static energy an inference",
            "validation",
            f"{static * 1e3:.3f} mJ",
            f"{e.static_j * 1e3:.3f} mJ (no band)",
            verdict(static, (e.static_j, e.static_j)),
            "the power is the board's own; the modelled time is too short, next row",
        ),
        Point(
            "PilotNet LIF, total energy an inference",
            "validation",
            "1.661 mJ",
            f"{e.total_j * 1e3:.3f} mJ ({total[0] * 1e3:.3f} to {total[1] * 1e3:.3f})",
            verdict(1.661e-3, total),
            "its dynamic part is calibration; what is out is static energy, by the time",
        ),
    ]


def pilotnet_time() -> list[Point]:
    """Time of a step of PilotNet on Loihi 2: no number of the model was fitted to it."""
    _, done, _ = pilotnet_run()
    assert done.time
    model, rows = done.time.step_time_s, []
    for board, rate in (("one board", INFERENCES_PER_S), ("another", OTHER_BOARD_PER_S)):
        measured = 1 / (rate * pilotnet.STEPS)
        rows.append(
            Point(
                f"PilotNet LIF, time of a step, {board}",
                "validation",
                f"{measured * MICRO:.1f} us",
                f"{model * MICRO:.1f} us (no band)",
                verdict(measured, (model, model)),
                f"set by {done.time.limited_by}, at a time derived from Loihi 1's; no links, "
                "no memory reads",
            )
        )
    return [*rows, _sdnn_time()]


def _sdnn_time() -> Point:
    """The longest step that PilotNet's shapes can take: every neuron sends."""
    profile, measured = load("loihi2_derived"), 1 / 11.18
    full = pilotnet.network()
    longest = placed(full, _all_fire(full), profile).time
    assert longest
    bound = io_bound(longest.step_time_s, measured)
    return Point(
        "PilotNet SDNN, time of a step",
        "validation",
        f"{measured * 1e3:.1f} ms",
        f"at most {longest.step_time_s * 1e3:.2f} ms, if every neuron sent",
        "not comparable: I/O-bound" if bound else "in",
        "frames came in over the host; its dynamic power reads negative",
    )


def _all_fire(network: Network) -> Counts:
    """One step in which every neuron and input fires."""
    layers = []
    for p in network.populations:
        incoming = network.incoming(p.layer)
        spikes = sum(int(np.prod(network.shape_of(q.source))) for q in incoming)
        events = sum(int(fan_out(network, q).sum()) for q in incoming)
        arrays = [np.array([[n]], "i8") for n in (spikes, p.size, events, events)]
        layers.append(LayerCounts(p.layer, *arrays, neuron_updates=p.size, fill={}))
    return Counts(1, 1, tuple(layers))


def _keyword_network() -> Network:
    """390-256-256-29, no weight zero."""
    lif, sizes = CubaLif(4096, 0, 10), (390, 256, 256, 29)
    return Network(
        Input(0, (sizes[0],)),
        tuple(Population(i, (n,), lif) for i, n in enumerate(sizes[1:], 1)),
        tuple(
            Projection(i, i + 1, Dense(np.full((n, m), 2, "i4")))
            for i, (m, n) in enumerate(pairwise(sizes))
        ),
    )


def keyword_spotting(name: str) -> Point:
    """Activity is not published: nothing fires, to everything fires in each of the ten steps."""
    network, profile = _keyword_network(), load(name)
    counts = _all_fire(network)
    done = placed(network, counts, profile)
    most = energy(counts, profile, done.placement)
    updates = sum(p.size for p in network.populations)
    least = energy(Activity(1, 1, 0, 0, updates, 0), profile)
    low, high = 10 * least.dynamic_band_j[0], 10 * most.dynamic_band_j[1]
    return Point(
        f"Keyword spotting 390-256-256-29 on Loihi 1, dynamic ({name})",
        "validation",
        "272 uJ",
        f"{low * MICRO:.2f} to {high * MICRO:.1f} uJ",
        verdict(272e-6, (low, high)),
        "spike rates are not published, so the range runs from no spike to every neuron and input "
        "in every step. Even that does not reach it: most of what was measured is not cores' "
        "work (x86 cores, input and output), which the model leaves out",
    )


def nearest_neighbours(name: str) -> Point:
    """Published synaptic operations times the price of an event; updates are not published."""
    price = load(name).terms["synaptic_event"].band_pj
    low, high = 5.12e7 * price[0] * 1e-9, 5.76e7 * price[2] * 1e-9
    return Point(
        f"k-nearest neighbours, 76.8 k patterns, on Loihi 1 ({name})",
        "validation",
        "1.33 mJ",
        f"{low:.2f} to {high:.2f} mJ, events alone",
        verdict(1.33, (low, high)),
        "5.12 to 5.76e7 events are published, the other terms' counts are not. With all terms "
        "its authors find Davies' table 8.9 to 20.2 % too high",
    )


def denoising() -> Point:
    """N-DNS publishes a proxy, no joules."""
    terms = load("loihi2_derived").terms
    events_mw = 14.52e6 * terms["synaptic_event"].value * 1e-9
    updates_mw = 14.52e6 / 10 * terms["neuron_update"].value * 1e-9
    return Point(
        "N-DNS, SDNN baseline on Loihi 2",
        "validation",
        "proxy only: 14.52 M SynOPS + 10 x NeuronOPS a second",
        f"{updates_mw:.2f} mW (all updates) to {events_mw:.2f} mW (all events), dynamic",
        "not comparable",
        "no energy to compare with, and the proxy does not say which part is which",
    )


def points() -> list[Point]:
    """All rows, in the order of the page."""
    chips = ("loihi1_davies", "loihi1_sanafe")
    return [
        *cores(),
        *pilotnet_energy(),
        *pilotnet_time(),
        *(keyword_spotting(name) for name in chips),
        *(nearest_neighbours(name) for name in chips),
        denoising(),
    ]
