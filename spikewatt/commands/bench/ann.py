"""The baseline a reader expects: a network without spikes on the same clips, as float torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from spikewatt.commands.bench.contestants import Facts, Timed
from spikewatt.commands.bench.dense_torch import finish, shared_threads, threads
from spikewatt.commands.running import RunJob, Stimulus, selected_clips
from spikewatt.data.encode import encoder_from_dict
from spikewatt.energy.paper import prices
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Progress, Request
from spikewatt.network import Network
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.evaluation import EVALUATION_BATCH
from spikewatt.train.inputs import task_of, to_clips
from spikewatt.train.models import MODELS, model
from spikewatt.train.models.macs import dense_macs
from spikewatt.train.restoring import float_network, load_weights

PJ = 1e-12


@dataclass(eq=False)
class OfAnn:
    """A float network in the place of a spiking one.

    clips: as it reads them, (N, ...). trained: whether its answers mean anything. device: cpu or
    cuda, where network and clips are brought before anything is timed.
    """

    name: str
    net: nn.Module
    clips: torch.Tensor
    trained: bool
    device: str = "cpu"

    def check(self, request: Request) -> Facts:
        """Answers of a trained network, and its dense MACs at 4.6 pJ; also warms torch up."""
        mac, _ = prices()
        macs = dense_macs(self.net, tuple(self.clips[:1].shape))
        self.net, self.clips = self.net.to(self.device), self.clips.to(self.device)
        answers = self._forward(self.clips if self.trained else self.clips[:1]).cpu()
        return Facts(
            readout=answers.numpy() if self.trained else None,
            theoretical_j=PJ * mac.band_pj[1] * macs,
        )

    @torch.inference_mode()
    def _forward(self, clips: torch.Tensor) -> torch.Tensor:
        with threads(shared_threads(len(clips))):
            return torch.cat([self.net(x) for x in torch.split(clips, EVALUATION_BATCH)])

    def run(self, request: Request, progress: Progress) -> Timed:
        """One forward pass of as many clips as the request has."""
        clips = self.clips[: request.schedule.samples]
        begun = perf_counter()
        self._forward(clips)
        finish(clips.device)
        return Timed(0.0, perf_counter() - begun)


def ann(spec: str, job: RunJob, network: Network, stimulus: Stimulus, device: str = "cpu") -> OfAnn:
    """The ANN of this name with fresh weights, or the trained one of a checkpoint, on a device.

    Raises SpikewattError for a spiking network, and where it cannot read the network's clips.
    """
    if spec in MODELS or not Path(spec).exists():
        found = _fresh(spec, network, stimulus)
    else:
        found = _trained(Path(spec), job, network)
    return replace(found, device=device)


def _fresh(name: str, network: Network, stimulus: Stimulus) -> OfAnn:
    """Reads the clips that the spiking network reads, before they become steps."""
    entry = model(name)
    _check_spiking(name, entry.spiking)
    if network.encoder is None or not stimulus.are_clips:
        raise SpikewattError(
            f"ANN {name} reads clips of data; this network's file names no encoder or its input "
            "is a stream. Take --data and a network that `spikewatt export` wrote."
        )
    encoder = encoder_from_dict(network.encoder)
    classes = len(network.classes) or (network.readout.groups if network.readout else 1)
    net = entry.network(task_of(encoder, classes), entry.options).eval()
    return OfAnn(f"ann:{name}", net, to_clips(stimulus.values, encoder), trained=False)


def _trained(path: Path, job: RunJob, network: Network) -> OfAnn:
    """Reads the same clips by an encoder of its own."""
    saved = ckpt.load(path)
    name = saved.record["model"]
    _check_spiking(name, model(name).spiking)
    if job.data is None or tuple(saved.record["classes"]) != network.classes:
        raise SpikewattError(
            f"ANN {path} knows the classes {', '.join(saved.record['classes'])}; take --data with "
            "these, and a network that was trained on them."
        )
    net = float_network(path, saved)
    load_weights(net, saved.deployed, path)
    encoder = encoder_from_dict(saved.record["encoder"])
    clips = to_clips(encoder.encode_all(selected_clips(job, network)), encoder)
    return OfAnn(f"ann:{name}", net.eval(), clips, trained=True)


def _check_spiking(name: str, spiking: bool) -> None:
    if spiking:
        known = ", ".join(m.name for m in MODELS.values() if not m.spiking)
        raise SpikewattError(f"Model {name} spikes; --ann takes a network without: {known}.")
