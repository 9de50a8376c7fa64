"""SLAYER's CUBA neuron as one fused pass over time: lava-dl's integers and gradients, our code."""

from spikewatt.train.neuron.cuba import CubaNeuron
from spikewatt.train.neuron.lif import ParametricLif, lif, plif
from spikewatt.train.neuron.norms import ChannelBias
from spikewatt.train.neuron.surrogates import (
    ATan,
    Rectangular,
    Sigmoid,
    SlayerExponential,
    Surrogate,
)

__all__ = [
    "ATan",
    "ChannelBias",
    "CubaNeuron",
    "ParametricLif",
    "Rectangular",
    "Sigmoid",
    "SlayerExponential",
    "Surrogate",
    "lif",
    "plif",
]
