"""The layers of a file as lava-dl walks them: each projects to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from spikewatt.export.netx.extension import Extension, Mark
from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.neurons import DEFAULT, read_neuron
from spikewatt.export.netx.notes import Notes
from spikewatt.export.netx.order import from_flattened, listed, spread
from spikewatt.export.netx.synapses import read_bias, read_conv, read_dense
from spikewatt.network import (
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Shape,
    Synapses,
)

NOT_YET = ("pool", "convT", "unpool", "concat", "dense_rec", "dense_comp")
INPUT_SCALE = 64  # lava-dl's default for an input with a neuron


@dataclass(frozen=True)
class Cut:
    """Which part of a file is read: lava-dl's num_layers and skip_layers, and the input's bits."""

    layers: int | None = None
    skip: int = 0
    message_bits: int | None = None


@dataclass(frozen=True)
class Source:
    """Whose spikes the next layer receives.

    port: they come from outside. tensor: lava-dl holds them as (x, y, channel), so that a flatten
    layer reorders them; behind a dense layer they are flat already.
    """

    layer: int
    shape: Shape
    port: bool
    tensor: bool
    message_bits: int = 0
    flattened: bool = False


def read_input(fields: Fields, mark: Mark) -> tuple[Input | None, Population | None]:
    """The input of a file, and the population it drives where it has a neuron."""
    shape, neuron = fields.shape(), fields.inside("neuron")
    scale = fields.integer("weight", default=INPUT_SCALE if neuron else 1)
    offset = fields.integer("bias", default=0)
    kind, bits = read_neuron(neuron) if neuron else (None, 0)
    if shape is None or scale is None or offset is None:
        return None, None
    entry = Input(fields.layer or 0, shape[::-1], 0, neuron is not None, scale, offset)
    if kind is None:
        return entry, None
    return entry, Population(entry.layer, entry.shape, kind, None, bits or mark.message_bits)


class ChainReader:
    """Walks the layers of a file and collects populations and projections."""

    def __init__(self, layers: Fields, extension: Extension, cut: Cut) -> None:
        self.layers, self.extension, self.cut = layers, extension, cut
        self.notes: Notes = layers.notes
        self.input: Input | None = None
        self.source: Source | None = None
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.types: dict[int, str] = {}
        self.readout: Readout | None = None

    def read(self) -> Network | None:
        """The network, as far as it can be read; the notes say what cannot."""
        total = len(self.layers.group)
        count = total if self.cut.layers is None else min(total, self.cut.layers)
        for i in range(count):
            group = self.layers.inside(str(i))
            if group is None:
                hint = "layers are numbered from 0 without gaps"
                self.notes.reject(i, "group", "missing", f"layers 0..{total - 1}", hint)
            else:
                self._layer(i, replace(group, layer=i, prefix=""))
        whole = count == total
        if not self.populations and not self.notes.violations:
            hint = "take more layers or skip fewer"
            self.notes.reject(None, "number of layers with neurons", "0", "at least 1", hint)
        return self._network(whole)

    def _network(self, whole: bool) -> Network | None:
        if self.input is None:
            return None
        ext, entry = self.extension, self.input
        if self.cut.message_bits is not None:
            entry = replace(entry, message_bits=self.cut.message_bits)
        return Network(
            input=entry,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            start=ext.start,
            readout=(ext.readout if whole else None) or self.readout,
            classes=ext.classes,
            encoder=ext.encoder if self.cut.skip == 0 else None,
            training=ext.training,
            layer_types=self.types,
        )

    def _layer(self, i: int, fields: Fields) -> None:
        kind = fields.text("type")
        if kind is None:
            return
        self.types[i] = kind
        if i < self.cut.skip:
            self._skip(i, kind, fields)
            return
        if self.input is None and self.source is not None:  # the first layer behind skipped ones
            self.input = Input(self.source.layer, self.source.shape, self.source.message_bits)
        if kind not in _READERS:
            hint = f"`{kind}` is not read yet" if kind in NOT_YET else "check the file's origin"
            fields.reject("type", kind, ", ".join(_READERS), hint)
            self._skip(i, kind, fields, port=False)
            return
        if self.readout is not None:
            fields.reject("type", f"{kind} behind an average", "nothing", "average comes last")
        _READERS[kind](self, i, fields)

    def _skip(self, i: int, kind: str, fields: Fields, port: bool = True) -> None:
        """Take only the shape of a layer, as lava-dl's skip_layers does."""
        shape, neuron = fields.shape() if fields.has("shape") else None, fields.inside("neuron")
        bits = (neuron.integer("messageBits", default=0) if neuron else 0) or 0
        if kind == "flatten" and self.source is not None:
            flat = (prod(self.source.shape),)
            self.source = Source(i, flat, port, tensor=False, message_bits=self.source.message_bits)
        elif shape is not None:
            tensor = kind not in ("dense", "dense_rec", "dense_comp")
            ours = shape[::-1] if tensor else (prod(shape),)
            self.source = Source(i, ours, port, tensor, bits)

    def _read_input(self, i: int, fields: Fields) -> None:
        if i > 0:
            fields.reject("type", "input", "the first layer only", "write the file again")
            return
        if not fields.has("shape") and not fields.has("neuron"):
            return  # the first dense layer says how many inputs there are
        entry, population = read_input(fields, self.extension.mark(i))
        if entry is None:
            return
        bits = self.extension.input_message_bits
        self.input = replace(entry, message_bits=bits)
        self.source = Source(i, entry.shape, port=not entry.drives_bias, tensor=True)
        if population is not None:
            self.populations.append(population)

    def _read_flatten(self, i: int, fields: Fields) -> None:
        if self.source is None:
            return
        if not self.source.port and (not self.source.tensor or len(self.source.shape) != 3):
            self.notes.block(i, f"lava-dl flattens 3 axes, not {self.source.shape}")
        self.source = replace(self.source, flattened=True)

    def _read_dense(self, i: int, fields: Fields) -> None:
        sizes, mark = fields.shape(), self.extension.mark(i)
        if sizes is None:
            self.source = None
            return
        shape = mark.shape or (prod(sizes),)
        if prod(shape) != prod(sizes):
            fields.reject("shape", str(sizes), f"{shape} of the extension", "write it again")
            shape = (prod(sizes),)
        dense = read_dense(fields, prod(sizes))
        population = self._population(i, fields, shape)
        synapses: Synapses | None = None if dense is None else self._columns(i, fields, dense)
        if isinstance(synapses, Dense) and mark.dense_macs is not None:
            synapses = listed(synapses, mark.dense_macs)
        self._join(i, synapses, population)
        self.source = Source(i, shape, port=False, tensor=False)

    def _columns(self, i: int, fields: Fields, dense: Dense) -> Dense:
        """The layer's columns in our order of the source's neurons."""
        source, columns = self.source, dense.weight.shape[1]
        if source is None and self.input is None:  # a file without input layer
            self.source = Source(-1, (columns,), port=True, tensor=False)
            self.input = Input(-1, (columns,), self.extension.input_message_bits)
            return dense
        if source is None or not source.tensor or columns != prod(source.shape):
            return dense
        if source.flattened:
            weight = from_flattened(dense.weight, source.shape)
            delay = None if dense.delay is None else from_flattened(dense.delay, source.shape)
            return Dense(weight, delay)
        if not source.port and spread(source.shape):
            hint = "put a flatten layer between them, so that the order is clear"
            fields.reject("type", f"dense behind {source.shape}", "a flat layer", hint)
        elif not source.port and len(source.shape) > 1:
            self.notes.block(i, f"lava-dl does not join {source.shape} to dense without flatten")
        elif spread(source.shape) and self.input is not None:
            self.input = replace(self.input, shape=(columns,))
        return dense

    def _read_conv(self, i: int, fields: Fields) -> None:
        sizes, source = fields.shape(), self.source
        conv = read_conv(fields)
        if source is None and self.input is None:
            fields.reject("type", "conv without input shape", "an input layer", "add one")
        elif source is not None and source.flattened:
            fields.reject("type", "conv behind flatten", "dense", "leave the flatten out")
        elif source is not None and not source.tensor:
            self.notes.block(i, "lava-dl does not join a dense layer to a conv layer")
        if sizes is None:
            self.source = None
            return
        shape = sizes[::-1]
        self._join(i, conv, self._population(i, fields, shape, by_channel=True))
        self.source = Source(i, shape, port=False, tensor=True)

    def _population(
        self, i: int, fields: Fields, shape: Shape, by_channel: bool = False
    ) -> Population | None:
        bias, neuron = read_bias(fields, shape, by_channel), fields.inside("neuron")
        if neuron is not None:
            kind, bits = read_neuron(neuron)
        elif by_channel:
            fields.reject("neuron", "missing", "CUBA or LOIHI", "a conv layer has no default")
            return None
        else:
            kind, bits = DEFAULT, 0
            text = "no neuron in the file: lava-dl's default, which sums without leak and"
            self.notes.warn(i, f"{text} never fires")
        bits = bits or self.extension.mark(i).message_bits
        return None if kind is None else Population(i, shape, kind, bias, bits)

    def _join(self, i: int, synapses: Synapses | None, population: Population | None) -> None:
        if population is not None:
            self.populations.append(population)
        if synapses is not None and self.source is not None:
            self.projections.append(Projection(self.source.layer, i, synapses))

    def _read_average(self, i: int, fields: Fields) -> None:
        sizes = fields.shape()
        self.notes.block(i, f"lava-dl does not implement average; num_layers={i} loads the rest")
        if sizes is None or self.source is None:
            return
        if self.source.port:
            fields.reject("type", "average without neurons before it", "a layer", "add one")
        if self.source.tensor and spread(self.source.shape):
            hint = "end with a dense layer"
            fields.reject("type", f"average of {self.source.shape}", "flat neurons", hint)
        groups = prod(sizes)
        divisor = max(1, prod(self.source.shape) // groups)
        self.readout = Readout("rate", groups, divisor, i)


_READERS: dict[str, Callable[[ChainReader, int, Fields], None]] = {
    "input": ChainReader._read_input,
    "flatten": ChainReader._read_flatten,
    "dense": ChainReader._read_dense,
    "conv": ChainReader._read_conv,
    "average": ChainReader._read_average,
}
