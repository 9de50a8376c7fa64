"""A network file's dense forward pass in torch, as one writes it without a spiking library.

Every step, every layer: a convolution or a matrix product in float32, then the neuron in float64.
Both are exact while sums stay below 2^24, so spikes equal the engines' to the bit; whoever times it
checks that each time. Zero spikes are multiplied like any others: time does not depend on them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from spikewatt.commands.bench.tally import Tally, Trains
from spikewatt.errors import SpikewattError
from spikewatt.expansion import expand
from spikewatt.lava_runtime.deciding import decided
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.network import Conv, CubaLif, Dense, Network, Population, Projection, Sparse
from spikewatt.tables import stepping

STATE_MAX = float(2**23 - 1)
MATRIX_CELLS_MAX = 2**29  # 2 GiB of float32

Weighted = Callable[[torch.Tensor], torch.Tensor]  # (N, sources) -> (N, targets)


def _matrix(weight: npt.NDArray[Any]) -> Weighted:
    matrix = torch.tensor(weight, dtype=torch.float32)
    return lambda spikes: functional.linear(spikes, matrix)


def _dense(network: Network, p: Projection, s: Dense) -> Weighted:
    return _matrix(s.weight)


def _sparse(network: Network, p: Projection, s: Sparse) -> Weighted:
    """Listed synapses as a matrix with its zeros."""
    if s.shape[0] * s.shape[1] > MATRIX_CELLS_MAX or s.delay is not None:
        raise SpikewattError(
            f"The synapses from layer {p.source} to layer {p.target}, {s.shape}, have delays or "
            f"more than {MATRIX_CELLS_MAX} cells as a matrix; the dense pass takes neither."
        )
    weight = np.zeros(s.shape, np.float32)
    np.add.at(weight, (s.targets, s.sources), s.weight)
    return _matrix(weight)


def _conv(network: Network, p: Projection, s: Conv) -> Weighted:
    """Populations lie as (x, y, channel): torch's channels_last, without a copy."""
    shape = network.shape_of(p.source)
    weight = torch.tensor(s.weight.transpose(0, 3, 1, 2), dtype=torch.float32)
    weight = weight.contiguous(memory_format=torch.channels_last)

    def weighted(spikes: torch.Tensor) -> torch.Tensor:
        image = spikes.view(-1, *shape).permute(0, 3, 1, 2)
        sums = functional.conv2d(image, weight, None, s.stride, s.padding, s.dilation, s.groups)
        return sums.permute(0, 2, 3, 1).reshape(len(spikes), -1)

    return weighted


WEIGHTED: dict[type, Callable[[Network, Projection, Any], Weighted]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
}


class Inlet:
    """One projection: its weights and, where targets have delays, what is on its way."""

    def __init__(self, network: Network, p: Projection, lag: int) -> None:
        synapses = expand(p.synapses, network.shape_of(p.source), network.shape_of(p.target))
        self.source, self.lag = p.source, lag
        self.weighted = WEIGHTED[type(synapses)](network, p, synapses)
        delay = synapses.delay if isinstance(synapses, Dense) else None
        if p.axon_delay is not None or lag not in (0, 1):
            raise SpikewattError("The dense pass has no delays of axons or of whole projections.")
        if delay is not None and (delay != delay[:, :1]).any():
            raise SpikewattError("The dense pass has one delay a target; this layer has more.")
        self.delay = None if delay is None else torch.tensor(delay[:, 0], dtype=torch.int64)
        self.late = torch.zeros(0)

    def clear(self, samples: int) -> None:
        """Forget what is on its way."""
        if self.delay is not None:
            self.late = torch.zeros(int(self.delay.max()) + 1, samples, len(self.delay))

    def current(self, spikes: torch.Tensor, step: int) -> torch.Tensor:
        """What arrives in this step, (N, targets)."""
        sums = self.weighted(spikes)
        if self.delay is None:
            return sums
        rows, targets = len(self.late), torch.arange(len(self.delay))
        self.late[(step + self.delay) % rows, :, targets] += sums.T
        arrived = self.late[step % rows].clone()
        self.late[step % rows] = 0
        return arrived


class Layer:
    """One population of CUBA-LIF neurons."""

    def __init__(self, network: Network, p: Population, lags: Callable[[Projection], int]) -> None:
        if not isinstance(p.neuron, CubaLif):
            kind = type(p.neuron).__name__
            raise SpikewattError(f"The dense pass has LIF neurons; layer {p.layer} has {kind}.")
        self.number, self.size, self.depth = p.layer, p.size, network.depths[p.layer]
        self.keep_u = 1 - p.neuron.i_decay / 4096  # exact: a power of two divides
        self.keep_v = 1 - p.neuron.v_decay / 4096
        self.threshold = float(p.neuron.v_threshold << 6)
        bias = np.zeros(p.shape) if p.bias is None else p.bias
        self.bias = torch.tensor(bias.reshape(-1) * 64.0)
        self.inlets = [Inlet(network, q, lags(q)) for q in network.incoming(p.layer)]
        self.u = self.v = torch.zeros(0, dtype=torch.float64)

    def clear(self, samples: int) -> None:
        """State 0."""
        self.u = torch.zeros(samples, self.size, dtype=torch.float64)
        self.v = torch.zeros_like(self.u)

    def step(self, current: torch.Tensor | float, bias: torch.Tensor) -> torch.Tensor:
        """One step of the neurons: spikes (N, size) as float32."""
        self.u = torch.trunc(self.u * self.keep_u) + current * 64.0
        self.v = (torch.trunc(self.v * self.keep_v) + self.u + bias).clamp(-STATE_MAX, STATE_MAX)
        fires = self.v > self.threshold
        self.v = self.v.masked_fill(fires, 0.0)
        return fires.float()


