"""Event clips: N-MNIST's bytes, DVS128 Gesture's two layouts, and the encoder."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from spikewatt.data import dvs128
from spikewatt.data.clips import EventClip, Events, events_of
from spikewatt.data.datasets import found, load
from spikewatt.data.encode import EventEncoder, default_encoder, encoder_from_dict
from spikewatt.data.n_mnist import read_events
from spikewatt.errors import SpikewattError

RNG = np.random.default_rng(0)


def test_the_small_n_mnist(n_mnist_folder: Path) -> None:
    dataset = load(f"n-mnist:{n_mnist_folder}")
    assert (len(dataset.train), len(dataset.test), dataset.report) == (1000, 100, ())
    assert (dataset.kind, dataset.skeleton) == ("events", None)
    assert (dataset.train[0].name, dataset.train[0].label) == ("1", 5)
    assert (dataset.test[0].name, dataset.test[0].label) == ("60001", 7)
    assert dataset.train[0].size == (34, 34)
    told = found(f"n-mnist:{n_mnist_folder}")
    assert (told.train, told.test) == (1000, 100)
    assert sum(train for _, train, _ in told.by_class) == 1000


def test_events_are_those_that_tonic_reads(n_mnist_folder: Path) -> None:
    tonic_io = pytest.importorskip("tonic.io")
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    for clip in load(f"n-mnist:{n_mnist_folder}").train[:5]:
        expected = tonic_io.read_mnist_file(str(n_mnist_folder / f"{clip.name}.bs2"), dtype)
        events = clip.events
        assert 1000 < len(events) == len(expected)
        for ours, theirs in (("x", "x"), ("y", "y"), ("p", "p"), ("t_us", "t")):
            assert np.array_equal(events[ours], expected[theirs])
        assert events["t_us"][-1] < 340_000


def five_bytes(events: list[tuple[int, int, int, int]]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", x, y, (p << 7) | (t >> 16), t & 0xFFFF) for x, y, p, t in events
    )


def test_the_published_folders(tmp_path: Path) -> None:
    for part, label, name in (("Train", 3, "00001"), ("Train", 0, "00002"), ("Test", 9, "00001")):
        folder = tmp_path / part / str(label)
        folder.mkdir(parents=True)
        (folder / f"{name}.bin").write_bytes(five_bytes([(1, 2, 1, 70_000), (33, 0, 0, 80_000)]))
    dataset = load(f"n-mnist:{tmp_path}")
    assert [c.label for c in dataset.train] == [0, 3]
    assert [c.label for c in dataset.test] == [9]
    assert dataset.test[0].events.tolist() == [(1, 2, 1, 70_000), (33, 0, 0, 80_000)]


def test_an_event_of_row_240_moves_the_clock(tmp_path: Path) -> None:
    file = tmp_path / "1.bs2"
    file.write_bytes(five_bytes([(1, 2, 0, 5), (0, 240, 0, 0), (3, 4, 1, 6), (5, 6, 1, 7)]))
    assert read_events(file)["t_us"].tolist() == [5, 6 + 8192, 7 + 8192]


def test_broken_n_mnist_files(tmp_path: Path) -> None:
    (tmp_path / "train1K.txt").write_text("#sample #class\n1\t5\n2\t1\n3\t1\n4 2\n")
    for number, content in ((1, five_bytes([(1, 2, 0, 5)])), (2, b"1234"), (3, b"")):
        (tmp_path / f"{number}.bs2").write_bytes(content)
    dataset = load(f"n-mnist:{tmp_path}")
    assert [c.name for c in dataset.train] == ["1"]
    for line, reason in zip(
        dataset.report, ("4 bytes", "0 bytes", "is not there", "no test clips"), strict=True
    ):
        assert reason in line
    (tmp_path / "1.bs2").write_bytes(five_bytes([(34, 2, 0, 5)]))
    with pytest.raises(SpikewattError, match=r"x from 34 to 34; the limit is 33"):
        _ = dataset.train[0].events
    (tmp_path / "train1K.txt").write_text("1 ten\n")
    with pytest.raises(SpikewattError, match="number and class"):
        load(f"n-mnist:{tmp_path}")


def aedat(events: list[tuple[int, int, int, int]]) -> bytes:
    """AEDAT 3.1 with two packets of polarity events, as IBM's recordings have them."""
    out = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    for part in (events[:2], events[2:]):
        out += struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, len(part), len(part), len(part))
        for x, y, p, t in part:
            out += struct.pack("<II", (x << 17) | (y << 2) | (p << 1) | 1, t)
    return out


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Two recordings of two gestures each."""
    events = [(1, 2, 1, 100), (127, 3, 0, 150), (5, 127, 1, 200), (6, 7, 0, 300)]
    for name in ("user01_fluorescent", "user24_led"):
        (tmp_path / f"{name}.aedat").write_bytes(aedat(events))
        labels = "class,startTime_usec,endTime_usec\n3,100,200\n11,200,301\n"
        (tmp_path / f"{name}_labels.csv").write_text(labels)
    (tmp_path / "trials_to_train.txt").write_text("user01_fluorescent.aedat\n")
    (tmp_path / "trials_to_test.txt").write_text("user24_led.aedat\n")
    return tmp_path


def test_published_recordings_are_cut_into_gestures(published: Path) -> None:
    pytest.importorskip("tonic")
    dataset = load(f"dvs128-gesture:{published}")
    assert [c.label for c in dataset.train] == [2, 10]
    assert [c.name for c in dataset.test] == ["user24_led_00", "user24_led_01"]
    assert dataset.train[0].events.tolist() == [(1, 2, 1, 100), (127, 3, 0, 150)]
    assert dataset.train[1].events.tolist() == [(5, 127, 1, 200), (6, 7, 0, 300)]
    assert default_encoder(dataset, 4).encode_all(dataset.train).shape == (2, 128, 128, 2, 4)


def test_broken_recordings(published: Path) -> None:
    pytest.importorskip("tonic")
    trials = ["user01_fluorescent", "user02_led", "user03_led", "user04_led"]
    (published / "trials_to_train.txt").write_text("\n".join(f"{t}.aedat" for t in trials))
    (published / "user03_led.aedat").write_text("nothing")
    (published / "user04_led.aedat").write_bytes(aedat([]))
    (published / "user04_led_labels.csv").write_text("class,start,end\n12,1,2\n")
    dataset = load(f"dvs128-gesture:{published}")
    assert len(dataset.train) == 2
    for line, reason in zip(
        dataset.report, ("No such file", "no AEDAT 3 header", "class, start and end"), strict=True
    ):
        assert reason in line


def test_without_tonic_the_error_says_how_to_get_it(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tonic", None)
    with pytest.raises(SpikewattError, match=r"pip install spikewatt\[events\]"):
        load(f"dvs128-gesture:{published}")


def test_the_arrays_of_tonics_download(tmp_path: Path) -> None:
    for part, user, label in (("Train", 1, 0), ("Train", 1, 10), ("Test", 24, 4)):
        folder = tmp_path / f"ibmGesture{part}" / f"user{user:02d}_led"
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{label}.npy", np.array([[3.0, 4.0, 1.0, 20.0], [5.0, 6.0, 0.0, 21.0]]))
    bad = tmp_path / "ibmGestureTrain" / "user02_led"
    bad.mkdir()
    np.save(bad / "3.npy", np.zeros((2, 3)))
    (bad / "4.npy").write_text("no")
    np.save(bad / "11.npy", np.zeros((2, 4)))
    dataset = load(f"dvs128-gesture:{tmp_path}")
    assert [c.label for c in dataset.train] == [0, 10]
    assert dataset.test[0].name == "user24_led_4"
    assert dataset.test[0].events.tolist() == [(3, 4, 1, 20_000), (5, 6, 0, 21_000)]
    assert len(dataset.report) == 3
    np.save(tmp_path / "ibmGestureTest" / "user24_led" / "4.npy", np.array([[3, 128, 1, 2]]))
    with pytest.raises(SpikewattError, match="y from 128"):
        _ = dataset.test[0].events
    assert dataset.test[0].size == dvs128.SIZE


def clip(events: Events, size: tuple[int, int] = (8, 6)) -> EventClip:
    return EventClip(lambda: events, 0, "made up", size)


def some_events(count: int = 500, size: tuple[int, int] = (8, 6)) -> Events:
    x, y = RNG.integers(size[0], size=count), RNG.integers(size[1], size=count)
    return events_of(x, y, RNG.integers(2, size=count), RNG.integers(1000, 3000, count))


@pytest.mark.parametrize("size", [(8, 6), (4, 3), (3, 5), (16, 12)])
@pytest.mark.parametrize("step_us", [0, 150])
def test_counts_against_a_loop(size: tuple[int, int], step_us: int) -> None:
    events = some_events()
    encoder = EventEncoder(size, frames=5, limit=3, step_us=step_us)
    expected = np.zeros((*size, 2, 5), dtype=np.int64)
    first, last = int(events["t_us"][0]), int(events["t_us"][-1])
    for x, y, p, t in events.tolist():
        step = (t - first) // step_us if step_us else (t - first) * 5 // (last - first + 1)
        if step < 5:
            expected[x * size[0] // 8, y * size[1] // 6, p, step] += 1
    got = encoder.encode(clip(events))
    assert got.dtype == np.int32
    assert np.array_equal(got, np.minimum(expected, 3))
    assert got.max() == 3
    together = encoder.encode_all([clip(events), clip(events[:7])])
    assert np.array_equal(together[0], got)
    assert together.shape == (2, *encoder.shape, 5)


def test_no_events_and_one_event() -> None:
    encoder = EventEncoder((8, 6), frames=4, limit=1)
    assert not encoder.encode(clip(some_events(0))).any()
    one = encoder.encode(clip(events_of([7], [5], [1], [9])))
    assert np.argwhere(one).tolist() == [[7, 5, 1, 0]]


def test_the_record_makes_the_same_encoder() -> None:
    encoder = EventEncoder((4, 3), 9, 2, 777)
    assert encoder_from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder
    with pytest.raises(SpikewattError, match="version 2"):
        encoder_from_dict(encoder.to_dict() | {"version": 2})
    with pytest.raises(SpikewattError, match="cannot be read"):
        encoder_from_dict(encoder.to_dict() | {"size": [3]})
    with pytest.raises(SpikewattError, match=r"size \(0, 4\).*limit 0 .*step_us -1"):
        EventEncoder((0, 4), limit=0, step_us=-1)
