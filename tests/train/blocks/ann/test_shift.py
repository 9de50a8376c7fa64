"""Shifts of joints and frames against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spikewatt.data.graph import NTU25, NW_UCLA20, SKELETONS
from spikewatt.train.blocks.ann.shift import FixedShift, JointShift, PlaneShift, interpolate

X = torch.arange(2 * 6 * 3 * 20, dtype=torch.float32).view(2, 6, 3, 20)


@pytest.mark.parametrize("direction", [1, -1])
def test_non_local_shift(direction: int) -> None:
    y = JointShift(NW_UCLA20, 6, "non-local", direction)(X)
    for channel in range(6):
        for joint in range(20):
            source = (joint + direction * channel) % 20
            assert torch.equal(y[:, channel, :, joint], X[:, channel, :, source])


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_shifting_back_undoes_a_non_local_shift(skeleton) -> None:
    x = torch.randn(2, 40, 3, skeleton.size)
    there = JointShift(skeleton, 40, "non-local", 1)(x)
    assert torch.equal(JointShift(skeleton, 40, "non-local", -1)(there), x)
    assert torch.equal(JointShift(skeleton, 40, "none", 1)(x), x)


def test_local_shift_takes_equal_shares_from_neighbours() -> None:
    shift, v = JointShift(NTU25, 64, "local", 1), 25
    source = (shift.index.view(64, v) % v).numpy()
    reached = NTU25.partitions().sum(axis=0) > 0
    for joint in range(v):
        near = [s for s in range(v) if reached[joint, s]]
        assert set(source[:, joint]) == set(near)
        share = 64 // len(near)
        for other in near:
            taken = int(np.sum(source[:, joint] == other))
            assert taken == (share if other != joint else 64 - share * (len(near) - 1))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [6, 7])
def test_interpolation_between_frames(stride: int, frames: int) -> None:
    torch.manual_seed(0)
    x, shift = torch.randn(2, 5, frames, 3), torch.tensor([-9.0, -1.3, 0.0, 0.4, 2.0])
    y = interpolate(x, shift, stride)
    assert y.shape[2] == math.ceil(frames / stride)
    for channel, by in enumerate(shift.tolist()):
        for out in range(y.shape[2]):
            below = math.floor(by)
            part = by - below
            sides = [(out * stride + below, 1 - part), (out * stride + below + 1, part)]
            inside = [(f, w) for f, w in sides if 0 <= f < frames]
            expected = sum((w * x[:, channel, f] for f, w in inside), torch.zeros(2, 3))
            torch.testing.assert_close(y[:, channel, out], expected)


def test_gradient_of_interpolation() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 2, dtype=torch.float64, requires_grad=True)
    shift = torch.tensor([-0.7, 0.2, 1.6], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(interpolate, (x, shift))


def test_learned_shift_steps_by_the_sign_of_its_gradient() -> None:
    torch.manual_seed(0)
    steps, truth = PlaneShift(4), PlaneShift(4, step=None)
    truth.load_state_dict(steps.state_dict())
    x = torch.randn(2, 4, 6, 3)
    assert torch.equal(steps(x), truth(x))
    for shift in (steps, truth):
        shift(x).square().sum().backward()
    assert torch.equal(steps.frames.grad, truth.frames.grad.sign() * 0.01)
    assert not steps.joints.grad.any()
    assert not truth.joints.grad.any()


def test_shift_along_joints_changes_nothing() -> None:
    torch.manual_seed(0)
    plane, frames = PlaneShift(4, stride=2), PlaneShift(4, stride=2, over_joints=False)
    frames.frames.data = plane.frames.data
    x = torch.randn(2, 4, 6, 3)
    assert torch.equal(plane(x), frames(x))
    expected = interpolate(x, plane.frames + 0.5, stride=2)
    torch.testing.assert_close(plane(x), expected)


@pytest.mark.parametrize("stride", [1, 2])
def test_fixed_shift(stride: int) -> None:
    x = torch.randn(1, 6, 5, 2)
    y = FixedShift(6, stride)(x)
    for channel, by in enumerate([-1, -1, 0, 0, 1, 1]):
        for out, frame in enumerate(range(0, 5, stride)):
            there = 0 <= frame + by < 5
            expected = x[:, channel, frame + by] if there else torch.zeros(1, 2)
            assert torch.equal(y[:, channel, out], expected)
