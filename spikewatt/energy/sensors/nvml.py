"""Energy of an NVIDIA GPU: NVML's counter of millijoules since the driver was loaded.

nvmlDeviceGetTotalEnergyConsumption (NVML API reference, Volta and newer). It covers the whole
board, its memory included; it is renewed some tens of times a second.
"""

from __future__ import annotations

from typing import Any

from spikewatt.energy.measured import Unavailable

MJ = 1e-3
RENEWED_S = 0.1


class Nvml:
    """One GPU."""

    resolution_s = RENEWED_S
    method = "NVML, whole board"

    def __init__(self, library: Any, index: int) -> None:
        self._library, self._handle = library, library.nvmlDeviceGetHandleByIndex(index)
        name = library.nvmlDeviceGetName(self._handle)
        self.device = name.decode() if isinstance(name, bytes) else str(name)
        self.energy_j()

    def energy_j(self) -> float:
        """Joules since the driver was loaded."""
        return float(self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle)) * MJ


def open_gpu(index: int = 0) -> Nvml | Unavailable:
    """The GPU of this number, or why it cannot be read."""
    try:
        import pynvml
    except ImportError:
        return Unavailable("nvidia-ml-py is not installed; install it to read a GPU's energy")
    try:
        pynvml.nvmlInit()
        return Nvml(pynvml, index)
    except pynvml.NVMLError as error:
        return Unavailable(f"NVML finds no NVIDIA GPU that counts its energy: {error}")
