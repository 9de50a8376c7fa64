"""The process that runs a request as Lava's own processes; see `lava_runtime/lava/child.py`.

It leaves spikes and membranes in `stock.npz`, and the probes' log in `probe.json`.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import numpy as np

from spikewatt.lava_runtime.lava.child import serve
from spikewatt.lava_runtime.lava.guard import Guard
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.lava_runtime.loihi2.board import Board

RESULTS, LOG, BOARD = "stock.npz", "probe.json", "board.json"


def execute(place: Workplace, guard: Guard) -> None:
    """Build and run; the summary tells that all went well."""
    begin = time.perf_counter()
    from spikewatt.lava_runtime.loihi2.build import StockNetwork, aim_at

    board = Board(**json.loads((place.folder / BOARD).read_text()))
    aim_at(board)
    request, table = place.read_request()
    network = StockNetwork(request, table, board)
    guard.workers = network.start()
    built = time.perf_counter()
    results = network.run(place.progress())
    ended = time.perf_counter()
    np.savez(place.folder / RESULTS, **results)
    if network.probes is not None:
        (place.folder / LOG).write_text(json.dumps(asdict(network.probes.log())))
    place.write_summary({"build_s": built - begin, "wall_s": ended - built})


if __name__ == "__main__":
    serve(execute)
