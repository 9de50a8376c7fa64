"""Populations of an integer network are named after the modules that they come from."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import torch

from spikewatt.commands.checking import run_check
from spikewatt.data.graph import NW_UCLA20
from spikewatt.export import netx
from spikewatt.export.lowering import FloatGraph
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network
from spikewatt.report.recording import Provenance, record_of
from spikewatt.report.summary import run_summary
from spikewatt.train.lowering import lower
from spikewatt.train.models import mk_sgn, sdt
from spikewatt.train.quantised import quantised
from spikewatt.train.task import SkeletonTask

FRAMES, STEPS = 4, 2
TASK = SkeletonTask(NW_UCLA20, classes=3, frames=FRAMES)
SMALL_SDT = sdt.Options(channels=8, depth=1, heads=2, mlp_ratio=1, steps=STEPS)
ATTENTION = "blocks.0.branch"


def traced(net: torch.nn.Module) -> FloatGraph:
    return lower(net, (1, 3, 20, FRAMES), (FRAMES, 20, 3))


def integers(net: torch.nn.Module) -> Network:
    x = torch.randint(-7, 8, (2, 3, FRAMES, 20, STEPS)).float()
    return quantised(traced(net), x, 7).lower(x, {"message_bits": 3})


def small_sdt() -> Network:
    torch.manual_seed(0)
    return integers(sdt.SpikeDrivenTransformer(TASK, SMALL_SDT))


def test_gates_are_named_after_the_module_that_makes_them() -> None:
    parts = ("entry", "query.neuron", "key.neuron", "value.neuron")
    mixer = ("mixer.gate", "mixer.neuron", "mixer.gate_2")
    assert list(small_sdt().names.values()) == [
        *(f"{ATTENTION}.{name}" for name in (*parts, *mixer)),
        "blocks.1.branch.expand.neuron",
        "blocks.1.branch.contract.neuron",
        "neuron",
        "readout",
    ]


def test_every_neuron_of_the_module_gives_its_path() -> None:
    net = mk_sgn.MkSgn(TASK, mk_sgn.Options(channels=(4, 4), strides=(1, 2), steps=STEPS))
    graph = traced(net)
    neurons = {name for name, m in net.named_modules() if hasattr(m, "device_params")}
    assert {p.name for p in graph.populations} == neurons
    assert "blocks.1.graph.attention.query.neuron" in neurons
    assert not graph.running
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_files_keep_the_names(tmp_path) -> None:
    network = small_sdt()
    netx.write(network, tmp_path / "n.net")
    assert netx.read(tmp_path / "n.net").names == network.names
    text = io.StringIO()
    assert run_check(tmp_path / "n.net", None, None, text)
    lines = text.getvalue().splitlines()
    assert lines[0].endswith("depth  module")
    assert lines[5].endswith(f"{ATTENTION}.mixer.gate")


def executed(network: Network) -> Execution:
    x = np.random.default_rng(0).integers(-7, 8, (1, *network.input.shape, STEPS), dtype=np.int32)
    return NativeEngine().run(
        Request(network, x, clips(network, 1, STEPS), tuple(network.by_layer))
    )


def test_runs_list_modules() -> None:
    network, text = small_sdt(), io.StringIO()
    record = record_of(network, executed(network), Provenance("n.net", "x.npy"), place=False)
    assert [x.module for x in record.layers] == list(network.names.values())
    run_summary(record, text)
    assert text.getvalue().splitlines()[0].endswith("paper SOPs  module")


def test_a_difference_names_its_module() -> None:
    network = small_sdt()
    found = executed(network)
    layer = network.populations[4].layer
    spikes = {**found.spikes, layer: 1 - found.spikes[layer]}
    agreement = compare(network, replace(found, spikes=spikes), found)
    assert agreement.first is not None
    assert agreement.first.module == f"{ATTENTION}.mixer.gate"
    assert f"spikes of layer {layer} ({ATTENTION}.mixer.gate), step 0" in str(agreement)
