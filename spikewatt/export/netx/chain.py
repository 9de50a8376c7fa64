"""The layers of a file as lava-dl walks them: each projects to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from spikewatt.export.netx.concat import joined
from spikewatt.export.netx.dense_layer import read_dense
from spikewatt.export.netx.entry import read_input
from spikewatt.export.netx.extension import Extension
from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.kernel_layer import read_kernel_layer
from spikewatt.export.netx.marks import Mark
from spikewatt.export.netx.neurons import (
    DECAY_BITS,
    DEFAULT,
    SPIKE_EXP,
    STATE_EXP,
    Setting,
    read_neuron,
)
from spikewatt.export.netx.notes import Notes
from spikewatt.export.netx.order import spread
from spikewatt.export.netx.sources import Part, Source
from spikewatt.export.netx.synapses import bias_of, read_bias
from spikewatt.network import (
    Input,
    Network,
    Neuron,
    Population,
    Projection,
    Readout,
    ResonateFire,
    Shape,
)

MATRICES = ("dense", "dense_rec", "dense_comp")
KERNELS = ("conv", "convT", "pool", "unpool")
NOT_IN_LAVA_DL = ("convT", "pool", "unpool", "concat", "average", "dense_comp")


@dataclass(frozen=True)
class Cut:
    """Which part of a file is read, and what lava-dl takes as arguments: num_layers, skip_layers,
    input_message_bits, spike_exp; None is what the file says."""

    layers: int | None = None
    skip: int = 0
    message_bits: int | None = None
    spike_exp: int | None = None

    def setting(self, mark: Mark, is_input: bool) -> Setting:
        """What a layer's neuron is given beside its own group."""
        spike_exp = mark.spike_exp if self.spike_exp is None else self.spike_exp
        return Setting(
            is_input=is_input,
            spike_exp=SPIKE_EXP if spike_exp is None else spike_exp,
            state_exp=STATE_EXP if mark.state_exp is None else mark.state_exp,
            decay_bits=DECAY_BITS if mark.decay_bits is None else mark.decay_bits,
            sdnn=mark.sdnn,
        )


