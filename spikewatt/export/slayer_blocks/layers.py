"""One small function for each kind of block."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from spikewatt.export.builder import channels_first, lava_shape
from spikewatt.export.slayer import slayer
from spikewatt.export.slayer_blocks.chain import Chain
from spikewatt.export.slayer_blocks.neurons import (
    alif,
    cuba,
    delta,
    integrator,
    neuron_of,
    sigma,
)
from spikewatt.export.slayer_blocks.norms import Cell, normed, settled, with_bias
from spikewatt.export.slayer_blocks.site import Site, lava_dl_type
from spikewatt.export.slayer_blocks.synapses import integers, synapses_of
from spikewatt.network import (
    DECAY_MAX,
    AdaptiveLif,
    CubaLif,
    Delta,
    Dense,
    IntArray,
    Neuron,
    Population,
    Readout,
    Shape,
    Sigma,
    SigmaDelta,
)

block = slayer.block
GRADED = (Delta, Sigma, SigmaDelta)
MESSAGE_BITS = 16  # what lava-dl gives sigma-delta neurons

Lowering = Callable[[Site, Chain], None]


def lower_input(site: Site, chain: Chain) -> None:
    """Spikes as they come, or numbers that drive a population."""
    b, shape = site.block, lava_shape(tuple(site.block.shape))
    if b.neuron is None:
        chain.builder.input(shape)
    else:
        _lower_driven(site, chain, shape)
    if b.delay_shift:
        chain.shifted.add(chain.builder.last)


def _lower_driven(site: Site, chain: Chain, shape: Shape) -> None:
    kind = lava_dl_type(site.block.neuron)
    if kind not in INPUT_NEURONS:
        raise site.refuse("no input of NetX drives its neuron. Use a cuba or sigma_delta Input.")
    if site.block.neuron.norm is not None:
        raise site.refuse("its neuron has a norm; the stimulus takes the bias' place. Leave it out")
    neuron = INPUT_NEURONS[kind](site)
    transform = _transform(site, "weight", site.block.neuron.w_scale), _transform(site, "bias", 0)
    if isinstance(neuron, CubaLif | AdaptiveLif) and neuron.i_decay == DECAY_MAX:
        chain.builder.bias_input(shape, neuron, *transform)
        return
    # SLAYER feeds the current: with a current that is kept, that is no bias
    bits = MESSAGE_BITS if isinstance(neuron, Delta) else 0
    chain.builder.dendrite_input(Population(0, shape, neuron, None, bits), *transform)
    chain.graded = bits > 0


def _transform(site: Site, name: str, default: int) -> int:
    value = getattr(site.block, name)
    if value is None:
        return default
    quantised = site.block.pre_hook_fx(value) * site.block.neuron.w_scale
    return int(site.whole(quantised, f"input {name}").item())


def lower_flatten(site: Site, chain: Chain) -> None:
    """The file's flatten layer; neurons keep their own order."""
    chain.builder.flatten()


def lower_average(site: Site, chain: Chain) -> None:
    """The read-out: spikes summed by group over the sample."""
    groups, shape = int(site.block.num_outputs), chain.builder.shape
    order = channels_first(shape).reshape(groups, -1) // (np.prod(shape) // groups)
    if (order != np.arange(groups)[:, None]).any():
        raise site.refuse(
            f"its {groups} groups of the shape {shape} are no blocks of neighbours in Lava's "
            "order (x, y, channel). Put a dense layer in front."
        )
    divisor = int(np.prod(shape)) // groups
    chain.readout = Readout("rate", groups, divisor, chain.builder.average())


def lower_affine(site: Site, chain: Chain) -> None:
    """Neurons that never fire; the read-out is v at the last step."""
    neuron, synapse = integrator(site), site.block.synapse
    weight = integers(site, synapse)
    cell = normed(site, neuron, (weight,))
    if not site.block.dynamics:
        cell = Cell(neuron, (weight,), np.zeros(1, dtype=np.int32))
    population = _populate(site, chain, "dense", settled(site, cell), [(synapse, "real")])
    chain.readout = Readout("membrane", population.size)


def lower_layer(kind: str) -> Lowering:
    """A layer with synapses; kind is the file's layer type."""

    def lower(site: Site, chain: Chain) -> None:
        synapse = site.block.synapse
        ends = [(synapse, "real")]
        if hasattr(synapse, "imag"):
            ends = [(synapse.real, "real"), (synapse.imag, "imag")]
        weights = tuple(integers(site, s) for s, _ in ends)
        cell = settled(site, normed(site, neuron_of(site), weights))
        complex_kind = "dense_comp" if kind == "dense" and len(ends) > 1 else kind
        _populate(site, chain, complex_kind, cell, ends)

    return lower


