"""The native engine: the same fixed point, event-driven, compiled with numba."""

from spikewatt.lava_runtime.native.engine import NativeEngine

__all__ = ["NativeEngine"]
