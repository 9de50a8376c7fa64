"""Damaged and hostile files, made from a seed, and a reader of them with 1 GB of memory.

As a script: FOLDER FIRST LAST makes the files of these seeds one by one, reads each with limited
memory, and prints a line for each. A crash or a hang loses its line.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export import netx

MEMORY = 2**30
Rng = np.random.Generator


def damage(rng: Rng, data: bytearray) -> bytearray:
    """Bytes that a broken disk or a broken download leaves behind."""
    return BYTES[rng.integers(len(BYTES))](rng, data)


def _truncate(rng: Rng, data: bytearray) -> bytearray:
    return data[: int(rng.integers(len(data)))]


def _flip(rng: Rng, data: bytearray) -> bytearray:
    for _ in range(int(2 ** rng.integers(0, 7))):
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return data


def _bytes(rng: Rng, data: bytearray) -> bytearray:
    for _ in range(int(2 ** rng.integers(0, 5))):
        data[int(rng.integers(len(data)))] = int(rng.choice([0, 1, 127, 128, 255]))
    return data


def _block(rng: Rng, data: bytearray) -> bytearray:
    size = int(rng.integers(1, 200))
    at = int(rng.integers(len(data)))
    fill = rng.choice([b"\0", b"\xff", rng.bytes(1)])
    data[at : at + size] = bytes(fill) * len(data[at : at + size])
    return data


def _move(rng: Rng, data: bytearray) -> bytearray:
    size, a, b = (int(rng.integers(n)) for n in (600, len(data), len(data)))
    data[b : b + size] = data[a : a + size]
    return data


def _pointer(rng: Rng, data: bytearray) -> bytearray:
    """A word that HDF5 takes for an address or a size now points elsewhere."""
    at = int(rng.integers(len(data) // 8)) * 8
    value = int(rng.choice([len(data), 2**63 - 1, 2**32, int(rng.integers(len(data)))]))
    data[at : at + 8] = value.to_bytes(8, "little")
    return data


BYTES = (_truncate, _flip, _flip, _bytes, _block, _move, _pointer, _pointer)


def _keys(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visit(found.append)
    return found


def _put(file: h5py.File, key: str, value: object) -> None:
    if key in file:
        del file[key]
    if value is not None:
        file[key] = value


def _numbers(rng: Rng) -> object:
    """A value that does not belong where it stands."""
    choices: list[object] = [
        None,
        -1,
        0,
        2**31,
        -(2**62),
        np.uint64(2**64 - 1),
        np.nan,
        np.inf,
        1e300,
        0.5,
        1 + 2j,
        "text",
        b"\xff\xfe",
        np.array([], np.int32),
        np.zeros((0, 3)),
        np.full((1,) * 7, 3),
        np.ones((3, 3, 3, 3), np.int16),
        np.array([2**20, 2**20, 2**20]),
        np.array([1, -1, 10**9]),
        np.arange(100),
        np.array([True, False]),
        np.array([np.nan, np.nan]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([b"pool"] * 9),
        h5py.Empty("f"),
        np.float16(3),
        np.longdouble(7),
        np.dtype("int32"),
    ]
    return choices[rng.integers(len(choices))]


def _wrong(rng: Rng, file: h5py.File) -> None:
    for _ in range(int(rng.integers(1, 4))):
        keys = _keys(file)
        _put(file, keys[rng.integers(len(keys))], _numbers(rng))


def _missing(rng: Rng, file: h5py.File) -> None:
    keys = _keys(file)
    del file[keys[rng.integers(len(keys))]]


def _types(rng: Rng, file: h5py.File) -> None:
    kinds = ["input", "flatten", "average", "concat", "dense", "dense_rec", "dense_comp", "pool"]
    kinds += ["conv", "convT", "unpool", "blob", "x" * 10**5, "größe\n\0"]
    neurons = ["CUBA", "SDNN", "RF_PHASE", "RF_IZ", "ALIF", "ADRF_PHASE", "", "x"]
    names = list(file["layer"]) if "layer" in file else []
    for name in names:
        if rng.random() < 0.5:
            _put(file, f"layer/{name}/type", kinds[rng.integers(len(kinds))].replace("\0", ""))
        if rng.random() < 0.3:
            _put(file, f"layer/{name}/neuron/type", neurons[rng.integers(len(neurons))])


def _concats(rng: Rng, file: h5py.File) -> None:
    """Layers joined with themselves, with later ones, with each other."""
    count = len(file["layer"])
    for i in range(count):
        if rng.random() < 0.5:
            _put(file, f"layer/{i}/type", "concat")
            listed = rng.integers(-2, count + 2, int(rng.integers(1, 40)))
            _put(file, f"layer/{i}/layers", listed)


def _huge(rng: Rng, file: h5py.File) -> None:
    """Sizes that are declared but not there."""
    keys = [k for k in _keys(file) if isinstance(file[k], h5py.Dataset)]
    key = keys[rng.integers(len(keys))]
    shape = [(2**40,), (2**20, 2**20), (2**16, 2**16), (2**13,) * 4, (2**26,)][rng.integers(5)]
    kind = [np.int8, np.float64, "S100", np.bool_][rng.integers(4)]
    del file[key]
    chunks = tuple(min(n, 16) for n in shape)
    file.create_dataset(key, shape, kind, chunks=chunks, compression="gzip")


def _bomb(rng: Rng, file: h5py.File) -> None:
    """A small file that unpacks to much."""
    keys = [k for k in _keys(file) if k.endswith(("weight", "bias", "shape", "delay"))]
    key = keys[rng.integers(len(keys))] if keys else "layer/1/weight"
    _put(file, key, None)
    shape = [(3, 10**7), (5500, 5500), (2**21,), (1, 1, 2**11, 2**11)][rng.integers(4)]
    data = np.broadcast_to(np.array(2, ["i1", "i8", "f8"][rng.integers(3)]), shape)
    if rng.random() < 0.3:  # a larger file may hold more
        file["padding"] = rng.integers(256, size=10**6, dtype=np.uint8)
    file.create_dataset(key, data=data, chunks=True, compression="gzip", compression_opts=1)


def _links(rng: Rng, file: h5py.File) -> None:
    keys = _keys(file)
    key = keys[rng.integers(len(keys))]
    del file[key]
    choices: list[Callable[[], object]] = [
        lambda: h5py.SoftLink("/" + key),
        lambda: h5py.SoftLink("/layer/1/weight"),
        lambda: h5py.ExternalLink("other.net", "/layer"),
        lambda: h5py.ExternalLink("/dev/zero", "/layer"),
        lambda: file["/"],
        lambda: file[key.rpartition("/")[0] or "/"],
    ]
    file[key] = choices[rng.integers(len(choices))]()


def _elsewhere(rng: Rng, file: h5py.File) -> None:
    """Values in another file, or put together from one."""
    keys = [k for k in _keys(file) if isinstance(file[k], h5py.Dataset)]
    key = keys[rng.integers(len(keys))]
    del file[key]
    if rng.random() < 0.5:
        file.create_dataset(key, (100,), "i1", external=[("/dev/zero", 0, 100)])
        return
    layout = h5py.VirtualLayout((100, 100), "i4")
    layout[:] = h5py.VirtualSource("other.net", "a", (100, 100))
    file.create_virtual_dataset(key, layout)


def _vlen(rng: Rng, file: h5py.File) -> None:
    keys = [k for k in _keys(file) if isinstance(file[k], h5py.Dataset)]
    key = keys[rng.integers(len(keys))]
    del file[key]
    if rng.random() < 0.5:
        file.create_dataset(key, (3,), h5py.vlen_dtype(np.int32))
        file[key][0] = np.arange(5, dtype=np.int32)
    else:
        file.create_dataset(key, (2,), h5py.ref_dtype)


def _json(rng: Rng, file: h5py.File) -> None:
    key = ["encoder", "classes", "training"][rng.integers(3)]
    texts = ["[" * 10**5, "{}", "[1]", "1" * 10**5, "NaN", '{"a": 1e999}', '"x"', "{", '["a"]']
    _put(file, f"spikewatt/{key}", texts[rng.integers(len(texts))])


def _many(rng: Rng, file: h5py.File) -> None:
    """Far more layers than a network has."""
    where = ["layer", "spikewatt/layer", "spikewatt/graph/projection"][rng.integers(3)]
    group = file.require_group(where)
    for i in range(int(rng.choice([300, 3000]))):
        group.require_group(str(i))


def _marks(rng: Rng, file: h5py.File) -> None:
    keys = ["delay", "axon_delay", "after", "zeros", "sparse", "dense_macs", "shape", "sdnn"]
    keys += ["message_bits", "spike_exp", "state_exp", "decay_bits", "drives", "type"]
    for _ in range(int(rng.integers(1, 6))):
        layer, key = rng.integers(0, 5), keys[rng.integers(len(keys))]
        _put(file, f"spikewatt/layer/{layer}/{key}", _numbers(rng))


def _tables(rng: Rng, file: h5py.File) -> None:
    """Gains and biases of steps where there are none, or others."""
    graph = "spikewatt/graph"
    for _ in range(int(rng.integers(1, 4))):
        k = rng.integers(0, 5)
        key = [f"projection/{k}/step_gain", f"step_bias/{k}"][rng.integers(2)]
        table = rng.integers(-4100, 4101, rng.integers(0, 5, 2))
        _put(file, f"{graph}/{key}", table if rng.random() < 0.5 else _numbers(rng))


STRUCTURE = (
    _wrong,
    _wrong,
    _missing,
    _missing,
    _types,
    _concats,
    _huge,
    _bomb,
    _links,
    _elsewhere,
    _vlen,
    _json,
    _many,
    _marks,
    _tables,
)


def make(seed: int, sources: list[Path], path: Path) -> None:
    """One damaged file."""
    rng = np.random.default_rng(seed)
    source = sources[rng.integers(len(sources))]
    path.write_bytes(source.read_bytes())
    if rng.random() < 0.5:
        try:
            with h5py.File(path, "a") as file:
                STRUCTURE[rng.integers(len(STRUCTURE))](rng, file)
        except (KeyError, ValueError, TypeError, OSError, RuntimeError):
            pass  # such a file cannot be made; what is there is damaged enough
    if rng.random() < 0.6:
        path.write_bytes(bytes(damage(rng, bytearray(path.read_bytes()) or bytearray(1))))


def read(path: Path) -> str:
    """What becomes of a file: read, refused, or the error that must not be."""
    try:
        netx.read(path)
    except SpikewattError as error:
        return "refused" if 20 < len(str(error)) < 50_000 else f"bad message {str(error)[:200]}"
    except BaseException as error:  # anything else is the fault looked for
        return f"{type(error).__name__}: {error}"
    return "read"


def main(folder: Path, first: int, last: int) -> None:
    """Makes and reads the files of these seeds."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sources, path = sorted(folder.glob("*.net")), folder / f"hostile.{first}"
    for seed in range(first, last):
        make(seed, sources, path)
        start = time.perf_counter()
        outcome = read(path)
        line = {"seed": seed, "outcome": outcome, "s": round(time.perf_counter() - start, 3)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
