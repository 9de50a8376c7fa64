"""Skeleton clips as integers: modalities of prepared joints, one frame a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip
from spikewatt.data.graph import Skeleton, skeleton
from spikewatt.data.modalities import MODALITIES, check_modalities
from spikewatt.data.prepare import body_size, choose_persons, resample, rotate, view_angle
from spikewatt.data.records import Ints, check_settings, check_version, reading
from spikewatt.errors import SpikewattError

# Measured by `fit_gains`: 99.5 % of the values of the NW-UCLA training clips stay within +-63;
# `synthetic` moves less (it would allow 9.9, 31, 53, 106).
DEFAULT_GAINS = {"joint": 7.5, "bone": 26.0, "joint_motion": 28.0, "bone_motion": 56.0}


@dataclass(frozen=True)
class SkeletonEncoder:
    """Skeleton clips as signed graded spikes: round(gain * modality), clipped to +-limit.

    A clip is repaired, centred on `skeleton.center`, divided by the body's size, turned to face
    the camera (`align_view`), cropped to the middle `crop` of its frames, resized to `frames`.
    With `keep_path` the body is centred in the first frame only, so that it still walks.
    Of several bodies the `persons` that move most are kept, in the place, size and direction of
    the first of them, so that they stay where they are to each other.

    A frame is a step. With `repeat` frames are places instead, and the whole clip is shown at each
    of so many steps, as MK-SGN and Spikformer take it.
    """

    skeleton: Skeleton
    modalities: tuple[str, ...] = ("joint", "bone", "joint_motion", "bone_motion")
    frames: int = 16
    crop: float = 0.95
    gain: tuple[float, ...] = ()  # per modality; empty: the defaults
    limit: int = 63
    align_view: bool = True
    keep_path: bool = True
    persons: int = 1
    repeat: int = 0

    KIND: ClassVar[str] = "skeleton"
    VERSION: ClassVar[int] = 3  # version 1 had one person, version 2 no repeat

    def __post_init__(self) -> None:
        check_modalities(self.modalities)
        if not self.gain:
            gains = tuple(DEFAULT_GAINS[m] for m in self.modalities)
            object.__setattr__(self, "gain", gains)
        _check_encoder(self)

    @property
    def channels(self) -> int:
        """C: three coordinates for each modality, modality by modality."""
        return 3 * len(self.modalities)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the stimulus in Lava's order: (joints, persons, channels).

        With `repeat` (frames, joints, channels).
        """
        if self.repeat:
            return self.frames, self.skeleton.size, self.channels
        return self.skeleton.size, self.persons, self.channels

    @property
    def steps(self) -> int:
        """T, steps of a clip."""
        return self.repeat or self.frames

    def prepare(self, clip: Clip) -> npt.NDArray[np.float32]:
        """One body (T, V, 3) of all the clip's frames: repaired, centred, scaled, aligned.

        The body that moves most. Raises SpikewattError for a clip of another skeleton.
        """
        return np.asarray(self._prepare(clip, 1)[0])

    def prepare_persons(self, clip: Clip) -> npt.NDArray[np.float32]:
        """The bodies (persons, T, V, 3), as `prepare` does it; an absent one is 0 throughout."""
        return self._prepare(clip, self.persons)

    def _prepare(self, clip: Clip, count: int) -> npt.NDArray[np.float32]:
        if clip.joints.ndim != 4 or clip.joints.shape[2:] != (self.skeleton.size, 3):
            raise SpikewattError(
                f"Clip {clip.name!r} has joints of shape {clip.joints.shape}; this encoder needs "
                f"(persons, frames, {self.skeleton.size}, 3) of the skeleton "
                f"{self.skeleton.name}. Use data of that skeleton."
            )
        x = choose_persons(clip.joints, self.skeleton, count)
        center = x[0, :, self.skeleton.center]
        x = x - (center[0] if self.keep_path else center[:, None])
        x = x / body_size(x[0], self.skeleton)
        if self.align_view and not self.skeleton.flat:
            x = rotate(x, view_angle(x[0], self.skeleton), axis=1)
        return np.nan_to_num(x.astype(np.float32), nan=0.0)

    def resize(self, prepared: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The middle `crop` of a prepared clip (..., T, V, 3), resized: (..., frames, V, 3)."""
        length = prepared.shape[-3]
        margin = (1 - self.crop) * length / 2
        return resample(prepared, margin, length - margin, self.frames)

    def floats(self, joints: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Modalities of resized joints (..., T, V, 3) before gain and rounding: (..., C, V, T)."""
        parts = [MODALITIES[m](joints, self.skeleton) for m in self.modalities]
        channels_last = np.concatenate(parts, axis=-1)
        return np.asarray(np.moveaxis(channels_last, -1, -3).swapaxes(-1, -2))

    def features(self, joints: npt.NDArray[np.float32]) -> Ints:
        """Integers of resized joints (..., T, V, 3): (..., C, V, T), half rounded to even."""
        gain = np.repeat(np.asarray(self.gain, dtype=np.float32), 3)[:, None, None]
        scaled = np.rint(self.floats(joints) * gain)
        return np.asarray(np.clip(scaled, -self.limit, self.limit), dtype=np.int32)

    def encode(self, clip: Clip) -> Ints:
        """The stimulus of a clip, (*shape, steps) in Lava's order (x, y, channel, time)."""
        return np.asarray(self.encode_all([clip])[0])

    def encode_all(self, clips: Sequence[Clip]) -> Ints:
        """The stimuli of clips, (N, *shape, steps)."""
        if not clips:
            return np.zeros((0, *self.shape, self.steps), dtype=np.int32)
        features = self.features(self._resized(clips))
        if not self.repeat:
            return to_lava(features)
        by_frame = features[:, 0].transpose(0, 3, 2, 1)[..., None]  # (N, frames, V, C, 1)
        return np.repeat(by_frame, self.repeat, axis=-1)

    def _resized(self, clips: Sequence[Clip]) -> npt.NDArray[np.float32]:
        return np.stack([self.resize(self.prepare_persons(c)) for c in clips])

    def fit_gains(self, clips: Sequence[Clip], percent: float = 99.5) -> SkeletonEncoder:
        """This encoder with gains that keep `percent` of each modality's values within the limit.

        Gains are rounded to three significant digits; a modality that is 0 throughout keeps its.
        """
        joints = self._resized(clips)
        joints = joints[joints.any(axis=(2, 3, 4))]  # the persons who are there
        spread = [
            float(np.percentile(np.abs(MODALITIES[m](joints, self.skeleton)), percent))
            for m in self.modalities
        ]
        pairs = zip(spread, self.gain, strict=True)
        gains = tuple(float(f"{self.limit / s:.3g}") if s > 0 else g for s, g in pairs)
        return replace(self, gain=gains)

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `encoder_from_dict` makes the same encoder."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "skeleton": self.skeleton.name,
            "modalities": list(self.modalities),
            "frames": self.frames,
            "crop": self.crop,
            "gain": list(self.gain),
            "limit": self.limit,
            "align_view": self.align_view,
            "keep_path": self.keep_path,
            "persons": self.persons,
            "repeat": self.repeat,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> SkeletonEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        check_version(record, cls.KIND, (1, 2, cls.VERSION))
        with reading(cls.KIND):
            return cls(
                skeleton=skeleton(str(record["skeleton"])),
                modalities=tuple(str(m) for m in record["modalities"]),
                frames=int(record["frames"]),
                crop=float(record["crop"]),
                gain=tuple(float(g) for g in record["gain"]),
                limit=int(record["limit"]),
                align_view=bool(record["align_view"]),
                keep_path=bool(record["keep_path"]),
                persons=1 if record["version"] == 1 else int(record["persons"]),
                repeat=int(record["repeat"]) if record["version"] == cls.VERSION else 0,
            )


def to_lava(features: Ints) -> Ints:
    """Features of persons (N, M, C, V, T) in Lava's order (N, V, M, C, T)."""
    return np.ascontiguousarray(np.moveaxis(features, -2, 1))


def _check_encoder(e: SkeletonEncoder) -> None:
    """Raise SpikewattError for settings outside their limits, all of them in one message."""
    rules = {
        f"{len(e.modalities)} modalities (at least 1)": len(e.modalities) >= 1,
        f"frames {e.frames} (1 or more)": e.frames >= 1,
        f"crop {e.crop} (above 0, at most 1)": 0 < e.crop <= 1,
        f"limit {e.limit} (1 or more)": e.limit >= 1,
        f"persons {e.persons} (1 or more)": e.persons >= 1,
        f"repeat {e.repeat} (0 or more; one person)": e.repeat == 0
        or (e.repeat > 0 and e.persons == 1),
        f"gain {e.gain} (one number above 0 for each modality)": len(e.gain) == len(e.modalities)
        and all(np.isfinite(g) and g > 0 for g in e.gain),
    }
    check_settings("skeleton", rules)
