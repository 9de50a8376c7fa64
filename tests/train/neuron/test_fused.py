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
# without a GPU: Triton 2 builds through its internals, 3 has a door
BUILD_2 = """
from triton.compiler import ASTSource
from triton.compiler.backends.cuda import CUDABackend

def build(fn, capability, flag, **constants):
    kind, constants = kinds(fn, flag, constants)
    names = list(enumerate(fn.arg_names))
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
"""
BUILD_3 = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

def build(fn, capability, flag, **constants):
    kind, constants = kinds(fn, flag, constants)
    signature = {n: "constexpr" if n in constants else kind(n) for n in fn.arg_names}
    source, options = ASTSource(fn, signature, constants), {"enable_fp_fusion": False}
    target = GPUTarget("cuda", capability, 32)
    assert len(triton.compile(source, target=target, options=options).asm["cubin"]) > 1000
"""
KINDS = """
NUMBERS = {"scale", "unit", "center", "width", "height", "limit"}

def kinds(fn, flag, constants):
    constants |= {"BLOCK": 128, "CHUNK": 4}
    constants |= {n: flag for n in fn.arg_names if n.isupper() and n not in constants}
    return lambda n: "*fp32" if n.endswith("_ptr") else "fp32" if n in NUMBERS else "i32", constants
"""
BUILD_ALL = """
from spikewatt.train.neuron import kernels

for flag in (True, False):
    build(kernels.forward, 80, flag)
    build(kernels.backward, 80, flag, SHAPE=5)
for shape in range(5):
    build(kernels.backward, 80, True, SHAPE=shape)
"""
BUILDS = {"2": BUILD_2, "3": BUILD_3}


def run(code: list[str], **environment: str) -> str:
    root = str(Path(__file__).parents[3])
    env = os.environ | environment | {"PYTHONPATH": root}
    done = subprocess.run([sys.executable, *code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_interpreted_kernels_are_the_cpu_pass() -> None:
    assert len(run([str(CASES), "cpu"], TRITON_INTERPRET="1").splitlines()) == 24


def test_kernels_build_for_a_gpu_without_one(tmp_path: Path) -> None:
    import triton

    major = triton.__version__.split(".")[0]
    if major not in BUILDS:
        pytest.skip(f"building without a GPU is not known for Triton {major}")
    run(["-W", "error", "-c", KINDS + BUILDS[major] + BUILD_ALL], TRITON_CACHE_DIR=str(tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_kernels_on_a_gpu_are_the_cpu_pass() -> None:
    assert len(run([str(CASES), "cuda"]).splitlines()) == 24
