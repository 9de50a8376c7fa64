"""The README's five lines from a lava-dl Sequential to joules run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from late import slayers
from slayer_cases import CUBA, STEPS, randomised

README = Path(__file__).parents[2] / "README.md"


def snippet() -> str:
    """The Python block that calls from_slayer."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    (found,) = (b for b in blocks if "from_slayer" in b)
    return found


@pytest.mark.lava
def test_the_five_lines_run() -> None:
    torch.manual_seed(0)
    dense = slayers("block").cuba.Dense
    sizes = ((6, 9), (9, 5))
    blocks = [randomised(dense(dict(CUBA), *s, delay_shift=False)) for s in sizes]
    rng = np.random.default_rng(0)
    names = {
        "net": torch.nn.Sequential(*blocks),
        "sample": torch.zeros(1, 6, STEPS),
        "x": (rng.random((2, 6, STEPS)) < 0.5).astype(int),
    }
    lines = [line for line in snippet().splitlines() if line.strip()]
    assert sum("import" not in line for line in lines) == 5
    exec(compile(snippet(), README.name, "exec"), names)
    assert names["events"].samples == 2
    assert sum(layer.synaptic_events.sum() for layer in names["events"].layers) > 0
    assert names["joules"].dynamic_j > 0
