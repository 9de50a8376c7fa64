"""The papers' configurations without training: initialised, norms measured on clips, quantised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from sizes import PROFILE, Setup
from torch import nn

from spikewatt.commands.training import facts_of, slayer_reference
from spikewatt.data.clips import AnyDataset, Clip
from spikewatt.data.graph import NTU25
from spikewatt.energy.mapping.limits import limits_of
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.modules import from_slayer
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.agreement import Reference
from spikewatt.train.blocks.graph_conv import GraphConv
from spikewatt.train.inputs import deployed_encoder, fitted_encoder, task_of, to_clips, to_places
from spikewatt.train.lowering import lower
from spikewatt.train.quantised import quantised
from spikewatt.train.task import SkeletonTask


@dataclass(frozen=True, eq=False)
class Made:
    """A network's file, slayer's spikes (or the stimuli alone), and why there are none."""

    file: Path
    reference: Reference
    no_slayer: str = ""


# joints of the embedded body that stand for NTU's: twenty are the same, the shoulders' centre and
# the hands also stand for the upper spine, the hands' tips and the thumbs
NTU_JOINTS = (*range(20), 2, 7, 7, 11, 11)
MOVED = 0.05  # spread of what training makes of a graph's zeros


def adapted(data: AnyDataset, setup: Setup) -> AnyDataset:
    """The embedded clips with the skeleton and the number of classes of the paper's table."""
    table = setup.entry.table
    classes = tuple(f"class {k + 1}" for k in range(table.classes))
    data = replace(data, classes=classes)
    if not isinstance(table, SkeletonTask) or table.skeleton is not NTU25:
        return data
    train, test = (tuple(_on_ntu(c) for c in part) for part in (data.train, data.test))
    return replace(data, skeleton=NTU25, train=train, test=test)


def _on_ntu(clip: Clip) -> Clip:
    return replace(clip, joints=clip.joints[:, :, list(NTU_JOINTS)])


def _as_trained(net: nn.Module) -> None:
    """Weights of a learned graph that start at 0 get small values: training moves all of them."""
    for module in net.modules():
        if isinstance(module, GraphConv) and isinstance(module.adjacency, nn.Parameter):
            graph = module.adjacency
            graph[graph == 0] = MOVED * torch.randn(int((graph == 0).sum()))


@contextmanager
def _measuring_norms(net: nn.Module) -> Iterator[None]:
    """Batch norms average the statistics of what they see; everything else is evaluated."""
    net.eval()
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [m.momentum for m in norms]
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None
    try:
        yield
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum
        net.eval()


@torch.no_grad()
def initialised(setup: Setup, data: AnyDataset, seed: int, folder: Path) -> Made:
    """The integer network, and slayer's spikes on the test clips."""
    entry, options = setup.entry, setup.options
    encoder = fitted_encoder(data, setup.recipe, entry.repeat(options))
    torch.manual_seed(seed)
    net = entry.network(task_of(encoder, len(data.classes)), options)
    clips = to_clips(encoder.encode_all(data.train), encoder)
    _as_trained(net)
    with _measuring_norms(net):
        net(clips)  # at once: a norm behind a whole clip sees one value of each
    if hasattr(net, "freeze_fusion"):
        net.freeze_fusion(clips.split(1))
    host = deployed_encoder(net, encoder)
    graph = lower(net, tuple(clips[:1].shape), host.shape)
    del net
    twin = quantised(graph, to_places(clips[:1], host), host.limit)
    return _written(twin, _record(setup, data, host.to_dict()), host.encode_all(data.test), folder)


def _record(setup: Setup, data: AnyDataset, encoder: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": setup.entry.name,
        "options": asdict(setup.options),
        "data": data.name,
        "classes": list(data.classes),
        "encoder": encoder,
    }


def _written(twin: nn.Module, record: dict[str, Any], stimuli: Any, folder: Path) -> Made:
    words = limits_of(load_profile(PROFILE)).words  # a source of the read-out takes one, at least
    facts = facts_of(record) | {"readout_sources": words}
    network = from_slayer(twin, torch.as_tensor(stimuli[:1]), facts)
    netx.write(network, folder / "network.net")
    try:
        return Made(folder / "network.net", slayer_reference(twin, network, stimuli))
    except SpikewattError as no_room:
        nothing = Reference(stimuli.astype("int32"), {})
        return Made(folder / "network.net", nothing, str(no_room))
