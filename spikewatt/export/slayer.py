"""lava-dl's slayer, imported without what its optional parts print about their absence.

Importing this module raises SpikewattError where lava-dl cannot be used.
"""

import contextlib
import io

from spikewatt.lava_door import require_lava

require_lava(
    "lava-dl's slayer",
    "Use networks of spikewatt's own blocks, which train and export without it, or Python 3.10.",
)

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from lava.lib.dl import slayer

__all__ = ["slayer"]