def shared_threads(samples: int) -> int:
    """Threads for so many clips: a core for each as long as there are any, as native has it."""
    return min(samples, len(os.sched_getaffinity(0)))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _whole_numbers() -> Iterator[None]:
    """A GPU's convolutions in float32: TF32 would shorten graded spikes."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def finish(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


Watch = Callable[[int, Trains], None]  # sees every layer's spikes at the end of a step


@dataclass(frozen=True)
class DenseRun:
    """Seconds of building and of stepping."""

    build_s: float
    wall_s: float


class DenseTorch:
    """A request's dense pass: clips as one batch, each layer in the step of its source; or a
    stream on Lava's clock, each layer a step behind its source, reset as the schedule says.

    device: cpu or cuda. On CPUs it takes as many threads as the native engine: a core for each clip
    as long as there are any.

    Raises SpikewattError for neurons, delays and start rules that it does not have.
    """

    def __init__(self, request: Request, device: str = "cpu") -> None:
        begun = perf_counter()
        network, self.request = request.network, request
        self.device = torch.device(device)
        self.clips = request.schedule.windowed
        if self.clips and not request.schedule.staggered:
            raise SpikewattError("The dense pass runs clips that start by depth.")
        if network.host is not None or stepping(network):
            raise SpikewattError("The dense pass has no host's stage and no tables of steps.")
        if network.input.drives_dendrite:
            raise SpikewattError("The dense pass has no input that drives a dendrite.")
        self.threads = shared_threads(request.schedule.samples)
        depths = network.depths

        def lag(p: Projection) -> int:
            early = depths[p.target] - depths[p.source] if self.clips else 0
            return 1 + p.delay - early

        with self.device:
            self.layers = [Layer(network, p, lag) for p in network.populations]
        self.build_s = perf_counter() - begun

    def run(self) -> DenseRun:
        """All steps, and nothing beside."""
        return self._run(lambda t, spikes: None)

    def execute(self) -> Execution:
        """All steps, with what every engine counts and records; slower, and not to be timed."""
        tally = Tally(self.request)
        run = self._run(lambda t, spikes: tally.step(t, {k: s.cpu() for k, s in spikes.items()}))
        execution = Execution(
            engine="torch",
            spikes=tally.spikes(),
            u={},
            v={},
            readout=self._readout(tally),
            counts=tally.counts(),
            build_s=run.build_s,
            wall_s=run.wall_s,
        )
        return decided(self.request, execution, None)

    @torch.no_grad()
    def _run(self, watch: Watch) -> DenseRun:
        with threads(self.threads), _whole_numbers(), self.device:
            stimulus = self._stimulus()
            finish(self.device)
            begun = perf_counter()
            self._steps(stimulus, watch)
            finish(self.device)
            return DenseRun(self.build_s, perf_counter() - begun)

    def _readout(self, tally: Tally) -> Any:
        """Integer sums of the read-out's groups, (N, groups), or None."""
        readout = self.request.network.readout
        if readout is None:
            return None
        values = tally.rate if readout.kind == "rate" else self.layers[-1].v.cpu()
        return values.long().reshape(len(values), readout.groups, -1).sum(2).numpy()

    def _stimulus(self) -> torch.Tensor:
        """(steps or 1, N, inputs); the bias that it drives in the state's units."""
        flat = self.request.stimulus.reshape(len(self.request.stimulus), -1)
        steps = self.request.stimulus.shape[-1]
        turned = torch.tensor(flat.reshape(len(flat), -1, steps).transpose(2, 0, 1).copy())
        if self.request.network.input.drives_bias:
            return turned.double() * 64.0
        bits = self.request.network.input.message_bits
        return turned.float() if bits else (turned != 0).float()

    def _steps(self, stimulus: torch.Tensor, watch: Watch) -> None:
        samples, period = stimulus.shape[1], self.request.schedule.period
        source = self.request.network.input
        spikes = {layer.number: torch.zeros(samples, layer.size) for layer in self.layers}
        spikes.setdefault(source.layer, torch.zeros(samples, source.size))
        for inlet in (i for layer in self.layers for i in layer.inlets):
            inlet.clear(samples)
        for t in range(self.request.schedule.steps):
            now, before = stimulus[t if len(stimulus) > 1 else 0], dict(spikes)
            if not source.drives_bias:
                spikes[source.layer] = now
            for layer in self.layers:
                if t == 0 or (period and not self.clips and (t - layer.depth) % period == 0):
                    layer.clear(samples)
                driven = source.drives_bias and layer.number == source.layer
                sources = ((i, before if i.lag else spikes) for i in layer.inlets)
                current: Any = sum(i.current(held[i.source], t) for i, held in sources)
                spikes[layer.number] = layer.step(current, now if driven else layer.bias)
            watch(t, spikes)
