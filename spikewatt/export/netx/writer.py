"""Writing networks as NetX files, loadable by lava-dl wherever the protocol can say them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py

from spikewatt.export.netx.chain import Cut
from spikewatt.export.netx.emit import write_chain_layers, write_graph_layers
from spikewatt.export.netx.extension import write_extension
from spikewatt.export.netx.graph import write_graph
from spikewatt.export.netx.plan import Layer, chain, chain_violations
from spikewatt.export.netx.reader import inspect_here
from spikewatt.files import whole_file
from spikewatt.network import Network, NetworkError
from spikewatt.validation import validate


@dataclass(frozen=True)
class WriteReport:
    """What has been written.

    lava_dl: why lava-dl cannot load the file, or computes something else; empty where it loads
    it unchanged and computes the same. notes: what else a reader of the file should know.
    """

    path: Path
    lava_dl: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def for_lava_dl(self) -> bool:
        """Whether lava-dl loads the file unchanged and computes the same."""
        return not self.lava_dl


def write(network: Network, path: str | Path) -> WriteReport:
    """Write a network; the file appears whole or not at all.

    A chain is written as the protocol has it, anything else with its projections in the
    extension. Raises NetworkError with all violations where the network cannot be said,
    SpikewattError where the file cannot be made.
    """
    path = Path(path)
    validate(network, f"the network for {path}")
    layers, reasons = chain(network)
    if not reasons and (found := chain_violations(network, layers)):
        raise NetworkError(f"the network for {path}", found)
    with whole_file(path) as temporary:
        _fill(temporary, network, None if reasons else layers)
        seen = inspect_here(temporary, Cut())
        if seen.violations:
            raise NetworkError(f"{path}, as it would be read back,", list(seen.violations))
    return WriteReport(path, (*reasons, *seen.lava_dl), (*seen.warnings, *seen.hints))


def _fill(path: Path, network: Network, planned: list[Layer] | None) -> None:
    with h5py.File(path, "w") as file:
        extension = write_extension(file, network)
        layers = file.create_group("layer")
        if planned is not None:
            write_chain_layers(layers, extension, network, planned)
            return
        write_graph_layers(layers, extension, network)
        write_graph(extension, network)
