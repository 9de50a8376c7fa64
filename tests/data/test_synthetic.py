"""The synthetic data: a body that keeps its bones, a seed that decides, order that matters."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.data import body
from spikewatt.data.baseline import mean_pose_baseline, trajectory_baseline
from spikewatt.data.clips import Dataset
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.prepare import body_size, missing, repair
from spikewatt.data.synthetic import ACTIONS, CLASSES, generate


def test_sizes_and_balance(synthetic: Dataset) -> None:
    assert synthetic.classes == CLASSES
    for clips, count in ((synthetic.train, 480), (synthetic.test, 192)):
        assert len(clips) == count
        labels = np.bincount([c.label for c in clips])
        assert (labels == count // len(CLASSES)).all()
        assert len({c.name for c in clips}) == count
        assert all(c.joints.dtype == np.float32 and c.joints.shape[2:] == (20, 3) for c in clips)


def test_the_seed_decides_every_number(synthetic: Dataset) -> None:
    again, fewer, other = generate(0, 16, 8), generate(0, 8, 0), generate(1, 16, 8)
    for a, b in zip(synthetic.train[:16], again.train, strict=True):
        assert (a.label, a.name) == (b.label, b.name)
        assert np.array_equal(a.joints, b.joints)
    assert np.array_equal(fewer.train[7].joints, again.train[7].joints)
    assert not np.array_equal(other.train[0].joints[0, :20], again.train[0].joints[0, :20])
    assert not np.array_equal(again.train[0].joints[0, :20], again.test[0].joints[0, :20])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_pose_does_not_solve_it_and_time_does(seed: int) -> None:
    dataset = generate(seed)
    mean_pose, trajectory = mean_pose_baseline(dataset), trajectory_baseline(dataset)
    assert mean_pose < 0.55  # chance is 0.125
    assert trajectory > 0.9
    assert trajectory - mean_pose > 0.4


def test_bodies_speeds_and_losses_differ(synthetic: Dataset) -> None:
    people = [repair(c.joints[0], synthetic.skeleton) for c in synthetic.train]
    sizes = [body_size(p, synthetic.skeleton) for p in people]
    assert max(sizes) > 1.3 * min(sizes)
    assert len({len(p) for p in people}) > 20
    lost = [missing(c.joints[0]).any() for c in synthetic.train]
    assert 0.5 < np.mean(lost) < 0.95
    encoded = SkeletonEncoder(synthetic.skeleton).encode_all(synthetic.train)
    assert (np.abs(encoded) == 63).mean() < 0.01
    assert np.percentile(np.abs(encoded), 99) > 30


def test_the_body_keeps_its_bones_and_stands_on_the_floor() -> None:
    rng = np.random.default_rng(0)
    angles = {(j, a): rng.uniform(-2, 2, 30) for j in range(20) for a in (0, 2)}
    x = body.positions(body.REST, angles, 30)
    for j, parent in enumerate(body.PARENTS):
        lengths = np.linalg.norm(x[:, j] - x[:, parent], axis=-1)
        assert np.allclose(lengths, np.linalg.norm(body.REST[j]))
    assert np.allclose(x[..., 1].min(axis=1), 0)


def test_angles_swing_limbs_the_way_they_say() -> None:
    ninety = np.full(1, np.pi / 2)
    shoulder, elbow = body.SHOULDERS[0], body.ELBOWS[0]
    rest = body.positions(body.REST, {}, 1)[0]
    forwards = body.positions(body.REST, {(shoulder, 0): ninety}, 1)[0]
    outwards = body.positions(body.REST, {(shoulder, 2): -ninety}, 1)[0]
    arm = np.linalg.norm(body.REST[elbow])
    assert np.allclose(rest[elbow] - rest[shoulder], [0, -arm, 0])
    assert np.allclose(forwards[elbow] - forwards[shoulder], [0, 0, -arm])
    assert np.allclose(outwards[elbow] - outwards[shoulder], [-arm, 0, 0])


def test_three_pairs_of_actions_are_time_reversals() -> None:
    moves = [a.move for a in ACTIONS]
    reversed_pairs = {
        (a.name, b.name)
        for a in ACTIONS
        for b in ACTIONS
        if a.move is b.move and b.backwards and not a.backwards
    }
    assert len(reversed_pairs) == len(moves) - len(set(moves)) == 3
