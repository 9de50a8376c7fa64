"""Integer networks to NIR files: the integers as floats, in units of one weight step."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.nir.own import KEY, VERSION
from spikewatt.export.nir.steps import DT
from spikewatt.export.nir.synapse_nodes import Nodes, check_kinds, nir_order, separated
from spikewatt.files import whole_file
from spikewatt.network import (
    DECAY_MAX,
    Conv,
    CubaLif,
    Dense,
    IntArray,
    Network,
    Population,
    Projection,
    Shape,
    Sparse,
)
from spikewatt.validation import NEVER_FIRES, validate

_TYPES = {Dense: "dense", Sparse: "sparse", Conv: "conv"}


def write(network: Network, path: str | Path, dt_s: float = DT) -> None:
    """Write a network as NIR, a step being dt_s seconds; `read` gives the same network back.

    NIR's signals take no time: that every projection takes a step, and when samples start, is
    in the metadata only. Raises SpikewattError where NIR has no node for something.
    """
    validate(network, f"the network for {path}")
    check_kinds(network)
    _check_neurons(network)
    _check_tables(network)
    graph = _Writer(network, dt_s).graph()
    with whole_file(Path(path)) as beside:
        nir.write(beside, graph)


def _check_neurons(network: Network) -> None:
    if network.host is not None:
        raise SpikewattError(
            f"The network has a stage for the host ({network.host.name}), which NIR cannot say. "
            "Keep the .net file, or train without it (waves = false)."
        )
    for p in network.populations:
        if not isinstance(p.neuron, CubaLif) or p.message_bits:
            raise SpikewattError(
                f"Layer {p.layer} has {type(p.neuron).__name__} neurons with {p.message_bits} "
                "message bits, which NIR cannot say; it has spiking LIF neurons only."
            )


def _check_tables(network: Network) -> None:
    if network.table_steps is not None:
        raise SpikewattError(
            f"The network has gains or biases for each of {network.table_steps} steps, which NIR "
            "cannot say: its nodes do the same in every step. Write a .net file instead."
        )


class _Writer:
    def __init__(self, network: Network, dt_s: float) -> None:
        self.network, self.dt_s = network, dt_s
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.flat = {p.layer for p in network.populations if self._is_flat(p)}

    def graph(self) -> nir.NIRGraph:
        """Nodes, edges and metadata."""
        n = self.network
        entry, last = n.input, n.output
        self.nodes["input"] = nir.Input(input_type={"input": np.array(entry.shape[::-1])})
        biases = {p.layer: self._bias_place(p) for p in n.populations}
        for p in n.populations:
            self.nodes[f"layer_{p.layer}"] = self._neuron(p, biases[p.layer] == "leak")
        delays = [self._projection(k, p, biases[p.target]) for k, p in enumerate(n.projections)]
        if entry.layer in n.by_layer:
            self.edges.append(("input", f"layer_{entry.layer}"))
        shape = np.array(self._written(last.layer, last.shape))
        self.nodes["output"] = nir.Output(output_type={"output": shape})
        self.edges.append((f"layer_{last.layer}", "output"))
        metadata = {KEY: json.dumps(self._facts(biases, delays), sort_keys=True)}
        return nir.NIRGraph(self.nodes, self.edges, metadata=metadata, type_check=False)

    def _is_flat(self, p: Population) -> bool:
        """Dense synapses end in one axis; no kernel may then touch the population."""
        dense = [isinstance(q.synapses, Dense | Sparse) for q in self.network.incoming(p.layer)]
        outgoing = [q for q in self.network.projections if q.source == p.layer]
        kernels = [not isinstance(q.synapses, Dense | Sparse) for q in outgoing]
        if any(dense) and len(p.shape) > 1 and not (all(dense) and not any(kernels)):
            raise SpikewattError(
                f"Layer {p.layer} has the shape {p.shape} with a dense projection beside a "
                "convolution or pool, and NIR has no way to unflatten. Give it one axis."
            )
        return any(dense)

    def _written(self, layer: int, shape: Shape) -> Shape:
        return (int(np.prod(shape)),) if layer in self.flat else shape[::-1]

    def _bias_place(self, p: Population) -> str | None:
        """The node that carries the bias: synapses without late delays, or `leak`, the neuron."""
        if p.bias is None:
            return None
        neuron = p.neuron
        assert isinstance(neuron, CubaLif)
        for k, q in enumerate(self.network.projections):
            behind_current = neuron.i_decay == DECAY_MAX and q.target == p.layer
            if behind_current and q.source != p.layer and _takes_bias(q, p.bias):
                return f"projection_{k}"
        if neuron.v_decay == 0:
            raise SpikewattError(
                f"Layer {p.layer} integrates without leak and has a bias that its synapses cannot "
                "carry in NIR. Leave the bias out, or give it a voltage decay."
            )
        return "leak"

    def _neuron(self, p: Population, leak: bool) -> Any:
        n = p.neuron
        assert isinstance(n, CubaLif)
        shape = self._written(p.layer, p.shape)
        fires = n.v_threshold < NEVER_FIRES
        arrays: dict[str, Any] = {}
        if fires:
            arrays["v_threshold"] = np.full(shape, float(n.v_threshold))
            arrays["v_reset"] = np.zeros(shape)
        if n.i_decay == DECAY_MAX and n.v_decay == 0:
            return (nir.IF if fires else nir.I)(r=np.full(shape, 1 / self.dt_s), **arrays)
        if not n.i_decay or not n.v_decay:
            raise SpikewattError(
                f"Layer {p.layer} has iDecay {n.i_decay} and vDecay {n.v_decay}: a time constant "
                "is infinite, which NIR says of LIF neurons without current only."
            )
        share = n.v_decay / DECAY_MAX
        arrays["r"] = np.full(shape, 1 / share)
        bias = p.bias if leak and p.bias is not None else np.zeros(p.shape)
        arrays["v_leak"] = nir_order(bias, p.shape).reshape(shape) / share
        tau = np.full(shape, self.dt_s / share)
        if n.i_decay == DECAY_MAX:
            return (nir.LIF if fires else nir.LI)(tau=tau, **arrays)
        syn = np.full(shape, self.dt_s * DECAY_MAX / n.i_decay)
        weight = np.full(shape, DECAY_MAX / n.i_decay)
        kind = nir.CubaLIF if fires else nir.CubaLI
        return kind(tau_syn=syn, tau_mem=tau, w_in=weight, **arrays)

    def _projection(self, k: int, p: Projection, place: str | None) -> str | None:
        name, shapes = f"projection_{k}", (p.source, p.target)
        source, target = (self.network.shape_of(layer) for layer in shapes)
        nodes = Nodes(name, p, source, target, p.source in self.flat)
        bias = self.network.by_layer[p.target].bias if place == name else None
        delays = separated(nodes, bias, self.dt_s)
        self.nodes |= dict(nodes.found)
        entry = self.network.input
        spikes_enter = p.source == entry.layer and entry.layer not in self.network.by_layer
        first = "input" if spikes_enter else f"layer_{p.source}"
        chain = [first, *(n for n, _ in nodes.found), f"layer_{p.target}"]
        self.edges += list(pairwise(chain))
        return delays

    def _facts(self, biases: dict[int, str | None], delays: list[str | None]) -> dict[str, Any]:
        n = self.network
        return {
            "version": VERSION,
            "dt_s": self.dt_s,
            "start": None if n.start is None else n.start.value,
            "readout": None if n.readout is None else asdict(n.readout),
            "classes": n.classes,
            "encoder": n.encoder,
            "training": dict(n.training),
            "layer_types": dict(n.layer_types),
            "names": dict(n.names),
            "input": asdict(n.input),
            "populations": [
                {
                    "layer": p.layer,
                    "shape": p.shape,
                    "message_bits": p.message_bits,
                    "bias": biases[p.layer],
                }
                for p in n.populations
            ],
            "projections": [
                {
                    "source": p.source,
                    "target": p.target,
                    "type": _TYPES.get(type(p.synapses), "pool"),
                    "delay": p.delay,
                    "axon": p.axon_delay is not None,
                    "synapse_delay": of,
                    "part": p.part,
                }
                for p, of in zip(n.projections, delays, strict=True)
            ],
        }


def _takes_bias(p: Projection, bias: IntArray) -> bool:
    if p.delay or getattr(p.synapses, "delay", None) is not None:
        return False
    if isinstance(p.synapses, Conv):
        return bool((bias == bias[:1, :1]).all())
    return isinstance(p.synapses, Dense | Sparse)
