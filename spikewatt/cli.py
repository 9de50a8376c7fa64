"""The command line: `spikewatt COMMAND`, or `python -m spikewatt`."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from spikewatt.errors import SpikewattError

INTERRUPTED, TERMINATED = 130, 143
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
COUNT = click.IntRange(min=1)
SENSOR = click.Choice(["cpu", "gpu"])
EPOCHS = click.IntRange(min=1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spikewatt")
def cli() -> None:
    """From a trained spiking network to counted synaptic events and joules."""


@cli.command()
@click.option("--out", type=FOLDER, default=Path("demo"), show_default=True, help="Results.")
@click.option("--seed", default=0, show_default=True, help="Decides every random number.")
def demo(out: Path, seed: int) -> None:
    """The whole path on generated clips, in a few minutes."""
    from spikewatt.commands.demo import run_demo

    with _progress("demo") as progress:
        run_demo(out, seed, progress, sys.stdout)


@cli.command()
@click.option("--model", required=True, help="A name of `spikewatt models`.")
@click.option("--data", required=True, help="synthetic, or NAME:PATH; see `spikewatt datasets`.")
@click.option("--out", type=FOLDER, help="Folder of the run; default runs/MODEL-DATA-seedN.")
@click.option("--epochs", type=EPOCHS, help="All epochs, quantised fine-tuning included.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@click.option("--seed", default=0, show_default=True, help="Decides every random number.")
@click.option("--resume", is_flag=True, help="Go on from the folder's last checkpoint, exactly.")
@click.option("--config", type=FILE, help="A TOML file that changes the model's recipe.")
def train(**options: Any) -> None:
    """Train a network; prints the path of its checkpoint."""
    from spikewatt.commands.training import TrainJob, run_training
    from spikewatt.train.machines import is_first

    with _progress("training") as progress:
        checkpoint = run_training(TrainJob(**options), progress)
    if is_first(os.environ):
        click.echo(checkpoint)


@cli.command()
@click.argument("checkpoint", type=FILE)
@click.option("--out", type=FILE, required=True, help="The .net file to write.")
@click.option("--reference", type=FILE, help="Also write SLAYER's spikes on some clips (.npz).")
@click.option("--readout-sources", type=COUNT, help="More than so many: partial sums.")
def export(
    checkpoint: Path, out: Path, reference: Path | None, readout_sources: int | None
) -> None:
    """Write a trained network as NetX, the integers that will execute."""
    from spikewatt.commands.training import run_export

    _, report = run_export(checkpoint, out, reference, readout_sources)
    click.echo(f"{out}: lava-dl loads it unchanged" if report.for_lava_dl else out)
    for note in (*report.lava_dl, *report.notes):
        click.echo(f"note: {note}")


@cli.command()
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@click.option("--dt", "dt_s", type=float, help="Seconds of a step, for NIR's time constants.")
def convert(source: Path, target: Path, dt_s: float | None) -> None:
    """Write a NetX file (.net) as NIR (.nir), or the other way."""
    from spikewatt.commands.converting import convert as convert_file

    notes = convert_file(source, target) if dt_s is None else convert_file(source, target, dt_s)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(target)


@cli.command()
@click.argument("network", type=FILE)
@click.option("--profile", help="Check against the limits of this profile.")
@click.option("--json", "json_path", type=FILE, help="Write the result as JSON.")
def check(network: Path, profile: str | None, json_path: Path | None) -> None:
    """Say all that keeps a NetX file from running as written."""
    from spikewatt.commands.checking import run_check

    sys.exit(0 if run_check(network, profile, json_path, sys.stdout) else 1)


@cli.command()
@click.argument("network", type=FILE)
@click.option("--input", type=FILE, help="An .npy file: (*shape, T) or (N, *shape, T).")
@click.option("--data", help="Clips of a data set instead; see `spikewatt datasets`.")
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@click.option("--limit", type=COUNT, help="At most so many clips.")
@click.option("--backend", default="native", show_default=True, help="native, lava or loihi2.")
@click.option("--steps", type=COUNT, help="Steps to run.")
@click.option("--reset", type=COUNT, help="Clear a stream's state every N steps, by depth.")
@click.option("--layers", type=COUNT, help="Only the file's first N layers.")
@click.option("--skip", type=click.IntRange(min=0), default=0, help="Leave out the first N layers.")
@click.option("--message-bits", type=click.IntRange(0, 24), help="Of the input's spikes.")
@click.option("--spike-exp", type=click.IntRange(0, 12), help="Of sigma-delta neurons.")
@click.option("--workers", type=COUNT, help="Processes that share the clips (Dask).")
@click.option("--scheduler", help="Share them among the workers of a Dask scheduler: its address.")
@click.option("--slurm", is_flag=True, help="Share them among SLURM jobs, --workers of them.")
@click.option("--threads", type=COUNT, help="Of the native engine; all cores without it.")
@click.option("--record", default="", help="Layers to keep in --out: numbers with commas, or all.")
@click.option("--record-state", is_flag=True, help="Also keep u and v of the recorded layers.")
@click.option("--verify", help="Compare with an engine (lava, native) or a reference (.npz).")
@click.option("--measure", type=SENSOR, help="Energy of the host: cpu by RAPL, gpu by NVML.")
@click.option("--board", help="Of loihi2: a board of SLURM by name.")
@click.option("--partition", help="Of loihi2: a partition of SLURM.")
@click.option("--host", help="Of loihi2: address of a board's host, without SLURM.")
@click.option("--probe", type=FILE, help="Of loihi2: measure, and write the probes' log.")
@click.option("--seed", default=0, show_default=True, help="Of generated data.")
@click.option("--out", type=FILE, help="Write spikes and read-out (.npz).")
@click.option("--json", "json_path", type=FILE, help="Write the run's record.")
def run(json_path: Path | None, out: Path | None, **options: Any) -> None:
    """Execute a network and count every synaptic event."""
    from spikewatt.commands.running import RunJob, run_network, save_output
    from spikewatt.report.record import save
    from spikewatt.report.summary import run_summary

    if (options["input"] is None) == (options["data"] is None):
        raise click.UsageError("Give either --input X.npy or --data DATA.")
    if options["scheduler"] and (options["slurm"] or options["workers"]):
        raise click.UsageError("A --scheduler has its workers; leave --workers and --slurm out.")
    command = shlex.join(["spikewatt", *sys.argv[1:]])
    recorded, kept = json_path is not None, out is not None or json_path is not None
    job = RunJob(**options, command=command, place=recorded, keep_output=kept)
    with _progress("steps") as progress:
        result = run_network(job, progress)
    if out is not None:
        save_output(result, job, out)
    if json_path is not None:
        save(result.record, json_path)
    run_summary(result.record, sys.stdout)
    if result.agreement is not None:
        click.echo(result.agreement)
        sys.exit(0 if result.agreement.equal else 1)


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=FILE)
@click.option("--profile", "profiles", multiple=True, help="A name or a TOML file; repeatable.")
@click.option("--html", type=FILE, help="Write a page with figures.")
@click.option("--json", "json_path", type=FILE)
@click.option("--csv", type=FILE)
@click.option("--latex", type=FILE)
def compare(runs: tuple[Path, ...], profiles: tuple[str, ...], **files: Path | None) -> None:
    """Put theoretical, modelled and measured energy side by side."""
    from spikewatt.commands.comparing import run_compare

    run_compare(runs, profiles, files, sys.stdout)


@cli.command()
@click.argument("networks", nargs=-1, required=True, type=FILE)
@click.option("--input", multiple=True, type=FILE, help="An .npy file; for all networks or each.")
@click.option("--data", multiple=True, help="Clips of a data set instead; for all or each.")
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@click.option("--limit", type=COUNT, help="At most so many clips.")
@click.option("--steps", type=COUNT, help="Steps to run.")
@click.option("--reset", type=COUNT, help="Clear a stream's state every N steps, by depth.")
@click.option("--seed", default=0, show_default=True, help="Of generated data.")
@click.option("--backend", "backends", multiple=True, help="native, lava, loihi2, torch.")
@click.option("--ann", help="A model without spikes, or its checkpoint, on the same clips.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where torch and the ANN compute.",
)
@click.option("--repeat", type=COUNT, default=3, show_default=True, help="Rounds, in turn.")
@click.option("--profile", "profiles", multiple=True, help="A name or a TOML file; repeatable.")
@click.option("--trace", type=FILE, help="Write what each core does in each step, .csv or .json.")
@click.option("--measure", type=SENSOR, help="Energy of the host: cpu by RAPL, gpu by NVML.")
@click.option("--html", type=FILE, help="Write a page.")
@click.option("--json", "json_path", type=FILE, help="Write every repeat and the medians.")
def bench(html: Path | None, json_path: Path | None, **options: Any) -> None:
    """Time engines on networks, and check that all of them do the same."""
    from spikewatt.commands.bench.command import BenchJob, run_bench

    if bool(options["input"]) == bool(options["data"]):
        raise click.UsageError("Give either --input X.npy or --data DATA.")
    options["backends"] = tuple(dict.fromkeys(options["backends"])) or ("native",)
    job = BenchJob(**options, command=shlex.join(["spikewatt", *sys.argv[1:]]))
    with _progress("turns") as progress:
        found = run_bench(job, progress, {"json_path": json_path, "html": html}, sys.stdout)
    sys.exit(0 if found.equal else 1)


@cli.command()
@click.argument("paper", required=False)
@click.option("--macs", help="MACs of a claim in G, with the digits printed.")
@click.option("--sops", help="SOPs of a claim in G, with the digits printed.")
@click.option("--energy-mj", help="Energy of a claim in mJ, with the digits printed.")
@click.option("--json", "json_path", type=FILE, help="Write the rows as JSON.")
def audit(paper: str | None, json_path: Path | None, **claim: str | None) -> None:
    """Do the energy arithmetic of a paper, or of a claim, again."""
    from spikewatt.commands.auditing import run_audit
    from spikewatt.energy.audit import OwnClaim

    own = any(claim.values())
    if own and paper is not None:
        raise click.UsageError("Give either a PAPER or --macs, --sops and --energy-mj.")
    run_audit(paper, OwnClaim.of_text(**claim) if own else None, json_path, sys.stdout)


@cli.command()
@click.argument("name", required=False)
def profiles(name: str | None) -> None:
    """List profiles, or the numbers of one with their sources."""
    from spikewatt.commands.listing import show_profiles

    show_profiles(name, sys.stdout)


@cli.command()
@click.argument("name", required=False)
def models(name: str | None) -> None:
    """List models, or what one is made of."""
    from spikewatt.commands.listing import show_models

    show_models(name, sys.stdout)


@cli.command()
@click.argument("spec", metavar="[NAME | NAME:PATH]", required=False)
def datasets(spec: str | None) -> None:
    """List data sets, what one needs, or what lies at its path."""
    from spikewatt.commands.listing import show_datasets

    show_datasets(spec, sys.stdout)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and time left on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console, both = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=both) as bar:
        task = bar.add_task(what, total=None, rate="", visible=False)

        def update(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.1f}/s" if speed else ""
            bar.update(task, completed=done, total=total, rate=rate, visible=True)

        yield update


class _Stderr(logging.Handler):
    """Writes to whatever stderr is now: above the progress bar while there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(record.getMessage(), err=True)


def _log_to_stderr() -> None:
    logger = logging.getLogger("spikewatt")
    logger.addHandler(_Stderr())
    logger.setLevel(logging.INFO)


def _terminate(number: int, frame: object) -> None:
    """Let SIGTERM unwind the stack, so that files and processes are cleaned up."""
    raise SystemExit(TERMINATED)


def _fail(message: str) -> int:
    click.echo(f"Error: {message}", err=True)
    return 1


def main() -> None:
    """Run the command line: 0 done, 1 a problem, 2 wrong usage, 130 after Ctrl-C."""
    _log_to_stderr()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = cli.main(prog_name="spikewatt", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except SpikewattError as error:
        status = _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except MemoryError:
        status = _fail("The machine ran out of memory. Use fewer samples or steps, or --limit.")
    except BrokenPipeError:
        sys.stderr.close()
        status = 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOENT):
            raise
        where = f" ({error.filename})" if error.filename else ""
        status = _fail(f"The machine refused: {error.strerror}{where}.")
    sys.exit(status)


if __name__ == "__main__":
    main()
