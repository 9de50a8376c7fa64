"""`synthetic`: skeleton clips of a seeded kinematic body, the data set that is always there.

Eight actions in which the poses tell little and their order nearly all: throw and catch, pick up
and put down, circling forwards and backwards are each other's time reversal, and the four arm
exercises share their mean pose. Bodies, speeds, sides, start phases and camera angles
vary; training and test have other bodies and other camera angles. The sensor adds noise and
loses joints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data import body
from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.graph import NW_UCLA20
from spikewatt.data.prepare import rotate
from spikewatt.errors import SpikewattError

Doubles: TypeAlias = npt.NDArray[np.float64]
Moves: TypeAlias = dict[tuple[int, int], Doubles]
X, Z = 0, 2

FRAMES = (24, 61)  # at 20 frames a second
SUBJECTS = {"train": range(12), "test": range(12, 20)}
VIEWS_DEGREES = {"train": (-50.0, 50.0), "test": (60.0, 110.0)}  # of the camera about the body
NOISE_M = (0.004, 0.015)
LOST_SPELLS = 3  # at most, a clip
ARMS_FORWARD = 1.1  # radians


def _throw(phase: Doubles, side: int) -> Moves:
    """Wind up slowly, swing forwards fast, lower the arm."""
    wound, thrown = _ease(phase / 0.5), _ease((phase - 0.5) / 0.2)
    lowered = 1 - _ease((phase - 0.7) / 0.3)
    lean = 0.25 * (thrown * lowered - wound * (1 - thrown))
    return {
        (body.SHOULDERS[side], X): -0.8 * wound * (1 - thrown) + 1.8 * thrown * lowered,
        (body.ELBOWS[side], X): 1.8 * wound * (1 - thrown),
        (body.SPINE, X): -lean,
        (body.HIPS[1 - side], X): lean + 0.2 * thrown * lowered,
    }


def _pick(phase: Doubles, side: int) -> Moves:
    bend = np.sin(np.pi * phase) ** 2
    moves: Moves = {(body.PELVIS, X): -1.1 * bend, (body.SPINE, X): -0.3 * bend}
    for hip, knee in zip(body.HIPS, body.KNEES, strict=True):
        moves[hip, X], moves[knee, X] = 1.6 * bend, -0.9 * bend
    moves[body.SHOULDERS[side], X] = 1.3 * bend
    moves[body.ELBOWS[side], X] = 1.7 * _ease(2 * phase - 1)  # it carries what it picked up
    return moves


def _arms(left: tuple[Doubles, Doubles], right: tuple[Doubles, Doubles]) -> Moves:
    """Both arms, each as (up, outwards), about the same middle."""
    moves: Moves = {}
    for joint, sign, (up, out) in zip(body.SHOULDERS, (-1, 1), (left, right), strict=True):
        moves[joint, X], moves[joint, Z] = ARMS_FORWARD + 0.7 * up, sign * (0.2 + 0.7 * out)
    return moves


def _circle(phase: Doubles, side: int) -> Moves:
    both = np.cos(2 * np.pi * phase), np.sin(2 * np.pi * phase)
    return _arms(both, both)


def _together(phase: Doubles, side: int) -> Moves:
    both = np.cos(2 * np.pi * phase), 0 * phase
    return _arms(both, both)


def _in_turn(phase: Doubles, side: int) -> Moves:
    up = np.cos(2 * np.pi * phase)
    return _arms((up, 0 * phase), (-up, 0 * phase))


@dataclass(frozen=True)
class Action:
    """A movement over its phase (T,); cyclic ones repeat, the others go from 0 to 1 once."""

    name: str
    move: Callable[[Doubles, int], Moves]
    cyclic: bool
    backwards: bool = False


ACTIONS = (
    Action("throw", _throw, cyclic=False),
    Action("catch", _throw, cyclic=False, backwards=True),
    Action("pick up", _pick, cyclic=False),
    Action("put down", _pick, cyclic=False, backwards=True),
    Action("circle arms forwards", _circle, cyclic=True),
    Action("circle arms backwards", _circle, cyclic=True, backwards=True),
    Action("swing arms together", _together, cyclic=True),
    Action("swing arms in turn", _in_turn, cyclic=True),
)
CLASSES = tuple(a.name for a in ACTIONS)


def _ease(t: Doubles) -> Doubles:
    """From 0 to 1, resting at both ends."""
    s = np.clip(t, 0, 1)
    return np.asarray(s * s * (3 - 2 * s))


def _phase(action: Action, frames: int, rng: np.random.Generator) -> Doubles:
    t = np.linspace(0, 1, frames)
    phase: Doubles
    if action.cyclic:
        phase = rng.uniform(1.2, 2.4) * t + rng.uniform()
    else:
        start, stop = rng.uniform(0.0, 0.3), rng.uniform(0.6, 1.0)
        phase = _ease((t - start) / (stop - start))
    return np.asarray(phase[::-1]) if action.backwards else phase


def _subject(seed: int, number: int) -> Doubles:
    """The bones of a subject (20, 3): a size, and proportions for trunk, arms and legs."""
    rng = np.random.default_rng((seed, 2, number))
    trunk, arm, leg = rng.uniform(0.75, 1.15) * rng.uniform(0.9, 1.1, size=3)
    factors = np.repeat([trunk, arm, leg], [4, 8, 8])
    return np.asarray(body.REST * factors[:, None])


def _angles(action: Action, frames: int, rng: np.random.Generator) -> Moves:
    """The action's angles, larger or smaller, on a posture that differs from clip to clip."""
    moves = action.move(_phase(action, frames, rng), int(rng.integers(2)))
    size = rng.uniform(0.8, 1.15)
    posture: Moves = {}
    t = np.linspace(0, 1, frames)
    for joint in (body.PELVIS, body.NECK, *body.SHOULDERS, *body.ELBOWS, *body.HIPS, *body.KNEES):
        for axis in (X, Z):
            sway = 0.06 * np.sin(2 * np.pi * (rng.uniform(0.5, 1.5) * t + rng.uniform()))
            posture[joint, axis] = rng.normal(0, 0.12) + sway
    return {k: p + size * moves.get(k, 0.0) for k, p in posture.items()} | {
        k: size * m for k, m in moves.items() if k not in posture
    }


