"""Running a network on wires: every module that is linear, a norm or a neuron says what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.graph import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.maps import ConvMap, identity
from spikewatt.export.lowering.wires import Wire
from spikewatt.network import DECAY_MAX, Shape

Handler = Callable[..., Wire]


def _pointwise(module: Any, wire: Wire) -> Wire:
    """1 x 1 convolution or linear layer over channels: y = W x + b."""
    weight = module.weight.detach()
    weight = weight.reshape(len(weight), -1)
    shape = list(wire.shape)
    shape[1] = len(weight)
    out = wire.mapped(ConvMap(weight[..., None, None]), shape, len(weight), wire.places)
    return out if module.bias is None else out.affine(torch.ones(1), module.bias.detach())


def _conv(module: nn.Conv3d, wire: Wire) -> Wire:
    """A convolution over places, kernel (kx, ky, 1)."""
    _check_view(wire)
    if module.kernel_size[-1] != 1 or set(module.dilation) != {1}:
        raise SpikewattError(
            f"A convolution of kernel {module.kernel_size}, dilation {module.dilation} reaches "
            "over steps or is dilated; it has no layer of synapses here."
        )
    m = ConvMap(
        module.weight.detach()[..., 0],
        (module.stride[0], module.stride[1]),
        (int(module.padding[0]), int(module.padding[1])),
        module.groups,
    )
    places, channels = m.places(wire.places), module.out_channels
    shape = (wire.shape[0], channels, *places, wire.shape[-1])
    out = wire.mapped(m, shape, channels, places)
    return out if module.bias is None else out.affine(torch.ones(1), module.bias.detach())


def _norm(module: Any, wire: Wire) -> Wire:
    """Batch normalisation with its running statistics: y = g (x - m) / sqrt(s + e) + b."""
    gain = torch.rsqrt(module.running_var + module.eps)
    gain = gain if module.weight is None else gain * module.weight.detach()
    shift = -module.running_mean * gain
    return wire.affine(gain, shift if module.bias is None else shift + module.bias.detach())


def _nothing(module: nn.Module, wire: Wire) -> Wire:
    """Dropout and identities in evaluation mode."""
    return wire


def _check_view(wire: Wire) -> None:
    """Places of the view have to come in the order of the population's."""
    view = tuple(n for n in wire.shape[2:-1] if n > 1)
    if view != tuple(n for n in wire.places if n > 1):
        raise SpikewattError(
            f"A convolution sees places {tuple(wire.shape[2:-1])} of neurons that lie as "
            f"{wire.places}; bring the axes into that order first."
        )


def _conv_along_joints(module: nn.Conv2d, wire: Wire) -> Wire:
    """A convolution over joints, kernel (k, 1), of a wire (N, C, V, T)."""
    _check_view(wire)
    if module.kernel_size[1] != 1 or set(module.dilation) != {1}:
        raise SpikewattError(f"A convolution of kernel {module.kernel_size} reaches over steps.")
    weight, padding = module.weight.detach(), (int(module.padding[0]), 0)
    m = ConvMap(weight, (module.stride[0], 1), padding, module.groups)
    places, channels = m.places(wire.places), module.out_channels
    shape = (wire.shape[0], channels, places[0], wire.shape[-1])
    out = wire.mapped(m, shape, channels, places)
    return out if module.bias is None else out.affine(torch.ones(1), module.bias.detach())


def _conv_of_one(module: nn.Conv1d, wire: Wire) -> Wire:
    """A 1 x 1 convolution of flattened places."""
    if module.kernel_size != (1,) or module.groups != 1:
        raise SpikewattError(f"A flat convolution of kernel {module.kernel_size} is not lowered.")
    return _pointwise(module, wire)


HANDLERS: dict[type[nn.Module], Handler] = {
    nn.Linear: _pointwise,
    nn.Conv1d: _conv_of_one,
    nn.Conv2d: _conv_along_joints,
    nn.Conv3d: _conv,
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.BatchNorm3d: _norm,
    nn.Dropout: _nothing,
    nn.Dropout3d: _nothing,
    nn.Identity: _nothing,
}


