"""Neuron groups of a layer: slayer's names and keys, and the integers that Lava makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import h5py
import numpy as np

from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.storage import put, put_text
from spikewatt.network import (
    AdaptiveLif,
    CubaLif,
    Delta,
    Neuron,
    ResonateFire,
    Sigma,
    SigmaDelta,
)
from spikewatt.validation import NEVER_FIRES

# What lava-dl gives a dense layer without neuron. Its threshold, `1 << 18 - 1`, is 2**17: v clips
# below it. The current keeps everything (iDecay 0), the voltage nothing: v = u, a running sum.
DEFAULT = CubaLif(i_decay=0, v_decay=4096, v_threshold=NEVER_FIRES)
GRADED_BITS = 16  # lava-dl's message bits of sigma-delta neurons
SPIKE_EXP, STATE_EXP, DECAY_BITS = 6, 6, 12  # what lava-dl's loader gives every neuron
_UNIT_BITS = 12  # decays in a file are shares of 4096
ACTIVATIONS = ("relu", "unit")


@dataclass(frozen=True)
class Setting:
    """What a layer's neuron group does not say itself.

    sdnn: delta, sigma or sigma_delta, where the extension says so against the file's own rule.
    """

    is_input: bool = False
    spike_exp: int = SPIKE_EXP
    state_exp: int = STATE_EXP
    decay_bits: int = DECAY_BITS
    sdnn: str | None = None


def default_bits(neuron: Neuron | None) -> int:
    """Message bits of a neuron's spikes where nothing says how many."""
    return GRADED_BITS if isinstance(neuron, Delta | Sigma | SigmaDelta) else 0


def default_sdnn(neuron: Neuron, is_input: bool) -> str | None:
    """What a file's own rule makes of a sigma-delta neuron group."""
    if not isinstance(neuron, Delta | Sigma | SigmaDelta):
        return None
    if is_input:
        return "delta"
    return "sigma" if isinstance(neuron, Sigma) else "sigma_delta"


SDNN_NAMES: dict[type, str] = {Delta: "delta", Sigma: "sigma", SigmaDelta: "sigma_delta"}


def read_neuron(fields: Fields, setting: Setting) -> tuple[Neuron | None, int]:
    """The neuron of a layer's `neuron` group, and its message bits."""
    kind = fields.text("type")
    if kind is not None and kind not in _READERS:
        hint = _WHY_NOT.get(kind, "check the file's origin")
        fields.reject("type", kind, ", ".join(_READERS), hint)
        return None, 0
    neuron = None if kind is None else _READERS[kind](fields, setting)
    bits = fields.integer("messageBits") if fields.has("messageBits") else None
    if bits is not None:
        fields.notes.block(fields.layer, "lava-dl cannot read messageBits")
    _unsaid(fields)
    return neuron, default_bits(neuron) if bits is None else bits


def _values(fields: Fields, *keys: str) -> list[int] | None:
    values = [fields.shared(key) for key in keys]
    return None if None in values else [v for v in values if v is not None]


def _read_cuba(fields: Fields, setting: Setting) -> CubaLif | None:
    values = _values(fields, "iDecay", "vDecay", "vThMant")
    if values is None:
        return None
    i_decay, v_decay, threshold = values
    if threshold > NEVER_FIRES:
        text = f"threshold {threshold} is beyond what v can reach; read as {NEVER_FIRES}, never"
        fields.notes.warn(fields.layer, text)
        threshold = NEVER_FIRES
    return CubaLif(i_decay, v_decay, threshold)


def _read_adaptive(fields: Fields, setting: Setting) -> AdaptiveLif | None:
    fields.notes.block(fields.layer, "lava-dl's loader does not know ALIF neurons")
    values = _values(fields, "iDecay", "vDecay", "thDecay", "refDecay", "vThMant", "vThStep")
    return None if values is None else AdaptiveLif(*values)


