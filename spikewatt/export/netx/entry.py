"""The input layer of a file, and the population that the stimulus drives."""

from __future__ import annotations

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import Mark
from spikewatt.export.netx.neurons import Setting, read_neuron
from spikewatt.network import Delta, Input, Neuron, Population, Sigma, SigmaDelta

INPUT_SCALE = 64  # lava-dl's default for an input with a neuron
DRIVES = ("bias", "dendrite")
_DENDRITE = (Delta, Sigma, SigmaDelta)  # what a stimulus drives by its a_in, as lava-dl's users do


def default_drive(neuron: Neuron) -> str:
    """What a stimulus drives where the extension does not say."""
    return "dendrite" if isinstance(neuron, _DENDRITE) else "bias"


def read_input(
    fields: Fields, mark: Mark, setting: Setting
) -> tuple[Input | None, Population | None]:
    """The input of a file, and the population it drives where it has a neuron."""
    shape, group = fields.shape(), fields.inside("neuron")
    scale = fields.integer("weight", default=INPUT_SCALE if group else 1)
    offset = fields.integer("bias", default=0)
    kind, bits = read_neuron(group, setting) if group else (None, 0)
    if shape is None or scale is None or offset is None:
        return None, None
    drives = None if kind is None else _drive(fields, mark, kind)
    entry = Input(
        layer=fields.layer or 0,
        shape=shape[::-1],
        drives_bias=drives == "bias",
        drives_dendrite=drives == "dendrite",
        scale=scale,
        offset=offset,
    )
    if kind is None:
        return entry, None
    bits = bits if mark.message_bits is None else mark.message_bits
    return entry, Population(entry.layer, entry.shape, kind, None, bits)


def _drive(fields: Fields, mark: Mark, neuron: Neuron) -> str:
    if mark.drives is None:
        return default_drive(neuron)
    if mark.drives not in DRIVES:
        fields.reject("drives", mark.drives, " or ".join(DRIVES), AGAIN)
    elif mark.drives != default_drive(neuron):
        why = f"the stimulus drives its {mark.drives}, which lava-dl's users do not connect"
        fields.notes.block(fields.layer, why)
    return mark.drives
