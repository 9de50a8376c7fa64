"""The tables of docs/counting.md: spikewatt's own columns are counted again, and are exact."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "counting"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which finds its neighbours as scripts do."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import counting_table as script

    return script


def test_the_page_is_up_to_date_and_exact(table: ModuleType) -> None:
    rows = table.rows_of(table.DOC.read_text(), "cases")
    own = table.own_rows("native")
    assert [row[0] for row in rows] == list(own)
    for name, exact, native, lava, *_ in rows:
        assert own[name] == [int(exact)] * 2
        assert exact == native == lava


def test_batches_and_order_change_nothing(table: ModuleType) -> None:
    rows = table.rows_of(table.DOC.read_text(), "batches")
    own = table.own_splits("native")
    assert [row[0] for row in rows] == list(own)
    assert {int(cell) for row in rows for cell in row[1:3]} == set(own.values())
    assert len(set(own.values())) == 1


@pytest.mark.lava
@pytest.mark.slow
def test_lava_counts_the_same(table: ModuleType) -> None:
    assert table.own_rows("lava") == table.own_rows("native")
    assert table.own_splits("lava") == table.own_splits("native")


def test_a_peer_that_is_missing_is_named(table: ModuleType, tmp_path: Path) -> None:
    missing = table.peer_counts(tmp_path, None, "no such package")
    assert table.shown(missing["neurobench"], table.SINGLE, "4") == "not installed: no such package"
    broken = table.peer_counts(tmp_path, Path("/bin/false"), "")
    assert table.shown(broken["spikingjelly"], table.SINGLE, "4").startswith("failed")


def test_tables_stand_between_their_markers(table: ModuleType) -> None:
    text = "a\n<!-- cases: begin -->\nold\n<!-- cases: end -->\nb\n"
    again = table.written(text, {"cases": table.table(["x"], [[1], [2]])})
    assert table.rows_of(again, "cases") == [["1"], ["2"]]
    assert again.startswith("a\n")
    assert again.endswith("b\n")
