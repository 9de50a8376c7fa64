"""lava-dl's CUBA blocks to populations and projections, one small function a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import NetworkBuilder
from spikewatt.export.slayer import slayer
from spikewatt.network import (
    DELAY_MAX,
    Conv,
    CubaLif,
    Dense,
    IntArray,
    Network,
    Readout,
    Shape,
    StartRule,
)

cuba = slayer.block.cuba
MeanOnlyBatchNorm = slayer.neuron.norm.MeanOnlyBatchNorm


@dataclass
class _Chain:
    """A network in the making, and the axonal delays that wait for the next projection."""

    builder: NetworkBuilder
    delays: IntArray | None = None  # (neurons of the last layer,)
    readout: Readout | None = None


def _refuse(index: int, block: Any, why: str) -> SpikewattError:
    return SpikewattError(f"Block {index} ({type(block).__name__}) cannot be exported: {why}")


def lava_shape(shape: tuple[int, ...]) -> Shape:
    """(C, H, W) or (C,) of torch to Lava's (W, H, C) or (n,)."""
    return tuple(int(n) for n in reversed(shape))


def lower_blocks(
    module: torch.nn.Module, blocks: list[Any], sample: torch.Tensor, facts: Mapping[str, Any]
) -> Network:
    """The network of a chain of blocks; runs the sample once, so that every shape is known."""
    module.eval()
    with torch.no_grad():
        module(sample)
    chain = _Chain(NetworkBuilder())
    for index, block in enumerate(blocks):
        if type(block) not in LOWERINGS:
            known = ", ".join(sorted(t.__name__ for t in LOWERINGS))
            raise _refuse(index, block, f"its type is not known. Known: cuba blocks {known}.")
        if index == 0 and not isinstance(block, cuba.Input):
            chain.builder.input(lava_shape(tuple(sample.shape[1:-1])))
        LOWERINGS[type(block)](index, block, chain)
    if chain.delays is not None:
        raise _refuse(
            len(blocks) - 1,
            blocks[-1],
            "an axonal delay on the last layer has no synapse to hold it.",
        )
    start = _start_rule(blocks)
    _check_first_step(start, blocks, chain)
    return chain.builder.build(start, chain.readout, facts)


def _check_first_step(start: StartRule, blocks: list[Any], chain: _Chain) -> None:
    """SLAYER's first layer meets the input at once, Lava's a step later; a bias shows it."""
    biased = any(p.bias is not None and p.bias.any() for p in chain.builder.populations)
    if start is StartRule.TOGETHER and biased and not isinstance(blocks[0], cuba.Input):
        raise _refuse(
            0,
            blocks[0],
            "with delay_shift=True and a bias, its first step would differ on the chip. Train "
            "with delay_shift=False, or put a cuba.Input block with a neuron in front.",
        )


def _start_rule(blocks: list[Any]) -> StartRule:
    """`delay_shift` is the start rule; it must be the same for all blocks."""
    shifts = {b.delay_shift for b in blocks if hasattr(b, "delay_shift")}
    if len(shifts) > 1:
        raise SpikewattError(
            "The blocks mix delay_shift=True and False: no start rule does both. Train with one."
        )
    return StartRule.TOGETHER if shifts == {True} else StartRule.BY_DEPTH


def _whole(index: int, block: Any, values: torch.Tensor, what: str) -> IntArray:
    array = values.detach().cpu().numpy().astype(np.float64)
    rounded = np.rint(array)
    if not np.allclose(array, rounded, rtol=0, atol=1e-3):
        worst = float(array.flat[np.abs(array - rounded).argmax()])
        raise _refuse(index, block, f"its {what} {worst:g} is not a whole number; quantise it.")
    return np.asarray(rounded, dtype=np.int32)


def _neuron(index: int, block: Any) -> CubaLif:
    params: dict[str, Any] = block.neuron.device_params
    if not (np.isscalar(params["iDecay"]) and np.isscalar(params["vDecay"])):
        raise _refuse(index, block, "its decays differ by channel; train with shared_param=True.")
    if params["gradedSpike"]:
        raise _refuse(index, block, "graded spikes of a CUBA neuron have no counterpart in Lava.")
    return CubaLif(*(int(params[key]) for key in ("iDecay", "vDecay", "vThMant")))


