"""Joules of a GPU by NVML: the zoo's network as dense torch, and CTR-GCN on the same clips."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

from spikewatt.commands.bench.command import BenchJob, run_bench

ROOT = Path(__file__).parents[2]
LIMIT = 64


def measured(data: str) -> dict[str, Any]:
    """The medians of `spikewatt bench --device cuda --measure gpu`, by backend."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        job = BenchJob(
            networks=(ROOT / "zoo" / "signal-sgn-core-nw-ucla.net",),
            data=(data,),
            limit=LIMIT,
            backends=("torch",),
            ann="ctr-gcn",
            device="cuda",
            measure="gpu",
        )
        run_bench(job, lambda done, total: None, {"json_path": path}, io.StringIO())
        return json.loads(path.read_text())
