"""One step of every neuron model, in plain numpy, as the `fixed_pt` models under lava/proc do it.

Each takes the neuron's record, its state (4, n), its dendrites (2, n) and its bias, and gives
its messages and its new state, the first two rows being u and v.
"""

import numpy as np

from spikewatt.network import AdaptiveLif, CubaLif, Delta, ResonateFire, Sigma, SigmaDelta

HIGH = 2**23


def to_int32(x):
    return (np.asarray(x, np.int64) + 2**31) % 2**32 - 2**31


def times(x, factor: int, bits: int = 12):
    """x * factor >> bits, towards zero."""
    return np.sign(x) * (np.abs(x) * abs(factor) >> bits) * np.sign(factor)


def current(u, decay: int, a_in):
    """Wraps once at 24 bit; +2^23 stays."""
    u = to_int32(times(u, 4096 - decay) + to_int32(a_in << 6))
    return np.where(u > HIGH, u - 2 * HIGH, np.where(u <= -HIGH, u + 2 * HIGH, u))


def clip(x):
    return np.clip(x, -HIGH + 1, HIGH - 1)


def cuba(n: CubaLif, state, a_in, bias):
    u = current(state[0], n.i_decay, a_in[0])
    v = clip(to_int32(times(state[1], 4096 - n.v_decay) + u + (bias << 6)))
    spikes = v > n.v_threshold << 6
    return spikes, [u, np.where(spikes, 0, v)]


def adaptive(n: AdaptiveLif, state, a_in, bias):
    """Rows 2 and 3: the threshold above its start, and refractoriness."""
    u = current(state[0], n.i_decay, a_in[0])
    v = clip(to_int32(times(state[1], 4096 - n.v_decay) + u + (bias << 6)))
    above = times(state[2], 4096 - n.threshold_decay)
    threshold = to_int32(above + (n.threshold << 6))
    refractory = times(state[3], 4096 - n.refractory_decay)
    spikes = to_int32(v - refractory) >= threshold
    above = above + spikes * (n.threshold_step << 6)
    return spikes, [u, v, above, refractory + spikes * 2 * threshold]


def differences(n, act, last_act, residue):
    """Messages and residue of a delta encoder."""
    delta = to_int32(act - last_act + residue)
    fires = to_int32(np.abs(delta)) >= n.v_threshold << (n.spike_exp + n.state_exp)
    return np.where(fires, delta >> n.state_exp, 0), np.where(fires, 0, delta)


def delta(n: Delta, state, a_in, bias):
    act = to_int32(a_in[0] << (n.spike_exp + n.state_exp))
    messages, residue = differences(n, act, state[1], state[0])
    return messages, [residue, act]


def sigma(n: Sigma, state, a_in, bias):
    total = to_int32(state[0] + a_in[0])
    return total, [total, total]


def sigma_delta(n: SigmaDelta, state, a_in, bias):
    """Row 2: the residue."""
    total = to_int32(state[0] + a_in[0])
    act = to_int32(total + (bias << (n.spike_exp + n.state_exp)))
    if n.activation == "relu":
        act = np.maximum(act, 0)
    messages, residue = differences(n, act, state[1], state[2])
    return messages, [total, act, residue]


def resonate(n: ResonateFire, state, a_in, bias):
    a_in = to_int32(a_in << n.state_exp)
    cos, sin = ((c, n.decay_bits) for c in (n.cos_decay, n.sin_decay))
    real = clip(times(state[0], *cos) - times(state[1], *sin) + a_in[0])
    imag = clip(times(state[0], *sin) + times(state[1], *cos) + a_in[1])
    if n.izhikevich:
        spikes = imag >= n.v_threshold
        return spikes, [np.where(spikes, 0, real), np.where(spikes, n.v_threshold - 1, imag)]
    return (real >= n.v_threshold) & (imag >= 0) & (state[1] < 0), [real, imag]


STEPS = {
    CubaLif: cuba,
    AdaptiveLif: adaptive,
    Delta: delta,
    Sigma: sigma,
    SigmaDelta: sigma_delta,
    ResonateFire: resonate,
}
