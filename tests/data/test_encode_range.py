"""Joints ranged by frame, as a host sends them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spikewatt.data.datasets import load
from spikewatt.data.encode import RangeEncoder, SkeletonEncoder, encoder_from_dict
from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError


def ranged() -> RangeEncoder:
    rng = np.random.default_rng(0)
    gain, shift = rng.uniform(0.5, 2, (2, 3, 20)).astype(np.float32)
    return RangeEncoder(SkeletonEncoder(NW_UCLA20, ("joint",), frames=6), gain, shift)


def test_every_frame_spans_the_range() -> None:
    encoder = ranged()
    stimuli = encoder.encode_all(load("synthetic", 0).test[:3])
    assert stimuli.shape == (3, 20, 1, 3, 6)
    assert (stimuli.min(axis=1) == 0).all()
    assert (stimuli.max(axis=1) == 127).all()


def test_the_equation() -> None:
    encoder, clip = ranged(), load("synthetic", 0).test[0]
    x = encoder.base.encode(clip)[:, 0].astype(np.float64)  # (V, C, T)
    y = x * encoder.gain.T[..., None] + encoder.shift.T[..., None]
    share = (y - y.min(axis=0)) / (y.max(axis=0) - y.min(axis=0))
    np.testing.assert_array_equal(encoder.encode(clip)[:, 0], np.rint(127 * share))


def test_the_record_makes_the_same_encoder() -> None:
    encoder, clip = ranged(), load("synthetic", 0).test[0]
    again = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())))
    np.testing.assert_array_equal(again.encode(clip), encoder.encode(clip))
    broken = {**encoder.to_dict(), "gain": [[1.0]]}
    with pytest.raises(SpikewattError, match="gain of shape"):
        encoder_from_dict(broken)
