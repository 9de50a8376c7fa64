"""Encoders: from a clip to the integers that enter the network, one frame a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip
from spikewatt.data.graph import Skeleton, skeleton
from spikewatt.data.modalities import MODALITIES, check_modalities
from spikewatt.data.prepare import body_size, choose_person, resample, rotate, view_angle
from spikewatt.errors import SpikewattError, unknown_name

Ints = npt.NDArray[np.int32]

# Measured by `fit_gains`: 99.5 % of the values of the NW-UCLA training clips stay within +-63;
# `synthetic` moves less (it would allow 9.9, 31, 53, 106).
DEFAULT_GAINS = {"joint": 7.5, "bone": 26.0, "joint_motion": 28.0, "bone_motion": 56.0}


class Encoder(Protocol):
    """What every encoder offers: a shape, the stimulus of a clip, and a record of itself."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # Lava's order, without time

    def encode(self, clip: Clip) -> Ints: ...  # (*shape, T)

    def encode_all(self, clips: Sequence[Clip]) -> Ints: ...  # (N, *shape, T)

    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class SkeletonEncoder:
    """Skeleton clips as signed graded spikes: round(gain * modality), clipped to +-limit.

    A clip is repaired, centred on `skeleton.center`, divided by the body's size, turned to face
    the camera (`align_view`), cropped to the middle `crop` of its frames, resized to `frames`.
    With `keep_path` the body is centred in the first frame only, so that it still walks.
    """

    skeleton: Skeleton
    modalities: tuple[str, ...] = ("joint", "bone", "joint_motion", "bone_motion")
    frames: int = 16
    crop: float = 0.95
    gain: tuple[float, ...] = ()  # per modality; empty: the defaults
    limit: int = 63
    align_view: bool = True
    keep_path: bool = True

    KIND: ClassVar[str] = "skeleton"
    VERSION: ClassVar[int] = 1

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
        """Shape of the stimulus in Lava's order: (joints, 1, channels)."""
        return self.skeleton.size, 1, self.channels

    def prepare(self, clip: Clip) -> npt.NDArray[np.float32]:
        """One body (T, V, 3) of all the clip's frames: repaired, centred, scaled, aligned.

        Raises SpikewattError for a clip of another skeleton.
        """
        if clip.joints.ndim != 4 or clip.joints.shape[2:] != (self.skeleton.size, 3):
            raise SpikewattError(
                f"Clip {clip.name!r} has joints of shape {clip.joints.shape}; this encoder needs "
                f"(persons, frames, {self.skeleton.size}, 3) of the skeleton "
                f"{self.skeleton.name}. Use data of that skeleton."
            )
        x = choose_person(clip.joints, self.skeleton)
        center = x[:, self.skeleton.center]
        x = x - (center[0] if self.keep_path else center[:, None])
        x = x / body_size(x, self.skeleton)
        if self.align_view:
            x = rotate(x, view_angle(x, self.skeleton), axis=1)
        return x.astype(np.float32)

    def resize(self, prepared: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The middle `crop` of a prepared clip (T, V, 3), resized: (frames, V, 3)."""
        length = len(prepared)
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
        """The stimulus of a clip, (V, 1, C, frames) in Lava's order (x, y, channel, time)."""
        return np.asarray(self.encode_all([clip])[0])

    def encode_all(self, clips: Sequence[Clip]) -> Ints:
        """The stimuli of clips, (N, V, 1, C, frames)."""
        if not clips:
            return np.zeros((0, *self.shape, self.frames), dtype=np.int32)
        joints = np.stack([self.resize(self.prepare(c)) for c in clips])
        return np.ascontiguousarray(self.features(joints).swapaxes(-2, -3)[:, :, None])

    def fit_gains(self, clips: Sequence[Clip], percent: float = 99.5) -> SkeletonEncoder:
        """This encoder with gains that keep `percent` of each modality's values within the limit.

        Gains are rounded to three significant digits; a modality that is 0 throughout keeps its.
        """
        joints = np.stack([self.resize(self.prepare(c)) for c in clips])
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
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> SkeletonEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        if record.get("version") != cls.VERSION:
            raise SpikewattError(
                f"The network's encoder {cls.KIND!r} has version {record.get('version')!r}; this "
                f"spikewatt reads version {cls.VERSION}. Use the spikewatt that wrote the file."
            )
        try:
            return cls(
                skeleton=skeleton(str(record["skeleton"])),
                modalities=tuple(str(m) for m in record["modalities"]),
                frames=int(record["frames"]),
                crop=float(record["crop"]),
                gain=tuple(float(g) for g in record["gain"]),
                limit=int(record["limit"]),
                align_view=bool(record["align_view"]),
                keep_path=bool(record["keep_path"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SpikewattError(
                f"The network's encoder {cls.KIND!r} cannot be read: {error!r}. It needs the "
                "fields that `spikewatt export` writes; export the network again."
            ) from error


def _check_encoder(e: SkeletonEncoder) -> None:
    """Raise SpikewattError for settings outside their limits, all of them in one message."""
    rules = {
        f"{len(e.modalities)} modalities (at least 1)": len(e.modalities) >= 1,
        f"frames {e.frames} (1 or more)": e.frames >= 1,
        f"crop {e.crop} (above 0, at most 1)": 0 < e.crop <= 1,
        f"limit {e.limit} (1 or more)": e.limit >= 1,
        f"gain {e.gain} (one number above 0 for each modality)": len(e.gain) == len(e.modalities)
        and all(np.isfinite(g) and g > 0 for g in e.gain),
    }
    broken = [text for text, holds in rules.items() if not holds]
    if broken:
        raise SpikewattError(f"The skeleton encoder cannot use {'; '.join(broken)}. Correct it.")


ENCODERS: dict[str, Callable[[Mapping[str, Any]], Encoder]] = {
    SkeletonEncoder.KIND: SkeletonEncoder.from_dict,
}


def encoder_from_dict(record: Mapping[str, Any]) -> Encoder:
    """The encoder of a network file's record; raises SpikewattError for an unknown kind."""
    kind = str(record.get("kind"))
    if kind not in ENCODERS:
        raise unknown_name("encoder", kind, list(ENCODERS))
    return ENCODERS[kind](record)
