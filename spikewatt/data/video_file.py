"""Video files, decoded through PyAV when their images are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikewatt.data.clips import Images
from spikewatt.data.images import even_frames
from spikewatt.errors import SpikewattError


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise SpikewattError(
            "Video files are read through PyAV, which is not installed. Install it with "
            "`uv pip install av`."
        ) from error
    return av


@dataclass(frozen=True, eq=False)
class VideoClip:
    """One video file and its class; nothing of it is decoded yet."""

    path: Path
    label: int  # 0-based
    name: str

    def images(self, count: int) -> Images:
        """`count` frames that lie evenly over the file, (count, H, W, 3) RGB, 0 to 255.

        Raises SpikewattError if no frame can be decoded; a file that breaks off is used as far
        as it goes.
        """
        said = said_frames(self.path)
        wanted = even_frames(count, said)
        frames, there = _decode(self.path, set(wanted.tolist()))
        if there != said:  # the header was wrong, or said nothing
            wanted = even_frames(count, there)
            frames, _ = _decode(self.path, set(wanted.tolist()))
        if not there:
            raise SpikewattError(f"Video {self.path} has no frame that can be decoded.")
        return np.stack([frames[index] for index in wanted.tolist()])


def said_frames(path: Path) -> int:
    """Frames that a file's header says it has, 0 if it does not say; opens the file only.

    Raises SpikewattError for a file that is no video.
    """
    av = _pyav()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SpikewattError(f"Video {path} has no stream of images.")
            return int(container.streams.video[0].frames)
    except (OSError, av.error.FFmpegError) as error:
        raise SpikewattError(f"Video {path} cannot be opened: {error}. Get it again.") from error


def _decode(path: Path, wanted: Collection[int]) -> tuple[dict[int, Images], int]:
    """The wanted frames by their number, and how many frames there are."""
    av = _pyav()
    frames: dict[int, Images] = {}
    number = 0
    with av.open(str(path)) as container:
        try:
            for frame in container.decode(video=0):
                if number in wanted:
                    frames[number] = frame.to_ndarray(format="rgb24")
                number += 1
        except av.error.FFmpegError:
            pass  # it breaks off here
    return frames, number
