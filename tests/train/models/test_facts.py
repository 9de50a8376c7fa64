"""What `spikewatt models` counts: golden parameters, kinds of layers, synapses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.export.lowering.graph import Edge
from spikewatt.export.lowering.maps import AttentionMap, ConvMap, JointMap, PlaceMap, SpreadMap
from spikewatt.train.blocks.graph_conv import Graph, GraphConv
from spikewatt.train.models import MODELS
from spikewatt.train.models.connections import chip_options, connections, count, kind_of
from spikewatt.train.models.facts import clip_shape, facts
from spikewatt.train.models.kinds import parameters_by_kind
from spikewatt.train.models.macs import counted
from spikewatt.train.task import SkeletonTask

# classes and parameters, as the papers and their authors' code give them
GOLDEN = {
    ("svformer", 101): 13_801_612,
    ("svformer-ss", 101): 12_533_253,
    ("svformer-st", 101): 8_773_004,
    ("svformer-dp", 101): 17_719_325,
    ("svformer-wd", 101): 24_068_492,
    ("svformer-3stg", 11): 1_882_278,
    ("mk-sgn", 60): 1_885_044,
    ("base-sgn", 60): 2_074_626,
    ("signal-sgn", 60): 1_835_483,
    ("signal-sgn", 120): 1_850_903,
    ("signal-sgn", 10): 1_819_688,
    ("spikformer", 60): 4_782_908,
    ("sdt", 60): 4_778_684,
    ("ctr-gcn", 120): 1_462_092,
    ("2s-agcn", 120): 3_484_930,
    ("ms-g3d", 60): 3_194_595,
    ("shift-gcn", 60): 693_107,
    ("st-gcn", 60): 3_098_832,
    ("small-st-gcn", 120): 2_108_322,
}


@pytest.mark.parametrize("name", MODELS)
def test_golden_counts_and_parts_that_add_up(name: str) -> None:
    entry = MODELS[name]
    found = facts(entry)
    if name in {n for n, _ in GOLDEN}:
        assert found.parameters == GOLDEN[name, entry.table.classes]
    assert sum(found.parameters_by_kind.values()) == found.parameters
    assert sum(found.counts.by_kind.values()) == found.counts.macs
    assert bool(found.neurons) == bool(found.steps) == entry.spiking
    # what reads the mean over persons is there once
    assert found.neurons <= found.counts.neurons <= found.persons * found.neurons


def test_a_step_of_mk_sgn_and_base_sgn() -> None:
    """2.496 and 2.528 G a step, both persons."""
    assert facts(MODELS["mk-sgn"]).counts.macs == 4 * 2_495_856_640
    assert facts(MODELS["base-sgn"]).counts.macs == 4 * 2_527_805_440


def test_kinds_of_layers() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 4, 1),
        GraphConv(Graph(NTU25.partitions(), learnable=True), 4, 5),
    )
    assert parameters_by_kind(net) == {
        "conv": 3 * 8 * 9 + 8,
        "norm": 16,
        "linear": 8 * 4 + 4,
        "graph": 3 * 25 * 25 + 3 * (4 * 5 + 5),
    }
    found = counted(net, (1, 3, 25, 7))
    assert found.by_kind == {
        "conv": 27 * 8 * 25 * 7,
        "linear": 8 * 4 * 25 * 7,
        "graph": 3 * 25 * 7 * (25 * 4 + 4 * 5),
    }
    assert found.on_values == found.macs  # there are no neurons
    assert found.neurons == 0


def test_clip_shapes() -> None:
    task = SkeletonTask(NTU25, classes=5, frames=9)
    assert clip_shape(task) == (1, 3, 25, 9)
    assert clip_shape(replace(task, persons=2)) == (1, 2, 3, 25, 9)


def edge(m: object) -> Edge:
    return Edge((1,), m)  # type: ignore[arg-type]


def test_pairs_of_a_convolution_are_those_of_its_matrix() -> None:
    """Against the non-zero entries of the whole linear map, borders and strides included."""
    weight = torch.randn(4, 3, 3, 5)
    weight[1, 2] = 0
    m = ConvMap(weight, stride=(2, 1), padding=(1, 2))
    source, target = (7, 6, 3), (*m.places((7, 6)), 4)
    basis = torch.eye(7 * 6 * 3).reshape(-1, 3, 7, 6, 1)
    assert count(edge(m), source, target) == int(m.apply(m.weight, basis).count_nonzero())
    assert kind_of(edge(m), source, target) == "conv"


def test_pairs_and_kinds_of_other_maps() -> None:
    places, shape = (4, 5), (4, 5, 6)
    dense = ConvMap(torch.ones(10, 6, 4, 5))
    one = ConvMap(torch.ones(6, 1, 1, 1), groups=6)
    pairs = torch.tensor([0, 1, 2])
    joints = JointMap(torch.ones(3, 6, 6), pairs, pairs, (5, 5), blocks=4)
    gains = PlaceMap(torch.ones(6, 4, 5))
    spread = SpreadMap(torch.ones(1), places)
    attention = AttentionMap(torch.ones(1), heads=2, blocks=4)
    cases = (
        (dense, (1, 1, 10), "dense", 10 * 6 * 20),
        (one, shape, "one to one", 120),
        (joints, shape, "graph", 3 * 36 * 4),
        (gains, shape, "one to one", 120),
        (spread, shape, "one to one", 120),
        (attention, shape, "attention", 2 * 4 * 2 * 5 * 3 * 3),
    )
    for m, target, kind, number in cases:
        assert kind_of(edge(m), shape, target) == kind
        assert count(edge(m), shape, target) == number


def test_synapses_of_a_lowered_network() -> None:
    """signal-sgn-core: 58 pairs of NW-UCLA's joints a unit, then all to all."""
    found = connections(MODELS["signal-sgn-core"])
    channels = (12, 64, 128, 128, 256)
    pairs = 20 + 2 * 19
    graph = pairs * sum(a * b for a, b in pairwise(channels))
    assert found.synapses == {"graph": graph, "dense": 20 * 256 * 10}
    assert found.neurons == 20 * sum(channels[1:])
    assert (found.populations, found.attended, found.frames) == (4, 0, 8)


def test_what_has_no_integer_form_is_switched_off() -> None:
    options, changed = chip_options(MODELS["signal-sgn"].options)
    assert changed == {"waves": False}
    assert not options.waves
    assert connections(MODELS["signal-sgn"]).changed == changed


def test_norms_of_steps_are_lowered() -> None:
    found = connections(MODELS["svformer-3stg"])
    assert found.neurons == facts(MODELS["svformer-3stg"]).neurons
    assert found.attended == 2 * 16 * 16 * 128 + 8 * 8 * 256
    assert not found.changed
