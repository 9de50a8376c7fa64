"""NTU RGB+D from raw `.skeleton` files or from the preprocessed `.npz` of the papers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikewatt.data.class_names import NTU120
from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.folders import Gathered, Split, checked, gather
from spikewatt.data.graph import NTU25
from spikewatt.data.ntu.actors import actors, centred, origin_seen
from spikewatt.data.ntu.arrays import read_arrays
from spikewatt.data.ntu.names import PROTOCOLS, Protocol, recording
from spikewatt.data.ntu.skeleton_file import read_bodies
from spikewatt.errors import SpikewattError

NEEDS = (
    "a folder with SsssCcccPpppRrrrAaaa.skeleton files (and the published lists of samples with "
    "missing skeletons, if they are to be left out), or the papers' preprocessed .npz file"
)
MISSING_LISTS = "*samples_with_missing_skeletons.txt"


def load_ntu(path: Path, name: str) -> Dataset[Clip]:
    """The data set of a published split (`PROTOCOLS`) from a folder or an .npz file.

    Joints are in metres about joint 2 of the first actor's first frame. Raises SpikewattError
    if nothing can be used.
    """
    protocol = PROTOCOLS[name]
    found = _from_files(path, protocol) if path.is_dir() else _from_arrays(path, protocol)
    classes = NTU120[: protocol.actions]
    return Dataset(name, NTU25, classes, found.train, found.test, found.report)


def _from_arrays(path: Path, protocol: Protocol) -> Gathered[Clip]:
    if path.suffix != ".npz":
        raise SpikewattError(f"{protocol.name}: {path} is no folder and no .npz. Give {NEEDS}.")
    return checked(protocol.name, read_arrays(path, protocol.actions), NEEDS)


def _from_files(folder: Path, protocol: Protocol) -> Gathered[Clip]:
    files = sorted(folder.rglob("*.skeleton"))
    missing = _missing(folder)
    wanted = [f for f in files if f.stem not in missing]
    found = gather(protocol.name, _split(wanted, protocol), read_clip, NEEDS)
    left_out = len(files) - len(wanted)
    line = f"left out {left_out} clips of the list of samples with missing skeletons"
    report = (*found.report, line) if left_out else found.report
    return Gathered(found.train, found.test, report)


def _split(files: list[Path], protocol: Protocol) -> Iterator[tuple[Split, Path]]:
    for file in files:
        try:
            found = recording(file.stem)
        except SpikewattError:
            yield "train", file  # read_clip says what is wrong with it
            continue
        if found.action <= protocol.actions:
            yield protocol.split(found), file


def _missing(folder: Path) -> set[str]:
    """Names in the lists of clips with missing skeletons, in the folder or beside it."""
    lists = [*folder.rglob(MISSING_LISTS), *folder.parent.glob(MISSING_LISTS)]
    return {line.strip() for file in lists for line in file.read_text().splitlines()}


def read_clip(file: Path) -> Clip:
    """The clip of a raw file; raises SpikewattError for one that is damaged or empty."""
    label = recording(file.stem).action - 1
    bodies, frames = read_bodies(file)
    try:
        joints = centred(actors(bodies, frames))
    except SpikewattError as error:
        raise SpikewattError(f"ntu: {file}: {error}") from error
    return Clip(origin_seen(joints), label, file.stem)
