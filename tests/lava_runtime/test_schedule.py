"""The clock: when populations reset, are counted, and what still arrives."""

from __future__ import annotations

import pytest

from spikewatt.lava_runtime.schedule import Schedule, clips, stream
from spikewatt.network import CubaLif, Input, Network, Population, Projection, Sparse, StartRule


def chain(depth: int, start: StartRule | None = None) -> Network:
    populations = tuple(Population(i, (1,), CubaLif(0, 0, 1)) for i in range(1, depth + 1))
    nothing = Sparse(*([] for _ in range(3)), (1, 1), 0)  # type: ignore[arg-type]
    projections = tuple(Projection(i - 1, i, nothing) for i in range(1, depth + 1))
    return Network(Input(0, (1,)), populations, projections, start)


def resets(schedule: Schedule, depth: int) -> list[int]:
    return [s for s in range(schedule.total_steps) if schedule.resets_at(s, depth)]


def test_a_plain_stream_never_resets_and_counts_every_step() -> None:
    schedule = stream(7)
    assert [resets(schedule, d) for d in range(3)] == [[], [], []]
    assert [schedule.window(0, d) for d in range(3)] == [(0, 7)] * 3
    assert schedule.last_arrival(3, 0, 1) is None
    assert schedule.total_steps == 7


def test_a_streams_resets_follow_depth() -> None:
    schedule = stream(10, reset_interval=4)
    assert [resets(schedule, d) for d in range(6)] == [
        [0, 4, 8], [1, 5, 9], [2, 6], [3, 7], [0, 4, 8], [1, 5, 9]
    ]  # fmt: skip
    assert [schedule.window(0, d) for d in range(3)] == [(0, 10)] * 3


@pytest.mark.parametrize("rule", [None, StartRule.BY_DEPTH])
def test_clips_by_depth_are_back_to_back_and_drain_once(rule) -> None:
    schedule = clips(chain(2, rule), samples=3, steps=5)
    assert schedule.total_steps == 3 * 5 + 2
    assert [schedule.window(k, 2) for k in range(3)] == [(2, 7), (7, 12), (12, 17)]
    assert resets(schedule, 1) == [1, 6, 11, 16]


def test_clips_together_have_the_pipelines_steps_of_their_own() -> None:
    schedule = clips(chain(2, StartRule.TOGETHER), samples=3, steps=5)
    assert schedule.total_steps == 3 * (5 + 2)
    assert [resets(schedule, d) for d in range(3)] == [[0, 7, 14]] * 3
    assert [schedule.window(1, d) for d in range(3)] == [(7, 12), (8, 13), (9, 14)]


@pytest.mark.parametrize("rule", list(StartRule))
@pytest.mark.parametrize("depth", [1, 2])
def test_spikes_do_not_outlive_the_targets_sample(rule, depth) -> None:
    """A spike of the source's sample k arrives before the target's next reset."""
    schedule = clips(chain(2, rule), samples=3, steps=5)
    for k in range(3):
        start, stop = schedule.window(k, depth - 1)
        next_reset = min(r for r in [*resets(schedule, depth), 10**9] if r > stop - 1 + (depth > 0))
        limits = {schedule.last_arrival(s, depth - 1, depth) for s in range(start, stop)}
        assert len(limits) == 1
        assert limits.pop() in (next_reset, schedule.total_steps)


def test_windows_cover_each_step_of_a_sample_once() -> None:
    schedule = clips(chain(3), samples=4, steps=6)
    for depth in range(4):
        steps = [s for k in range(4) for s in range(*schedule.window(k, depth))]
        assert steps == list(range(depth, depth + 24))
