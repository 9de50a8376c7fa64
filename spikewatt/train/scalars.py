"""Scalars of every epoch, for TensorBoard."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger("spikewatt")


class Scalars:
    """Writes to `folder`, nothing where TensorBoard is not installed; the log says so once.

    epoch: where the run goes on; what an interrupted epoch wrote is purged.
    """

    def __init__(self, folder: Path, epoch: int) -> None:
        self.writer = _writer(folder, epoch)

    def write(self, values: Mapping[str, float], epoch: int) -> None:
        """One point of each curve after this epoch, from 1."""
        if self.writer is None:
            return
        for name, value in values.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def close(self) -> None:
        """Finish the file."""
        if self.writer is not None:
            self.writer.close()


def _writer(folder: Path, epoch: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        log.warning(
            "TensorBoard is unavailable (%s): no scalars are written. Install tensorboard, or "
            "leave `tensorboard` out of the recipe.",
            error,
        )
        return None
    return SummaryWriter(str(folder), purge_step=epoch + 1 if epoch else None)
