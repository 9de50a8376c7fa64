"""The data sets by name: what each needs, where it comes from, and how it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spikewatt.data import (
    dvs128,
    n_mnist,
    nw_ucla,
    synthetic,
    synthetic_events,
    synthetic_video,
    ucf101,
    utd_mhad,
)
from spikewatt.data.class_names import DVS128_GESTURE, NTU120, UCF101, UTD_MHAD
from spikewatt.data.clips import AnyDataset, Kind
from spikewatt.data.ntu import load as ntu
from spikewatt.data.ntu import rgb
from spikewatt.data.ntu.names import PROTOCOLS, Protocol
from spikewatt.data.pose import keypoints
from spikewatt.errors import SpikewattError, unknown_name


@dataclass(frozen=True)
class Source:
    """A data set that can be asked for; exactly one of the two loaders is there."""

    name: str
    title: str
    needs: str  # what the path must hold; empty for embedded data
    origin: str  # the published source
    split: str
    classes: tuple[str, ...]  # empty: the folders' names
    kind: Kind = "skeleton"
    generate: Callable[[int], AnyDataset] | None = None  # seed -> data
    read: Callable[[Path], AnyDataset] | None = None  # path -> data

    @property
    def usage(self) -> str:
        """How it is written on the command line."""
        return self.name if self.read is None else f"{self.name}:PATH"


_NTU60 = "Shahroudy, Liu, Ng, Wang: NTU RGB+D (CVPR 2016)"
_NTU120 = "Liu, Shahroudy, Perez, Wang, Duan, Kot: NTU RGB+D 120 (TPAMI 2020)"


def _ntu(protocol: Protocol) -> Source:
    return Source(
        name=protocol.name,
        title=f"NTU RGB+D, {protocol.actions} actions, Kinect skeletons of 25 joints",
        needs=ntu.NEEDS,
        origin=(_NTU60 if protocol.actions == 60 else _NTU120)
        + "; bodies are denoised as in Chen et al.: CTR-GCN (ICCV 2021)",
        split=protocol.rule,
        classes=NTU120[: protocol.actions],
        read=partial(ntu.load_ntu, name=protocol.name),
    )


_EMBEDDED = "made by spikewatt; the seed decides every number"
_SOURCES = (
    Source(
        name="synthetic",
        title="skeleton clips of a seeded kinematic body, generated on the spot",
        needs="",
        origin=_EMBEDDED,
        split="480 training and 192 test clips, other bodies and other camera angles in the test",
        classes=synthetic.CLASSES,
        generate=synthetic.generate,
    ),
    Source(
        name="synthetic-video",
        title="the same body drawn into images of 64 x 64, generated on the spot",
        needs="",
        origin=_EMBEDDED,
        split="192 training and 64 test clips, other bodies in the test",
        classes=synthetic.CLASSES,
        kind="video",
        generate=synthetic_video.generate,
    ),
    Source(
        name="synthetic-events",
        title="the same body before an event camera of 32 x 32, generated on the spot",
        needs="",
        origin=_EMBEDDED,
        split="192 training and 64 test clips, other bodies in the test",
        classes=synthetic.CLASSES,
        kind="events",
        generate=synthetic_events.generate,
    ),
    Source(
        name="nw-ucla",
        title="Northwestern-UCLA Multiview Action 3D, Kinect skeletons of 20 joints",
        needs="a folder with train.json, val.json and all_sqe/*.json, as published",
        origin="Wang, Nie, Xia, Wu, Zhu: Cross-view action modeling, learning and recognition "
        "(CVPR 2014); the JSON files are those that skeleton-recognition papers share",
        split="cross-view: 1020 training clips (views 1 and 2), 464 test clips (view 3)",
        classes=nw_ucla.CLASSES,
        read=nw_ucla.load_nw_ucla,
    ),
    *(_ntu(protocol) for protocol in PROTOCOLS.values()),
    Source(
        name="utd-mhad",
        title="UTD Multimodal Human Action Dataset, Kinect skeletons of 20 joints",
        needs=utd_mhad.NEEDS,
        origin="Chen, Jafari, Kehtarnavaz: UTD-MHAD (ICIP 2015)",
        split="cross-subject: 431 training clips (odd subjects), 430 test clips (even subjects)",
        classes=UTD_MHAD,
        read=utd_mhad.load_utd_mhad,
    ),
    Source(
        name="keypoints",
        title="key points of a pose network, COCO-17 or OpenPose-25/18 JSON; x, y, 0",
        needs=keypoints.NEEDS,
        origin="any pose network; formats of Lin et al.: Microsoft COCO (ECCV 2014) and Cao et "
        "al.: OpenPose (TPAMI 2019)",
        split="the folders train/ and test/",
        classes=(),
        read=keypoints.load_keypoints,
    ),
    Source(
        name="keypoints-score",
        title="the same with the network's score as third coordinate: x, y, score",
        needs=keypoints.NEEDS,
        origin="as keypoints",
        split="the folders train/ and test/",
        classes=(),
        read=partial(keypoints.load_keypoints, score=True),
    ),
    Source(
        name="n-mnist",
        title="Neuromorphic MNIST, digits before a moving event camera of 34 x 34",
        needs=n_mnist.NEEDS,
        origin="Orchard, Jayawant, Cohen, Thakor: Converting static image datasets to spiking "
        "neuromorphic datasets using saccades (Frontiers in Neuroscience 9, 2015)",
        split="as published: 60000 training and 10000 test recordings, or as the lists say",
        classes=n_mnist.CLASSES,
        kind="events",
        read=n_mnist.load_n_mnist,
    ),
    Source(
        name="dvs128-gesture",
        title="DVS128 Gesture, hand gestures before an event camera of 128 x 128",
        needs=dvs128.NEEDS,
        origin="Amir et al.: A low power, fully event-based gesture recognition system (CVPR 2017)",
        split="as published: users 1 to 23 train, users 24 to 29 test",
        classes=DVS128_GESTURE,
        kind="events",
        read=dvs128.load_dvs128,
    ),
    Source(
        name="ucf101",
        title="UCF101, video of sports and daily actions, 320 x 240",
        needs=ucf101.NEEDS,
        origin="Soomro, Zamir, Shah: UCF101 (CRCV-TR-12-01, 2012)",
        split="split 1: groups 8 to 25 train, groups 1 to 7 test",
        classes=UCF101,
        kind="video",
        read=ucf101.load_ucf101,
    ),
    Source(
        name="ntu-rgb-xsub",
        title="NTU RGB+D, 60 actions as video, 1920 x 1080",
        needs=rgb.NEEDS,
        origin=_NTU60,
        split=PROTOCOLS["ntu60-xsub"].rule,
        classes=NTU120[:60],
        kind="video",
        read=rgb.load_ntu_rgb,
    ),
)

DATASETS = {s.name: s for s in _SOURCES}


def describe(name: str) -> Source:
    """What is known of a data set; raises SpikewattError with the known names."""
    if name not in DATASETS:
        raise unknown_name("data set", name, list(DATASETS))
    return DATASETS[name]


def load(spec: str, seed: int = 0) -> AnyDataset:
    """The data set of `NAME` (embedded, made from the seed) or `NAME:PATH` (read from disk).

    Raises SpikewattError for an unknown name, a path too many or too few, and unusable files.
    """
    name, colon, path = spec.partition(":")
    source = describe(name)
    if source.generate is not None:
        if colon:
            raise SpikewattError(f"Data set {name!r} is embedded and takes no path; found {spec!r}")
        return source.generate(seed)
    assert source.read is not None
    if not path:
        raise SpikewattError(
            f"Data set {name!r} is read from disk and needs {source.needs}. Write {name}:PATH."
        )
    try:
        return source.read(Path(path).expanduser())
    except OSError as error:
        raise SpikewattError(
            f"Data set {name!r} cannot be read: {error}. It needs {source.needs}."
        ) from error


@dataclass(frozen=True)
class Found:
    """What lies at a path: clips of both parts, by class (name, training, test), and `report`,
    a line for each clip that was skipped and why."""

    name: str
    kind: Kind
    train: int
    test: int
    by_class: tuple[tuple[str, int, int], ...]
    report: tuple[str, ...]


def found(spec: str, seed: int = 0) -> Found:
    """What a spec as for `load` gives; raises what `load` raises."""
    data = load(spec, seed)
    train, test = (Counter(clip.label for clip in part) for part in (data.train, data.test))
    by_class = tuple((name, train[k], test[k]) for k, name in enumerate(data.classes))
    sizes = len(data.train), len(data.test)
    return Found(data.name, data.kind, *sizes, by_class, data.report)
