"""The toolchain in six functions, for notebooks; the command line is a thin layer over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counts
from spikewatt.energy.joules import EnergyResult
from spikewatt.energy.joules import energy as energy_of
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.engines import engine as engine_named
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.lava_runtime.stimulus import from_array
from spikewatt.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["SpikewattError", "count", "energy", "from_slayer", "load", "run", "save"]


def load(path: str | Path, **options: Any) -> Network:
    """The integer network of a NetX file; options are those of `spikewatt.export.netx.read`."""
    from spikewatt.export import netx

    return netx.read(path, **options)


def save(network: Network, path: str | Path) -> list[str]:
    """Write a network as a NetX file; what there is to know about it, in sentences.

    Raises SpikewattError for a network that breaks rules, and where the disk refuses.
    """
    from spikewatt.export import netx

    report = netx.write(network, path)
    return [*report.lava_dl, *report.notes]


def from_slayer(
    module: torch.nn.Module, sample: torch.Tensor, facts: Mapping[str, Any] | None = None
) -> Network:
    """The integer network of a trained SLAYER module; see `spikewatt.export.modules`."""
    from spikewatt.export import modules

    return modules.from_slayer(module, sample, facts)


def run(
    network: Network,
    x: npt.NDArray[Any] | torch.Tensor,
    engine: str = "native",
    *,
    steps: int | None = None,
    reset: int | None = None,
    record: str | tuple[int, ...] = (),
) -> Execution:
    """Execute a network on an array, (*shape, T) for one stream or (N, *shape, T) for N clips.

    x: whole numbers, floats too; a tensor of the CPU is as good.

    reset: clear the state every so many steps of a stream. record: layers whose spikes are
    kept, or "all". Raises SpikewattError where network, array and engine do not fit.
    """
    stimulus, is_clips = from_array(network, _array(x), steps)
    length = steps or stimulus.shape[-1]
    schedule = clips(network, len(stimulus), length) if is_clips else stream(length, reset)
    layers = tuple(network.by_layer) if record == "all" else tuple(int(i) for i in record)
    return engine_named(engine).run(Request(network, stimulus, schedule, layers))


def _array(x: Any) -> npt.NDArray[Any]:
    if isinstance(x, np.ndarray):
        return x
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:  # of another device, with a gradient
        raise SpikewattError(
            f"The input is a {type(x).__name__} that numpy cannot read: {error}. Give an array."
        ) from error


def count(network: Network, x: npt.NDArray[Any] | torch.Tensor, engine: str = "native") -> Counts:
    """Synaptic events and neuron updates of an execution, by layer, sample and step."""
    return run(network, x, engine).counts


def energy(counts: Counts, profile: str) -> EnergyResult:
    """Joules per sample: counted events times the numbers of a profile (a name or a TOML file)."""
    return energy_of(counts, load_profile(profile))
