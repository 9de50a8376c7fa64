"""NIR's neurons as Euler steps: shares lost a step, the gain of the input, and constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.nir.signals import FloatArray
from spikewatt.export.nir.steps import decay
from spikewatt.export.nir.tracing import parameters
from spikewatt.network import DECAY_MAX, Shape


@dataclass(frozen=True, eq=False)
class FloatNeuron:
    """v <- (1 - v_decay / 4096) v + gain I + offset; v counts from the reset potential.

    gain, offset and threshold have the population's shape in Lava's order; threshold is None
    where the neuron never fires. A current is kept between steps where i_decay < 4096.
    """

    i_decay: int
    v_decay: int
    gain: FloatArray
    offset: FloatArray
    threshold: FloatArray | None


@dataclass(frozen=True)
class _Site:
    name: str
    node: Any
    shape: Shape  # (channel, y, x)
    dt_s: float

    def value(self, parameter: str) -> FloatArray:
        """A parameter of each neuron, in Lava's order."""
        value = parameters(self.node).get(parameter, 0.0)
        found = np.broadcast_to(np.asarray(value, dtype=np.float64), self.shape)
        return np.ascontiguousarray(found.transpose())

    def share(self, parameter: str) -> int:
        return decay(self.name, getattr(self.node, parameter), self.dt_s)

    @property
    def threshold(self) -> FloatArray | None:
        if not hasattr(self.node, "v_threshold"):
            return None
        found = self.value("v_threshold") - self.value("v_reset")
        if found.min() <= 0:
            raise SpikewattError(
                f"NIR node {self.name!r} has a threshold {found.min():g} above its reset "
                "potential, limit above 0. Lava's neurons start and reset below their threshold."
            )
        return found


def _leaky(site: _Site, tau: str, i_decay: int, gain: FloatArray) -> FloatNeuron:
    """tau v' = v_leak - v + r I, from v = v_reset."""
    v_decay = site.share(tau)
    share = site.dt_s / site.value(tau)
    offset = share * (site.value("v_leak") - site.value("v_reset"))
    return FloatNeuron(i_decay, v_decay, share * site.value("r") * gain, offset, site.threshold)


def _lif(site: _Site) -> FloatNeuron:
    return _leaky(site, "tau", DECAY_MAX, np.ones(1))


def _cuba(site: _Site) -> FloatNeuron:
    share = site.dt_s / site.value("tau_syn")
    return _leaky(site, "tau_mem", site.share("tau_syn"), share * site.value("w_in"))


def _integrator(site: _Site) -> FloatNeuron:
    gain = site.dt_s * site.value("r")
    return FloatNeuron(DECAY_MAX, 0, gain, np.zeros_like(gain), site.threshold)


def _threshold(site: _Site) -> FloatNeuron:
    """Fires on its input alone: nothing is kept."""
    value = site.value("threshold")
    if value.min() <= 0:
        raise SpikewattError(
            f"NIR node {site.name!r} has the threshold {value.min():g}, limit above 0."
        )
    ones = np.ones_like(value)
    return FloatNeuron(DECAY_MAX, DECAY_MAX, ones, 0 * ones, value)


_NEURONS: dict[type, Callable[[_Site], FloatNeuron]] = {
    nir.LIF: _lif,
    nir.LI: _lif,
    nir.CubaLIF: _cuba,
    nir.CubaLI: _cuba,
    nir.IF: _integrator,
    nir.I: _integrator,
    nir.Threshold: _threshold,
}


def float_neuron(name: str, node: Any, shape: Shape, dt_s: float) -> FloatNeuron:
    """A node's neuron; shape is (channel, y, x), dt_s the seconds of a step."""
    found = _NEURONS[type(node)](_Site(name, node, shape, dt_s))
    if not all(np.isfinite(a).all() for a in (found.gain, found.offset)):
        raise SpikewattError(
            f"NIR node {name!r} has a parameter that is not a number. Write the file again."
        )
    return found
