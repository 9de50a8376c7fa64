"""From a trained float network to populations and linear maps between them.

A network of spikewatt's blocks is run once on wires instead of tensors (`trace`). A wire knows
which populations its value comes from and by which linear map; every neuron module closes a
population. What is left is a `FloatGraph`: neurons, maps with batch normalisation folded in, and
biases. `train/quantised.py` turns it into integers.
"""

from spikewatt.export.lowering.graph import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.tracing import trace

__all__ = ["Edge", "FloatGraph", "FloatPopulation", "trace"]