def _read_sdnn(fields: Fields, setting: Setting) -> Neuron | None:
    kind = setting.sdnn or ("delta" if setting.is_input else "sigma_delta")
    if setting.sdnn is None and not setting.is_input and fields.has("sigma_output"):
        kind = "sigma"
    if setting.sdnn is not None:
        fields.notes.block(fields.layer, f"lava-dl does not make a {kind} neuron of it")
    if kind == "sigma":
        return Sigma()
    threshold, activation = fields.shared("vThMant"), _activation(fields)
    if threshold is None or activation is None:
        return None
    _exponents(fields, setting)
    if kind == "delta":
        return Delta(threshold, setting.spike_exp, setting.state_exp)
    if activation != "relu":
        fields.notes.block(fields.layer, f"lava-dl applies relu, not {activation}")
    return SigmaDelta(threshold, setting.spike_exp, setting.state_exp, activation)


def _activation(fields: Fields) -> str | None:
    name = fields.text("activation") if fields.has("activation") else "relu"
    if name is not None and name not in ACTIVATIONS:
        hint = "lava-dl would apply relu; train with relu"
        fields.reject("activation", name, " or ".join(ACTIVATIONS), hint)
        return None
    return name


def _exponents(fields: Fields, setting: Setting) -> None:
    for name, value, usual in (
        ("state_exp", setting.state_exp, STATE_EXP),
        ("decay_bits", setting.decay_bits, DECAY_BITS),
    ):
        if value != usual:
            fields.notes.block(fields.layer, f"lava-dl gives it {name} {usual}, not {value}")


def _read_resonator(fields: Fields, setting: Setting) -> ResonateFire | None:
    kind = fields.text("type") or ""
    if kind == "RF":
        text = "neuron type RF is taken for RF_IZHIKEVICH, as lava-dl does; name it RF_PHASE if not"
        fields.notes.warn(fields.layer, text)
    values = [_number(fields, key) for key in ("sinDecay", "cosDecay", "vThMant")]
    if None in values:
        return None
    sin, cos, threshold = (float(v) for v in values if v is not None)
    sin_decay, cos_decay = lava_decays(sin, cos, setting.decay_bits)
    _exponents(fields, setting)
    held = int(threshold * (1 << setting.state_exp))
    return ResonateFire(
        sin_decay, cos_decay, held, "PHASE" not in kind, setting.state_exp, setting.decay_bits
    )


def _number(fields: Fields, key: str) -> float | None:
    """One number, fractions too, that all neurons of the layer share."""
    array = fields.numbers(key)
    if array is None:
        return None
    first = float(array.flat[0])
    if np.all(array == array.flat[0]) and abs(first) < 2**31:
        return first
    hint = "give the layer one value (slayer's shared_param=True)"
    fields.reject(key, f"{first} and others", "one number that all neurons share", hint)
    return None


def lava_decays(sin: float, cos: float, decay_bits: int) -> tuple[int, int]:
    """The integers that Lava's RF process holds for stored decays, which are shares of 4096.

    lava-dl turns them into a period and a decay, Lava these into sine and cosine again, which it
    cuts to whole numbers: they come out as stored, or one smaller.
    """
    scale = 1 << _UNIT_BITS
    with np.errstate(divide="ignore", over="ignore"):
        a, b = np.float64(sin) / scale, np.float64(cos) / scale
        alpha = 1 - np.sqrt(a**2 + b**2)
        period = 1 / (np.arctan2(a, b) / 2 / np.pi)
    angle = np.pi * 2 * 1 / period
    held = ((1 - alpha) * np.sin(angle), (1 - alpha) * np.cos(angle))
    return int(held[0] * (1 << decay_bits)), int(held[1] * (1 << decay_bits))


def stored_decays(neuron: ResonateFire) -> tuple[float, float]:
    """Numbers to store so that Lava holds the neuron's decays: these, or half a unit more."""
    wanted = neuron.sin_decay, neuron.cos_decay
    unit = 2.0 ** (_UNIT_BITS - neuron.decay_bits)
    for half in (0.0, 0.5):
        sin, cos = (float((v + (half if v >= 0 else -half)) * unit) for v in wanted)
        if lava_decays(sin, cos, neuron.decay_bits) == wanted:
            break
    return sin, cos


