"""PilotNet LIF of lava-dl's wheel: the network, its frame, and counts of one inference."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import files
from pathlib import Path

import numpy as np

from spikewatt.energy.events import Counts
from spikewatt.export import netx
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network

FOLDER = "tests/lava/lib/dl/netx/gts/pilotnet_lif/"
STEPS = 16  # an inference, as benchmarked


def shipped(name: str) -> Path:
    return next(Path(f.locate()) for f in files("lava-dl") or () if str(f) == FOLDER + name)


@lru_cache(maxsize=1)
def network() -> Network:
    return netx.read(shipped("network.net"))


def frame() -> np.ndarray:
    return np.load(shipped("image.npy"))


def counts(image: np.ndarray) -> Counts:
    """One inference of a frame."""
    stimulus = np.rint(image).astype(np.int32)[None, ..., None]
    return NativeEngine().run(Request(network(), stimulus, clips(network(), 1, STEPS))).counts
