"""A chain of lava-dl's blocks to a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import lava_shape
from spikewatt.export.slayer_blocks.chain import Chain
from spikewatt.export.slayer_blocks.layers import FAMILIES, LOWERINGS
from spikewatt.export.slayer_blocks.site import Site, floats, lava_dl_type
from spikewatt.network import Network

_INPUTS = tuple(f.Input for f in FAMILIES)


def lower_blocks(blocks: list[Any], sample: Any, facts: Mapping[str, Any]) -> Network:
    """The network of blocks that have seen the sample, so that every shape is known.

    sample: (N, C, T) or (N, C, H, W, T). Raises SpikewattError naming the block, by index and
    type, that cannot be said exactly.
    """
    chain, sites = Chain(), [Site(i, b) for i, b in enumerate(blocks)]
    if not isinstance(blocks[0], _INPUTS):
        chain.builder.input(lava_shape(tuple(sample.shape[1:-1])), _message_bits(sample))
    for site in sites:
        _lower(site, chain)
    if not chain.builder.populations:
        raise SpikewattError(
            f"The {len(blocks)} blocks hold no neurons. Put a Dense or Conv block in."
        )
    chain.end(sites[-1])
    shifts = {bool(b.delay_shift) for b in blocks if hasattr(b, "delay_shift")}
    start = chain.start(isinstance(blocks[0], _INPUTS), shifts)
    return chain.builder.build(start, chain.readout, facts)


def _lower(site: Site, chain: Chain) -> None:
    kind = lava_dl_type(site.block)
    if kind not in LOWERINGS:
        families = ", ".join(f.__name__.split(".")[-1] for f in FAMILIES)
        names = ", ".join(sorted({t.__name__ for t in LOWERINGS}))
        raise site.refuse(f"its type is not known. Known are {names} of {families}.")
    if chain.readout is not None:
        raise site.refuse("it stands behind the read-out, which has to be the last block.")
    if site.index and isinstance(site.block, _INPUTS):
        raise site.refuse("an Input has to be the first block.")
    LOWERINGS[kind](site, chain)


def _message_bits(sample: Any) -> int:
    """Bits of the largest message; 0 where all are 0 or 1."""
    values = floats(sample)
    if (values != np.rint(values)).any():
        raise SpikewattError(
            "The sample holds fractions, but no Input block turns numbers into spikes. Give "
            "spikes (whole numbers), or put an Input block with a neuron in front."
        )
    if np.isin(values, (0, 1)).all():
        return 0
    return int(np.abs(values).max()).bit_length()
