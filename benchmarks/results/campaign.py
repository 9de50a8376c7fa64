"""Trains, exports and executes the networks of results/campaign.toml, and writes their records.

    uv run python benchmarks/results/campaign.py [--seeds 0,1,2] [--only mk-sgn,sdt] [--results DIR]

Every network gets the first seed, then every network the next. A run whose record exists is
skipped, one that was interrupted goes on from its last epoch; several of these commands at once
share the runs. Checkpoints and networks stay in runs/results/, which the recipes of distilled
networks name. Data are looked for where campaign.toml says, below the current folder.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

import doing  # noqa: E402
import torch  # noqa: E402

from spikewatt.errors import SpikewattError  # noqa: E402

log = logging.getLogger("spikewatt")


def campaign(plans: Sequence[doing.Plan], seeds: Sequence[int], folder: Path) -> int:
    """Do all runs that are not done; the number of those that failed."""
    waiting = [(p, seed) for seed in seeds for p in plans if not p.seeds or seed in p.seeds]
    failed = 0
    while batch := list(_ready(waiting, folder)):
        plan, seed = batch[0]
        waiting.remove(batch[0])
        with doing.claimed(plan, seed) as mine:
            if not mine or doing.record_path(folder, plan, seed).exists():
                continue
            log.info("%s, seed %d", plan.name, seed)
            try:
                doing.write(doing.done(plan, seed), doing.record_path(folder, plan, seed))
            except SpikewattError as error:
                log.error("%s, seed %d: %s", plan.name, seed, error)
                failed += 1
    for plan, seed in waiting:
        log.warning("%s, seed %d waits for %s", plan.name, seed, ", ".join(plan.after))
    return failed + len(waiting)


def _ready(
    waiting: Sequence[tuple[doing.Plan, int]], folder: Path
) -> Iterator[tuple[doing.Plan, int]]:
    """Runs whose teachers are trained."""
    records = folder / doing.RECORDS
    for plan, seed in waiting:
        if all((records / f"{other}.json").exists() for other in plan.after):
            yield plan, seed


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"), help="plans and records")
    parser.add_argument("--only", default="", help="names of campaign.toml, by comma")
    parser.add_argument("--seeds", default="0,1,2", help="by comma")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    plans = doing.read_plans(given.results)
    only = [name for name in given.only.split(",") if name]
    unknown = sorted(set(only) - {plan.name for plan in plans})
    if unknown:
        parser.error(f"{unknown[0]!r} is not in campaign.toml: {', '.join(p.name for p in plans)}")
    there = torch.cuda.is_available()
    chosen = [p for p in plans if (p.name in only if only else there or not p.gpu)]
    return min(1, campaign(chosen, [int(s) for s in given.seeds.split(",")], given.results))


if __name__ == "__main__":
    sys.exit(main())
