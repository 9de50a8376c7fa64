"""Drop-ins for `slayer.block.cuba`, with our neuron inside.

`from spikewatt.train import slayer_block as cuba`; constructor arguments are lava-dl's, and
`neuron_params` takes what `CubaNeuron` takes besides: surrogate, detach_reset, input_gain. Unlike
lava-dl's, these blocks leave the `neuron_params` of the caller as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from spikewatt.export.slayer import slayer
from spikewatt.train.neuron import CubaNeuron

_cuba = slayer.block.cuba
OWN = ("surrogate", "detach_reset", "input_gain")
SYNAPSES = ("synapse", "input_synapse", "recurrent_synapse")

Flatten, Average, TimeDecimation = _cuba.Flatten, _cuba.Average, _cuba.TimeDecimation


class _OurNeuron(nn.Module):
    """Stands before lava-dl's block in the order of resolution; changes the neuron it built."""

    def __init__(self, neuron_params: Mapping[str, Any] | None = None, *args, **kwargs) -> None:
        params = dict(neuron_params or {})
        own = {name: params.pop(name) for name in OWN if name in params}
        super().__init__(None if neuron_params is None else params, *args, **kwargs)
        if self.neuron is not None:
            # the block may have changed its params: no norm in Pool, a state in Recurrent
            self._take(CubaNeuron(**params, **own))

    def _take(self, neuron: CubaNeuron) -> None:
        before = self.neuron
        neuron._threshold, neuron.shape = before._threshold, before.shape  # of Affine
        for holder in (self, *(getattr(self, name, None) for name in SYNAPSES)):
            if getattr(holder, "pre_hook_fx", None) == before.quantize_8bit:
                holder.pre_hook_fx = neuron.quantize_8bit
        self.neuron = neuron


class Input(_OurNeuron, _cuba.Input):
    """`slayer.block.cuba.Input`."""

    lava_dl_type = "block.cuba.Input"


class Affine(_OurNeuron, _cuba.Affine):
    """`slayer.block.cuba.Affine`."""

    lava_dl_type = "block.cuba.Affine"


class Dense(_OurNeuron, _cuba.Dense):
    """`slayer.block.cuba.Dense`."""

    lava_dl_type = "block.cuba.Dense"


class Conv(_OurNeuron, _cuba.Conv):
    """`slayer.block.cuba.Conv`."""

    lava_dl_type = "block.cuba.Conv"


class ConvT(_OurNeuron, _cuba.ConvT):
    """`slayer.block.cuba.ConvT`."""

    lava_dl_type = "block.cuba.ConvT"


class Pool(_OurNeuron, _cuba.Pool):
    """`slayer.block.cuba.Pool`."""

    lava_dl_type = "block.cuba.Pool"


class Unpool(_OurNeuron, _cuba.Unpool):
    """`slayer.block.cuba.Unpool`."""

    lava_dl_type = "block.cuba.Unpool"


class KWTA(_OurNeuron, _cuba.KWTA):
    """`slayer.block.cuba.KWTA`."""

    lava_dl_type = "block.cuba.KWTA"


class Recurrent(_OurNeuron, _cuba.Recurrent):
    """`slayer.block.cuba.Recurrent`."""

    lava_dl_type = "block.cuba.Recurrent"