def _bias(index: int, block: Any, shape: Shape) -> IntArray | None:
    norm = block.neuron.norm
    if norm is None:
        return None
    if not isinstance(norm, MeanOnlyBatchNorm):
        raise _refuse(
            index,
            block,
            f"its norm {type(norm).__name__} scales the current, which weights alone cannot say "
            "exactly. Fold it into the weights, or train with MeanOnlyBatchNorm.",
        )
    per_channel = _whole(index, block, norm.bias, "bias")
    return np.asarray(np.broadcast_to(per_channel, shape), dtype=np.int32)


def _weights(index: int, block: Any) -> IntArray:
    synapse = block.synapse
    if synapse.pre_hook_fx is None:
        raise _refuse(index, block, "its weights are not quantised (no pre_hook_fx).")
    return _whole(index, block, synapse.pre_hook_fx(synapse.weight, descale=True), "weight")


def _take_delays(chain: _Chain, targets: int) -> IntArray | None:
    delays, chain.delays = chain.delays, None
    return None if delays is None else np.repeat(delays[None], targets, axis=0)


def _keep_delays(index: int, block: Any, chain: _Chain) -> None:
    """SLAYER delays a layer's output; here the next projection holds the delay."""
    if block.delay is None:
        return
    steps = torch.floor(block.delay.delay).flatten().detach().cpu().numpy()
    if steps.max(initial=0) > DELAY_MAX:
        raise _refuse(index, block, f"its delay {int(steps.max())} exceeds {DELAY_MAX} steps.")
    per_neuron = np.broadcast_to(steps, chain.builder.shape)
    chain.delays = np.asarray(per_neuron, dtype=np.int32).reshape(-1)


def _lower_input(index: int, block: Any, chain: _Chain) -> None:
    shape = lava_shape(tuple(block.shape))
    if block.neuron is None:
        chain.builder.input(shape)
        return

    def transform(value: Any, default: float) -> int:
        if value is None:
            return int(default)
        quantised = block.pre_hook_fx(value, descale=True)
        return int(_whole(index, block, quantised, "input transform"))

    scale, offset = transform(block.weight, block.neuron.w_scale), transform(block.bias, 0)
    chain.builder.bias_input(shape, _neuron(index, block), scale, offset)


def _lower_flatten(index: int, block: Any, chain: _Chain) -> None:
    chain.builder.flatten()


def channels_first(shape: Shape) -> npt.NDArray[np.intp]:
    """For each neuron in flat (x, y, c) order its place in torch's flat (c, y, x) order."""
    places = np.arange(np.prod(shape)).reshape(shape[::-1])
    return np.asarray(places.transpose().reshape(-1))


def _lower_dense(index: int, block: Any, chain: _Chain) -> None:
    weight = _weights(index, block).reshape(block.synapse.out_channels, -1)
    source = chain.builder.shape
    weight = np.ascontiguousarray(weight[:, channels_first(source)])
    shape = (weight.shape[0],)
    synapses = Dense(weight, _take_delays(chain, shape[0]))
    chain.builder.population(
        "dense", shape, _neuron(index, block), synapses, _bias(index, block, shape)
    )
    _keep_delays(index, block, chain)


def _lower_conv(index: int, block: Any, chain: _Chain) -> None:
    if chain.delays is not None:
        raise _refuse(
            index, block, "the layer before has axonal delays, which kernels cannot hold."
        )
    s = block.synapse
    weight = _weights(index, block)[..., 0].transpose(
        0, 3, 2, 1
    )  # (out, in, h, w) to (out, x, y, in)
    pairs = {k: (getattr(s, k)[1], getattr(s, k)[0]) for k in ("stride", "padding", "dilation")}
    synapses = Conv(np.ascontiguousarray(weight), groups=s.groups, **pairs)
    shape = lava_shape(tuple(block.neuron.shape))
    bias = _bias(index, block, shape)
    chain.builder.population("conv", shape, _neuron(index, block), synapses, bias)
    _keep_delays(index, block, chain)


def _lower_average(index: int, block: Any, chain: _Chain) -> None:
    groups = int(block.num_outputs)
    size = int(np.prod(chain.builder.shape))
    chain.readout = Readout("rate", groups, size // groups, chain.builder.average())


LOWERINGS: dict[type, Callable[[int, Any, _Chain], None]] = {
    cuba.Input: _lower_input,
    cuba.Flatten: _lower_flatten,
    cuba.Dense: _lower_dense,
    cuba.Conv: _lower_conv,
    cuba.Average: _lower_average,
}
