"""Units that a profile may use, by dimension, with their factor to the base unit."""

from __future__ import annotations

ENERGY_J = {"fJ": 1e-15, "pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1.0}
POWER_W = {"nW": 1e-9, "uW": 1e-6, "mW": 1e-3, "W": 1.0}
TIME_S = {"ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
# Limits are plain numbers of things: the unit names the thing.
COUNTS = {
    unit: 1.0
    for unit in (
        "axons",
        "bits",
        "bytes",
        "chips",
        "cores",
        "groups",
        "neurons",
        "steps",
        "synapses",
        "tiles",
        "value",
        "words",
    )
}

# The dimension of the numbers in each table of a profile.
TABLE_UNITS: dict[str, dict[str, float]] = {
    "terms": ENERGY_J,
    "static": POWER_W,
    "limits": COUNTS,
    "timing": TIME_S,
    "other": {**ENERGY_J, **POWER_W, **TIME_S, **COUNTS},
}
