"""The float stage: missing joints, persons, size, direction, resizing."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.data.clips import Clip
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.graph import NW_UCLA20
from spikewatt.data.prepare import body_size, choose_person, repair, resample, rotate, view_angle

ENCODER = SkeletonEncoder(NW_UCLA20)
RNG = np.random.default_rng(5)


def person(frames: int = 20, amount: float = 0.02) -> np.ndarray:
    start = np.random.default_rng(1).normal(size=(20, 3))
    steps = np.random.default_rng(2).normal(size=(frames, 20, 3)) * amount
    return (start + steps.cumsum(axis=0) + [0.2, 0.5, 3]).astype(np.float32)


def clip(*persons: np.ndarray) -> Clip:
    return Clip(np.stack(persons).astype(np.float32), 0, "made up")


@pytest.mark.parametrize("mark", [0.0, np.nan, np.inf])
def test_missing_joints_lie_between_their_neighbours_in_time(mark: float) -> None:
    x = person(10)
    broken = x.copy()
    broken[4:6, 7] = mark
    broken[:2, 3] = mark
    broken[9, 19] = mark
    got = repair(broken, NW_UCLA20)
    assert np.allclose(got[4, 7], x[3, 7] + (x[6, 7] - x[3, 7]) / 3)
    assert np.allclose(got[5, 7], x[3, 7] + (x[6, 7] - x[3, 7]) * 2 / 3)
    assert np.array_equal(got[:2, 3], x[[2, 2], 3])
    assert np.array_equal(got[9, 19], x[8, 19])
    touched = np.zeros((10, 20), dtype=bool)
    touched[4:6, 7] = touched[:2, 3] = touched[9, 19] = True
    assert np.array_equal(got[~touched], x[~touched])


def test_a_joint_never_seen_takes_its_ancestors_place() -> None:
    x = person(5)
    x[:, [6, 7]] = 0
    got = repair(x, NW_UCLA20)
    assert np.array_equal(got[:, 7], x[:, 5])
    x[:, NW_UCLA20.root] = np.nan
    seen = [j for j in range(20) if j not in (6, 7, NW_UCLA20.root)]
    assert np.allclose(repair(x, NW_UCLA20)[:, NW_UCLA20.root], x[:, seen].mean(axis=1))


def test_nothing_seen_is_all_zero() -> None:
    nothing = np.full((4, 20, 3), np.nan)
    assert not repair(nothing, NW_UCLA20).any()
    assert not ENCODER.encode(clip(nothing)).any()


def test_the_person_who_moves_most_is_taken() -> None:
    still, active = person(10, 0.001), person(10, 0.1)
    absent = np.zeros_like(still)
    for persons in ([still, active, absent], [absent, active, still], [active]):
        assert np.array_equal(choose_person(np.stack(persons), NW_UCLA20), active.astype(float))
    flickering = still.copy()
    flickering[::2, 3] = 0  # losing a joint is no motion
    assert np.array_equal(choose_person(np.stack([flickering, active]), NW_UCLA20), active)


def test_one_frame_with_two_persons_takes_the_first_who_is_there() -> None:
    x = person(1)
    got = choose_person(np.stack([np.zeros_like(x), x, x + 1]), NW_UCLA20)
    assert np.array_equal(got, x)


def test_body_size_is_the_mean_of_median_bone_lengths() -> None:
    x = person(9).astype(np.float64)
    lengths = [
        np.median([np.linalg.norm(frame[j] - frame[p]) for frame in x]) for j, p in NW_UCLA20.edges
    ]
    assert body_size(x, NW_UCLA20) == pytest.approx(np.mean(lengths))
    assert body_size(np.ones((3, 20, 3)), NW_UCLA20) == 1


def test_prepared_bodies_are_centred_scaled_and_face_the_camera() -> None:
    x = ENCODER.prepare(clip(person()))
    assert x.shape == (20, 20, 3)
    assert x.dtype == np.float32
    assert np.abs(x[0, NW_UCLA20.center]).max() < 1e-5
    assert body_size(x.astype(np.float64), NW_UCLA20) == pytest.approx(1, rel=1e-5)
    assert np.cos(view_angle(x.astype(np.float64), NW_UCLA20)) == pytest.approx(1)


@pytest.mark.parametrize("yaw", [-3.0, -1.2, 0.4, 1.57, 3.1])
def test_place_size_and_direction_do_not_matter(yaw: float) -> None:
    x = person().astype(np.float64)
    moved = rotate(x, yaw, axis=1) * 1.37 + [0.4, -0.3, 1.1]
    a, b = ENCODER.prepare(clip(x)), ENCODER.prepare(clip(moved))
    assert np.allclose(a, b, atol=1e-4)
    difference = np.abs(ENCODER.encode(clip(x)) - ENCODER.encode(clip(moved)))
    assert difference.max() <= 1  # values that lie on the edge of rounding
    assert (difference > 0).mean() < 1e-3


def test_without_alignment_the_direction_stays() -> None:
    plain = SkeletonEncoder(NW_UCLA20, align_view=False)
    x = person().astype(np.float64)
    turned = rotate(x, 0.5, axis=1)
    expected = rotate(plain.prepare(clip(x)), 0.5, axis=1)
    assert np.allclose(plain.prepare(clip(turned)), expected, atol=1e-5)


def test_the_path_is_kept_or_removed() -> None:
    x = person() + np.linspace(0, 2, 20)[:, None, None] * [1, 0, 0]
    center = NW_UCLA20.center
    assert np.abs(ENCODER.prepare(clip(x))[-1, center]).max() > 0.5
    pinned = SkeletonEncoder(NW_UCLA20, keep_path=False).prepare(clip(x))
    assert np.abs(pinned[:, center]).max() < 1e-5


@pytest.mark.parametrize("axis", range(3))
def test_rotation_is_right_handed(axis: int) -> None:
    unit = np.eye(3)
    turned = rotate(unit, np.pi / 2, axis)
    assert np.allclose(turned[axis], unit[axis])
    assert np.allclose(turned[(axis + 1) % 3], unit[(axis + 2) % 3])
    many = rotate(np.stack([unit] * 2), np.array([[0.0], [np.pi / 2]]), axis)
    assert np.allclose(many, [unit, turned])


@pytest.mark.parametrize(
    ("frames", "start", "stop"), [(16, 0, 31), (16, 0.8, 29.4), (40, 3, 12), (1, 2, 9), (5, 4, 4.2)]
)
def test_resample_against_interp(frames: int, start: float, stop: float) -> None:
    x = RNG.normal(size=(31, 4, 3)).astype(np.float32)
    last = max(stop - 1, start)
    at = [start + (last - start) * (k / (frames - 1) if frames > 1 else 0) for k in range(frames)]
    got = resample(x, start, stop, frames)
    assert got.dtype == np.float32
    for v in range(4):
        for c in range(3):
            assert np.allclose(got[:, v, c], np.interp(at, np.arange(31), x[:, v, c]), atol=1e-5)


def test_resample_batches_with_a_crop_of_its_own_per_clip() -> None:
    x = RNG.normal(size=(6, 31, 4, 3)).astype(np.float32)
    start, stop = RNG.uniform(0, 8, 6), RNG.uniform(15, 31, 6)
    got = resample(x, start, stop, 16)
    for k in range(6):
        assert np.array_equal(got[k], resample(x[k], start[k], stop[k], 16))
    same = resample(x, 2, 20, 16)
    assert np.array_equal(same[3], resample(x[3], 2, 20, 16))


def test_resampling_all_frames_to_as_many_changes_nothing() -> None:
    x = RNG.normal(size=(9, 4, 3)).astype(np.float32)
    assert np.array_equal(resample(x, 0, 9, 9), x)
