"""A matrix that stands for fewer multiply-accumulates, in both files."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.energy.events import dense_macs
from spikewatt.export import netx, nir
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, StartRule

FORMATS = {"net": (netx.write, netx.read), "nir": (nir.write, nir.read)}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("macs", [None, 7])
def test_the_papers_count_travels_with_the_matrix(tmp_path, form, macs) -> None:
    weight = np.arange(-12, 12).reshape(6, 4).astype(np.int32) * 2
    target = Population(1, (6,), CubaLif(4096, 300, 40))
    projection = Projection(0, 1, Dense(weight, macs=macs))
    network = Network(Input(0, (4,)), (target,), (projection,), start=StartRule.TOGETHER)
    write, read = FORMATS[form]
    write(network, tmp_path / f"a.{form}")
    found = read(tmp_path / f"a.{form}")
    (kept,) = found.projections
    np.testing.assert_array_equal(kept.synapses.weight, weight)
    assert kept.synapses.macs == macs
    assert dense_macs(found, kept) == (weight.size if macs is None else macs)
