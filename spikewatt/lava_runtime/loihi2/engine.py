"""The Loihi 2 engine: the side that asks, which imports neither Lava nor Intel's extension."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from spikewatt.energy.board import BoardLog, CoreActivity
from spikewatt.errors import SpikewattError
from spikewatt.lava_door import why_no_lava
from spikewatt.lava_runtime.deciding import decided
from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.lava.engine import check_system, run_child, workplace
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.lava_runtime.loihi2.board import Board, unavailable
from spikewatt.lava_runtime.loihi2.child import BOARD, LOG, RESULTS
from spikewatt.lava_runtime.loihi2.fit import check_fits
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.request import check
from spikewatt.network import IntArray

_log = logging.getLogger("spikewatt")
CHILD = "spikewatt.lava_runtime.loihi2.child"


class Loihi2Engine:
    """Executes a network as Lava's own processes on a Loihi 2 board (Loihi2HwCfg).

    The chip's counters know cores, not layers; so counts are the native engine's on the same
    stimulus, the spikes are the chip's, and what its probes say is the execution's `board`.
    Raises SpikewattError where there is no board, with the reason.
    """

    name = "loihi2"

    def __init__(self, board: Board | None = None) -> None:
        self.board = board or Board()
        reason = None if self.board.simulate else unavailable()
        if reason is not None:
            other = "lava: the same integer network on Lava's simulator"
            if why_no_lava() is not None:
                other = "native: the same integer network"
            raise SpikewattError(
                f"Engine loihi2 is unavailable, because {reason}. Use {other}, bit for bit."
            )

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute; SpikewattError for what Lava's own processes do not have."""
        check(request)
        check_system()
        check_fits(request, self.board)
        with workplace() as place:
            place.write_request(request)
            (place.folder / BOARD).write_text(json.dumps(asdict(self.board)))
            run_child(CHILD, place, request, progress)
            return self._read(place, request)

    def _read(self, place: Workplace, request: Request) -> Execution:
        network = request.network
        with np.load(place.folder / RESULTS) as arrays:
            found = dict(arrays)
        spikes = {
            i: found[f"layer_{i}"].reshape(
                request.schedule.samples, *network.shape_of(i), request.schedule.steps
            )
            for i in request.record
        }
        summary = json.loads(place.summary.read_text())
        expected = NativeEngine().run(request)
        _warn_where_different(spikes, expected.spikes)
        execution = Execution(
            engine=self.name,
            spikes=spikes,
            u={},
            v={},
            readout=_readout(request, spikes, found.get("membrane")),
            counts=expected.counts,
            build_s=summary["build_s"],
            wall_s=summary["wall_s"],
            board=_probed(place),
        )
        return decided(request, execution, None)


def _warn_where_different(found: dict[int, IntArray], expected: dict[int, IntArray]) -> None:
    """The counts are those of the native engine's spikes, which should be the board's."""
    differing = [str(i) for i, s in found.items() if not np.array_equal(s, expected[i])]
    if differing:
        _log.warning(
            "The board's spikes of layer %s differ from the native engine's, so the counts are not "
            "the board's. Run again with --verify native to see where they part.",
            ", ".join(differing),
        )


def _readout(
    request: Request,
    spikes: dict[int, IntArray],
    membrane: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.int64] | None:
    """Integer sums of the read-out's groups, (N, groups); None where nothing was read."""
    readout, layer = request.network.readout, request.network.output.layer
    if readout is None:
        return None
    values = membrane
    if readout.kind == "rate" and layer in spikes:
        values = spikes[layer].reshape(request.schedule.samples, -1, request.schedule.steps).sum(-1)
    if values is None:
        return None
    return np.asarray(values.reshape(len(values), readout.groups, -1).sum(axis=2), dtype=np.int64)


def _probed(place: Workplace) -> BoardLog | None:
    path = place.folder / LOG
    if not path.exists():
        return None
    known = json.loads(path.read_text())
    cores = tuple(CoreActivity(**core) for core in known.pop("activity"))
    return BoardLog(**known, activity=cores)
