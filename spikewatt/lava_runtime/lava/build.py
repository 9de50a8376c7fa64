"""From the integer network to Lava processes. Imports Lava; only the child imports this."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.runtime import Runtime

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.population import population_cores
from spikewatt.lava_runtime.lava.processes.population import population_process
from spikewatt.lava_runtime.lava.processes.source import Source
from spikewatt.lava_runtime.lava.stimulus import Stimulus, is_driven
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.network import IntArray

CHANNEL_SLOTS = 2  # Lava's 64 take most of its memory and make nothing faster


class LavaNetwork:
    """One Lava process per population, one for the stimulus, wired by the projections."""

    def __init__(self, request: Request, table: IntArray, place: Workplace) -> None:
        self.request = request
        network = request.network
        self.processes: dict[int, Any] = {}
        for layer, core in population_cores(request, table, place).items():
            sources = core.port_sizes
            process = population_process(len(sources))
            self.processes[layer] = process(core, sources, place.fail)
        if not is_driven(network.input):
            stimulus = Stimulus(table, request.schedule)
            self.processes[network.input.layer] = Source(stimulus, network.input.size)
        for layer in network.by_layer:
            self._connect(layer)

    def _connect(self, layer: int) -> None:
        incoming = self.request.network.incoming(layer)
        for k, source in enumerate(layer for p in incoming for layer in p.sources):
            port = getattr(self.processes[layer], f"s_in_{k}")
            self.processes[source].s_out.connect(port)

    def start(self) -> list[int]:
        """Compile, and start all processes; their ids."""
        output = self.processes[self.request.network.output.layer]
        executable = output.compile(
            Loihi2SimCfg(select_tag="fixed_pt"), {"pypy_channel_size": CHANNEL_SLOTS}
        )
        found, wanted = len(executable.process_list), len(self.processes)
        if found != wanted:
            raise SpikewattError(
                f"The network falls apart: {found} of {wanted} populations and inputs are "
                "connected with the output. Leave out the others, or connect them."
            )
        self.runtime = Runtime(executable, ActorType.MultiProcessing)
        executable.assign_runtime_to_all_processes(self.runtime)
        self.runtime.initialize()
        return [actor.pid for actor in self.runtime._messaging_infrastructure.actors]

    def run(self) -> None:
        """Execute all steps."""
        self.runtime.start(RunSteps(num_steps=self.request.schedule.total_steps))