def _film(x: Doubles, views: tuple[float, float], rng: np.random.Generator) -> Doubles:
    """The body (T, V, 3) in the camera's axes: turned, drifting, some metres away."""
    side = rng.choice([-1.0, 1.0])
    x = rotate(x, np.radians(side * rng.uniform(*views)), axis=1)
    drift = rng.normal(0, 0.25, size=3) * np.array([1.0, 0.0, 1.0])
    place = np.array([rng.uniform(-0.6, 0.6), -1.0, rng.uniform(2.4, 3.6)])
    x = x + place + np.linspace(0, 1, len(x))[:, None, None] * drift
    return rotate(x, rng.normal(0, 0.06), axis=0)


def _sense(x: Doubles, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """What the sensor reports (T, V, 3): noise, and joints lost for a while, which read 0."""
    out = x + rng.normal(0, rng.uniform(*NOISE_M), size=x.shape)
    for _ in range(rng.integers(LOST_SPELLS + 1)):
        start = rng.integers(len(x))
        out[start : start + rng.integers(2, 8), rng.integers(x.shape[1])] = 0
    return out.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """A subject who acts: joints (T, 20, 3) in the camera's axes, before any sensor, metres."""

    joints: Doubles
    label: int
    name: str
    rng: np.random.Generator  # as the scene left it, for the sensor


def scene(
    seed: int, split: str, number: int, views_degrees: tuple[float, float] | None = None
) -> Scene:
    """Scene `number` of a split ("train" or "test"); the seed decides all of it.

    The camera stands at one of `views_degrees` about the body, or at one of the split's.
    """
    rng = np.random.default_rng((seed, list(SUBJECTS).index(split), number))
    label = number % len(ACTIONS)
    frames = int(rng.integers(*FRAMES))
    offsets = _subject(seed, int(rng.choice(SUBJECTS[split])))
    x = body.positions(offsets, _angles(ACTIONS[label], frames, rng), frames)
    filmed = _film(x, views_degrees or VIEWS_DEGREES[split], rng)
    return Scene(filmed, label, f"{split}_{number:04d}", rng)


def _clip(seed: int, split: str, number: int) -> Clip:
    found = scene(seed, split, number)
    return Clip(_sense(found.joints, found.rng)[None], found.label, found.name)


def check_seed(name: str, seed: int) -> None:
    """Raise SpikewattError for a negative seed."""
    if seed < 0:
        raise SpikewattError(f"Data set {name!r} needs a seed of 0 or more; found {seed}.")


def generate(seed: int = 0, train: int = 480, test: int = 192) -> Dataset[Clip]:
    """The data set of a seed; clip k of a split does not depend on how many there are.

    Raises SpikewattError for a negative seed.
    """
    check_seed("synthetic", seed)
    clips = {
        split: tuple(_clip(seed, split, k) for k in range(count))
        for split, count in (("train", train), ("test", test))
    }
    return Dataset("synthetic", NW_UCLA20, CLASSES, clips["train"], clips["test"])
