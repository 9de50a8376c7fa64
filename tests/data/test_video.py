"""Video clips: the sample files decode, broken ones are told, and the encoder's integers."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from spikewatt.data.clips import Images
from spikewatt.data.datasets import load
from spikewatt.data.encode import VideoEncoder, default_encoder, encoder_from_dict
from spikewatt.data.images import crop, even_frames, shorter_side
from spikewatt.data.video_file import VideoClip
from spikewatt.errors import SpikewattError

RNG = np.random.default_rng(0)
UCF, NTU = "v_Basketball_g01_c01.avi", "S001C001P001R001A001_rgb.avi"


def test_both_samples_decode(video_folder: Path) -> None:
    ucf, ntu = load(f"ucf101:{video_folder}"), load(f"ntu-rgb-xsub:{video_folder}")
    (basketball,), (drink,) = ucf.test, ntu.train
    assert ucf.classes[basketball.label] == "Basketball"
    assert ntu.classes[drink.label] == "drink water"
    assert (ucf.kind, ucf.skeleton, ucf.report) == ("video", None, ("there are no training clips",))
    images = basketball.images(16)
    assert (images.shape, images.dtype) == ((16, 240, 320, 3), np.uint8)
    assert np.array_equal(basketball.images(141)[even_frames(16, 141)], images)
    assert len(np.unique(images)) > 200
    assert drink.images(2).shape == (2, 1080, 1920, 3)
    got = VideoEncoder(frames=4, size=56).encode_all([drink, basketball])
    assert got.shape == (2, 56, 56, 3, 4)
    assert got.std(axis=(1, 2, 3, 4)).min() > 5
    assert default_encoder(ucf, 8) == VideoEncoder(frames=8)


def write_video(file: Path, frames: int) -> Path:
    """A video whose frame k is grey of value 8 k, losslessly but for the colours' rounding."""
    av = pytest.importorskip("av")
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 40, 32, "yuv444p"
        for k in range(frames):
            image = np.full((32, 40, 3), 8 * k, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return file


@pytest.mark.parametrize(("frames", "count"), [(30, 30), (30, 4), (30, 7), (3, 8), (1, 2)])
def test_frames_lie_evenly_over_the_file(tmp_path: Path, frames: int, count: int) -> None:
    file = write_video(tmp_path / "a.avi", frames)
    means = VideoClip(file, 0, "a").images(count).mean(axis=(1, 2, 3)) / 8
    expected = [int((k + 0.5) * frames / count) for k in range(count)]
    assert np.abs(means - expected).max() < 0.3


def test_a_file_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    file = write_video(tmp_path / "a.avi", 30)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 4 // 5])
    means = VideoClip(file, 0, "a").images(4).mean(axis=(1, 2, 3)) / 8
    assert 3 < means[-1] < 28
    assert (np.diff(means) > 0.5).all()


def test_damaged_files_are_reported_and_skipped(video_folder: Path, tmp_path: Path) -> None:
    whole = (video_folder / UCF).read_bytes()
    (tmp_path / "v_Basketball_g01_c01.avi").write_bytes(whole)
    (tmp_path / "v_HandStandPushups_g08_c01.avi").write_bytes(whole)
    (tmp_path / "v_Basketball_g02_c01.avi").write_bytes(b"")
    (tmp_path / "v_Basketball_g09_c01.avi").write_bytes(RNG.bytes(5000))
    (tmp_path / "v_Nothing_g09_c01.avi").write_bytes(whole)
    dataset = load(f"ucf101:{tmp_path}")
    assert [c.name for c in dataset.test] == ["v_Basketball_g01_c01"]
    assert [c.name for c in dataset.train] == ["v_HandStandPushups_g08_c01"]
    assert dataset.classes[dataset.train[0].label] == "HandstandPushups"
    for line, reason in zip(
        dataset.report, ("cannot be opened", "cannot be opened", "v_Class_g01_c01"), strict=True
    ):
        assert reason in line


def test_split_lists_decide(video_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "UCF-101" / "Basketball").mkdir(parents=True)
    shutil.copy(video_folder / UCF, tmp_path / "UCF-101" / "Basketball" / UCF)
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "trainlist01.txt").write_text(f"Basketball/{UCF} 8\nBasketball/{UCF[:-5]}2.avi 8\n")
    (lists / "testlist01.txt").write_text("")
    dataset = load(f"ucf101:{tmp_path}")
    assert [c.name for c in dataset.train] == [UCF[:-4]]
    assert "v_Basketball_g01_c02" in dataset.report[0]


