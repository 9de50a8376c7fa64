"""Real Lava processes on Loihi2SimCfg.

Importing this package does not import Lava; that happens in a process of its own, which
`LavaEngine.run` starts.
"""

from spikewatt.lava_runtime.lava.engine import LavaEngine
from spikewatt.lava_runtime.lava.forecast import Forecast, forecast

__all__ = ["Forecast", "LavaEngine", "forecast"]
