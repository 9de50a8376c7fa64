"""Maps along listed pairs of joints: graph convolutions and transforms over joints."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from spikewatt.export.lowering.maps.conv import Places
from spikewatt.export.lowering.maps.indices import on_device
from spikewatt.network import Dense, IntArray, Shape, Sparse

LISTED = 3  # numbers that a listed synapse takes: target, source, weight
MANY = 3  # from one pair in so many on, one product with the whole matrix is faster


@dataclass(frozen=True, eq=False)
class JointMap:
    """Channels mixed along listed pairs of places, the same in each of `blocks` blocks.

    weight: (pairs, C out, C in); pairs: target and source place of each, within a block of
    `joints` (targets, sources) places. Blocks follow each other in flat (x, y) order.
    """

    weight: torch.Tensor
    targets: torch.Tensor
    sources: torch.Tensor
    joints: Places  # places of a block at the target and at the source
    blocks: int = 1
    macs: int = 0  # as papers count them, for one step

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X, Y, T)."""
        n, c, *space, t = x.shape
        by_place = x.reshape(n, c, self.blocks, self.joints[1], t).permute(3, 1, 0, 2, 4)
        by_place = by_place.reshape(self.joints[1], c, -1)
        if MANY * len(self.targets) > prod(self.joints):
            z = self._matrix(weight) @ by_place.flatten(0, 1)
        else:
            # index_select and index_add, whose sums and gradients come in a fixed order
            targets, sources = on_device(self, x.device)
            sent = torch.bmm(weight, by_place.index_select(0, sources))
            z = sent.new_zeros(self.joints[0], *sent.shape[1:]).index_add(0, targets, sent)
        z = z.view(self.joints[0], -1, n, self.blocks, t).permute(2, 1, 3, 0, 4)
        if self.joints[0] == self.joints[1]:
            return z.reshape(n, -1, *space, t)
        return z.reshape(n, -1, self.blocks, self.joints[0], t)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Dense | Sparse:
        """A matrix where most joints hear most others in one block, else listed synapses.

        An integer weight of 0 is not listed.
        """
        if self.blocks == 1 and LISTED * np.count_nonzero(weight) > prod(target) * prod(source):
            return Dense(self._matrix(torch.as_tensor(weight)).numpy(), macs=self.macs)
        _, c_out, c_in = weight.shape
        targets, sources = (np.asarray(i)[:, None, None] for i in (self.targets, self.sources))
        at = targets * c_out + np.arange(c_out)[:, None], sources * c_in + np.arange(c_in)
        stored = weight != 0
        to, seen = (np.broadcast_to(a, weight.shape)[stored].astype(np.int32) for a in at)
        shape = (prod(target), prod(source))
        return Sparse(to, seen, weight[stored], shape, self.macs, repeats=self.blocks)

    def _matrix(self, weight: torch.Tensor) -> torch.Tensor:
        """The block as (targets, sources); several weights between two neurons add up."""
        _, c_out, c_in = weight.shape
        targets, sources = on_device(self, weight.device)
        whole = weight.new_zeros(prod(self.joints), c_out, c_in)
        whole = whole.index_add(0, targets * self.joints[1] + sources, weight)
        by_neuron = whole.view(*self.joints, c_out, c_in).transpose(1, 2)
        return by_neuron.reshape(self.joints[0] * c_out, -1)
