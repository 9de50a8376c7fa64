"""The native engine: the same fixed point, event-driven, compiled with numba."""