class ChainReader:
    """Walks the layers of a file and collects populations and projections."""

    def __init__(self, layers: Fields, extension: Extension, cut: Cut) -> None:
        self.layers, self.extension, self.cut = layers, extension, cut
        self.notes: Notes = layers.notes
        total = len(layers.names())
        self.total, self.count = total, total if cut.layers is None else min(total, cut.layers)
        self.input: Input | None = None
        self.source: Source | None = None
        self.outputs: dict[int, Source] = {}  # what a concat may join, by layer
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.kinds: dict[int, str] = {}  # of layers as the file types them
        self.depths: dict[int, int] = {}  # steps behind the input, by layer
        self.readout: Readout | None = None

    def read(self) -> Network | None:
        """The network, as far as it can be read; the notes say what cannot."""
        for i in range(self.count):
            group = self.layers.inside(str(i))
            if group is None:
                hint = "layers are numbered from 0 without gaps"
                self.notes.reject(i, "group", "missing", f"layers 0..{self.total - 1}", hint)
            else:
                self._layer(i, group.of_layer(i))
                if self.source is not None:
                    self.outputs[i] = self.source
        if not self.populations and not self.notes.violations:
            hint = "take more layers or skip fewer"
            self.notes.reject(None, "number of layers with neurons", "0", "at least 1", hint)
        return self._network(whole=self.count == self.total)

    def _network(self, whole: bool) -> Network | None:
        if self.input is None:
            return None
        ext = self.extension
        return Network(
            input=replace(self.input, message_bits=self._bits(self.input)),
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            start=ext.start,
            readout=(ext.readout if whole else None) or self.readout,
            classes=ext.classes,
            encoder=ext.encoder if self.cut.skip == 0 else None,
            training=ext.training,
            layer_types={i: ext.mark(i).type or kind for i, kind in self.kinds.items()},
            names=ext.names_of(self.populations),
            host=ext.host if whole and self.cut.skip == 0 else None,
        )

    def _bits(self, entry: Input) -> int:
        return entry.message_bits if self.cut.message_bits is None else self.cut.message_bits

    def _layer(self, i: int, fields: Fields) -> None:
        kind = fields.text("type")
        if kind is None:
            return
        self.kinds[i] = kind
        if kind not in _READERS:
            fields.reject("type", kind, ", ".join(_READERS), "check the file's origin")
            self._skip(i, kind, fields, port=False)
            return
        if i < self.cut.skip:
            self._skip(i, kind, fields)
            return
        if self.input is None and self.source is not None:  # the first layer behind skipped ones
            last = self.source.parts[0]
            self.input = Input(last.layer, last.shape, last.message_bits)
            self.outputs = {last.layer: self.source}
        if self.readout is not None:
            fields.reject("type", f"{kind} behind an average", "nothing", "average comes last")
        if kind in NOT_IN_LAVA_DL:
            self.notes.block(i, f"lava-dl does not implement {kind}")
        _READERS[kind](self, i, fields)

    def _skip(self, i: int, kind: str, fields: Fields, port: bool = True) -> None:
        """Take only the shape of a layer, as lava-dl's skip_layers does."""
        shape, neuron = fields.shape() if fields.has("shape") else None, fields.inside("neuron")
        if kind == "flatten" and self.source is not None:
            bits = self.source.parts[0].message_bits
            flat = Part(i, (self.source.size,), port, tensor=False, message_bits=bits)
            self.source = Source((flat,))
        elif shape is not None:
            tensor = kind not in MATRICES
            ours = shape[::-1] if tensor else (prod(shape),)
            bits = self._skipped_bits(neuron, i)
            self.source = Source((Part(i, ours, port, tensor, bits),))

    def _skipped_bits(self, neuron: Fields | None, i: int) -> int:
        said = self.extension.mark(i).message_bits
        if said is not None or neuron is None:
            return said or 0
        kind = neuron.text("type")
        usual = 16 if kind == "SDNN" else 0
        return neuron.integer("messageBits", default=usual) or 0

    def _read_input(self, i: int, fields: Fields) -> None:
        if i > 0:
            fields.reject("type", "input", "the first layer only", AGAIN)
            return
        if not fields.has("shape") and not fields.has("neuron"):
            return  # the first dense layer says how many inputs there are
        mark = self.extension.mark(i)
        entry, population = read_input(fields, mark, self.cut.setting(mark, is_input=True))
        if entry is None:
            return
        self.input = replace(entry, message_bits=self.extension.input_message_bits)
        bits = self._bits(self.input) if population is None else population.message_bits
        self.source = Source((Part(i, entry.shape, population is None, True, bits),))
        if population is not None:
            self.populations.append(population)

    def _read_flatten(self, i: int, fields: Fields) -> None:
        if self.source is None:
            return
        for part in self.source.parts:
            if not part.port and (not part.tensor or len(part.shape) != 3):
                self.notes.block(i, f"lava-dl flattens 3 axes, not {part.shape}")
        self.source = self.source.flatten()

    def population(
        self, i: int, fields: Fields, shape: Shape, by_channel: bool = False
    ) -> Population | None:
        neuron, mark = fields.inside("neuron"), self.extension.mark(i)
        if not self.notes.afford(prod(shape)):
            fields.reject("shape", str(shape), f"{self.notes.budget} neurons more", AGAIN)
            return None
        if neuron is not None:
            kind, bits = read_neuron(neuron, self.cut.setting(mark, is_input=False))
        elif by_channel:
            fields.reject("neuron", "missing", "a neuron", f"{self.kinds[i]} has no default")
            return None
        else:
            kind, bits = DEFAULT, 0
            text = "no neuron in the file: lava-dl's default, which sums without leak and"
            self.notes.warn(i, f"{text} never fires")
        bias = bias_of(fields, kind, read_bias(fields, shape, by_channel))
        self._unlike_lava_dl(i, fields, kind)
        bits = bits if mark.message_bits is None else mark.message_bits
        return None if kind is None else Population(i, shape, kind, bias, bits)

    def _unlike_lava_dl(self, i: int, fields: Fields, neuron: Neuron | None) -> None:
        resonator, split_weight = isinstance(neuron, ResonateFire), fields.inside("weight")
        if resonator and (split_weight is None or self.kinds[i] != "dense"):
            self.notes.block(i, "lava-dl drives resonators by complex dense weights only")
        elif split_weight is not None and neuron is not None and not resonator:
            hint = "only resonators have an imaginary part"
            fields.reject("weight", "complex", f"real, for {type(neuron).__name__}", hint)

    def end(self, i: int, shape: Shape, population: Population | None, tensor: bool) -> None:
        if population is not None:
            self.populations.append(population)
        bits = population.message_bits if population is not None else 0
        self.depths[i] = 1 + self._depth_before(i)
        self.source = Source((Part(i, shape, tensor=tensor, message_bits=bits),))

    def _depth_before(self, i: int) -> int:
        parts = self.source.parts if self.source is not None else ()
        return max((self.depths.get(p.layer, 0) for p in parts if p.layer < i), default=0)

    def wait(self, i: int, part: Part) -> int:
        """Steps that a part of a concat waits for the part that comes last."""
        return self._depth_before(i) - self.depths.get(part.layer, 0) if part.layer < i else 0

    def _read_average(self, i: int, fields: Fields) -> None:
        sizes = fields.shape()
        if sizes is None or self.source is None:
            return
        last = self.source.parts[-1]
        if len(self.source.parts) > 1 or last.port:
            fields.reject("type", "average without neurons before it", "a layer", "add one")
        if last.tensor and spread(last.shape):
            hint = "end with a dense layer"
            fields.reject("type", f"average of {last.shape}", "flat neurons", hint)
        groups = prod(sizes)
        self.readout = Readout("rate", groups, max(1, last.size // groups), i)


def read_concat(reader: ChainReader, i: int, fields: Fields) -> None:
    """The outputs of several layers, for the layer behind."""
    reader.source = joined(reader, i, fields)


_READERS: dict[str, Callable[[ChainReader, int, Fields], None]] = {
    "input": ChainReader._read_input,
    "flatten": ChainReader._read_flatten,
    "concat": read_concat,
    **dict.fromkeys(MATRICES, read_dense),
    **dict.fromkeys(KERNELS, read_kernel_layer),
    "average": ChainReader._read_average,
}