def _neuron(module: Any, name: str, wire: Wire) -> Wire:
    """A CUBA-LIF population; what multiplies its input is folded into the synapses."""
    params = module.device_params
    if int(params["iDecay"]) != DECAY_MAX:
        raise SpikewattError(
            f"Neurons {name} keep a current (iDecay {params['iDecay']}, not {DECAY_MAX}); their "
            "bias would not fold. Give them current_decay=1."
        )
    gain = module.gain(module.decays()[1]) if hasattr(module, "gain") else 1.0
    gain = torch.as_tensor(gain, dtype=torch.float32).detach().reshape(-1)
    neuron = {
        "i_decay": int(params["iDecay"]),
        "v_decay": int(params["vDecay"]),
        "threshold": float(module.threshold),
        "surrogate": module,
    }
    return wire.affine(gain, torch.zeros(1)).close(name, neuron)


def _handler(
    name: str, module: nn.Module, handlers: Mapping[type[nn.Module], Handler]
) -> Handler | None:
    if hasattr(module, "device_params"):
        return partial(_neuron, module, name)
    for kind in type(module).__mro__:
        if kind in handlers:
            return partial(handlers[kind], module)
    return None


@contextmanager
def _on_wires(net: nn.Module, handlers: Mapping[type[nn.Module], Handler]) -> Iterator[None]:
    """Modules take wires while this lasts: the instance's `forward` hides the class's."""
    hidden = []
    try:
        for name, module in net.named_modules():
            handler = _handler(name, module, handlers)
            if handler is not None and module is not net:
                module.__dict__["forward"] = handler
                hidden.append(module)
        yield
    finally:
        for module in hidden:
            del module.__dict__["forward"]


@contextmanager
def _known_paths(net: nn.Module, running: list[str]) -> Iterator[None]:
    """`running` holds the paths of the modules that run, while this lasts."""
    hooks = []

    def follow(path: str, module: nn.Module) -> None:
        def leave(*_: Any) -> None:
            running.pop()

        hooks.append(module.register_forward_pre_hook(lambda *_: running.append(path)))
        hooks.append(module.register_forward_hook(leave, always_call=True))

    try:
        for path, module in net.named_modules():
            follow(path, module)
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def trace(
    net: nn.Module,
    clip_shape: tuple[int, ...],
    input_shape: Shape,
    lowerings: Mapping[type[nn.Module], Handler] | None = None,
) -> FloatGraph:
    """Populations and maps of a network in evaluation mode.

    clip_shape: of one clip as the network's forward takes it, (1, C, ...); of several persons
    (M, C, ...), each a stimulus of its own. input_shape: the stimulus in Lava's order, (x, y, C).
    lowerings: what further modules do on wires. Raises SpikewattError for what has no layer of
    synapses.
    """
    training = net.training
    graph = FloatGraph(input_shape, persons=clip_shape[0])
    x, y, channels = input_shape
    edge = Edge((0,), identity(channels))
    bias = torch.zeros(channels, x, y)
    wire = Wire(graph, torch.Size(clip_shape), channels, (x, y), (edge,), bias)
    try:
        handlers = {**HANDLERS, **(lowerings or {})}
        with _on_wires(net.eval(), handlers), _known_paths(net, graph.running):
            logits = net(wire)
    finally:
        net.train(training)
    return _with_readout(graph, logits)


def _with_readout(graph: FloatGraph, logits: Any) -> FloatGraph:
    """Neurons that never fire: they sum what a mean over steps averages, or forget at once."""
    if not isinstance(logits, Wire) or not (logits.averaged or logits.at_end):
        raise SpikewattError("The network's logits are not a mean over steps of a linear map.")
    if logits.places != (1, 1):
        raise SpikewattError(f"The logits have {logits.places} places; average over them first.")
    if logits.of_steps:
        raise SpikewattError(
            "The logits have a norm of single steps in front, which a read-out that sums over the "
            "steps does not tell apart. Let a neuron stand between."
        )
    graph.host = logits.host
    graph.readout = FloatPopulation(
        number=len(graph.populations) + 1,
        name="readout",
        channels=logits.channels,
        places=(1, 1),
        i_decay=DECAY_MAX,
        v_decay=DECAY_MAX if logits.at_end else 0,
        threshold=float("inf"),
        edges=logits.edges,
        bias=logits.bias,
    )
    return graph
