"""Neuron groups of a layer: lava-dl's CUBA and LOIHI, which Lava computes alike."""

from __future__ import annotations

from spikewatt.export.netx.fields import Fields
from spikewatt.network import CubaLif
from spikewatt.validation import NEVER_FIRES

# What lava-dl gives a dense layer without neuron. Its threshold, `1 << 18 - 1`, is 2**17: v clips
# below it. The current keeps everything (iDecay 0), the voltage nothing: v = u, a running sum.
DEFAULT = CubaLif(i_decay=0, v_decay=4096, v_threshold=NEVER_FIRES)

_NOT_YET = {
    "SDNN": "sigma-delta is not read yet",
    "RF": "resonate-and-fire is not read yet",
    "RF_PHASE": "resonate-and-fire is not read yet",
    "ALIF": "adaptive LIF is not read yet",
}
_KNOWN = ("CUBA", "LOIHI")


def read_neuron(fields: Fields) -> tuple[CubaLif | None, int]:
    """The neuron of a layer's `neuron` group, and its message bits."""
    kind = fields.text("type")
    if kind is not None and kind not in _KNOWN:
        hint = _NOT_YET.get(kind, "check the file's origin")
        fields.reject("type", kind, " or ".join(_KNOWN), hint)
        return None, 0
    values = [fields.integer(key) for key in ("iDecay", "vDecay", "vThMant")]
    bits = fields.integer("messageBits", default=0) or 0
    if fields.has("messageBits"):
        fields.notes.block(fields.layer, "lava-dl cannot read messageBits of a CUBA neuron")
    _unsaid(fields)
    if kind is None or any(v is None for v in values):
        return None, bits
    i_decay, v_decay, threshold = (int(v) for v in values if v is not None)
    if threshold > NEVER_FIRES:
        text = f"threshold {threshold} is beyond what v can reach; read as {NEVER_FIRES}, never"
        fields.notes.warn(fields.layer, text)
        threshold = NEVER_FIRES
    return CubaLif(i_decay, v_decay, threshold), bits


def _unsaid(fields: Fields) -> None:
    """Keys that lava-dl passes over although training meant something by them."""
    for key in ("wgtExp", "weight_exp"):
        if fields.integer(key, default=0):
            hint = "lava-dl ignores weight exponents; fold them into the weights"
            fields.reject(key, str(fields.integer(key)), "0", hint)
    if fields.integer("gradedSpike", default=0):
        hint = "Lava's LIF sends binary spikes; train without graded spikes"
        fields.reject("gradedSpike", "true", "false", hint)
    refractory = fields.integer("refDelay", default=1)
    if refractory is not None and refractory != 1:
        text = f"refDelay {refractory} has no effect: Lava's LIF knows no refractory period"
        fields.notes.warn(fields.layer, text)