def test_ntu_rgb_names_and_damage(video_folder: Path, tmp_path: Path) -> None:
    for name in ("S001C001P003R001A002", "S018C001P001R001A061"):
        shutil.copy(video_folder / NTU, tmp_path / f"{name}_rgb.avi")
    for name in ("S001C001P001R001A002", "odd"):
        (tmp_path / f"{name}_rgb.avi").write_text("no video")
    dataset = load(f"ntu-rgb-xsub:{tmp_path}")
    assert [(c.name, c.label) for c in dataset.test] == [("S001C001P003R001A002", 1)]
    assert len(dataset.report) == 3
    (tmp_path / "S001C001P003R001A002_rgb.avi").unlink()
    with pytest.raises(SpikewattError, match="no usable clip was found"):
        load(f"ntu-rgb-xsub:{tmp_path}")


def test_without_pyav_the_error_says_how_to_get_it(
    video_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SpikewattError, match=r"PyAV.*pip install av"):
        load(f"ucf101:{video_folder}")


@dataclass(frozen=True)
class Still:
    """A clip in memory."""

    pictures: Images
    label: int = 0
    name: str = "still"

    def images(self, count: int) -> Images:
        return self.pictures[even_frames(count, len(self.pictures))]


def random_images(frames: int, height: int, width: int) -> Images:
    return RNG.integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def test_colours_are_standardised_scaled_rounded_and_clipped() -> None:
    still = Still(random_images(5, 12, 12))
    got = VideoEncoder(frames=5, size=12, short_side=12, gain=30, limit=63).encode(still)
    assert got.shape == (12, 12, 3, 5)
    value = np.rint((still.pictures / 255 - 0.45) / 0.225 * 30).clip(-63, 63)
    assert np.array_equal(got, value.transpose(2, 1, 3, 0))  # x, y, channel, time
    assert (got.min(), got.max()) == (-60, 63)


def test_the_middle_is_cut_out_and_training_moves_it() -> None:
    still = Still(random_images(2, 16, 24))
    encoder = VideoEncoder(frames=2, size=14, short_side=16)
    middle = encoder.table[still.pictures[:, 1:15, 5:19]].transpose(2, 1, 3, 0)
    assert np.array_equal(encoder.encode(still), middle)
    a, b, c = (encoder.encode(still, np.random.default_rng(s)) for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    corners = {
        (row, column): encoder.table[crop(still.pictures, 14, (row, column))].transpose(2, 1, 3, 0)
        for row in range(3)
        for column in range(11)
    }
    assert any(np.array_equal(a, other) for other in corners.values())
    assert VideoEncoder().short_side == 256


def test_resizing_keeps_constants_and_ramps() -> None:
    flat = np.full((1, 50, 70, 3), 201, dtype=np.uint8)
    for size in (7, 50, 91):
        resized = shorter_side(flat, size)
        assert resized.shape == (1, size, round(70 * size / 50), 3)
        assert (resized == 201).all()
    ramp = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None, None], 60, 2)
    ramp = np.repeat(ramp, 3, 3)
    half = shorter_side(ramp, 30)[0, 2:-2, 0, 0].astype(int)
    assert np.array_equal(half, 4 * (2 * np.arange(2, 28)) + 2)


def test_resizing_against_a_loop() -> None:
    image = random_images(1, 9, 13)
    got = shorter_side(image, 4)[0].astype(int)
    scale = 9 / 4
    for row in range(4):
        center = (row + 0.5) * scale - 0.5
        share = np.maximum(1 - np.abs(np.arange(9) - center) / scale, 0)
        tall = (share[:, None, None] * image[0]).sum(axis=0) / share.sum()
        for column in range(got.shape[1]):
            wide = 13 / got.shape[1]
            middle = (column + 0.5) * wide - 0.5
            weight = np.maximum(1 - np.abs(np.arange(13) - middle) / wide, 0)
            expected = (weight[:, None] * tall).sum(axis=0) / weight.sum()
            assert np.abs(got[row, column] - expected).max() <= 1.1  # two roundings


def test_the_record_makes_the_same_encoder() -> None:
    encoder = VideoEncoder(9, 30, 33, 12.5, 31)
    assert encoder_from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder
    with pytest.raises(SpikewattError, match="version None"):
        encoder_from_dict({"kind": "video"})
    with pytest.raises(SpikewattError, match="cannot be read"):
        encoder_from_dict({"kind": "video", "version": 1})
    with pytest.raises(SpikewattError, match=r"frames 0 .*short_side 3 .*gain nan"):
        VideoEncoder(frames=0, size=4, short_side=3, gain=float("nan"))
