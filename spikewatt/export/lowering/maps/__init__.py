"""Linear maps between populations: how they act, compose, and become synapses.

A population has places (X, Y) and channels; a tensor of its spikes is (N, C, X, Y, T). Each map
is a geometry with a weight, all of whose entries become synapses of one kind:

- `ConvMap`: y[o, p] = sum over taps and i of W[o, i, tap] x[i, stride p + tap - padding]
- `JointMap`: y[o, v] = sum over pairs (v, u) and i of W[pair, o, i] x[i, u], the same in each block
- `PlaceMap`, `ListedMap`: a gain for each neuron, a weight for each listed pair of neurons
- `SpreadMap`: y[c, p] = w x[c], from one place to all of them
- `AttentionMap`: w Q K^T V of three populations
"""

from spikewatt.export.lowering.maps.attention import AttentionMap
from spikewatt.export.lowering.maps.composition import Map, compose, scaled
from spikewatt.export.lowering.maps.conv import ConvMap, Places, identity, is_scalar
from spikewatt.export.lowering.maps.joints import JointMap
from spikewatt.export.lowering.maps.listed import ListedMap, PlaceMap, SpreadMap

__all__ = [
    "AttentionMap",
    "ConvMap",
    "JointMap",
    "ListedMap",
    "Map",
    "PlaceMap",
    "Places",
    "SpreadMap",
    "compose",
    "identity",
    "is_scalar",
    "scaled",
]
