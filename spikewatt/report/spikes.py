"""What a record keeps of recorded spikes: firing rates and a raster, both of bounded size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray
from spikewatt.report.entry import Entry, Numbers, joined, numbers

BINS_MAX = 20
NEURONS_MAX = 64
STEPS_MAX = 256
POINTS_MAX = 2000
GOLDEN = (5**0.5 - 1) / 2


class Rates(Entry):
    """How many neurons spiked how often over the run.

    silent: neurons without a spike. neurons[k] spiked between k x spikes_per_bin + 1 and
    (k + 1) x spikes_per_bin times in the `slots` = samples x steps of the run.
    """

    slots: int
    silent: int
    spikes_per_bin: int
    neurons: list[int]


class Raster(Entry):
    """Spikes of some neurons in the first steps of one sample.

    neurons: flat indices, spread over the layer. spikes: for each of them the steps in
    which it spiked.
    """

    sample: int
    steps: int
    neurons: list[int]
    spikes: list[Numbers]

    def points(self) -> list[tuple[int, int]]:
        """(row, step) of each spike."""
        return [(row, step) for row, text in enumerate(self.spikes) for step in numbers(text)]


def rates(spikes: IntArray) -> Rates:
    """Histogram of spikes a neuron; spikes: (N, *shape, T), a spike is a value that is not 0.

    Bins hold whole numbers of spikes, so that none is empty only because rates are discrete.
    """
    samples, steps = spikes.shape[0], spikes.shape[-1]
    fired = np.count_nonzero(spikes.reshape(samples, -1, steps), axis=(0, 2))
    per_bin = max(1, -(-int(fired.max(initial=0)) // BINS_MAX))
    firing = fired[fired > 0]
    bins = np.bincount((firing - 1) // per_bin)
    return Rates(
        slots=samples * steps,
        silent=int((fired == 0).sum()),
        spikes_per_bin=per_bin,
        neurons=[int(n) for n in bins],
    )


def raster(spikes: IntArray, sample: int = 0) -> Raster:
    """The first steps of a sample; fewer neurons where they would make too many points."""
    steps = min(spikes.shape[-1], STEPS_MAX)
    fired = spikes[sample].reshape(-1, spikes.shape[-1])[:, :steps] != 0
    rows = min(len(fired), NEURONS_MAX)
    neurons = _spread(len(fired), rows)
    while rows > 1 and np.count_nonzero(fired[neurons]) > POINTS_MAX:
        rows = -(-rows // 2)
        neurons = _spread(len(fired), rows)
    texts = [joined(np.flatnonzero(fired[n])) for n in neurons]
    return Raster(sample=sample, steps=steps, neurons=[int(n) for n in neurons], spikes=texts)


def _spread(size: int, rows: int) -> npt.NDArray[np.int64]:
    """About `rows` of `size` indices, the same every time.

    Steps of the golden ratio: even steps would meet the same few channels again and again.
    """
    if rows == size:
        return np.arange(size)
    return np.unique((np.arange(rows) * GOLDEN % 1 * size).astype(np.int64))
