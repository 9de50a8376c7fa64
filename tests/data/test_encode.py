"""The encoder: integers in Lava's shape, within the limit, the same every time, with a record."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.encode import SkeletonEncoder, default_encoder, encoder_from_dict
from spikewatt.data.graph import NTU25, NW_UCLA20, OPENPOSE25
from spikewatt.data.modalities import MODALITIES
from spikewatt.errors import SpikewattError

ENCODER = SkeletonEncoder(NW_UCLA20)


def test_the_stimulus_is_joint_by_one_by_channel_by_time(synthetic: Dataset) -> None:
    clip = synthetic.test[0]
    got = ENCODER.encode(clip)
    assert got.shape == (20, 1, 12, 16) == (*ENCODER.shape, ENCODER.frames)
    assert got.dtype == np.int32
    joints = ENCODER.resize(ENCODER.prepare(clip))
    for m, (name, gain) in enumerate(zip(ENCODER.modalities, ENCODER.gain, strict=True)):
        part = MODALITIES[name](joints, NW_UCLA20)
        for c in range(3):
            expected = np.clip(np.rint(part[:, :, c] * np.float32(gain)), -63, 63)
            assert np.array_equal(got[:, 0, 3 * m + c].T, expected)


def test_half_is_rounded_to_even_and_values_beyond_the_limit_are_clipped() -> None:
    encoder = SkeletonEncoder(NW_UCLA20, modalities=("joint",), frames=1, gain=(1.0,), limit=4)
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 4.4, 100, -100], dtype=np.float32)
    joints = np.zeros((1, 20, 3), dtype=np.float32)
    joints[0, : len(values), 0] = values
    got = encoder.features(joints)[0, : len(values), 0]
    assert got.tolist() == [0, 2, 2, 0, -2, -2, 4, 4, -4]


def test_features_do_not_depend_on_the_batch(synthetic: Dataset) -> None:
    clips = synthetic.test[:12]
    together = ENCODER.encode_all(clips)
    assert np.array_equal(together, np.stack([ENCODER.encode(c) for c in clips]))
    assert np.array_equal(together, ENCODER.encode_all(clips))
    joints = np.stack([ENCODER.resize(ENCODER.prepare(c)) for c in clips])
    assert np.array_equal(ENCODER.features(joints).swapaxes(1, 2), together[:, :, 0])
    assert ENCODER.encode_all([]).shape == (0, 20, 1, 12, 16)


@pytest.mark.parametrize("frames", [1, 2, 5, 200])
def test_clips_of_any_length(frames: int) -> None:
    x = np.random.default_rng(0).normal(size=(1, frames, 20, 3)).astype(np.float32)
    got = ENCODER.encode(Clip(x, 0, "made up"))
    assert got.shape == (20, 1, 12, 16)
    assert np.abs(got).max() <= ENCODER.limit
    if frames == 1:
        assert not got[:, :, 6:].any()  # no motion
        assert (got == got[..., :1]).all()


def test_huge_values_stay_within_the_limit() -> None:
    x = np.random.default_rng(0).normal(size=(1, 9, 20, 3)).astype(np.float32)
    x[0, 4] *= 1e30
    got = ENCODER.encode(Clip(x, 0, "made up"))
    assert np.abs(got).max() == ENCODER.limit


def test_measured_gains_use_the_range_and_rarely_clip(synthetic: Dataset) -> None:
    encoder = ENCODER.fit_gains(synthetic.train)
    values = np.abs(encoder.encode_all(synthetic.train))
    for m in range(4):
        part = values[:, :, :, 3 * m : 3 * m + 3]
        assert (part == encoder.limit).mean() < 0.01
        assert np.percentile(part, 99.9) >= 0.9 * encoder.limit


def test_a_modality_that_is_zero_keeps_its_gain() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 20, 3)).astype(np.float32)
    assert ENCODER.fit_gains([Clip(x, 0, "one frame")]).gain[2:] == ENCODER.gain[2:]


@pytest.mark.parametrize(
    "encoder",
    [
        ENCODER,
        SkeletonEncoder(
            NTU25, ("bone", "joint_motion"), 32, 0.9, (11.5, 0.1 + 0.2), 7, False, False, 2
        ),
    ],
    ids=["defaults", "others"],
)
def test_the_record_makes_the_same_encoder(encoder: SkeletonEncoder) -> None:
    record = json.loads(json.dumps(encoder.to_dict()))
    assert encoder_from_dict(record) == encoder


def test_records_of_version_1_have_one_person() -> None:
    record = ENCODER.to_dict() | {"version": 1}
    del record["persons"]
    assert encoder_from_dict(record) == ENCODER


def test_records_of_another_kind_or_version() -> None:
    record = ENCODER.to_dict()
    with pytest.raises(SpikewattError, match=r"encoder 'sound'.*skeleton"):
        encoder_from_dict(record | {"kind": "sound"})
    with pytest.raises(SpikewattError, match=r"version 99.*reads version 1 and 2"):
        encoder_from_dict(record | {"version": 99})
    with pytest.raises(SpikewattError, match="'none'"):
        encoder_from_dict(record | {"skeleton": "none"})
    with pytest.raises(SpikewattError, match="cannot be read"):
        encoder_from_dict(record | {"frames": "many"})
    del record["gain"]
    with pytest.raises(SpikewattError, match="gain"):
        encoder_from_dict(record)


def test_bad_settings_are_told_together() -> None:
    with pytest.raises(SpikewattError, match=r"frames 0 .*crop 1.5 .*limit 0 .*gain \(1.0,\)"):
        SkeletonEncoder(NW_UCLA20, frames=0, crop=1.5, gain=(1.0,), limit=0)
    with pytest.raises(SpikewattError, match="gain"):
        replace(ENCODER, gain=(1.0, 1.0, float("nan"), 1.0))


def test_a_clip_of_another_skeleton() -> None:
    with pytest.raises(SpikewattError, match=r"'two hands'.*\(1, 4, 25, 3\).*nw-ucla-20"):
        ENCODER.encode(Clip(np.zeros((1, 4, 25, 3), dtype=np.float32), 0, "two hands"))


def two_people() -> np.ndarray:
    """Somebody, somebody else beside who moves more, and an empty place."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(1, 20, 3)) + 0.01 * rng.normal(size=(9, 20, 3))
    other = rng.normal(size=(1, 20, 3)) + 0.10 * rng.normal(size=(9, 20, 3)) + (1.5, 0, 0)
    return np.stack([first, other, np.zeros_like(first)]).astype(np.float32)


