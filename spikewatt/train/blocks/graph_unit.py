"""Graph convolution with its neurons, float and quantised.

The float unit trains with batch normalisation; its quantised twin has the normalisation folded
into weights and bias, and computes with the integers that the chip will hold. Tensors are
(N, channel, joint, step) as in slayer; a spike that enters a block leaves it in the same step
(`delay_shift=False`), so exported networks start `by_depth`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from spikewatt.export.builder import NetworkBuilder
from spikewatt.export.graph import graph_synapses
from spikewatt.network import CubaLif
from spikewatt.train.blocks.neurons import NeuronSettings, cuba_integers
from spikewatt.train.neuron import ChannelBias
from spikewatt.train.quantize import WEIGHT_SCALE, quantize_bias, quantize_weight, to_integers


class GraphUnit(nn.Module):
    """1D-SGC on the physical adjacency: y = LIF(BN(sum_k W_k x (A_k * E_k))).

    partitions: (K, V, V) 0/1, [k, target, source]; E is learned where A is not zero (Signal-SGN,
    arXiv 2408.01701, with the learned graph kept to the bones so that its synapses stay sparse).
    """

    def __init__(self, partitions, channels, settings: NeuronSettings, input_scale=1.0) -> None:
        super().__init__()
        channels_in, channels_out = channels
        kernels = partitions.shape[0]
        self.settings, self.input_scale = settings, input_scale
        self.register_buffer("partitions", torch.as_tensor(partitions))
        self.edges = nn.Parameter(torch.as_tensor(partitions).clone())
        spread = (channels_in * kernels) ** -0.5
        self.weight = nn.Parameter(torch.randn(kernels, channels_out, channels_in) * spread)
        self.norm = nn.BatchNorm2d(channels_out)
        self.neuron = settings.build()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) spikes -> (N, C out, V, T) spikes."""
        n, c, v, t = x.shape
        z = 0
        for adjacency, weight in zip(self.edges * self.partitions, self.weight, strict=True):
            gathered = torch.matmul(adjacency, x).reshape(n, c, v * t)
            z = z + torch.matmul(weight, gathered)
        z = z.view(n, -1, v, t) * self.input_scale
        return self.neuron(self.norm(z))

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights (K, C out, C in) and bias (C out) with the normalisation folded in."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        weight = self.weight * gain[:, None] * self.input_scale
        return weight.detach().clone(), (self.norm.bias - self.norm.running_mean * gain).detach()


class QuantisedGraphUnit(nn.Module):
    """GraphUnit after folding, with the integer weights of every bone.

    `scale` multiplies weights, bias and threshold alike, so that the weights fill their 8 bits.
    """

    def __init__(self, unit: GraphUnit, scale: float) -> None:
        super().__init__()
        weight, bias = unit.folded()
        self.scale = scale
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.edges = nn.Parameter(unit.edges.detach().clone())
        kernel, target, source = torch.nonzero(unit.partitions, as_tuple=True)
        for name, index in (("kernel", kernel), ("target", target), ("source", source)):
            self.register_buffer(name, index)
        threshold = round(scale * WEIGHT_SCALE) / WEIGHT_SCALE
        self.neuron = unit.settings.build(threshold)
        self.neuron.norm = ChannelBias(torch.zeros(bias.shape))

    def edge_weights(self) -> torch.Tensor:
        """Quantised weights of each bone, (edges, C out, C in), in slayer's units."""
        importance = self.edges[self.kernel, self.target, self.source]
        shared = self.weight.index_select(0, self.kernel)
        return quantize_weight(importance[:, None, None] * shared * self.scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) spikes -> (N, C out, V, T) spikes; exact integers over 64."""
        n, c, v, t = x.shape
        by_joint = x.permute(2, 1, 0, 3).reshape(v, c, n * t)
        # index_select, whose gradient adds in a fixed order; indexing with a tensor does not
        sent = torch.bmm(self.edge_weights(), by_joint.index_select(0, self.source))
        z = sent.new_zeros(v, sent.shape[1], n * t).index_add(0, self.target, sent)
        z = z.view(v, -1, n, t).permute(2, 1, 0, 3)
        bias = quantize_bias(self.bias * self.scale)
        self.neuron.norm.values = bias.detach()
        # the bias enters behind the current; added here it reaches the gradient, not the state
        return self.neuron(z + (bias - bias.detach())[:, None, None])

    def lower(self, builder: NetworkBuilder, joints: int) -> None:
        """Adds this unit as a population with sparse synapses."""
        weights = to_integers(self.edge_weights())
        bones = (self.target.numpy(), self.source.numpy())
        synapses = graph_synapses(weights, bones, joints)
        channels = weights.shape[1]
        bias = np.tile(to_integers(quantize_bias(self.bias * self.scale)), joints)
        neuron = CubaLif(**cuba_integers(self.neuron))
        builder.population("dense", (joints * channels,), neuron, synapses, bias)
