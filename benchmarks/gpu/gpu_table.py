"""What only a GPU can show: the neuron beside slayer's CUDA kernels, training steps, joules.

    python benchmarks/gpu/gpu_table.py --data nw-ucla:DIR --out FILE.json [--only neuron,...]

Needs an NVIDIA GPU, nvcc and ninja (slayer compiles its kernels, which takes minutes), and slayer.
The JSON is written after each part. `gpu_page.py` makes docs/gpu.md of it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

import joules_gpu  # noqa: E402
import neuron_gpu  # noqa: E402
import slayer_cuda  # noqa: E402
import torch  # noqa: E402
import training_gpu  # noqa: E402

from spikewatt.files import whole_file  # noqa: E402

RECIPES = HERE.parents[1] / "results" / "recipes"
Part = Callable[[str], Any]


def _training(data: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in training_gpu.NETWORKS:
        recipe = RECIPES / f"{name}.toml"
        found[name] = tried(lambda n=name, r=recipe: training_gpu.step_ms(n, data, r))
        torch.cuda.empty_cache()
    return found


PARTS: dict[str, Part] = {
    "first_use_s": lambda data: neuron_gpu.first_use_s(),
    "slayer_compile_s": lambda data: slayer_cuda.compile_s(),
    "neuron": lambda data: neuron_gpu.measured(),
    "training": _training,
    "joules": joules_gpu.measured,
}


def tried(make: Callable[[], Any]) -> Any:
    """What it gives, or {"failed": why}."""
    try:
        return make()
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:400]}


def where() -> dict[str, Any]:
    """The device and the versions."""
    return {
        "device": torch.cuda.get_device_name(),
        "capability": torch.cuda.get_device_capability(),
        "torch": torch.__version__,
        "triton": __import__("triton").__version__,
        "python": platform.python_version(),
    }


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="nw-ucla:DIR")
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    parser.add_argument("--only", default=",".join(PARTS))
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        parser.error("no CUDA GPU was found")
    found: dict[str, Any] = {"schema": 1, "where": where()}
    for name in given.only.split(","):
        begun = perf_counter()
        found[name] = tried(lambda name=name: PARTS[name](given.data))
        seconds = perf_counter() - begun
        sys.stderr.write(f"{name}: {seconds:.1f} s {json.dumps(found[name])}\n")
        with whole_file(given.out) as beside:
            beside.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
