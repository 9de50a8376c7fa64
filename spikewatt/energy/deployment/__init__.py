"""Where the parts of a network run on a target, and what keeps them off its cores."""

from spikewatt.energy.deployment.modules import Deployment, ModuleShare, deployment
from spikewatt.energy.deployment.parts import HOST, MICROCODE, NATIVE, runs_on

__all__ = [
    "HOST",
    "MICROCODE",
    "NATIVE",
    "Deployment",
    "ModuleShare",
    "deployment",
    "runs_on",
]
