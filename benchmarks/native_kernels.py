"""How the native engine's time follows events: rates of its kernels, and the line of a step.

    uv run --no-sync python benchmarks/native_kernels.py

One core. Each figure is the fastest of several runs, so that other work on the machine matters
little. Counting is on, except where its own cost is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.native.arrays import zeros
from spikewatt.lava_runtime.native.counting import FanOut
from spikewatt.lava_runtime.native.spikes import BEHIND, ONE_EACH, Spikes
from spikewatt.lava_runtime.native.synapses import lay_out
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import Conv, CubaLif, Dense, Input, Network, Population, Projection, Synapses

REPEATS = 7
STEPS = 200
SIDE, CHANNELS = 64, 32  # of the convolution's source
THRESHOLD = 2**17 - 1  # no spikes: the source's activity is the only one


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs."""
    run()
    seconds = []
    for _ in range(REPEATS):
        begun = perf_counter()
        run()
        seconds.append(perf_counter() - begun)
    return min(seconds)


def single(synapses: Synapses, source: tuple[int, ...], target: tuple[int, ...]) -> Network:
    """One projection onto one population."""
    population = Population(1, target, CubaLif(4096, 0, THRESHOLD))
    return Network(Input(0, source), (population,), (Projection(0, 1, synapses),))


def dense(sources: int, targets: int) -> Network:
    """Random weights, none of them 0."""
    weight = np.random.default_rng(0).integers(1, 128, (targets, sources)).astype(np.int32)
    return single(Dense(weight), (sources,), (targets,))


def convolution() -> Network:
    """A 3 x 3 kernel with as many channels out as in."""
    weight = np.random.default_rng(0).integers(1, 30, (CHANNELS, 3, 3, CHANNELS)).astype(np.int32)
    shape = (SIDE, SIDE, CHANNELS)
    return single(Conv(weight, padding=(1, 1)), shape, shape)


def deliveries(network: Network, share: float) -> float:
    """Synaptic events a second of the projection alone, with this share of sources spiking."""
    projection, rng = network.projections[0], np.random.default_rng(1)
    layout, size = lay_out(network, projection), network.input.size
    steps = [np.flatnonzero(rng.random(size) < share).astype(np.int32) for _ in range(8)]
    starts = np.concatenate(([0], np.cumsum([s.size for s in steps])))
    behind = np.zeros(BEHIND, np.int32)
    spikes = Spikes(starts, np.concatenate([*steps, behind]), ONE_EACH)
    ring, touched = zeros((8, network.output.size), np.int32), np.zeros(8, np.uint8)
    seconds = fastest(lambda: layout.deliver(spikes, 0, ring, touched))
    fan_out = _fan_out(network)
    return float(fan_out[np.concatenate(steps)].sum() / seconds)


def _fan_out(network: Network) -> np.ndarray:
    from spikewatt.energy.events import fan_out

    return fan_out(network, network.projections[0])


def execution(network: Network, share: float) -> Execution:
    """The fastest execution of random spikes of this share."""
    rng = np.random.default_rng(2)
    x = (rng.random((1, *network.input.shape, STEPS)) < share).astype(np.int32)
    request, engine = Request(network, x, stream(STEPS)), NativeEngine(workers=1)
    engine.run(request)
    return min((engine.run(request) for _ in range(REPEATS)), key=lambda done: done.wall_s)


def rates(name: str, network: Network) -> None:
    """Events a second by activity."""
    for share in (0.001, 0.01, 0.1, 0.5, 1.0):
        rate = deliveries(network, share) / 1e9
        print(f"{name}, {100 * share:g} % of sources: {rate:.1f} G synaptic events/s")


def line(network: Network) -> None:
    """Time of a step against its events; the fit's error tells how straight it is."""
    shares = np.array([0, *np.geomspace(1e-4, 1e-1, 7)])
    done = [execution(network, share) for share in shares]
    events = np.array([d.counts.by_layer[1].synaptic_events.sum() / STEPS for d in done])
    micros = np.array([d.wall_s / STEPS * 1e6 for d in done])
    slope, silence = np.polyfit(events, micros, 1, w=1 / micros)
    for x, y in zip(events, micros, strict=True):
        fitted = silence + slope * x
        print(f"{x:12.0f} events a step: {y:8.2f} us, {y / fitted:.2f} of the line")
    print(f"silence {micros[0]:.2f} us a step; {1 / slope / 1000:.1f} G synaptic events/s beyond")


def counting(network: Network, share: float) -> float:
    """Time with counting over time without, in turns."""
    seconds: dict[bool, float] = {True: np.inf, False: np.inf}
    count = FanOut.count
    for is_on in (True, False) * 3:
        FanOut.count = count if is_on else _no_count  # type: ignore[method-assign]
        seconds[is_on] = min(seconds[is_on], execution(network, share).wall_s)
    FanOut.count = count  # type: ignore[method-assign]
    return seconds[True] / seconds[False]


def _no_count(fan_out: FanOut, spikes: Spikes, counts: np.ndarray, first: int) -> None:
    pass


def main() -> None:
    """Print all figures."""
    rates("dense 1024 x 1024", dense(1024, 1024))
    rates("dense 4096 x 4096", dense(4096, 4096))
    rates(f"convolution {SIDE} x {SIDE} x {CHANNELS}", convolution())
    print("\ndense 2048 x 2048, step by events")
    line(dense(2048, 2048))
    for share in (0.01, 0.1):
        ratio = counting(dense(1024, 1024), share)
        print(f"counting at {100 * share:g} %: {100 * (ratio - 1):+.1f} % of the time without")


if __name__ == "__main__":
    sys.exit(main())
