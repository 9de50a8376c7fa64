"""slayer's own CUBA neuron with its CUDA kernels, where a GPU and nvcc are."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import torch

from spikewatt.train.neuron import CubaNeuron


def slayer() -> Any:
    """lava-dl's slayer; it needs no Lava, so this also works where only slayer is installed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from lava.lib.dl import slayer as found
        from lava.lib.dl.slayer import jitconfig
    # as shipped it builds for compute capability 8.0, which Hopper does not run
    jitconfig.TORCH_CUDA_ARCH_LIST = "{}.{}".format(*torch.cuda.get_device_capability())
    return found


def compile_s() -> float:
    """Seconds until slayer's kernels have been built and have run once."""
    begun = perf_counter()
    neuron = slayer().neuron.cuba.Neuron(1.0, 0.25, 0.5).cuda()
    neuron(torch.zeros(1, 1, 1, device="cuda"))
    torch.cuda.synchronize()
    return perf_counter() - begun


def stand_in(neuron: CubaNeuron) -> Any:
    """slayer's neuron with the same threshold and decays; where ours learns them, so does it."""
    if neuron.norm is not None:
        raise ValueError("only neurons without a norm have a stand-in")
    u, v = (float(d.reshape(-1)[0]) / neuron.p_scale for d in neuron.decays())
    learns = any(p.requires_grad for p in neuron.parameters())
    return slayer().neuron.cuba.Neuron(
        neuron.threshold, u, v, scale=neuron.w_scale, requires_grad=learns
    )


def _by_slayer(self: CubaNeuron, x: torch.Tensor) -> torch.Tensor:
    """`CubaNeuron.forward` by slayer's module; its surrogate is slayer's, too."""
    found = self.__dict__.get("_stand_in")
    if found is None:
        found = self.__dict__["_stand_in"] = stand_in(self).to(x.device)
    gain = self.gain(self.decays()[1])
    return found(x * (gain.reshape(-1)[0] if torch.is_tensor(gain) else gain))


@contextlib.contextmanager
def neurons_of_slayer() -> Iterator[None]:
    """Within the block every neuron of every network is slayer's."""
    own = CubaNeuron.forward
    CubaNeuron.forward = _by_slayer  # type: ignore[method-assign]
    try:
        yield
    finally:
        CubaNeuron.forward = own  # type: ignore[method-assign]
