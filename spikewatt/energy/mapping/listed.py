"""Listed synapses as cores hold them: of each block of a list, a run of its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from spikewatt.energy.mapping.layout import Box
from spikewatt.network import Sparse

Numbers = npt.NDArray[np.int64]
Run = tuple[int, int]  # [start, stop)


@dataclass(frozen=True)
class Piece:
    """The same run of targets of several blocks."""

    blocks: Run
    targets: Run

    @property
    def count(self) -> int:
        """Number of blocks."""
        return self.blocks[1] - self.blocks[0]


def pieces(box: Box, block: int) -> list[Piece]:
    """A core's neurons, in blocks of so many: a box over (blocks, targets), or a run of neurons."""
    if len(box) == 2:
        return [Piece(box[0], box[1])]
    ((start, stop),) = box
    first, last = start // block, stop // block
    if first == last:
        return [Piece((first, first + 1), (start - first * block, stop - first * block))]
    found = []
    if start % block:
        found.append(Piece((first, first + 1), (start % block, block)))
        first += 1
    if first < last:
        found.append(Piece((first, last), (0, block)))
    if stop % block:
        found.append(Piece((last, last + 1), (0, stop % block)))
    return found


@dataclass(frozen=True, eq=False)
class ByTarget:
    """A block's synapses sorted by target, so that a run of targets is one slice."""

    rows: csr_matrix  # (targets, sources) of a block: how many synapses join them

    @cached_property
    def _known(self) -> dict[Run, Numbers]:
        return {}

    def sources(self, targets: Run) -> Numbers:
        """Sources with a synapse onto a run of targets."""
        if targets not in self._known:
            if len(self._known) >= RUNS_KEPT:
                self._known.clear()
            self._known[targets] = np.flatnonzero(self.per_source(targets))
        return self._known[targets]

    def per_source(self, targets: Run) -> Numbers:
        """Synapses of each source onto a run of targets, (sources of a block,)."""
        start, stop = (int(self.rows.indptr[i]) for i in targets)
        part = self.rows.indices[start:stop]
        size = self.rows.shape[1]
        return np.bincount(part, self.rows.data[start:stop], size).astype(np.int64)

    def stored(self, held: Sequence[Piece]) -> Numbers:
        """Synapses that a core stores for each source of a block: once for all blocks."""
        return np.asarray(sum(self.per_source(run) for run in _joined({p.targets for p in held})))

    def axons(self, held: Sequence[Piece]) -> int:
        """Source neurons, of all blocks, with a synapse onto a core's neurons."""
        return sum(p.count * self.sources(p.targets).size for p in held)


RUNS_KEPT = 4096
_sorted: WeakKeyDictionary[Sparse, ByTarget] = WeakKeyDictionary()


def by_target(synapses: Sparse) -> ByTarget:
    """The synapses of a block by target; kept as long as the list lives."""
    if synapses not in _sorted:
        ones = np.ones(synapses.targets.size, dtype=np.int32)
        rows = csr_matrix((ones, (synapses.targets, synapses.sources)), shape=synapses.block)
        _sorted[synapses] = ByTarget(rows)
    return _sorted[synapses]


def _joined(runs: set[Run]) -> list[Run]:
    """Runs that overlap or touch become one."""
    found: list[Run] = []
    for start, stop in sorted(runs):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found
