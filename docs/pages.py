"""What pages have to run: their Python and their commands, in order.

`uv run --group docs python docs/pages.py` writes docs/cli.md and executes docs/tutorial.ipynb anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

DOCS = Path(__file__).parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Something to run: language is `python`, or `` for lines of a shell."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell that call spikewatt."""
        lines = self.text.splitlines() if not self.language else []
        return [line for line in lines if line.startswith("spikewatt ")]


def split(page: str) -> Iterator[str | Block]:
    """A page's prose and blocks, in order."""
    end = 0
    for found in BLOCK.finditer(page):
        if prose := page[end : found.start()].strip():
            yield prose
        yield Block(found[1], found[2].rstrip("\n"))
        end = found.end()
    if prose := page[end:].strip():
        yield prose


def blocks(page: str) -> list[Block]:
    """What a page has to run."""
    return [part for part in split(page) if isinstance(part, Block)]


def cli_page(group: click.Group) -> str:
    """The reference of every command, from the code."""
    parts = [
        "# Commands",
        "Made from the code by `docs/pages.py`; a test holds it to the code. `python -m spikewatt` "
        "is the same command. Exit codes: 0 done, 1 a problem with input or machine, 2 wrong "
        "usage, 130 after Ctrl-C.",
        *(_command(command) for _, command in sorted(group.commands.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command) -> str:
    context = click.Context(command, info_name=f"spikewatt {command.name}")
    usage = " ".join(command.collect_usage_pieces(context))
    described = [
        f"## {command.name}",
        (command.help or "").strip(),
        f"```\nspikewatt {command.name} {usage}\n```",
    ]
    rows = [_row(p, context) for p in command.get_params(context) if isinstance(p, click.Option)]
    shown = [row for row in rows if row is not None]
    table = "\n".join(["| option | what it does |", "|---|---|", *shown])
    return "\n\n".join([*described, table] if shown else described)


def _row(option: click.Option, context: click.Context) -> str | None:
    record = option.get_help_record(context)
    if record is None or "--help" in option.opts:
        return None
    name, text = (part.replace("|", "\\|") for part in record)
    return f"| `{name}` | {text} |"


def write_reference() -> None:
    """docs/cli.md."""
    from spikewatt.cli import cli

    (DOCS / "cli.md").write_text(cli_page(cli))


def notebook_cells(page: str) -> list[tuple[str, str]]:
    """Cells of the notebook: kind and source. The demo is left to the shell."""
    cells = []
    for part in split(page):
        if isinstance(part, str):
            cells.append(("markdown", part))
        elif part.language == "python":
            cells.append(("code", part.text))
        elif part.commands != ["spikewatt demo"]:
            cells.append(("code", "\n".join(f"!{line}" for line in part.commands)))
        else:
            cells.append(("markdown", f"```\n{part.text}\n```"))
    return cells


def write_notebook() -> None:
    """docs/tutorial.ipynb, executed in an empty folder."""
    import os
    import sys
    import tempfile

    import nbclient
    import nbformat

    v4 = nbformat.v4
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    cells = [make[kind](source) for kind, source in notebook_cells(tutorial())]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = v4.new_notebook(cells=cells)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        settings = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, timeout=600, resources=settings).execute()
    for cell in (c for c in cells if c["cell_type"] == "code"):
        cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
        cell["metadata"] = {}  # when it ran
    nbformat.write(notebook, DOCS / "tutorial.ipynb")


def tutorial() -> str:
    """The tutorial's page."""
    return (DOCS / "tutorial.md").read_text()


if __name__ == "__main__":
    write_reference()
    write_notebook()
