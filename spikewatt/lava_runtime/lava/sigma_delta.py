"""Delta, sigma and sigma-delta neurons as lava/proc/sdn/models.py computes them, in int32.

Messages are graded and signed. A difference below the threshold stays in the residue; what
`>> state_exp` cuts off is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikewatt.network import Delta, IntArray, Sigma, SigmaDelta


def relu(x: IntArray) -> IntArray:
    """The larger of x and 0."""
    return np.maximum(x, 0)


def unit(x: IntArray) -> IntArray:
    """x itself."""
    return x


ACTIVATIONS: dict[str, Callable[[IntArray], IntArray]] = {"relu": relu, "unit": unit}


class DeltaState:
    """Residue u and last activation v of one population, (size,) int32 each."""

    parts, graded = 1, True

    def __init__(self, neuron: Delta | SigmaDelta, size: int) -> None:
        self.shift, self.state_exp = neuron.spike_exp + neuron.state_exp, neuron.state_exp
        self.threshold = neuron.v_threshold << self.shift
        self.residue: IntArray = np.zeros(size, dtype=np.int32)
        self.act: IntArray = np.zeros(size, dtype=np.int32)

    @property
    def u(self) -> IntArray:
        """The residue."""
        return self.residue

    @property
    def v(self) -> IntArray:
        """The last activation."""
        return self.act

    def reset(self) -> None:
        """Clear the state."""
        self.residue[:] = 0
        self.act[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (1, size), to differences, (size,); there is no bias."""
        return self.differences(np.left_shift(a_in[0], self.shift))

    def differences(self, act: IntArray) -> IntArray:
        """What a new activation makes the neurons send, (size,)."""
        delta = act - self.act + self.residue
        sent = np.where(np.abs(delta) >= self.threshold, delta, np.int32(0))
        self.residue, self.act = delta - sent, act
        return np.right_shift(sent, self.state_exp)


class SigmaState:
    """Running sum of one population, (size,) int32, which is u, v and the message."""

    parts, graded = 1, True

    def __init__(self, neuron: Sigma, size: int) -> None:
        self.u: IntArray = np.zeros(size, dtype=np.int32)

    @property
    def v(self) -> IntArray:
        """The sum."""
        return self.u

    def reset(self) -> None:
        """Clear the sum."""
        self.u[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (1, size), to sums, (size,); there is no bias."""
        self.u = self.u + a_in[0]
        return self.u.copy()


class SigmaDeltaState:
    """Running sum u and last activation v of one population, (size,) int32 each."""

    parts, graded = 1, True

    def __init__(self, neuron: SigmaDelta, size: int) -> None:
        self.u: IntArray = np.zeros(size, dtype=np.int32)
        self.delta = DeltaState(neuron, size)
        self.activation = ACTIVATIONS[neuron.activation]

    @property
    def v(self) -> IntArray:
        """The last activation."""
        return self.delta.act

    def reset(self) -> None:
        """Clear sum, activation and residue."""
        self.u[:] = 0
        self.delta.reset()

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (1, size), and bias, (size,), to differences, (size,)."""
        self.u = self.u + a_in[0]
        act = self.activation(self.u + np.left_shift(bias, self.delta.shift))
        return self.delta.differences(act)
