"""convert: NetX <-> NIR, by file ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.export import netx, nir
from spikewatt.network import Network


def _write_netx(network: Network, path: Path, dt_s: float) -> list[str]:
    report = netx.write(network, path)
    return [*report.lava_dl, *report.notes]


def _write_nir(network: Network, path: Path, dt_s: float) -> list[str]:
    nir.write(network, path, dt_s)
    return []


_READERS: dict[str, Callable[[Path, float], Network]] = {
    ".net": lambda path, dt_s: netx.read(path),
    ".nir": nir.read,
}
_WRITERS: dict[str, Callable[[Network, Path, float], list[str]]] = {
    ".net": _write_netx,
    ".nir": _write_nir,
}


def convert(source: Path, target: Path, dt_s: float = nir.DT) -> list[str]:
    """Write the network of one file as another, by their endings; what a reader should know.

    dt_s: seconds of a step, in which NIR's time constants are read and written. Raises
    SpikewattError where an ending is unknown, or a format cannot say the network.
    """
    for path in (source, target):
        if path.suffix not in _READERS:
            raise unknown_name("file ending", path.suffix, list(_READERS))
    if source.suffix == target.suffix:
        raise SpikewattError(
            f"{source} and {target} have the same ending. Give one .net and one .nir file."
        )
    return _WRITERS[target.suffix](_READERS[source.suffix](source, dt_s), target, dt_s)
