"""Pages do what they say: the reference is the code's, the tutorial runs as it stands."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from spikewatt.cli import cli

DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("pages", DOCS / "pages.py")
assert spec is not None
pages = sys.modules["pages"] = importlib.util.module_from_spec(spec)
assert spec.loader is not None
spec.loader.exec_module(pages)


def test_the_reference_is_the_codes() -> None:
    again = "run `uv run --group docs python docs/pages.py`"
    assert (DOCS / "cli.md").read_text() == pages.cli_page(cli), again


def part(number: int) -> list:
    """What a numbered part of the tutorial has to run."""
    parts = re.split(r"^## ", pages.tutorial(), flags=re.MULTILINE)
    (found,) = (p for p in parts if p.startswith(f"{number}. "))
    return pages.blocks(found)


def follow(blocks: list, names: dict) -> None:
    """Run blocks in order, as a reader would."""
    for block in blocks:
        if block.language == "python":
            exec(compile(block.text, "docs/tutorial.md", "exec"), names)
        for line in block.commands:
            done = CliRunner().invoke(cli, shlex.split(line)[1:], catch_exceptions=False)
            assert done.exit_code == 0, f"{line}: {done.output}"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder, names = tmp_path_factory.mktemp("tutorial"), {"__name__": "tutorial"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        follow(part(2), names)
    return folder, names


@pytest.mark.lava
def test_a_network_of_ones_own(followed: tuple[Path, dict]) -> None:
    folder, names = followed
    assert names["right"].mean() > 0.8
    assert names["joules"].dynamic_j > 0
    assert "theoretical" in (folder / "comparison.html").read_text()
    assert json.loads((folder / "run.json").read_text())["verified_against"] == ["lava"]


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of nirtorch, which snnTorch calls
def test_a_network_from_snntorch(followed: tuple[Path, dict], monkeypatch) -> None:
    if importlib.util.find_spec("snntorch") is None:
        pytest.skip("snntorch is not installed; uv run --group docs pytest tests/test_docs.py")
    folder, names = followed
    monkeypatch.chdir(folder)
    follow(part(3), names)
    assert json.loads((folder / "foreign.json").read_text())["totals"]["synaptic_events"] > 0


def test_the_notebook_is_the_page_executed() -> None:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text())
    cells = [(c["cell_type"], "".join(c["source"])) for c in notebook["cells"]]
    assert cells == pages.notebook_cells(pages.tutorial())
    outputs = [o for c in notebook["cells"] for o in c.get("outputs", [])]
    assert "Equal: " in str(outputs)  # what `run --verify` says
    assert "not found" not in str(outputs)
    assert not any(o["output_type"] == "error" for o in outputs)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
