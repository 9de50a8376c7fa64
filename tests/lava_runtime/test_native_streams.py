"""Streams and batches: the same however they are split, in bounded memory, and a quick start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from native_cases import assert_same

from spikewatt.export import netx
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.lava_runtime.stimulus import from_array
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, Readout

WIDE, STEPS = 2000, 150_000  # a file of 300 MB
SPARE_BYTES = 2**27

RUN = """
import resource, sys
from spikewatt.cli import main

sys.argv = ["spikewatt", "run", {network!r}, "--input", {first!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + {spare}, used + {spare}))
sys.argv[4] = {input!r}
main()
"""


def network(sources: int) -> Network:
    rng = np.random.default_rng(0)
    weights = [rng.integers(-60, 100, (n, m)).astype(np.int32) for n, m in ((20, sources), (5, 20))]
    populations = (
        Population(1, (20,), CubaLif(3000, 500, 200)),
        Population(2, (5,), CubaLif(4096, 500, 100)),
    )
    links = (Projection(0, 1, Dense(weights[0])), Projection(1, 2, Dense(weights[1])))
    return Network(Input(0, (sources,)), populations, links, readout=Readout("rate", 5))


@pytest.mark.parametrize("kind", [np.int8, np.bool_, np.float32, np.int32])
def test_a_mapped_file_gives_what_its_array_gives(kind, tmp_path: Path) -> None:
    net, path = network(7), tmp_path / "x.npy"
    x = np.random.default_rng(1).random((3, 7, 300)) < 0.2
    np.save(path, x.astype(kind))
    mapped, is_clips = from_array(net, np.load(path, mmap_mode="r"))
    assert isinstance(mapped, np.memmap)
    assert is_clips
    schedules = ((clips(net, 3, 300), slice(3)), (stream(300, 90), slice(1)))
    for schedule, part in schedules:
        plain = Request(net, x[part].astype(np.int32), schedule, (1, 2), record_state=True)
        expected = NativeEngine(1).run(plain)
        assert all(expected.spikes[layer].any() for layer in (1, 2))
        for workers, cells in ((1, 7), (1, 2**18), (2, 400), (3, 20 * 64)):
            request = Request(net, mapped[part], schedule, (1, 2), record_state=True)
            assert_same(expected, NativeEngine(workers, cells).run(request))


def test_fewer_steps_of_a_mapped_file(tmp_path: Path) -> None:
    net, path = network(7), tmp_path / "x.npy"
    x = (np.random.default_rng(1).random((7, 300)) < 0.2).astype(np.uint8)
    np.save(path, x)
    mapped, _ = from_array(net, np.load(path, mmap_mode="r"), steps=111)
    expected = NativeEngine().run(Request(net, x[None, :, :111].astype(np.int32), stream(111)))
    assert_same(expected, NativeEngine().run(Request(net, mapped, stream(111))))


def test_a_mapped_bias_is_held(tmp_path: Path) -> None:
    net = Network(
        Input(0, (4,), drives_bias=True), (Population(0, (4,), CubaLif(4096, 300, 30)),), ()
    )
    np.save(tmp_path / "x.npy", np.array([[3.0, -4, 9, 40], [0, 1, 2, 3]])[..., None])
    mapped, _ = from_array(net, np.load(tmp_path / "x.npy", mmap_mode="r"), steps=9)
    plain = np.asarray(mapped).astype(np.int32)
    done = [NativeEngine().run(Request(net, x, clips(net, 2, 9), (0,))) for x in (plain, mapped)]
    assert done[0].spikes[0].any()
    assert_same(*done)


def saved(folder: Path, sources: int, steps: int, name: str) -> tuple[str, np.ndarray]:
    """A file of few spikes, (sources, steps) bytes, most of it a hole; and its spikes a step."""
    path = folder / name
    x = np.lib.format.open_memmap(path, "w+", np.int8, (sources, steps))
    rng = np.random.default_rng(steps)
    count = max(100, steps // 10)
    x[rng.integers(sources, size=count), rng.integers(steps, size=count)] = 1
    x.flush()
    return str(path), x


@pytest.mark.slow
def test_a_stream_larger_than_the_memory_that_it_may_take(tmp_path: Path) -> None:
    """A 300 MB stimulus with 128 MB to spare: as int32 it would take 1.2 GB."""
    path = tmp_path / "wide.net"
    netx.write(network(WIDE), path)
    first, _ = saved(tmp_path, WIDE, 50, "first.npy")
    large, x = saved(tmp_path, WIDE, STEPS, "large.npy")
    assert Path(large).stat().st_size > 2 * SPARE_BYTES
    code = RUN.format(network=str(path), first=first, input=large, spare=SPARE_BYTES)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spikes = int(np.count_nonzero(x))
    assert f"{spikes}" in done.stdout.replace(",", "")


def test_a_run_starts_without_heavy_libraries(tmp_path: Path) -> None:
    netx.write(network(6), tmp_path / "small.net")
    x = saved(tmp_path, 6, 40, "x.npy")[0]
    code = (
        "import sys, json\nfrom spikewatt.cli import main\n"
        f"sys.argv = ['spikewatt', 'run', {str(tmp_path / 'small.net')!r}, '--input', {x!r},\n"
        f" '--backend', 'native', '--json', {str(tmp_path / 'run.json')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(json.dumps(sorted({'torch', 'lava', 'matplotlib'} & set(sys.modules))))\n"
    )
    NativeEngine().run(Request(network(6), np.zeros((1, 6, 2), np.int32), stream(2)))  # compiles
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
