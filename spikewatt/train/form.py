"""A run's float network, and how it becomes the integer network that fine-tunes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikewatt.data.encode import Encoder
from spikewatt.errors import SpikewattError
from spikewatt.export.lowering import FloatGraph
from spikewatt.train.events import FloatCounter
from spikewatt.train.inputs import (
    deployed_encoder,
    task_of,
    to_clips,
    to_places,
    traced_shapes,
)
from spikewatt.train.job import Job
from spikewatt.train.lowering import lower
from spikewatt.train.quantised import QuantisedNetwork, quantised

CALIBRATION_CLIPS = 256
NO_SPIKES = "It is not made of spikes."


class Form:
    """The float network of a job; `refusal` says why it has no quantised twin, if it has none.

    encoder: of what the network that trains now reads.
    """

    def __init__(self, job: Job, encoder: Encoder) -> None:
        self.job, self.encoder = job, encoder
        self.net = self._built()
        self.refusal = self._refusal()

    def _built(self) -> nn.Module:
        task = task_of(self.encoder, len(self.job.dataset.classes))
        return self.job.model.network(task, self.job.options)

    def _refusal(self) -> str | None:
        if not self.job.model.deploys:
            return NO_SPIKES
        try:
            self._traced(self.net)
        except SpikewattError as reason:
            return str(reason)
        return None

    @property
    def deployable(self) -> bool:
        """Whether there is a quantised twin; other networks train as floats in all epochs."""
        return self.refusal is None

    def check_price(self) -> None:
        """Raise SpikewattError where a recipe prices events that cannot be counted."""
        if self.job.recipe.events.weight and not self.deployable:
            raise SpikewattError(
                f"The recipe prices synaptic events, but {self.job.model.name} has no integer form "
                f"to count them in: {self.refusal} Leave [events] out, or change the model's "
                "options."
            )

    def _traced(self, net: nn.Module) -> FloatGraph:
        return lower(net, *traced_shapes(self.encoder))

    def _hand_over(self) -> None:
        """From here on the encoder computes what the integer network leaves to its host."""
        self.encoder = deployed_encoder(self.net, self.encoder)

    def quantised(self, device: torch.device) -> QuantisedNetwork:
        """The float network, which is on the CPU, folded and quantised; the device calibrates."""
        clips = self.job.dataset.train[:CALIBRATION_CLIPS]
        calibration = to_clips(self.encoder.encode_all(clips), self.encoder)
        self._hand_over()
        places = to_places(calibration, self.encoder)
        return quantised(self._traced(self.net), places, self.encoder.limit, device)

    def calibration(self) -> torch.Tensor:
        """Clips of the training split as the quantised network takes them, (N, C, x, y, T)."""
        stimuli = self.encoder.encode_all(self.job.dataset.train[:CALIBRATION_CLIPS])
        places = torch.as_tensor(stimuli, dtype=torch.float32).permute(0, 3, 1, 2, 4)
        return places.contiguous()

    def restored(self, scales: list[float]) -> QuantisedNetwork:
        """The twin of a checkpoint, before its own weights; the float network has its own."""
        self._hand_over()
        return self.twin(scales)

    def twin(self, scales: list[float]) -> QuantisedNetwork:
        """The float network folded and quantised by these scales, its encoder handed over."""
        return QuantisedNetwork(self._traced(self.net), scales)

    def counter(self, shaped: Callable[[torch.Tensor], torch.Tensor]) -> FloatCounter:
        """Of the float network's synaptic events; shaped: clips as they come as it reads them."""

        def seen(net: nn.Module) -> tuple[FloatGraph, Callable[[torch.Tensor], torch.Tensor]]:
            encoder = deployed_encoder(net, self.encoder)
            return self._traced(net), lambda x: to_places(shaped(x), encoder)

        return FloatCounter(self.net, self._built(), seen, self.encoder.limit)
