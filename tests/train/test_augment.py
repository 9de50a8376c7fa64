"""Augmentation on tensors: the arithmetic of the encoder, the bounds of the recipe, the seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_networks as small
import torch

from spikewatt.data.datasets import load
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.graph import NW_UCLA20
from spikewatt.data.prepare import resample
from spikewatt.train.augment import Views, augment, features, views
from spikewatt.train.batches import Batch, Share, training_clips
from spikewatt.train.inputs import fitted_encoder
from spikewatt.train.recipe import Augmentation, Recipe

STILL = Augmentation(yaw=0, tilt=0, scale=0, noise=0, crop_min=1)
FRAMES = 6
WHOLE = Share()
BONES = np.array(NW_UCLA20.edges)


def bodies(count: int = 5, length: int = 9, persons: int = 1) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.as_tensor(rng.normal(size=(count, length, persons * 20, 3)), dtype=torch.float32)


def drawn(settings: Augmentation, lengths: np.ndarray, seed: int = 1) -> Views:
    return views(lengths, settings, np.random.default_rng(seed))


def changed(joints: torch.Tensor, settings: Augmentation) -> torch.Tensor:
    """Views of whole clips, without noise."""
    count, length, places, _ = joints.shape
    silence = torch.zeros(count, FRAMES, places, 3)
    return augment(joints, drawn(settings, np.full(count, length)), silence, NW_UCLA20)


@pytest.mark.parametrize("persons", [1, 2])
def test_features_are_the_encoders(persons: int) -> None:
    encoder = SkeletonEncoder(NW_UCLA20, frames=FRAMES, persons=persons)
    x = bodies(persons=persons).unflatten(2, (persons, 20)).transpose(1, 2)
    found, expected = features(x, encoder), encoder.features(x.numpy())
    assert found.shape == expected.shape
    assert np.array_equal(found.numpy(), expected)
    assert np.abs(expected).max() == encoder.limit


def test_crops_are_resized_as_the_data_are() -> None:
    x, lengths = bodies(), np.array([9, 7, 5, 3, 1])
    settings = replace(STILL, crop_min=0.5)
    found = augment(x, drawn(settings, lengths), torch.zeros(5, FRAMES, 20, 3), NW_UCLA20)
    start, stop = drawn(settings, lengths).crops
    torch.testing.assert_close(found.numpy(), resample(x.numpy(), start, stop, FRAMES))
    assert ((start >= 0) & (stop <= lengths) & (stop - start >= lengths / 2)).all()


def test_turns_keep_bones_and_yaw_keeps_heights() -> None:
    still, turned = (changed(bodies(), s) for s in (STILL, replace(STILL, yaw=1.0)))
    torch.testing.assert_close(turned[..., 1], still[..., 1])
    assert (turned - still).abs().max() > 0.1
    tilted = changed(bodies(), replace(STILL, yaw=1.0, tilt=0.2))
    lengths = [(x[:, :, BONES[:, 0]] - x[:, :, BONES[:, 1]]).norm(dim=-1) for x in (still, tilted)]
    torch.testing.assert_close(*lengths)


def test_sizes_stay_within_their_bounds() -> None:
    still, scaled = (changed(bodies(50), s) for s in (STILL, replace(STILL, scale=0.15)))
    share = (scaled / still).flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand_as(share), rtol=1e-4, atol=0)
    assert 0.85 <= share.min() < 0.9
    assert 1.1 < share.max() <= 1.15


def test_mirrored_clips_swap_sides() -> None:
    still, mirrored = (changed(bodies(), s) for s in (STILL, replace(STILL, mirror=1.0)))
    assert torch.equal(mirrored[..., 0], -still[:, :, NW_UCLA20.mirrored, 0])
    assert torch.equal(mirrored[..., 1:], still[:, :, NW_UCLA20.mirrored, 1:])
    half = changed(bodies(40), replace(STILL, mirror=0.5))
    alike = (half == changed(bodies(40), STILL)).flatten(1).all(dim=1)
    assert 8 < int(alike.sum()) < 32


def epoch_of(kind: str, seed: int, epoch: int, share: Share = WHOLE) -> list[Batch]:
    data = small.slice_of(load(kind, 0), 13, 2)
    recipe = Recipe(frames=8, size=32, batch_size=4)
    clips = training_clips(data, fitted_encoder(data, recipe), recipe)
    return list(clips.epoch(seed, epoch, share))


def test_noise_has_the_recipes_deviation() -> None:
    data = small.slice_of(load("synthetic", 0), 13, 2)
    found = []
    for noise in (0.0, 0.5):
        recipe = Recipe(modalities=("joint",), frames=8, augment=replace(STILL, noise=noise))
        encoder = replace(fitted_encoder(data, recipe), gain=(1000.0,), limit=10**6)
        (batch,) = training_clips(data, encoder, recipe).epoch(1, 1, Share())
        found.append(batch.clips)
    assert (found[1] - found[0]).std() / 1000 == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("kind", ["synthetic", "synthetic-events", "synthetic-video"])
def test_shares_together_are_the_whole_batch(kind: str) -> None:
    whole = epoch_of(kind, 3, 1)
    parts = [epoch_of(kind, 3, 1, Share(rank=r, ranks=2)) for r in range(2)]
    assert [b.size for b in whole] == [4, 4, 4, 1]
    for batch, *own in zip(whole, *parts, strict=True):
        assert sum(p.weight for p in own) == 2
        for rank, part in enumerate(own):
            if part.weight:
                assert torch.equal(part.clips, batch.clips[rank::2])
                assert torch.equal(part.labels, batch.labels[rank::2])
    assert [p[-1].weight for p in parts] == [2, 0]  # one clip, for the first process alone


def test_seed_and_epoch_decide_an_epoch() -> None:
    first, again, later, other = (
        epoch_of("synthetic", *at) for at in ((3, 1), (3, 1), (3, 2), (4, 1))
    )
    assert all(torch.equal(a.clips, b.clips) for a, b in zip(first, again, strict=True))
    for different in (later, other):
        assert not torch.equal(first[0].clips, different[0].clips)
    assert sorted(torch.cat([b.labels for b in later])) == sorted(
        torch.cat([b.labels for b in first])
    )
