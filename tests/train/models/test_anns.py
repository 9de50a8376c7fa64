"""What the skeleton networks without spikes have in common; their equations have own files."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.data.graph import NTU25, NW_UCLA20, SKELETONS
from spikewatt.errors import SpikewattError
from spikewatt.train.models import agcn, ctr_gcn, ms_g3d, shift_gcn, small_st_gcn, st_gcn
from spikewatt.train.task import SkeletonTask, VideoTask

NETS = {
    "st-gcn": (st_gcn, st_gcn.StGcn, 3_098_832),
    "small-st-gcn": (small_st_gcn, small_st_gcn.SmallStGcn, 2_108_322),
    "agcn": (agcn, agcn.Agcn, 3_484_930),
    "shift-gcn": (shift_gcn, shift_gcn.ShiftGcn, 693_107),
    "ms-g3d": (ms_g3d, ms_g3d.MsG3d, 3_194_595),
    "ctr-gcn": (ctr_gcn, ctr_gcn.CtrGcn, 1_462_092),
}
STREAMS = (
    (agcn, agcn.TwoStreamAgcn, 2),
    (ms_g3d, ms_g3d.TwoStreamMsG3d, 2),
    (ctr_gcn, ctr_gcn.FourStreamCtrGcn, 4),
    (shift_gcn, shift_gcn.FourStreamShiftGcn, 4),
)
# gradients that are exactly zero at the start, by the paper's own initial values
BLOCKED = {"ctr-gcn": ("refinements",), "shift-gcn": ("joints",)}


def build(name: str, task: SkeletonTask, seed: int = 0):
    """The network, narrow: a sixth of MS-G3D's width or a quarter of the others'."""
    torch.manual_seed(seed)
    module, net, _ = NETS[name]
    options = module.Options()
    return net(task, replace(options, width=options.width // 4, dropout=0.0))


def clips(task: SkeletonTask, count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (count, task.persons, task.channels, task.skeleton.size, task.frames)
    return torch.randn(shape, generator=generator)


def macs(net: torch.nn.Module, task: SkeletonTask) -> int:
    shape = (1, task.persons, task.channels, task.skeleton.size, task.frames)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(shape, device="meta"))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", NETS)
def test_parameters(name: str) -> None:
    module, net, golden = NETS[name]
    with torch.device("meta"):
        found = net(module.TABLE, module.Options())
    assert sum(p.numel() for p in found.parameters() if p.requires_grad) == golden


def test_macs_of_ctr_gcn() -> None:
    """1.939 G are two persons at 64 frames; 0.618 G are NW-UCLA's one person at 52."""
    ntu = replace(ctr_gcn.TABLE, frames=64)
    ucla = SkeletonTask(NW_UCLA20, classes=10, frames=52)
    with torch.device("meta"):
        large = ctr_gcn.CtrGcn(ntu, ctr_gcn.Options()).eval()
        small = ctr_gcn.CtrGcn(ucla, ctr_gcn.Options()).eval()
    assert macs(large, ntu) == 1_939_179_520
    assert macs(small, ucla) == 617_726_720


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("persons", [1, 2])
def test_logits_and_gradients(name: str, skeleton, persons: int) -> None:
    task = SkeletonTask(skeleton, classes=5, frames=9, persons=persons)
    net = build(name, task)
    logits = net(clips(task, 3))
    assert logits.shape == (3, 5)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 3, 4])).backward()
    blocked = BLOCKED.get(name, ())
    for path, parameter in net.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        zero = not parameter.grad.any()
        if any(part in path for part in blocked):
            assert zero, path
        elif parameter.dim() > 1:  # biases in front of a norm cancel, up to rounding
            assert not zero, path


@pytest.mark.parametrize("name", NETS)
def test_persons_in_any_order(name: str) -> None:
    task = SkeletonTask(NW_UCLA20, classes=5, frames=8, persons=2)
    net, x = build(name, task).eval(), clips(task, 2)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(x.flip(1)))


