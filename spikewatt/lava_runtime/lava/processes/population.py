"""A population as one leaf process: its incoming synapses, its neurons and its counter."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class AbstractPopulation(AbstractProcess):
    """Neurons with one in-port per source of a projection (attention has three), `s_in_0` and so
    on, and one out-port, `s_out`.

    core: what computes the population. sources: size of the source at each in-port.
    fail: takes the traceback, should a step raise.
    """

    def __init__(self, core: Any, sources: Sequence[int], fail: Callable[[str], None]) -> None:
        super().__init__(core=core, fail=fail)
        for k, size in enumerate(sources):
            setattr(self, f"s_in_{k}", InPort(shape=(size,)))
        self.s_out = OutPort(shape=(core.size,))


class AbstractPopulationModel(PyLoihiProcessModel):
    """One step: update, send, then receive; see `spikewatt.lava_runtime.lava.population`."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    inputs = 0

    def run_spk(self) -> None:
        """Compute one step; on an error leave its traceback behind, as Lava would not."""
        try:
            self._step(self.time_step - 1)
        except Exception:
            self.proc_params["fail"](traceback.format_exc())
            raise

    def _step(self, step: int) -> None:
        core = self.proc_params["core"]
        self.s_out.send(core.update(step))
        for k in range(self.inputs):
            core.receive(step, k, getattr(self, f"s_in_{k}").recv())


@lru_cache
def population_process(inputs: int) -> type[AbstractPopulation]:
    """The process class for a number of in-ports, with its model.

    A model's ports are attributes of its class, and Lava looks for the model among this
    module's names, so both are made here, once for each number.
    """
    name = f"Population{inputs}"
    process = type(name, (AbstractPopulation,), {"__module__": __name__})
    port = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    members = {f"s_in_{k}": port for k in range(inputs)} | {"inputs": inputs}
    model = type(f"{name}Model", (AbstractPopulationModel,), {"__module__": __name__} | members)
    implements(proc=process, protocol=LoihiProtocol)(model)
    requires(CPU)(model)
    tag("fixed_pt")(model)
    globals().update({process.__name__: process, model.__name__: model})
    return process
