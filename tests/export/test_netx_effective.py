"""Effective weights against lava-dl's and Lava's own functions."""

import importlib.util
import itertools
import sysconfig
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from late import Late

from spikewatt.export.netx.effective import effective

weightutils = Late("lava.utils.weightutils")


@cache
def _lava_dl_utils():
    """lava-dl's utils.py without its package, whose import takes seconds."""
    path = Path(sysconfig.get_path("purelib"), "lava/lib/dl/netx/utils.py")
    spec = importlib.util.spec_from_file_location("lava_dl_netx_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lava_sums(stored: np.ndarray, spikes: np.ndarray, columns: slice = slice(None)) -> np.ndarray:
    """What PyDenseModelBitAcc sends for (sources, steps) spikes, with lava-dl's parameters.

    columns: those that a Dense of their own gets, as in lava-dl's RecurrentDense.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # lava-dl divides by a largest weight of 0
        weight, bits, exponent, _ = _lava_dl_utils().optimize_weight_bits(stored.astype(int))
    weight = weight[:, columns]
    mode = weightutils.determine_sign_mode(weight)
    clipped = weightutils.clip_weights(weight, mode, num_bits=8)
    weight = weightutils.truncate_weights(clipped, mode, bits)
    sums = weight @ spikes
    return sums << exponent if exponent > 0 else sums >> -exponent


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Matrices of the kinds that matter: one sign, powers of two, even, odd, with zeros."""
    strongest = draw(st.sampled_from([-256, -255, -129, -128, -64, -4, -1, 0, 1, 2, 127, 128, 254]))
    other = draw(st.integers(-256, 254))
    low, high = min(strongest, other), max(strongest, other)
    step = draw(st.sampled_from([1, 1, 2, 4]))
    values = st.integers(low, high).map(lambda w: w // step * step)
    rows = draw(st.lists(st.lists(values, min_size=3, max_size=3), min_size=2, max_size=3))
    weight = np.array(rows, np.int32)
    weight[0, 0] = strongest
    if draw(st.booleans()):
        weight[-1] = 0
    return weight


SPIKES = np.array(list(itertools.product(range(4), repeat=3))).T


@pytest.mark.lava
@settings(deadline=None)  # the first example imports Lava's code
@given(matrices())
@example(np.full((2, 3), -256, np.int32))
@example(np.array([[-128, -2, -4]], np.int32))
@example(np.array([[-3, -4, 0]], np.int32))
@example(np.array([[-195, -18, 0]], np.int32))
@example(np.array([[254, 254, 254]], np.int32))
def test_effective_weights_are_what_lava_sums(weight):
    found = effective(weight)
    if not weight.any():
        assert "OverflowError" in found.obstacle
        assert not found.weight.any()
        return
    sums = lava_sums(weight, SPIKES)
    if found.weight is None:  # no integer matrix gives these sums
        assert not np.array_equal(lava_sums(weight, np.eye(3, dtype=int)) @ SPIKES, sums)
    else:
        np.testing.assert_array_equal(found.weight @ SPIKES, sums)


@pytest.mark.lava
@settings(deadline=None)  # the first example imports Lava's code
@given(matrices(), matrices())
@example(np.array([[-128, -2, -4]] * 2, np.int32), np.array([[64, 2, 4]] * 2, np.int32))
@example(np.array([[3, 1, 5]] * 2, np.int32), np.array([[-255, 0, 4]] * 2, np.int32))
def test_parts_of_a_recurrent_layer_are_what_lava_sums(first, second):
    rows = min(len(first), len(second))
    parts = first[:rows], second[:rows]
    together = np.hstack(parts)
    if not together.any():
        return
    for stored, columns in zip(parts, (slice(0, 3), slice(3, 6)), strict=True):
        found = effective(stored, together)
        sums = lava_sums(together, SPIKES, columns)
        if found.weight is None:
            single = lava_sums(together, np.eye(3, dtype=int), columns)
            assert not np.array_equal(single @ SPIKES, sums)
        else:
            np.testing.assert_array_equal(found.weight @ SPIKES, sums)


@pytest.mark.lava
def test_lava_dl_cannot_load_zeros():
    zeros = np.zeros((2, 2), int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(OverflowError):
            _lava_dl_utils().optimize_weight_bits(zeros)


@given(st.integers(1, 100))
def test_even_weights_of_both_signs_stay(seed):
    rng = np.random.default_rng(seed)
    weight = (rng.integers(-128, 128, (4, 5)) * 2).astype(np.int32)
    weight[0, :2] = -256, 254
    np.testing.assert_array_equal(effective(weight).weight, weight)
