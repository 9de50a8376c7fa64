"""Synapses of a model's integer form by kind, counted from its lowered graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import nn

from spikewatt.export.lowering import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.maps import AttentionMap, ConvMap, JointMap, ListedMap
from spikewatt.network import Shape
from spikewatt.train.lowering import lower
from spikewatt.train.models.entry import Model
from spikewatt.train.models.facts import clip_shape
from spikewatt.train.task import SkeletonTask, Task

FRAMES = 8  # of the short clip on which networks of joints are counted
VIDEO_FRAMES = 4
# what has no synapses, whatever it was trained for: option -> value without it
CHIP_OPTIONS: dict[str, Any] = {"waves": False, "released_compat": False}
STARTED = 1e-3


@dataclass(frozen=True)
class Connections:
    """The integer form of a model for one person's short clip.

    synapses: (source, target) pairs of neurons with a weight, by kind; of attention, which stores
    none, the products of one step. projections: how many of each kind. attended: neurons that
    attention reaches, which need microcode. changed: options that differ from the model's.
    """

    frames: int
    populations: int
    neurons: int
    attended: int
    synapses: dict[str, int]
    projections: dict[str, int]
    changed: dict[str, Any]


def connections(entry: Model) -> Connections:
    """Count a model's lowered graph; SpikewattError where it has none.

    Learned weights that start at 0, those of a learned graph among them, count as synapses: after
    training they are not 0.
    """
    options, changed = chip_options(entry.options)
    task = short(entry.table)
    net = entry.build(task, options)
    _start(net)
    graph = lower(net, clip_shape(task), stimulus_shape(task, entry.repeat(options)))
    return _counted(graph, task.frames, changed)


def chip_options(options: Any) -> tuple[Any, dict[str, Any]]:
    """Options of the form that has integers, and those of them that are changed."""
    changed = {k: v for k, v in CHIP_OPTIONS.items() if getattr(options, k, v) != v}
    return replace(options, **changed), changed


def short(task: Task) -> Task:
    """The task for one person and few frames."""
    if isinstance(task, SkeletonTask):
        return replace(task, persons=1, frames=min(FRAMES, task.frames))
    return replace(task, frames=min(VIDEO_FRAMES, task.frames))


def stimulus_shape(task: Task, repeat: int) -> Shape:
    """Lava's shape of the input; repeat: steps for which a clip is shown, 0: frames are steps."""
    if not isinstance(task, SkeletonTask):
        return task.height, task.width, task.channels
    joints = task.skeleton.size
    return (task.frames, joints, task.channels) if repeat else (joints, 1, task.channels)


@torch.no_grad()
def _start(net: nn.Module) -> None:
    for p in net.parameters():
        p[p == 0] = STARTED


def _counted(graph: FloatGraph, frames: int, changed: dict[str, Any]) -> Connections:
    synapses: Counter[str] = Counter()
    projections: Counter[str] = Counter()
    for population, edge in _edges(graph):
        source = graph.shape_of(edge.sources[0])
        kind = kind_of(edge, source, population.shape)
        synapses[kind] += count(edge, source, population.shape)
        projections[kind] += 1
    found = graph.populations
    attended = [p for p in found if any(isinstance(e.map, AttentionMap) for e in p.edges)]
    return Connections(
        frames=frames,
        populations=len(found),
        neurons=sum(prod(p.shape) for p in found),
        attended=sum(prod(p.shape) for p in attended),
        synapses=dict(synapses),
        projections=dict(projections),
        changed=changed,
    )


def _edges(graph: FloatGraph) -> Iterator[tuple[FloatPopulation, Edge]]:
    assert graph.readout is not None
    for population in (*graph.populations, graph.readout):
        for edge in population.edges:
            yield population, edge


def kind_of(edge: Edge, source: Shape, target: Shape) -> str:
    """dense, conv, graph, attention, or one to one (a weight a neuron, or one place to all)."""
    m = edge.map
    if isinstance(m, AttentionMap):
        return "attention"
    if isinstance(m, JointMap):
        return "graph"
    if isinstance(m, ListedMap):
        return "conv"  # whose input has a gain for each joint, or whose heads mix
    if not isinstance(m, ConvMap) or (m.pointwise and m.groups == m.weight.shape[0]):
        return "one to one"
    all_to_all = m.groups == 1 and target[:2] == (1, 1) and m.weight.shape[2:] == source[:2]
    return "dense" if all_to_all else "conv"


def count(edge: Edge, source: Shape, target: Shape) -> int:
    """Pairs of neurons that an edge joins by a weight that is not 0."""
    m = edge.map
    if isinstance(m, ConvMap):
        return _conv_pairs(m, source, target)
    if isinstance(m, AttentionMap):
        tokens, size = prod(target[:2]) // m.blocks, target[2] // m.heads
        return 2 * m.blocks * m.heads * tokens * size * min(tokens, size)
    stored = int(torch.count_nonzero(m.weight))
    if isinstance(m, JointMap):
        return stored * m.blocks
    return stored if m.weight.numel() > 1 else prod(target) * stored


def _conv_pairs(m: ConvMap, source: Shape, target: Shape) -> int:
    """Each tap's weights times the targets at which it lies on an existing source."""
    taps = torch.count_nonzero(m.weight, dim=(0, 1))
    x, y = (_targets_of_taps(m, source[i], target[i], i) for i in (0, 1))
    return int((taps * x[:, None] * y).sum())


def _targets_of_taps(m: ConvMap, source: int, target: int, axis: int) -> torch.Tensor:
    at = torch.arange(target) * m.stride[axis] - m.padding[axis]
    seen = at + torch.arange(m.weight.shape[2 + axis])[:, None]
    return ((seen >= 0) & (seen < source)).sum(dim=1)
