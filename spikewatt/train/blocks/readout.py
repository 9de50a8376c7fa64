"""Read-outs: logits from the spikes of a clip, float and quantised."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from spikewatt.export.builder import NetworkBuilder
from spikewatt.network import Dense
from spikewatt.train.blocks.neurons import INTEGRATOR
from spikewatt.train.quantize import quantize_bias, quantize_weight, to_integers

LOGIT_GAIN = 5.0  # spikes are rare: logits start near one


class IntegratingReadout(nn.Module):
    """Integrating read-out: logits = sum over joints, channels and steps of W J x, plus bias.

    W is shared by the joints, J is a learned weight of each joint.
    """

    def __init__(self, joints: int, channels: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, channels) * LOGIT_GAIN * channels**-0.5)
        self.joints = nn.Parameter(torch.ones(joints))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) spikes -> (N, classes) logits."""
        mean = torch.einsum("ncvt,v->nc", x, self.joints) / (x.shape[2] * x.shape[3])
        return mean @ self.weight.T + self.bias


class QuantisedReadout(nn.Module):
    """The read-out as an integrator population: no leak, unreachable threshold, v read at the end.

    scale: integer weight units per float weight (divided by 64, as everywhere in slayer).
    """

    def __init__(self, readout: IntegratingReadout, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(readout.weight.detach().clone())
        self.joints = nn.Parameter(readout.joints.detach().clone())
        self.bias = nn.Parameter(readout.bias.detach().clone())
        self.scale = scale

    def synapse_weights(self) -> torch.Tensor:
        """Quantised weights, (classes, C, V)."""
        return quantize_weight(self.weight[:, :, None] * self.joints * self.scale)

    def step_bias(self) -> torch.Tensor:
        """Quantised bias of each step, (classes,)."""
        joints = self.joints.shape[0]
        return quantize_bias(self.bias * self.scale * joints)

    def membrane(self, x: torch.Tensor) -> torch.Tensor:
        """Voltage after the last step over 64, (N, classes); exact in float32 below 2**24."""
        spikes = x.sum(dim=-1)
        charge = torch.einsum("ncv,kcv->nk", spikes, self.synapse_weights())
        return charge + self.step_bias() * x.shape[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) spikes -> (N, classes) logits on the float read-out's scale."""
        return self.membrane(x) / (self.scale * x.shape[2] * x.shape[3])

    def lower(self, builder: NetworkBuilder) -> None:
        """Adds the integrator population."""
        weights = to_integers(self.synapse_weights())  # (classes, C, V)
        classes = weights.shape[0]
        dense = Dense(np.ascontiguousarray(weights.transpose(0, 2, 1).reshape(classes, -1)))
        bias = to_integers(self.step_bias())
        builder.population("dense", (classes,), INTEGRATOR, dense, bias)