@pytest.mark.parametrize("name", NETS)
def test_same_seed_same_numbers(name: str) -> None:
    task = SkeletonTask(NW_UCLA20, classes=5, frames=8)
    grads = []
    for _ in range(2):
        net = build(name, task)
        net(clips(task, 2)).square().sum().backward()
        grads.append([p.grad for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


@pytest.mark.parametrize("name", NETS)
def test_four_axes_are_one_person(name: str) -> None:
    task = SkeletonTask(NW_UCLA20, classes=5, frames=8)
    net, x = build(name, task).eval(), clips(task, 2)
    assert torch.equal(net(x), net(x[:, 0]))


@pytest.mark.parametrize("name", NETS)
def test_taps_are_block_outputs(name: str) -> None:
    task = SkeletonTask(NW_UCLA20, classes=5, frames=8, persons=2)
    net, x = build(name, task).eval(), clips(task, 2)
    last = len(net.blocks)
    logits, kept = net(x, taps=(2, last))
    assert torch.equal(logits, net(x))
    assert list(kept) == [2, last]
    assert kept[last].shape[0] == 4
    mean = kept[last].mean(dim=(2, 3)).unflatten(0, (2, 2)).mean(dim=1)
    assert torch.equal(net.features(x), mean)
    assert torch.equal(net.classifier(mean), logits)
    with pytest.raises(SpikewattError, match="the blocks are 1 to"):
        net(x, taps=(0,))


def test_taps_of_the_teacher() -> None:
    task = replace(ctr_gcn.TABLE, frames=16)
    with torch.device("meta"):
        net, x = ctr_gcn.CtrGcn(task, ctr_gcn.Options()), torch.empty(1, 2, 3, 25, 16)
        _, kept = net(x, taps=(5, 8))
    assert kept[5].shape == (2, 128, 8, 25)
    assert kept[8].shape == (2, 256, 4, 25)


@pytest.mark.parametrize("name", NETS)
def test_refusals(name: str) -> None:
    module, net, _ = NETS[name]
    with pytest.raises(SpikewattError, match="reads skeletons"):
        net(VideoTask(classes=3), module.Options())
    task = SkeletonTask(NW_UCLA20, classes=5, frames=8, persons=2)
    with pytest.raises(SpikewattError, match="persons"):
        build(name, task)(torch.zeros(2, 3, 20, 8))


@pytest.mark.parametrize(
    ("module", "net", "count"), STREAMS, ids=["2s-agcn", "2s-ms-g3d", "4s-ctr-gcn", "4s-shift-gcn"]
)
def test_streams_weigh_their_logits(module, net, count: int) -> None:
    task = SkeletonTask(NW_UCLA20, classes=5, channels=3 * count, frames=8, persons=2)
    options = replace(module.Options(), width=24 if module is ms_g3d else 16)
    streams, x = net(task, options).eval(), clips(task, 2)
    with torch.no_grad():
        logits, kept = streams(x, taps=(2,))
        parts = [x[:, :, 3 * i : 3 * i + 3] for i in range(count)]
        alone = [one(part) for one, part in zip(streams.streams, parts, strict=True)]
        weighed = sum(w * y for w, y in zip(streams.weights, alone, strict=True))
        torch.testing.assert_close(logits, weighed)
        assert torch.equal(streams(x), logits)
        _, first = streams.streams[0](parts[0], taps=(2,))
    assert kept[2].shape[1] == count * first[2].shape[1]
    assert torch.equal(kept[2][:, : first[2].shape[1]], first[2])
    with pytest.raises(SpikewattError, match="streams cannot share"):
        net(replace(task, channels=7), options)


@pytest.mark.parametrize("name", NETS)
def test_overfits_eight_clips(name: str) -> None:
    task = SkeletonTask(NTU25, classes=4, frames=8)
    net, x = build(name, task), clips(task, 8)
    labels = torch.arange(8) % 4
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for _ in range(15):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), labels).backward()
        optimizer.step()
    assert (net(x).argmax(dim=1) == labels).float().mean() >= 0.95