def lower_output(site: Site, chain: Chain) -> None:
    """sigma_delta.Output: the running sum, without norm and bias."""
    synapse = site.block.synapse
    cell = Cell(sigma(site), (integers(site, synapse),), np.zeros(1, dtype=np.int32))
    _populate(site, chain, "dense", settled(site, cell), [(synapse, "real")])


def lower_recurrent(site: Site, chain: Chain) -> None:
    """Dense, and back from each neuron to all, a step later."""
    synapse, back = site.block.input_synapse, site.block.recurrent_synapse
    weights = integers(site, synapse), integers(site, back)
    _close_loop(site, chain, normed(site, neuron_of(site), weights), synapse)


def lower_kwta(site: Site, chain: Chain) -> None:
    """k winners take all: dense, inhibition of all others, and a constant input."""
    b = site.block
    n, hook = b.neuron, b.neuron.quantize_8bit
    count, excitation = b.num_neurons, b.self_excitation.detach().clamp(0, 1)
    back = (1 + excitation) * excitation.new_ones(count).diag() - 1
    constant = n.threshold * (count - 2 * b.num_winners) / count / n.w_scale
    constant = hook(excitation.new_tensor([constant])) * n.w_scale
    weights = integers(site, b.synapse), site.whole(hook(back) * n.w_scale, "weight")
    cell = with_bias(
        site, normed(site, neuron_of(site), weights), site.whole(constant, "constant input")
    )
    _close_loop(site, chain, cell, b.synapse)


def _close_loop(site: Site, chain: Chain, cell: Cell, synapse: Any) -> None:
    cell = settled(site, cell)
    layer, size = chain.builder.next_layer, len(cell.weights[1])
    loop = Dense(np.ascontiguousarray(cell.weights[1].reshape(size, size)))
    _populate(site, chain, "dense_rec", cell, [(synapse, "real")])
    chain.builder.connect(layer, layer, loop)


def _populate(
    site: Site, chain: Chain, kind: str, cell: Cell, ends: list[tuple[Any, str]]
) -> Population:
    """A population with one projection for each end: synapse and part of the neuron."""
    _check_units(site, chain, cell.neuron)
    source, shape = chain.builder.shape, _shape(site)
    pairs = zip(ends, cell.weights, strict=False)
    synapses = [(synapses_of(site, s, w, source), part) for (s, part), w in pairs]
    bits = MESSAGE_BITS if isinstance(cell.neuron, GRADED) else 0
    layer = chain.builder.next_layer
    population = Population(layer, shape, cell.neuron, _bias(site, cell.bias, shape), bits)
    chain.add(site, kind, population, [chain.project(s, part) for s, part in synapses])
    return population


def _shape(site: Site) -> Shape:
    n = site.block.neuron
    shape = n.sigma.shape if n.shape is None else n.shape
    return lava_shape(tuple(shape))


def _bias(site: Site, bias: IntArray, shape: Shape) -> IntArray | None:
    n = site.block.neuron
    if getattr(n, "bias_is_set", False):  # of one neuron each; lava-dl's export loses it
        own = site.whole(n.bias * n.w_scale, "bias in weight units")
        bias = bias + (own if own.size == 1 else own.reshape(shape[::-1]).T)
    if not bias.any():
        return None
    return np.ascontiguousarray(np.broadcast_to(bias, shape), dtype=np.int32)


def _check_units(site: Site, chain: Chain, neuron: Neuron) -> None:
    if isinstance(neuron, GRADED) != chain.graded:
        raise site.refuse(
            "sigma-delta messages are whole numbers of 2^-12, spikes whole numbers of 1, and its "
            "neuron reads the other kind than the block before sends. Start sigma-delta networks "
            "with sigma_delta.Input and do not mix them with spiking blocks."
        )


INPUT_NEURONS: dict[type, Callable[[Site], Neuron]] = {
    slayer.neuron.cuba.Neuron: cuba,
    slayer.neuron.alif.Neuron: alif,
    slayer.neuron.sigma_delta.Neuron: delta,
}

_KINDS: dict[str, Lowering] = {
    "Input": lower_input,
    "Flatten": lower_flatten,
    "Average": lower_average,
    "Affine": lower_affine,
    "Dense": lower_layer("dense"),
    "Conv": lower_layer("conv"),
    "ConvT": lower_layer("convT"),
    "Pool": lower_layer("pool"),
    "Unpool": lower_layer("unpool"),
    "Recurrent": lower_recurrent,
    "KWTA": lower_kwta,
    "Output": lower_output,
}

FAMILIES: tuple[ModuleType, ...] = (
    block.cuba,
    block.sigma_delta,
    block.rf,
    block.rf_iz,
    block.alif,
)

LOWERINGS: dict[type, Lowering] = {
    getattr(family, name): lowering
    for family in FAMILIES
    for name, lowering in _KINDS.items()
    if hasattr(family, name)
}
