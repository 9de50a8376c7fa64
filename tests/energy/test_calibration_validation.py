"""docs/validation.md says what its script finds, and the points that were not fitted stay apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "validation"))

import peer  # noqa: E402
import points  # noqa: E402
import validation_table as table  # noqa: E402

PAGE = (ROOT / "docs" / "validation.md").read_text()


@pytest.fixture(scope="module")
def found():
    return points.points()


@pytest.mark.lava
def test_the_page_has_the_scripts_rows(found):
    for p in found:
        row = table.rows([[p.what, p.role, p.published, p.model, p.verdict, p.why]])
        assert row in PAGE, p.what


@pytest.mark.lava
def test_what_was_fitted_is_marked(found):
    fitted = {p.what for p in found if p.role == "calibration"}
    assert "PilotNet LIF, dynamic energy an inference" in fitted
    assert all("PilotNet" in what for what in fitted)
    assert {p.role for p in found} == {"calibration", "validation"}


@pytest.mark.lava
def test_points_out_of_their_band_are_said_to_be_out(found):
    out = {p.what for p in found if p.verdict.startswith("out")}
    assert "PilotNet LIF, time of a step, one board" in out
    assert any(what.startswith("Keyword spotting") for what in out)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.5, "in"), (4.0, "out, published is 2.00 x the model's high end"), (0.5, "out, ")],
)
def test_verdicts(value, said):
    assert points.verdict(value, (1.0, 2.0)).startswith(said)


@pytest.mark.slow
def test_sanafe_agrees_but_for_what_is_explained():
    results = peer.compare()
    if isinstance(results, str):
        pytest.skip(f"SANA-FE could not run: {results}")
    for b in results:
        assert b.spikes[0] == b.spikes[1]
        assert b.events[1] == b.events[2]
        assert b.unexplained_pj == pytest.approx(0, abs=1e-3)
    assert table.sanafe() in PAGE
