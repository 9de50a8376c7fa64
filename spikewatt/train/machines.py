"""Where a run computes: one device, or one in each process that a launcher started.

Processes share every batch (`batches.Share`) and average their gradients, each weighed with its
clips: a step is that of one device on the whole batch, but for the order of sums and for batch
norms, whose means are over a process's own clips; running means are those of the first process.
Clips are augmented as one device does it; dropout is drawn apart.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

from spikewatt.errors import SpikewattError
from spikewatt.train.batches import Share
from spikewatt.train.job import Job

# processes in all and their machines, or those of one machine, as launchers tell them
TORCHRUN = ("WORLD_SIZE", "LOCAL_WORLD_SIZE")
SRUN = ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES")
ADVICE = "lightning.fabric.utilities.rank_zero"  # its logger: to round products to TF32


def launched(environment: Mapping[str, str]) -> tuple[int, int]:
    """Processes on each machine, and machines, as torchrun or srun has them; 1, 1 without.

    Raises SpikewattError where machines have different numbers of processes.
    """
    total, each = (int(environment.get(name, 1)) for name in TORCHRUN)
    if not set(TORCHRUN) <= set(environment):
        total, machines = (int(environment.get(name, 1)) for name in SRUN)
        each = max(1, total // machines)
    if total % each:
        raise SpikewattError(
            f"{total} processes were started, {each} of them on one machine; start as many on "
            "every machine."
        )
    return each, total // each


def is_first(environment: Mapping[str, str]) -> bool:
    """Whether this is the process that tells, among those that torchrun or srun started."""
    return int(environment.get("RANK", environment.get("SLURM_PROCID", 0))) == 0


def fabric_of(job: Job) -> Fabric:
    """Fabric on the job's devices, joined with the other processes where there are any."""
    logging.getLogger(ADVICE).setLevel(logging.WARNING)
    devices, machines = launched(os.environ)
    together = devices * machines > 1
    fabric = Fabric(
        accelerator=job.accelerator,
        devices=devices,
        num_nodes=machines,
        strategy=DDPStrategy(find_unused_parameters=True) if together else "auto",
    )
    fabric.launch()
    return fabric


def device_name(fabric: Fabric) -> str:
    """The GPU's name, or cpu."""
    on_gpu = fabric.device.type == "cuda"
    return str(torch.cuda.get_device_name(fabric.device)) if on_gpu else fabric.device.type


def share_of(fabric: Fabric) -> Share:
    """This process's part of the batches."""
    return Share(fabric.device, fabric.global_rank, fabric.world_size)


@torch.no_grad()
def agree(fabric: Fabric, tensors: Iterable[torch.Tensor]) -> None:
    """Every process takes the first one's values, in place."""
    if fabric.world_size > 1:
        for tensor in tensors:
            torch.distributed.broadcast(tensor, 0)
