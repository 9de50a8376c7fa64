"""Samples shared out among Dask workers: on this machine, behind a scheduler, or under SLURM."""

from spikewatt.lava_runtime.cluster.engine import ClusterEngine
from spikewatt.lava_runtime.cluster.places import Workers

__all__ = ["ClusterEngine", "Workers"]