def _unsaid(fields: Fields) -> None:
    """Keys that lava-dl passes over although training meant something by them."""
    for key in ("wgtExp", "weight_exp"):
        exponent = fields.integer(key, default=0)
        if exponent:
            hint = "lava-dl ignores weight exponents; fold them into the weights"
            fields.reject(key, str(exponent), "0", hint)
    if fields.integer("gradedSpike", default=0):
        hint = "Lava's neuron sends binary spikes; train without graded spikes"
        fields.reject("gradedSpike", "true", "false", hint)
    refractory = fields.integer("refDelay", default=1)
    if refractory is not None and refractory != 1:
        text = f"refDelay {refractory} has no effect: Lava's LIF knows no refractory period"
        fields.notes.warn(fields.layer, text)


_READERS: dict[str, Callable[[Fields, Setting], Neuron | None]] = {
    "CUBA": _read_cuba,
    "LOIHI": _read_cuba,
    "ALIF": _read_adaptive,
    "SDNN": _read_sdnn,
    "RF_PHASE": _read_resonator,
    "RF_IZHIKEVICH": _read_resonator,
    "RF_IZ": _read_resonator,
    "RF": _read_resonator,
}
_NO_PROCESS = "Lava has no process with adaptive threshold for it, and lava-dl drops the adaptation"
_WHY_NOT = {"ADRF_PHASE": _NO_PROCESS, "ADRF_IZHIKEVICH": _NO_PROCESS}


def write_neuron(group: h5py.Group, neuron: Neuron) -> None:
    """The `neuron` group of a layer, with the keys that slayer writes."""
    inside = group.create_group("neuron")
    put_text(inside, "type", _type_name(neuron))
    if isinstance(neuron, ResonateFire):
        _write_resonator(inside, neuron)
    for key, attribute in _KEYS[type(neuron)].items():
        put(inside, key, getattr(neuron, attribute))
    if isinstance(neuron, CubaLif | AdaptiveLif):
        put(inside, "refDelay", 1)
    if isinstance(neuron, SigmaDelta):
        put_text(inside, "activation", neuron.activation)
    if isinstance(neuron, Sigma):
        inside.create_dataset("sigma_output", data=True)
    if default_bits(neuron) == 0:
        inside.create_dataset("gradedSpike", data=False)


def _type_name(neuron: Neuron) -> str:
    if isinstance(neuron, ResonateFire):
        return "RF_IZHIKEVICH" if neuron.izhikevich else "RF_PHASE"
    return _TYPES[type(neuron)]


def _write_resonator(group: h5py.Group, neuron: ResonateFire) -> None:
    threshold = neuron.v_threshold / (1 << neuron.state_exp)
    decays = stored_decays(neuron)
    for key, value in zip(("sinDecay", "cosDecay", "vThMant"), (*decays, threshold), strict=True):
        whole = float(value).is_integer()
        group.create_dataset(key, data=np.int64(value) if whole else np.float64(value))


_TYPES: dict[type, str] = {
    CubaLif: "CUBA",
    AdaptiveLif: "ALIF",
    Delta: "SDNN",
    Sigma: "SDNN",
    SigmaDelta: "SDNN",
}
_KEYS: dict[type, dict[str, str]] = {
    CubaLif: {"iDecay": "i_decay", "vDecay": "v_decay", "vThMant": "v_threshold"},
    AdaptiveLif: {
        "iDecay": "i_decay",
        "vDecay": "v_decay",
        "thDecay": "threshold_decay",
        "refDecay": "refractory_decay",
        "vThMant": "threshold",
        "vThStep": "threshold_step",
    },
    Delta: {"vThMant": "v_threshold"},
    Sigma: {},
    SigmaDelta: {"vThMant": "v_threshold"},
    ResonateFire: {},
}
