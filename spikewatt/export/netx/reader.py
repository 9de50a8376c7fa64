"""Reading NetX files: the integer network that lava-dl and Lava would execute."""

from __future__ import annotations

import logging
from pathlib import Path

import h5py

from spikewatt.errors import SpikewattError
from spikewatt.export.netx.apart import Died, apart
from spikewatt.export.netx.chain import ChainReader, Cut
from spikewatt.export.netx.extension import read_extension
from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.graph import GraphReader
from spikewatt.export.netx.neurons import SPIKE_EXP
from spikewatt.export.netx.notes import Inspection, Notes
from spikewatt.network import Delta, Network, NetworkError, SigmaDelta
from spikewatt.validation import parts_violations, violations

_SECONDS, _BYTES_PER_SECOND = 8, 2**21  # of computing, before a file is taken for damaged
_log = logging.getLogger(__name__)


def read(
    path: str | Path,
    *,
    layers: int | None = None,
    skip: int = 0,
    message_bits: int | None = None,
    spike_exp: int | None = None,
) -> Network:
    """The network of a NetX file, with effective weights, neurons in (x, y, channel) order.

    layers, skip: lava-dl's num_layers and skip_layers; behind skipped layers the input is the last
    skipped layer's output. message_bits, spike_exp: lava-dl's input_message_bits and spike_exp;
    by default what the file says, or 0 and 6. Warnings go to the log. Raises SpikewattError where
    there is no HDF5 file, NetworkError with all violations.
    """
    found = inspect(path, layers=layers, skip=skip, message_bits=message_bits, spike_exp=spike_exp)
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
    spike_exp: int | None = None,
) -> Inspection:
    """As `read`, but tells violations, warnings and what lava-dl makes of the file.

    Raises SpikewattError where there is no HDF5 file or layers and skip are no counts.
    """
    if (layers is not None and layers < 1) or skip < 0:
        raise SpikewattError(
            f"layers={layers}, skip={skip}: the number of layers is at least 1, skip at least 0."
        )
    path = Path(path)
    if not path.is_file():
        raise SpikewattError(f"{path} is no file. Give the path of a NetX file (.net, HDF5).")
    cut = Cut(layers, skip, message_bits, spike_exp)
    try:
        seconds = _SECONDS + path.stat().st_size // _BYTES_PER_SECOND
        return apart(lambda: inspect_here(path, cut), seconds)
    except Died as how:
        raise SpikewattError(
            f"{path} is damaged: the process that reads it with HDF5 {how}. Write the file again."
        ) from None
    except MemoryError as error:
        raise SpikewattError(
            f"{path} needs more memory than this machine has left. If the network is meant to be "
            "this large, read it where there is more; else write the file again."
        ) from error


def inspect_here(path: Path, cut: Cut) -> Inspection:
    """As `inspect`, in this process: for files of known origin."""
    with _open(path) as file:
        notes = Notes.for_bytes(path.stat().st_size)
        network = _read(file, notes, cut)
    hints = _hints(network, notes)
    if network is not None:
        rules = violations if not notes.violations else parts_violations
        notes.add(rules(network))
    return Inspection(
        network=None if notes.violations else network,
        violations=tuple(notes.violations),
        warnings=tuple(notes.warnings),
        lava_dl=tuple(notes.lava_dl),
        hints=hints,
    )


def _hints(network: Network | None, notes: Notes) -> tuple[str, ...]:
    """Arguments that lava-dl's Network needs to compute the same."""
    if network is None:
        return ()
    bits, neurons = network.input.message_bits, [p.neuron for p in network.populations]
    hints = [f"give lava-dl's Network input_message_bits={bits}"] if bits else []
    exponents = {n.spike_exp for n in neurons if isinstance(n, Delta | SigmaDelta)}
    if len(exponents) > 1:
        notes.block(None, f"lava-dl has one spike_exp for all layers, not {sorted(exponents)}")
    elif exponents - {SPIKE_EXP}:
        hints.append(f"give lava-dl's Network spike_exp={exponents.pop()}")
    return tuple(hints)


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
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise SpikewattError(
            f"{path} cannot be read as HDF5 ({error}). Give a NetX file, as lava-dl's export_hdf5 "
            "or `spikewatt export` writes it."
        ) from error
