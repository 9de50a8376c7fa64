"""Many requests in one run of Lava: `in_lava(requests, folder)`.

They are the engine's own processes, built by the engine's own builder, one network after the
other; only the start of Python and the import of Lava are shared.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from spikewatt.lava_runtime.engine import Execution, Request


def in_lava(requests: list[Request], folder: Path) -> list[Execution]:
    asked, done = folder / "requests.pickle", folder / "executions.pickle"
    asked.write_bytes(pickle.dumps(requests))
    subprocess.run([sys.executable, __file__, asked, done], check=True, timeout=500)
    executions: list[Execution] = pickle.loads(done.read_bytes())
    return executions


def execute(request: Request) -> Execution:
    from spikewatt.lava_runtime.lava.build import LavaNetwork
    from spikewatt.lava_runtime.lava.execution import read_execution
    from spikewatt.lava_runtime.lava.workplace import Workplace

    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(Path(folder))
        place.write_request(request)
        network = LavaNetwork(*place.read_request(), place)
        network.start()
        try:
            network.run()
        finally:
            network.runtime.stop()
        place.write_summary({"build_s": 0.0, "wall_s": 0.0})
        return read_execution(place, request)


if __name__ == "__main__":
    wanted = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps([execute(request) for request in wanted]))