def test_persons_lie_along_lavas_second_axis() -> None:
    clip = Clip(two_people(), 0, "two")
    got = replace(ENCODER, persons=3).encode(clip)
    assert got.shape == (20, 3, 12, 16) == (*replace(ENCODER, persons=3).shape, 16)
    assert np.array_equal(got[:, :1], ENCODER.encode(clip))  # who moves most comes first
    assert not got[:, 2].any()
    assert got[:, 1].any()
    alone = Clip(clip.joints[1:2], 0, "alone")
    assert np.array_equal(got[:, :1], ENCODER.encode(alone))


def test_persons_stay_where_they_are_to_each_other() -> None:
    encoder = SkeletonEncoder(NW_UCLA20, persons=2, align_view=False)
    x = two_people().astype(np.float64)
    prepared = encoder.prepare_persons(Clip(two_people(), 0, "two"))
    assert np.array_equal(prepared[0], encoder.prepare(Clip(two_people(), 0, "two")))
    apart = prepared[1] - prepared[0]
    scale = (x[0] - x[1])[0, 5, 0] / apart[0, 5, 0]
    assert np.allclose(apart * scale, x[0] - x[1], atol=1e-5)


def test_a_place_for_a_person_who_is_not_there_is_empty() -> None:
    clip = Clip(two_people()[:1], 0, "one")
    got = SkeletonEncoder(NW_UCLA20, persons=2).encode_all([clip, clip])
    assert got.shape == (2, 20, 2, 12, 16)
    assert not got[:, :, 1].any()
    gains = SkeletonEncoder(NW_UCLA20, persons=2).fit_gains([clip]).gain
    assert gains == ENCODER.fit_gains([clip]).gain  # empty places do not count


def test_flat_skeletons_are_not_turned() -> None:
    x = np.random.default_rng(1).normal(size=(1, 9, 25, 3)).astype(np.float32)
    turned = SkeletonEncoder(OPENPOSE25).prepare(Clip(x, 0, "flat"))
    plain = SkeletonEncoder(OPENPOSE25, align_view=False).prepare(Clip(x, 0, "flat"))
    assert np.array_equal(turned, plain)


def test_the_default_encoder_of_skeletons(synthetic: Dataset) -> None:
    assert default_encoder(synthetic, 8) == SkeletonEncoder(NW_UCLA20, frames=8)
