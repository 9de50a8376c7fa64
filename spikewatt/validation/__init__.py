"""Every rule an integer network has to keep, checked together.

`violations` lists all that is wrong; nothing stops at the first. What runs here can run on the
engines, and what is in range here is in range on the target.
"""

from __future__ import annotations

from spikewatt.network import Network, NetworkError, Violation
from spikewatt.validation.attention import attention_depths
from spikewatt.validation.graph import graph, readout, start
from spikewatt.validation.host import host
from spikewatt.validation.populations import NEVER_FIRES, input_layer, population
from spikewatt.validation.projections import projection
from spikewatt.validation.ranges import out_of_range
from spikewatt.validation.tables import biases_of_steps, step_bias, step_tables

__all__ = ["NEVER_FIRES", "out_of_range", "parts_violations", "validate", "violations"]


def violations(network: Network) -> list[Violation]:
    """Everything that keeps a network from running, in the order of its parts; empty if sound."""
    found = list(graph(network))
    found += parts_violations(network)
    if not found:  # depths and read-out mean something only in a sound graph
        tables = list(step_tables(network)) or list(biases_of_steps(network))
        found += [*start(network), *attention_depths(network), *tables]
        found += readout(network, network.readout)
        found += host(network)
    return found


def validate(network: Network, subject: str) -> None:
    """Raise NetworkError with all violations, if there are any; subject names the network."""
    if found := violations(network):
        raise NetworkError(subject, found)


def parts_violations(network: Network) -> list[Violation]:
    """What is wrong with single populations and with projections whose two ends exist."""
    found = list(input_layer(network))
    for p in network.populations:
        found += [*population(network, p), *step_bias(p)]
    known = {network.input.layer, *network.by_layer}
    for q in network.projections:
        if known.issuperset(q.sources) and q.target in network.by_layer:
            found += projection(network, q)
    return found
