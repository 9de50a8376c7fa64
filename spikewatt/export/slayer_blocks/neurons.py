"""SLAYER's neurons as the integers of their models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikewatt.export.slayer import slayer
from spikewatt.export.slayer_blocks.site import Site, lava_dl_type
from spikewatt.network import (
    THRESHOLD_MAX,
    AdaptiveLif,
    CubaLif,
    Delta,
    Neuron,
    ResonateFire,
    Sigma,
    SigmaDelta,
)
from spikewatt.validation import NEVER_FIRES

STATE_EXP = 6  # SLAYER's states have 6 bits below its weights' unit


def _no_graded_spikes(site: Site) -> None:
    if site.block.neuron.graded_spike:
        raise site.refuse(
            "its neuron sends graded spikes, for which Lava has no model. Train with "
            "graded_spike=False."
        )


def _no_input_gain(site: Site) -> None:
    gain = getattr(site.block.neuron, "input_gain", 1.0)
    if gain != 1.0:
        raise site.refuse(
            f"its neuron has input_gain={gain!r}, which Lava's has not. Train with input_gain=1, "
            "the gain in weights or threshold."
        )


def _mantissa(site: Site, value: Any, what: str, lowest: int = 0) -> int:
    scaled = site.one(value, what) * site.block.neuron.w_scale
    whole = site.whole(scaled, f"{what} in weight units")
    return int(site.within(whole, (lowest, THRESHOLD_MAX), what))


def _decay(site: Site, value: Any, what: str) -> int:
    """A decay as SLAYER's forward pass rounds it, to even at the half."""
    return int(np.rint(site.one(value, what)))


def cuba(site: Site) -> CubaLif:
    """current_decay, voltage_decay and threshold; SLAYER's >= has an epsilon, so it is Lava's >."""
    n = site.block.neuron
    _no_graded_spikes(site)
    _no_input_gain(site)
    return CubaLif(
        _decay(site, n.current_decay, "current decay"),
        _decay(site, n.voltage_decay, "voltage decay"),
        _mantissa(site, n.threshold, "threshold"),
    )


def integrator(site: Site) -> CubaLif:
    """The neuron of an Affine block, which never fires; without dynamics v is the last input."""
    n = site.block.neuron
    if not site.block.dynamics:
        return CubaLif(4096, 4096, NEVER_FIRES)
    _no_input_gain(site)
    i_decay = _decay(site, n.current_decay, "current decay")
    return CubaLif(i_decay, _decay(site, n.voltage_decay, "voltage decay"), NEVER_FIRES)


def alif(site: Site) -> AdaptiveLif:
    """Decays, threshold and its step; SLAYER does not round the step, so it has to be whole."""
    n = site.block.neuron
    _no_graded_spikes(site)
    return AdaptiveLif(
        i_decay=_decay(site, n.current_decay, "current decay"),
        v_decay=_decay(site, n.voltage_decay, "voltage decay"),
        threshold_decay=_decay(site, n.threshold_decay, "threshold decay"),
        refractory_decay=_decay(site, n.refractory_decay, "refractory decay"),
        threshold=_mantissa(site, n.threshold, "threshold"),
        threshold_step=_mantissa(site, n.threshold_step, "threshold step"),
    )


def _sigma_delta_threshold(site: Site) -> int:
    """SLAYER compares with the float that was trained, Lava with whole weight units."""
    if site.block.neuron.delta.cum_error:
        raise site.refuse("its delta unit has cum_error=True, which no layer of NetX can say.")
    return _mantissa(site, site.block.neuron.threshold, "threshold", lowest=1)


def delta(site: Site) -> Delta:
    """The delta encoder of a sigma-delta Input."""
    return Delta(_sigma_delta_threshold(site))


def sigma(site: Site) -> Sigma:
    """The running sum of a sigma-delta Output."""
    return Sigma()


def sigma_delta(site: Site) -> SigmaDelta:
    """Threshold and activation; the activation is found by trying it."""
    return SigmaDelta(_sigma_delta_threshold(site), activation=_activation(site))


def _activation(site: Site) -> str:
    weight = site.block.synapse.weight
    probe = weight.new_tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    found = site.block.neuron.activation(probe)
    known = {"relu": probe.clamp(min=0), "unit": probe}
    for name, expected in known.items():
        if found.equal(expected):
            return name
    raise site.refuse("its activation is neither relu nor the identity, the two that Lava has.")


def resonate_fire(site: Site) -> ResonateFire:
    """The decays that SLAYER computes with; lava-dl's loader loses 1 of some (docs)."""
    n = site.block.neuron
    _no_graded_spikes(site)
    izhikevich = isinstance(n, slayer.neuron.rf_iz.Neuron)
    sin, cos = _decay(site, n.sin_decay, "sin decay"), _decay(site, n.cos_decay, "cos decay")
    threshold = _mantissa(site, n.threshold, "threshold", lowest=1)
    return ResonateFire(sin, cos, threshold << STATE_EXP, izhikevich, STATE_EXP)


NEURONS: dict[type, Callable[[Site], Neuron]] = {
    slayer.neuron.cuba.Neuron: cuba,
    slayer.neuron.alif.Neuron: alif,
    slayer.neuron.sigma_delta.Neuron: sigma_delta,
    slayer.neuron.rf.Neuron: resonate_fire,
    slayer.neuron.rf_iz.Neuron: resonate_fire,
}


def neuron_of(site: Site) -> Neuron:
    """The neuron of a block; an own subclass is refused, since it may compute anything."""
    kind = lava_dl_type(site.block.neuron)
    if kind not in NEURONS:
        raise site.refuse(f"its neuron {kind.__module__}.{kind.__name__} is not one of lava-dl's.")
    return NEURONS[kind](site)
