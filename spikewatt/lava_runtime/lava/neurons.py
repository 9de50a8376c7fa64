"""Neuron models by the type of their record."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from spikewatt.lava_runtime.lava.lif import AdaptiveLifState, CubaLifState
from spikewatt.lava_runtime.lava.resonate import ResonateFireState
from spikewatt.lava_runtime.lava.sigma_delta import DeltaState, SigmaDeltaState, SigmaState
from spikewatt.network import (
    AdaptiveLif,
    CubaLif,
    Delta,
    IntArray,
    Neuron,
    ResonateFire,
    Sigma,
    SigmaDelta,
)


class NeuronState(Protocol):
    """State of one population and its update.

    parts: dendrites of each neuron. graded: whether messages are other than 0 and 1.
    """

    parts: ClassVar[int]
    graded: ClassVar[bool]

    @property
    def u(self) -> IntArray:
        """The first state that is recorded, (size,)."""
        ...

    @property
    def v(self) -> IntArray:
        """The second state that is recorded, (size,)."""
        ...

    def reset(self) -> None:
        """Put the state back to its start."""
        ...

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (parts, size), and bias, (size,), to messages, (size,)."""
        ...


NEURONS: dict[type[Neuron], type[Any]] = {
    CubaLif: CubaLifState,
    AdaptiveLif: AdaptiveLifState,
    Delta: DeltaState,
    Sigma: SigmaState,
    SigmaDelta: SigmaDeltaState,
    ResonateFire: ResonateFireState,
}

DENDRITES = {"real": 0, "imag": 1}  # parts of a resonate-and-fire neuron; others have the first


def neuron_state(neuron: Neuron, size: int) -> NeuronState:
    """A population's neurons at their start."""
    state: NeuronState = NEURONS[type(neuron)](neuron, size)
    return state
