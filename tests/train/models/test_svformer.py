"""SVFormer: published counts to the digit, small clips, its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.energy.audit.svformer import counted_macs
from spikewatt.energy.audit.svformer_layers import Layout
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.tdbn import TimeDependentNorm
from spikewatt.train.models.macs import dense_macs, parameters
from spikewatt.train.models.svformer import TABLE, VARIANTS, Options, SvFormer
from spikewatt.train.neuron.lif import ParametricLif
from spikewatt.train.task import SkeletonTask, VideoTask

GESTURES = VideoTask(classes=11, channels=3, height=128, width=128, frames=16)
TINY_TASK = VideoTask(classes=5, channels=3, height=64, width=32, frames=3)
# few tokens give small sums: a low threshold keeps the attention from being silent
TINY = Options(blocks=(1, 1, 1, 1), channels=(8, 8, 16, 16), head_dim=8, threshold=0.25)

COUNTS = {
    "base": (TABLE, Options(), 13_801_612),
    "ss": (TABLE, VARIANTS["ss"], 12_533_253),
    "st": (TABLE, VARIANTS["st"], 8_773_004),
    "dp": (TABLE, VARIANTS["dp"], 17_719_325),
    "wd": (TABLE, VARIANTS["wd"], 24_068_492),
    "no TDBN": (TABLE, Options(time_norm=False), 13_352_332),
    "T 8": (replace(TABLE, frames=8), Options(), 12_759_180),
    "T 24": (replace(TABLE, frames=24), Options(), 14_844_044),
    "NTU60": (replace(TABLE, classes=60), Options(), 13_759_587),
    "3stg": (GESTURES, VARIANTS["3stg"], 1_882_278),
    "no LP": (TABLE, Options(local_path=False), 12_326_795),
}


def on_meta(task: VideoTask, options: Options) -> SvFormer:
    with torch.device("meta"):
        return SvFormer(task, options)


def clip_shape(task: VideoTask, batch: int = 1) -> tuple[int, ...]:
    return (batch, task.channels, task.height, task.width, task.frames)


def clips(task: VideoTask, batch: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(clip_shape(task, batch), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name: str) -> None:
    task, options, count = COUNTS[name]
    assert parameters(on_meta(task, options)) == count


@pytest.mark.parametrize(
    ("name", "billions"), [("ss", 34.336), ("st", 14.909), ("dp", 48.751), ("wd", 53.323)]
)
def test_macs_of_variants(name: str, billions: float) -> None:
    options = VARIANTS[name]
    macs = dense_macs(on_meta(TABLE, options), clip_shape(TABLE))
    assert round(macs / 1e9, 3) == billions
    assert macs == counted_macs(Layout(options.blocks, options.channels))


def test_macs_of_the_three_stages() -> None:
    macs = dense_macs(on_meta(GESTURES, VARIANTS["3stg"]), clip_shape(GESTURES))
    assert round(macs / 1e9, 3) == 3.395


def test_macs_of_base_are_the_authors_log_to_the_digit() -> None:
    net = on_meta(TABLE, Options())
    assert dense_macs(net, clip_shape(TABLE)) == 38_189_558_784
    normed = []
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_hook(lambda _m, _i, y: normed.append(y.numel()))
        if isinstance(module, ParametricLif):
            module.forward = torch.zeros_like
    net.eval()(torch.empty(clip_shape(TABLE), device="meta"))
    assert 38_189_558_784 + 2 * sum(normed) == 38_346_109_952


def test_first_layer() -> None:
    conv = on_meta(TABLE, Options()).stages[0].embed.conv
    assert dense_macs(conv, clip_shape(TABLE)) == 693_633_024
    assert conv(torch.empty(clip_shape(TABLE), device="meta")).numel() == 6_422_528


@pytest.mark.parametrize("time_norm", [True, False])
@pytest.mark.parametrize("local_path", [True, False])
def test_gradient_reaches_every_parameter(time_norm: bool, local_path: bool) -> None:
    torch.manual_seed(0)
    net = SvFormer(TINY_TASK, replace(TINY, time_norm=time_norm, local_path=local_path))
    logits = net(clips(TINY_TASK, batch=3))
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_one_seed_one_result() -> None:
    gradients = []
    for _ in range(2):
        torch.manual_seed(3)
        net = SvFormer(TINY_TASK, TINY)
        net(clips(TINY_TASK)).square().sum().backward()
        gradients.append([p.grad for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_frames_are_steps() -> None:
    torch.manual_seed(0)
    net = SvFormer(TINY_TASK, TINY).eval()
    x = clips(TINY_TASK)
    late = x.clone()
    late[..., 2] += 1
    features = [net.stages[1](net.stages[0](y)) for y in (x, late)]
    same = [torch.equal(*(f[..., t] for f in features)) for t in range(3)]
    assert same == [True, True, False]  # nothing runs backward in time before the head


def test_membranes_pass_the_stages_and_the_local_path_comes_first() -> None:
    torch.manual_seed(0)
    net = SvFormer(TINY_TASK, TINY).eval()
    seen = {}
    net.head.register_forward_pre_hook(lambda _m, x: seen.update(x=x[0]))
    net.local_path.register_forward_hook(lambda _m, _i, y: seen.update(local=y))
    net(clips(TINY_TASK))
    assert seen["x"].shape == (2, 32, 2, 1, 3)
    assert torch.equal(seen["x"][:, :16], seen["local"])
    assert len(seen["x"].unique()) > 100


def test_switches() -> None:
    net = SvFormer(TINY_TASK, TINY)
    kinds = [type(m) for m in net.modules()]
    neurons, norms = kinds.count(ParametricLif), kinds.count(TimeDependentNorm)
    assert (neurons, norms) == (3 + 2 * 3 + 2 * 7 + 2, 4 + 2 * 3 + 2 * 4 + 1)
    plain = SvFormer(TINY_TASK, replace(TINY, time_norm=False, learn_tau=False))
    kinds = [type(m) for m in plain.modules()]
    assert not {ParametricLif, TimeDependentNorm} & set(kinds)
    learned = [p for p in net.parameters() if p.numel() == 1]
    assert len(learned) == neurons
    assert all(torch.sigmoid(a) == 0.5 for a in learned)


@pytest.mark.parametrize(("height", "width"), [(224, 200), (225, 224), (0, 32), (16, 32)])
def test_odd_sizes_are_refused(height: int, width: int) -> None:
    with pytest.raises(SpikewattError, match=f"{height} x {width}.*multiples of 32"):
        SvFormer(replace(TABLE, height=height, width=width), TINY)


def test_other_clips_stages_and_tasks_are_refused() -> None:
    with pytest.raises(SpikewattError, match="one entry a stage"):
        SvFormer(TINY_TASK, replace(TINY, blocks=(1, 1, 1)))
    with pytest.raises(SpikewattError, match="reads video"):
        SvFormer(SkeletonTask(NTU25, classes=60), TINY)
    net = SvFormer(TINY_TASK, TINY)
    with pytest.raises(SpikewattError, match=r"\(3, 64, 32, 3\).*got \(3, 64, 32, 4\)"):
        net(clips(replace(TINY_TASK, frames=4)))


def test_eight_clips_can_be_learned() -> None:
    torch.manual_seed(0)
    task = VideoTask(classes=4, channels=2, height=32, width=32, frames=4)
    options = replace(VARIANTS["3stg"], channels=(8, 16, 32), head_dim=16)
    net = SvFormer(task, options)
    x, labels = clips(task, batch=8), torch.arange(8) % 4
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(dim=1) == labels).float().mean() >= 0.95
