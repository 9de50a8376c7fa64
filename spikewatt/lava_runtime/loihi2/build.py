"""A request as Lava's own processes, run with pauses where the host has something to do.

Imports Lava; only a child process imports this.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from lava.magma.runtime.runtime import Runtime
from lava.proc import io

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.results import Window
from spikewatt.lava_runtime.lava.stimulus import Stimulus, is_driven
from spikewatt.lava_runtime.loihi2 import stock
from spikewatt.lava_runtime.loihi2.board import Board
from spikewatt.lava_runtime.loihi2.probes import Probes
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import IntArray, Population

Results = dict[str, npt.NDArray[Any]]


def reset_of(schedule: Schedule, depth: int) -> tuple[int, int] | None:
    """Steps between the resets of a population, and its first step with one; None for never."""
    return None if schedule.period is None else (schedule.period, schedule.phase(depth))


class StockNetwork:
    """Processes of one request. table: the stimulus, (N, T or 1, size)."""

    def __init__(self, request: Request, table: IntArray, board: Board) -> None:
        self.request, self.board = request, board
        self.network, self.schedule = request.network, request.schedule
        self.table = table
        depths = self.network.depths
        self.processes = {
            p.layer: stock.neurons(self._begun(p), reset_of(self.schedule, depths[p.layer]))
            for p in self.network.populations
        }
        self._connect_stimulus()
        for p in self.network.projections:
            stock.connect(self.network, self.processes, p)
        self.sinks = {layer: self._sink(layer) for layer in request.record}
        self.probes = Probes(request, board) if board.probes else None

    def _begun(self, p: Population) -> Population:
        """A population as it begins: where the stimulus is its bias, with the first frame."""
        if not self.network.input.drives_bias or p.layer != self.network.input.layer:
            return p
        return replace(p, bias=self._frame(0))

    def _frame(self, sample: int) -> IntArray:
        """The bias of the input's population for a sample."""
        return np.array(self.table[sample, 0]).reshape(self.network.input.shape)

    def _connect_stimulus(self) -> None:
        source = self.network.input
        if source.drives_bias:
            return
        stimulus = Stimulus(self.table, self.schedule)
        steps = [stimulus.at(i) for i in range(self.schedule.total_steps)]
        data = np.stack(steps, axis=-1).reshape(*source.shape, -1)
        sender = io.source.RingBuffer(data=data)
        if not self.board.simulate:
            sender = self._through(_into_chip(source.shape, source.message_bits), sender)
        if is_driven(source):
            sender.s_out.connect(self.processes[source.layer].a_in)
        else:
            self.processes[source.layer] = sender

    def _through(self, adapter: Any, sender: Any) -> Any:
        sender.s_out.connect(adapter.inp)
        adapter.s_out = adapter.out
        return adapter

    def _sink(self, layer: int) -> Any:
        population = self.network.by_layer[layer]
        sink = io.sink.RingBuffer(shape=population.shape, buffer=self.schedule.total_steps)
        sender = self.processes[layer]
        if not self.board.simulate:
            sender = self._through(_out_of_chip(population.shape, population.message_bits), sender)
        sender.s_out.connect(sink.a_in)
        return sink

    def start(self) -> list[int]:
        """Compile, and start all processes; the ids of those on the host."""
        output = self.processes[self.network.output.layer]
        executable = output.compile(self._configuration())
        self.runtime = Runtime(executable, ActorType.MultiProcessing)
        executable.assign_runtime_to_all_processes(self.runtime)
        self.runtime.initialize()
        return [actor.pid for actor in self.runtime._messaging_infrastructure.actors]

    def _configuration(self) -> Any:
        if self.board.simulate:
            return Loihi2SimCfg(select_tag="fixed_pt")
        probes = self.probes.callbacks if self.probes is not None else []
        return Loihi2HwCfg(select_tag="fixed_pt", callback_fxs=probes)

    def run(self, progress: npt.NDArray[np.int64]) -> Results:
        """Execute all steps; spikes by layer, (N, size, T), and membranes, (N, size)."""
        begins, ends = self._biases(), self._membranes()
        last_v: dict[int, npt.NDArray[Any]] = {}
        done = 0
        for stop in sorted({*begins, *ends, self.schedule.total_steps}):
            if stop > done:
                self.runtime.start(RunSteps(num_steps=stop - done))
                progress[0] = done = stop
            if stop in ends:
                last_v[ends[stop]] = self._membrane()
            if stop in begins:
                self._set_bias(begins[stop])
        results: Results = {f"layer_{i}": self._recorded(i) for i in self.sinks}
        if last_v:
            results["membrane"] = np.stack([last_v[k] for k in range(self.schedule.samples)])
        return results

    def _biases(self) -> dict[int, int]:
        """Samples by the step before which their bias is set; the first one's is there."""
        if not self.network.input.drives_bias:
            return {}
        return {self.schedule.window(k, 0)[0]: k for k in range(1, self.schedule.samples)}

    def _membranes(self) -> dict[int, int]:
        """Samples by the step after which their membranes are read."""
        readout, depth = self.network.readout, self.network.latency_steps
        if readout is None or readout.kind != "membrane" or self.board.probes:
            return {}
        return {self.schedule.window(k, depth)[1]: k for k in range(self.schedule.samples)}

    def _set_bias(self, sample: int) -> None:
        self.processes[self.network.input.layer].bias_mant.set(self._frame(sample))

    def _membrane(self) -> npt.NDArray[Any]:
        output = self.network.output
        name = stock.NEURONS[type(output.neuron)][2]
        values = getattr(self.processes[output.layer], name).get()
        return np.asarray(values).astype(np.int64).reshape(-1)

    def _recorded(self, layer: int) -> npt.NDArray[Any]:
        """Spikes in the counted steps of each sample, (N, size, T)."""
        window = Window(self.schedule, self.network.depths[layer])
        spikes = np.asarray(self.sinks[layer].data.get()).astype(np.int32)
        spikes = spikes.reshape(-1, spikes.shape[-1])
        places = [window.of(step) for step in range(self.schedule.total_steps)]
        kept = np.zeros((self.schedule.samples, len(spikes), self.schedule.steps), np.int32)
        for step, (sample, index) in enumerate(places):
            if sample >= 0:
                kept[sample, :, index] = spikes[:, step]
        return kept


def _into_chip(shape: tuple[int, ...], message_bits: int) -> Any:
    """Intel's adapter from a process on the host to the chip, part of the extension."""
    from lava.proc import embedded_io

    kind = (
        embedded_io.spike.PyToN3ConvAdapter if len(shape) == 3 else embedded_io.spike.PyToNxAdapter
    )
    return kind(shape=shape, num_message_bits=message_bits)


def _out_of_chip(shape: tuple[int, ...], message_bits: int) -> Any:
    """Intel's adapter from the chip to a process on the host, part of the extension."""
    from lava.proc.embedded_io import spike

    return spike.NxToPyAdapter(shape=shape, num_message_bits=message_bits)


def aim_at(board: Board) -> None:
    """Tell Lava which board, by its own functions; SpikewattError where there is none."""
    from lava.utils import loihi
    from lava.utils.system import Loihi2

    if board.simulate:
        return
    if not Loihi2.is_loihi2_available:
        raise SpikewattError("Lava's compiler for Loihi 2 cannot be imported.")
    try:
        if board.host is not None:
            loihi.use_ethernet_host(board.host)
        elif board.board or board.partition or "SLURM" in os.environ:
            loihi.use_slurm_host(partition=board.partition, board=board.board)
    except (ImportError, ValueError) as error:
        raise SpikewattError(f"{board.name} cannot be used: {error}") from error
