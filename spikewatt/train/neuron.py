"""slayer's CUBA neuron, with one compiled pass over time on the CPU.

The integers are slayer's to the bit (and so Lava's), and so are the gradients: slayer loops over
steps in Python, here the loop over steps is inside a kernel that runs on all cores.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import torch

from spikewatt.export.slayer import slayer

cuba = slayer.neuron.cuba

STATE_BITS = 12  # decays are shares of 2**12
TAU_RHO_MULT, SCALE_RHO_MULT = cuba.TAU_RHO_MULT, cuba.SCALE_RHO_MULT


class ChannelBias(torch.nn.Module):
    """Bias added to the current of each channel, in the place of slayer's `norm`.

    values: (channels,) in slayer's units, whole multiples of 1 / neuron scale.
    """

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., T) -> (N, C, ..., T)."""
        return current + self.values.reshape(1, -1, *[1] * (current.dim() - 2))


@numba.njit(inline="always")
def _decay(state, keep):
    product = state * keep
    return product >> STATE_BITS if product >= 0 else -((-product) >> STATE_BITS)


@numba.njit(parallel=True, cache=True, nogil=True)
def _forward(x, bias, rows_per_channel, scale, keep_u, keep_v, threshold, spikes, voltage):
    rows, steps = x.shape
    channels = bias.shape[0]
    for r in numba.prange(rows):
        u = np.int64(0)
        v = np.int64(0)
        b = bias[(r // rows_per_channel) % channels]
        for t in range(steps):
            u = _decay(u, keep_u) + np.int64(x[r, t] * scale)
            v = _decay(v, keep_v) + u + b
            voltage[r, t] = v
            fires = v > threshold
            spikes[r, t] = 1.0 if fires else 0.0
            if fires:
                v = np.int64(0)


@numba.njit(parallel=True, cache=True, nogil=True, fastmath=True)
def _backward(grad, voltage, center, inv_tau, height, leak_u, leak_v, out):
    rows, steps = grad.shape
    for r in numba.prange(rows):
        grad_u = np.float32(0)
        grad_v = np.float32(0)
        for t in range(steps - 1, -1, -1):
            slope = height * np.exp(-abs(voltage[r, t] - center) * inv_tau)
            grad_v = leak_v * grad_v + grad[r, t] * slope
            grad_u = leak_u * grad_u + grad_v
            out[r, t] = grad_u


class _CompiledCuba(torch.autograd.Function):
    """Spikes of a CUBA population over a clip; as in slayer, the gradient ignores the reset."""

    @staticmethod
    def forward(ctx, x, bias, neuron):
        rows = x.contiguous().view(-1, x.shape[-1])
        spikes, voltage = torch.empty_like(rows), torch.empty_like(rows)
        keep_u = (1 << STATE_BITS) - int(neuron.cx_current_decay)
        keep_v = (1 << STATE_BITS) - int(neuron.cx_voltage_decay)
        scale = neuron.s_scale
        _forward(
            rows.detach().numpy(),
            np.rint(bias.detach().numpy() * scale).astype(np.int64),
            math.prod(x.shape[2:-1]),
            np.float32(scale),
            keep_u,
            keep_v,
            round(neuron.threshold * scale),
            spikes.numpy(),
            voltage.numpy(),
        )
        ctx.save_for_backward(voltage)
        center = neuron.threshold + neuron.threshold_eps
        ctx.constants = (center, neuron.tau_rho, neuron.scale_rho, scale, keep_u, keep_v)
        return spikes.view(x.shape)

    @staticmethod
    def backward(ctx, grad_spikes):
        (voltage,) = ctx.saved_tensors
        center, tau_rho, scale_rho, scale, keep_u, keep_v = ctx.constants
        tau = tau_rho * TAU_RHO_MULT
        grad = grad_spikes.contiguous().view(voltage.shape)
        out = torch.empty_like(voltage)
        unity = np.float32(1 << STATE_BITS)
        _backward(
            grad.numpy(),
            voltage.numpy(),
            np.float32(center * scale),
            np.float32(1 / (tau * scale)),
            np.float32(scale_rho * SCALE_RHO_MULT / 2 / tau),
            np.float32(keep_u) / unity,
            np.float32(keep_v) / unity,
            out.numpy(),
        )
        return out.view(grad_spikes.shape), None, None


class CubaNeuron(cuba.Neuron):
    """Drop-in for `slayer.neuron.cuba.Neuron`; (N, C, ..., T) currents to (N, C, ..., T) spikes.

    The compiled pass serves float32 tensors on the CPU with shared, fixed decays, without
    persistent state or graded spikes; everything else takes slayer's own path. `compiled = False`
    takes slayer's path always: that is the reference an export is checked against.
    """

    compiled = True

    def _can_compile(self, x: torch.Tensor) -> bool:
        plain = not (self.persistent_state or self.graded_spike or self.requires_grad)
        known_norm = self.norm is None or isinstance(self.norm, ChannelBias)
        fits = x.device.type == "cpu" and x.dtype == torch.float32
        return self.compiled and plain and known_norm and fits and self.shared_param

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Spikes of the population for a whole clip."""
        if not self._can_compile(input):
            return super().forward(input)
        bias = torch.zeros(1) if self.norm is None else self.norm.values
        spikes = _CompiledCuba.apply(input, bias, self)
        return spikes if self.drop is None else self.drop(spikes)
