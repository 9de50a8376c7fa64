"""Reading NetX files: the integer network that lava-dl and Lava would execute."""

from __future__ import annotations

import logging
from pathlib import Path

import h5py

from spikewatt.errors import SpikewattError
from spikewatt.export.netx.chain import ChainReader, Cut
from spikewatt.export.netx.extension import read_extension
from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.graph import GraphReader
from spikewatt.export.netx.notes import Inspection, Notes
from spikewatt.network import Network, NetworkError
from spikewatt.validation import parts_violations, violations

_log = logging.getLogger(__name__)


def read(
    path: str | Path,
    *,
    layers: int | None = None,
    skip: int = 0,
    message_bits: int | None = None,
) -> Network:
    """The network of a NetX file, with effective weights, neurons in (x, y, channel) order.

    layers, skip: lava-dl's num_layers and skip_layers; behind skipped layers the input is the last
    skipped layer's output. message_bits: the input's; by default what the file says, or 0.
    Warnings go to the log. Raises SpikewattError where there is no HDF5 file, NetworkError with
    all violations.
    """
    found = inspect(path, layers=layers, skip=skip, message_bits=message_bits)
    if found.network is None:
        raise NetworkError(str(path), list(found.violations))
    for warning in found.warnings:
        _log.warning("%s: %s", path, warning)
    return found.network


def inspect(
    path: str | Path,
    *,
    layers: int | None = None,
    skip: int = 0,
    message_bits: int | None = None,
) -> Inspection:
    """As `read`, but tells violations, warnings and what lava-dl makes of the file.

    Raises SpikewattError where there is no HDF5 file or layers and skip are no counts.
    """
    if (layers is not None and layers < 1) or skip < 0:
        raise SpikewattError(
            f"layers={layers}, skip={skip}: the number of layers is at least 1, skip at least 0."
        )
    notes, cut = Notes(), Cut(layers, skip, message_bits)
    with _open(Path(path)) as file:
        network = _read(file, notes, cut)
    if network is not None:
        rules = violations if not notes.violations else parts_violations
        notes.add(rules(network))
    bits = 0 if network is None else network.input.message_bits
    return Inspection(
        network=None if notes.violations else network,
        violations=tuple(notes.violations),
        warnings=tuple(notes.warnings),
        lava_dl=tuple(notes.lava_dl),
        hints=(f"give lava-dl's Network input_message_bits={bits}",) if bits else (),
    )


def _read(file: h5py.File, notes: Notes, cut: Cut) -> Network | None:
    root = Fields(file, None, notes)
    layers, extension = root.inside("layer"), read_extension(root)
    if layers is None:
        hint = "write the network with lava-dl's export_hdf5 or with spikewatt"
        notes.reject(None, "group `layer`", "missing", "a NetX file", hint)
        return None
    reader = ChainReader if extension.graph is None else GraphReader
    return reader(layers, extension, cut).read()


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise SpikewattError(f"{path} is no file. Give the path of a NetX file (.net, HDF5).")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise SpikewattError(
            f"{path} cannot be read as HDF5 ({error}). Give a NetX file, as lava-dl's export_hdf5 "
            "or `spikewatt export` writes it."
        ) from error
