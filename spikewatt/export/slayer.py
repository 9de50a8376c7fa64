"""lava-dl's slayer, imported without what its optional parts print about their absence."""

import contextlib
import io

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from lava.lib.dl import slayer

__all__ = ["slayer"]
