"""The drawn data sets: the seed decides, limbs lie where the joints are, events follow changes."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.data import body, synthetic_events, synthetic_video
from spikewatt.data.encode import EventEncoder, VideoEncoder, default_encoder
from spikewatt.data.render import Look, draw, look
from spikewatt.data.synthetic import CLASSES
from spikewatt.data.synthetic_events import THRESHOLD, changes
from spikewatt.errors import SpikewattError


@pytest.mark.parametrize("made", [synthetic_video.generate, synthetic_events.generate])
def test_sizes_and_balance(made) -> None:
    dataset = made(0)
    assert (len(dataset.train), len(dataset.test)) == (192, 64)
    for clips in (dataset.train, dataset.test):
        assert (np.bincount([c.label for c in clips]) == len(clips) // len(CLASSES)).all()
    with pytest.raises(SpikewattError, match="seed of 0 or more"):
        made(-1)


def test_the_seed_decides_every_pixel() -> None:
    a, b, other = (synthetic_video.generate(s, 4, 2) for s in (0, 0, 1))
    images = a.train[3].images(16)
    assert (images.shape, images.dtype) == ((16, 64, 64, 3), np.uint8)
    assert np.array_equal(images, b.train[3].images(16))
    assert not np.array_equal(images, other.train[3].images(16))
    assert not np.array_equal(images, a.train[2].images(16))
    assert VideoEncoder(size=64, short_side=64).encode(a.test[0]).shape == (64, 64, 3, 16)


def test_the_seed_decides_every_event() -> None:
    a, b, other = (synthetic_events.generate(s, 3, 2) for s in (0, 0, 1))
    events = a.train[2].events
    assert np.array_equal(events, b.train[2].events)
    assert not np.array_equal(events[:50], other.train[2].events[:50])
    assert 200 < len(events) < 20_000
    assert (np.diff(events["t_us"]) >= 0).all()
    assert events["x"].min() >= 0
    assert max(events["x"].max(), events["y"].max()) < 32
    assert set(events["p"]) == {0, 1}
    encoder = default_encoder(a, 16)
    assert encoder == EventEncoder((32, 32))
    assert 0.01 < (encoder.encode(a.train[2]) > 0).mean() < 0.2


def test_limbs_are_drawn_where_the_joints_are() -> None:
    place = np.array([0.1, -1.0, 3.0])
    x = body.positions(body.REST, {}, 1) + place
    seen = Look(np.ones((19, 3), dtype=np.float32), np.zeros((64, 64, 3), dtype=np.float32))
    (image,) = draw(x, seen)
    pixels = np.floor(32 + 64 * np.stack([x[0, :, 0], -0.05 - x[0, :, 1]], -1) / x[0, :, 2:])
    for column, row in pixels.astype(int):
        assert image[row, column].min() > 0.4
    rows = np.flatnonzero(image.any(axis=(1, 2)))
    assert rows.min() >= pixels[:, 1].min() - 3
    assert rows.max() <= pixels[:, 1].max() + 3
    assert 0.03 < image.mean() < 0.25
    edge = image[(image > 0) & (image < 1)]
    assert 0.2 < edge.mean() < 0.8  # anti-aliased


def test_the_nearest_limb_is_in_front() -> None:
    colours = np.zeros((19, 3), dtype=np.float32)
    left, right = body.SHOULDERS[0], body.SHOULDERS[1]
    colours[left : left + 3], colours[right : right + 3] = (1, 0, 0), (0, 1, 0)
    seen = Look(colours, np.zeros((64, 64, 3), dtype=np.float32))
    aside = body.positions(body.REST, {}, 1)[..., ::-1] * (1, 1, 1) + (0, -1, 3)
    (image,) = draw(aside, seen)  # seen from the side: the left arm is nearer
    assert image[..., 0].sum() > 5
    assert image[..., 1].sum() < 0.1 * image[..., 0].sum()


def test_a_body_outside_of_the_image_is_no_error() -> None:
    seen = look(32, np.random.default_rng(0))
    away = body.positions(body.REST, {}, 2) + np.array([50, 0, 3])
    assert np.array_equal(draw(away, seen), np.stack([seen.background] * 2))


def test_events_follow_the_log_intensity() -> None:
    rng = np.random.default_rng(0)
    intensity = rng.uniform(0, 1, (12, 5, 4)).astype(np.float32)
    events = changes(intensity, 1000)
    level = np.log(intensity + synthetic_events.DARK)
    total = np.zeros((5, 4))
    np.add.at(total, (events["y"], events["x"]), np.where(events["p"] == 1, 1, -1))
    assert np.abs(total * THRESHOLD - (level[-1] - level[0])).max() < THRESHOLD + 1e-3
    half = events[events["t_us"] < 5000]
    total[:] = 0
    np.add.at(total, (half["y"], half["x"]), np.where(half["p"] == 1, 1, -1))
    assert np.abs(total * THRESHOLD - (level[5] - level[0])).max() < THRESHOLD + 1e-3


def test_a_ramp_gives_events_at_even_times() -> None:
    level = np.linspace(-1.0, 1.0, 3)
    intensity = (np.exp(level) - synthetic_events.DARK).astype(np.float32)[:, None, None]
    events = changes(intensity, 1000)
    assert (events["p"] == 1).all()
    assert len(events) == pytest.approx(2 / THRESHOLD, abs=1)
    assert np.abs(np.diff(events["t_us"]) - 1000 * THRESHOLD).max() <= 2
    assert len(changes(intensity[:1], 1000)) == len(changes(np.repeat(intensity[:1], 4, 0), 9)) == 0
