"""Real Lava processes on Loihi2SimCfg.

Importing this package does not import Lava; that happens in a process of its own, which
`LavaEngine.run` starts.
"""

from spikewatt.lava_runtime.lava.engine import LavaEngine

__all__ = ["LavaEngine"]
