"""Layers with matrices: dense, dense_rec, dense_comp, and their sparse and complex variants."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import Mark
from spikewatt.export.netx.neurons import default_bits
from spikewatt.export.netx.order import listed, spread
from spikewatt.export.netx.sources import Part, Source, columns
from spikewatt.export.netx.synapses import read_matrices, without_marked
from spikewatt.network import Dense, Input, Population, Projection, Sparse

if TYPE_CHECKING:
    from spikewatt.export.netx.chain import ChainReader


def read_dense(reader: ChainReader, i: int, fields: Fields) -> None:
    """One population, a projection from each source and part, and one to itself (dense_rec)."""
    sizes, mark, source = fields.shape(), reader.extension.mark(i), reader.source
    if sizes is None:
        reader.source = None
        return
    shape = mark.shape or (prod(sizes),)
    if prod(shape) != prod(sizes):
        fields.reject("shape", str(sizes), f"{shape} of the extension", AGAIN)
        shape = (prod(sizes),)
    scaled = source is None or len(source.parts) == 1
    matrices = read_matrices(fields, prod(sizes), reader.kinds[i] == "dense_rec", scaled)
    population = reader.population(i, fields, shape)
    for part, dense in matrices.parts if matrices else ():
        _join(reader, i, fields, part, dense)
    if matrices is not None and matrices.recurrent is not None:
        _loop(reader, i, matrices.recurrent, population)
    reader.end(i, shape, population, tensor=False)


def _join(reader: ChainReader, i: int, fields: Fields, part: str, dense: Dense) -> None:
    if not _fits(reader, i, fields, dense):
        return
    assert reader.source is not None
    if len(reader.source.parts) > 1:
        for source, own in columns(dense, reader.source):
            wait = reader.wait(i, source)
            reader.projections.append(Projection(source.layer, i, own, wait, part=part))
        return
    mark, (source, block) = reader.extension.mark(i), next(columns(dense, reader.source))
    own = without_marked(fields, block, mark)
    synapses: Dense | Sparse = own
    if mark.dense_macs is not None:
        if not _zeros_fit(fields, own, mark):
            return
        synapses = listed(own, mark.dense_macs, mark.zeros)
    reader.projections.append(
        Projection(source.layer, i, synapses, mark.delay or 0, mark.axon_delay, part)
    )


def _zeros_fit(fields: Fields, dense: Dense, mark: Mark) -> bool:
    zeros, (targets, sources) = mark.zeros, dense.weight.shape
    if zeros is None:
        return True
    if zeros.min() >= 0 and zeros[:, 0].max() < targets and zeros[:, 1].max() < sources:
        return True
    fields.reject("zeros", "pairs outside the matrix", str(dense.weight.shape), AGAIN)
    return False


def _fits(reader: ChainReader, i: int, fields: Fields, dense: Dense) -> bool:
    """Whether the columns stand for the source's neurons, in an order that is clear."""
    source, width = reader.source, dense.weight.shape[1]
    if source is None and reader.input is None:  # a file without input layer
        reader.source = Source((Part(-1, (width,), port=True),))
        reader.input = Input(-1, (width,), reader.extension.input_message_bits)
        return True
    if source is None:
        return False
    if len(source.parts) > 1 and width != source.size:
        found, limit = f"{width} columns", f"{source.size}, one for each joined neuron"
        fields.reject("weight", found, limit, AGAIN)
        return False
    unordered = any(p.tensor and not p.flattened for p in source.parts)
    if unordered and width == source.size:  # another width is a violation of its own
        _order(reader, i, fields, source)
    return True


def _order(reader: ChainReader, i: int, fields: Fields, source: Source) -> None:
    """The order of neurons that no flatten layer gave an order."""
    first, shape = source.parts[0], source.shape
    inside = len(source.parts) > 1 or not first.port
    if spread(shape) and inside:
        hint = "put a flatten layer between them, so that the order is clear"
        fields.reject("type", f"dense behind {shape}", "a flat layer", hint)
    elif len(shape) > 1 and not first.port:
        reader.notes.block(i, f"lava-dl does not join {shape} to dense without flatten")
    elif spread(shape) and reader.input is not None:
        flat = (source.size,)
        reader.input = replace(reader.input, shape=flat)
        reader.source = Source((replace(first, shape=flat, tensor=False),))


def _loop(reader: ChainReader, i: int, dense: Dense, population: Population | None) -> None:
    """A layer's projection to itself, which lava-dl gives the message bits of its input."""
    reader.projections.append(Projection(i, i, dense))
    bits = reader.source.parts[0].message_bits if reader.source else 0
    if population is not None and bits == 0 and default_bits(population.neuron):
        reader.notes.block(i, "lava-dl takes its graded recurrent spikes for binary ones")
