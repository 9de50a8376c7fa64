"""Workers as SLURM jobs, which dask-jobqueue submits and ends.

What a job takes (cores, memory, queue, account, walltime) is the site's affair; it stands in
dask-jobqueue's own configuration, ~/.config/dask/jobqueue.yaml.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spikewatt.errors import SpikewattError

if TYPE_CHECKING:
    from distributed import Client

CONFIG = "~/.config/dask/jobqueue.yaml"
EXAMPLE = "jobqueue: {slurm: {cores: 8, memory: 16GB, walltime: '01:00:00', queue: NAME}}"

_log = logging.getLogger("spikewatt")


@contextmanager
def jobs(number: int) -> Iterator[Client]:
    """A client of so many jobs; they are cancelled in the end.

    Raises SpikewattError where there is no SLURM, or where nobody has said what a job takes.
    """
    from distributed import Client

    if shutil.which("sbatch") is None:
        raise SpikewattError(
            "SLURM is unavailable, because this machine has no command sbatch. Run on a login node "
            "of the cluster, or give --workers N for processes of this machine."
        )
    with _cluster() as cluster, Client(cluster) as client:
        cluster.scale(jobs=number)
        _log.info("Waiting for SLURM to start the first of %d jobs.", number)
        client.wait_for_workers(1)
        yield client


def _cluster() -> Any:
    try:
        from dask_jobqueue import SLURMCluster  # type: ignore[attr-defined]
    except ImportError as error:
        raise SpikewattError(
            "SLURM needs dask-jobqueue, which is not installed: pip install spikewatt[cluster]."
        ) from error
    try:
        return SLURMCluster(scheduler_options={"dashboard": False, "dashboard_address": ":0"})
    except ValueError as error:
        raise SpikewattError(
            f"Nobody has said what a SLURM job takes: {error}. Describe one in {CONFIG}, such as "
            f"{EXAMPLE}."
        ) from error
