"""The Triton kernels: in the interpreter against the CPU pass, and built for GPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")
CASES = Path(__file__).with_name("fused_cases.py")
BUILD = """
from triton.compiler import ASTSource
from triton.compiler.backends.cuda import CUDABackend
from spikewatt.train.neuron import kernels

NUMBERS = {"scale", "unit", "center", "width", "height", "limit"}

def build(fn, capability, flag, **constants):
    names = list(enumerate(fn.arg_names))
    constants |= {"BLOCK": 128}
    constants |= {n: flag for _, n in names if n.isupper() and n not in constants}
    kind = lambda n: "*fp32" if n.endswith("_ptr") else "fp32" if n in NUMBERS else "i32"
    signature = {i: kind(n) for i, n in names if n not in constants}
    values = {i: constants[n] for i, n in names if n in constants}
    backend = CUDABackend(("cuda", capability))
    options, stages, metadata = backend.parse_options({"num_warps": 4}), {}, {}
    metadata = {"target": ("cuda", capability), **options.__dict__, "ids_of_folded_args": ()}
    backend.add_stages(stages, options)
    module = ASTSource(fn, signature, values).make_ir(options)
    for stage in list(stages.values())[1 if list(stages)[0] != "ttir" else 0:]:
        module = stage(module, metadata)
    assert len(module) > 1000

for flag in (True, False):
    build(kernels.forward, 80, flag)
    build(kernels.backward, 80, flag, SHAPE=5)
for shape in range(5):
    build(kernels.backward, 80, True, SHAPE=shape)
"""


def run(code: list[str], **environment: str) -> str:
    root = str(Path(__file__).parents[3])
    env = os.environ | environment | {"PYTHONPATH": root}
    done = subprocess.run([sys.executable, *code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_interpreted_kernels_are_the_cpu_pass() -> None:
    assert len(run([str(CASES), "cpu"], TRITON_INTERPRET="1").splitlines()) == 8


def test_kernels_build_for_a_gpu_without_one(tmp_path: Path) -> None:
    import triton

    if not triton.__version__.startswith("2."):
        pytest.skip("building without a GPU goes through Triton 2's internals")
    run(["-c", BUILD], TRITON_CACHE_DIR=str(tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_kernels_on_a_gpu_are_the_cpu_pass() -> None:
    assert len(run([str(CASES), "cuda"]).splitlines()) == 8
