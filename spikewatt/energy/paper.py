"""The papers' energy: 4.6 pJ x MAC + 0.9 pJ x SOP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from spikewatt.hardware_profiles import Quantity, load

PRICES = "cmos45_paper"


@dataclass(frozen=True)
class PaperLayer:
    """What the formula needs of one layer; totals over all samples and steps.

    dense_macs: a step. paper_sops: input firing rate x steps x samples x dense MACs.
    analog_input: the layer receives values instead of binary spikes.
    """

    dense_macs: int
    paper_sops: float
    analog_input: bool


@dataclass(frozen=True)
class PaperEnergy:
    """The theoretical energy of one sample; macs and sops are a sample's, too."""

    energy_j: float
    macs: float
    sops: float


@lru_cache(maxsize=1)
def prices() -> tuple[Quantity, Quantity]:
    """What the formula pays for a MAC and for a SOP, with their sources."""
    terms = load(PRICES).terms
    return terms["synaptic_event_graded"], terms["synaptic_event"]


def paper_energy(layers: Iterable[PaperLayer], samples: int, steps: int) -> PaperEnergy:
    """Theoretical energy a sample: E = 4.6 pJ x MAC + 0.9 pJ x SOP.

    A layer with analog input does all its dense MACs in every step, whatever the values are,
    as papers count the first convolution; every other layer does its paper SOPs. (Papers that
    repeat one still image over all steps count its MACs once; here each step has its input.)
    """
    macs, sops = 0.0, 0.0
    for layer in layers:
        if layer.analog_input:
            macs += layer.dense_macs * steps
        else:
            sops += layer.paper_sops / samples
    mac, sop = prices()
    energy_j = 1e-12 * (mac.band_pj[1] * macs + sop.band_pj[1] * sops)
    return PaperEnergy(energy_j, macs, sops)
