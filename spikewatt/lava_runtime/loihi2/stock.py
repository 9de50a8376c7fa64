"""The integer network as Lava's own processes, one for a projection and one for a population.

Our processes (`lava_runtime/lava`) have models for the CPU only; Intel's compiler has microcode for
Lava's. Imports Lava; only a child process imports this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from lava.proc.atrlif.process import ATRLIF
from lava.proc.conv.process import Conv as StockConv
from lava.proc.dense.process import DelayDense
from lava.proc.dense.process import Dense as StockDense
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.rf.process import RF
from lava.proc.rf_iz.process import RF_IZ
from lava.proc.sdn.process import ActivationMode
from lava.proc.sdn.process import Delta as StockDelta
from lava.proc.sdn.process import Sigma as StockSigma
from lava.proc.sdn.process import SigmaDelta as StockSigmaDelta
from lava.proc.sparse.process import DelaySparse
from lava.proc.sparse.process import Sparse as StockSparse
from scipy.sparse import csr_matrix

from spikewatt.expansion import expand
from spikewatt.network import (
    AdaptiveLif,
    Conv,
    CubaLif,
    Delta,
    Dense,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
)

Process: TypeAlias = Any  # Lava's classes have no types
Reset: TypeAlias = "tuple[int, int] | None"  # steps between resets, and the first step with one
BIAS_EXP = 6


def lif(p: Population, reset: Reset) -> Process:
    """CUBA-LIF; its model adds 1 to `du`."""
    n = p.neuron
    assert isinstance(n, CubaLif)
    constants = {
        "shape": p.shape,
        "vth": n.v_threshold,
        "du": n.i_decay - 1,
        "dv": n.v_decay,
        "bias_mant": np.zeros(p.shape, int) if p.bias is None else p.bias,
        "bias_exp": BIAS_EXP,
    }
    if reset is None:
        return LIF(**constants)
    interval, first = reset
    return LIFReset(**constants, reset_interval=interval, reset_offset=first + 1)  # Lava's 0 is 1


def adaptive(p: Population, reset: Reset) -> Process:
    """Adaptive LIF; its model adds 1 to the current's decay."""
    n = p.neuron
    assert isinstance(n, AdaptiveLif)
    return ATRLIF(
        shape=p.shape,
        delta_i=(n.i_decay - 1) / 4096,
        delta_v=n.v_decay / 4096,
        delta_theta=n.threshold_decay / 4096,
        delta_r=n.refractory_decay / 4096,
        theta_0=n.threshold,
        theta_step=n.threshold_step,
        bias_mant=0 if p.bias is None else p.bias,
        bias_exp=BIAS_EXP,
    )


def delta(p: Population, reset: Reset) -> Process:
    """Delta encoder."""
    n = p.neuron
    assert isinstance(n, Delta)
    return StockDelta(
        shape=p.shape, vth=n.v_threshold, spike_exp=n.spike_exp, state_exp=n.state_exp
    )


def sigma(p: Population, reset: Reset) -> Process:
    """Sigma decoder."""
    return StockSigma(shape=p.shape)


def sigma_delta(p: Population, reset: Reset) -> Process:
    """Sigma-delta neuron."""
    n = p.neuron
    assert isinstance(n, SigmaDelta)
    return StockSigmaDelta(
        shape=p.shape,
        vth=n.v_threshold,
        bias=0 if p.bias is None else p.bias,
        act_mode=ActivationMode[n.activation.upper()],
        spike_exp=n.spike_exp,
        state_exp=n.state_exp,
    )


def resonator(p: Population, reset: Reset) -> Process:
    """Resonate-and-fire; the integers are set as they are, apart from how Lava makes them."""
    n = p.neuron
    assert isinstance(n, ResonateFire)
    kind = RF_IZ if n.izhikevich else RF
    made = kind(shape=p.shape, period=10, alpha=0.1, state_exp=n.state_exp, decay_bits=n.decay_bits)
    made.sin_decay.init = np.int32(n.sin_decay)
    made.cos_decay.init = np.int32(n.cos_decay)
    made.vth.init = n.v_threshold
    return made


# what makes the process, and the variables that we show as u and v
NEURONS: dict[type, tuple[Callable[[Population, Reset], Process], str, str]] = {
    CubaLif: (lif, "u", "v"),
    AdaptiveLif: (adaptive, "i", "v"),
    Delta: (delta, "residue", "act"),
    Sigma: (sigma, "sigma", "sigma"),
    SigmaDelta: (sigma_delta, "sigma", "act"),
    ResonateFire: (resonator, "real", "imag"),
}


def neurons(p: Population, reset: Reset) -> Process:
    """The process of a population."""
    return NEURONS[type(p.neuron)][0](p, reset)


def synapses(network: Network, p: Projection) -> Process:
    """The process of a projection, with all its delays on its synapses."""
    bits = network.by_layer.get(p.source, network.input).message_bits
    s = p.synapses
    if isinstance(s, Conv):
        return StockConv(
            weight=s.weight[:, ::-1, ::-1],  # ours is a correlation, Lava's a convolution
            input_shape=network.shape_of(p.source),
            padding=s.padding,
            stride=s.stride,
            dilation=s.dilation,
            groups=s.groups,
            num_message_bits=bits,
        )
    wide = expand(s, network.shape_of(p.source), network.shape_of(p.target))
    if isinstance(wide, Dense):
        return _dense(p, wide, bits)
    assert isinstance(wide, Sparse)
    return _sparse(p, wide, bits)


def _dense(p: Projection, s: Dense, bits: int) -> Process:
    if s.delay is None and p.axon_delay is None and not p.delay:
        return StockDense(weights=s.weight, num_message_bits=bits)
    delay = p.delay + np.zeros_like(s.weight)
    for more in (s.delay, p.axon_delay):  # of axons: one column a source
        delay = delay if more is None else delay + more
    return DelayDense(weights=s.weight, delays=delay.astype(int), num_message_bits=bits)


def _sparse(p: Projection, s: Sparse, bits: int) -> Process:
    at = (s.targets, s.sources)
    matrix = csr_matrix((s.weight, at), shape=s.shape)
    if s.delay is None and p.axon_delay is None and not p.delay:
        return StockSparse(weights=matrix, num_message_bits=bits)
    delay = p.delay + np.zeros(s.weight.shape, int)
    if s.delay is not None:
        delay += s.delay
    if p.axon_delay is not None:
        delay += np.asarray(p.axon_delay).reshape(-1)[s.sources]
    delays = csr_matrix((delay, at), shape=s.shape)
    return DelaySparse(weights=matrix, delays=delays, num_message_bits=bits)


def dendrite(network: Network, process: Process, p: Projection) -> Process:
    """The in-port of a projection's target."""
    resonates = isinstance(network.by_layer[p.target].neuron, ResonateFire)
    return getattr(process, f"a_{p.part}_in" if resonates else "a_in")


def connect(network: Network, processes: dict[int, Process], p: Projection) -> None:
    """Wire one projection between the processes of its source and its target."""
    synapse, sender = synapses(network, p), processes[p.source].s_out
    receiver = dendrite(network, processes[p.target], p)
    flat = sender if sender.shape == synapse.s_in.shape else sender.flatten()
    flat.connect(synapse.s_in)
    out = synapse.a_out
    (out if out.shape == receiver.shape else out.reshape(receiver.shape)).connect(receiver)
