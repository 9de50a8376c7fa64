"""When each population runs, resets and is counted: the same for every engine.

Steps are global and start at 0. A population at depth d has the phase d where resets are
staggered, else 0. It resets (u = v = 0, before its dynamics) at every step s >= 0 with
s % period == phase % period. A spike on its way may not outlive the target's sample: a spike
that source population S sends in its period k reaches target P only at steps before
phase(P) + (k + 1) * period; later arrivals are dropped. That is how a delayed synapse forgets.

The stimulus is silent (no spikes, bias 0) outside the counted steps of its samples at depth 0,
held values too.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.network import Network, StartRule


@dataclass(frozen=True)
class Schedule:
    """One execution's clock.

    samples: independent clips (1 for a plain stream). steps: T, counted steps of each sample.
    period: steps between resets, None for never. staggered: resets are offset by depth.
    windowed: a population at depth d is counted from d on (samples), else from 0 (a stream).
    total_steps: global steps from the first to the last one that is executed.
    """

    samples: int
    steps: int
    total_steps: int
    period: int | None
    staggered: bool
    windowed: bool

    def phase(self, depth: int) -> int:
        """Global step at which a population's first period begins."""
        return depth if self.staggered else 0

    def resets_at(self, step: int, depth: int) -> bool:
        """Whether a population's state is cleared before this step."""
        return self.period is not None and (step - self.phase(depth)) % self.period == 0

    def period_index(self, step: int, depth: int) -> int:
        """The period (sample) a population is in; -1 before its first."""
        return 0 if self.period is None else (step - self.phase(depth)) // self.period

    def local_step(self, step: int, depth: int) -> int:
        """Steps since a population's last reset; those before its first count as a period's end."""
        return step if self.period is None else (step - self.phase(depth)) % self.period

    def last_arrival(self, step: int, source_depth: int, target_depth: int) -> int | None:
        """First step at which a spike sent at `step` may no longer arrive; None: no limit."""
        if self.period is None:
            return None
        k = self.period_index(step, source_depth)
        return self.phase(target_depth) + (k + 1) * self.period

    def window(self, sample: int, depth: int) -> tuple[int, int]:
        """Counted global steps [start, stop) of a sample at a population of this depth."""
        start = sample * (self.period or 0) if self.windowed else 0
        start += depth if self.windowed else 0
        return start, start + self.steps


def stream(steps: int, reset_interval: int | None = None) -> Schedule:
    """A plain Lava run of T steps; `reset_interval` clears state by depth, as lava-dl does."""
    return Schedule(1, steps, steps, reset_interval, staggered=True, windowed=False)


def clips(network: Network, samples: int, steps: int) -> Schedule:
    """N samples of T steps under the network's start rule (`by_depth` if it names none).

    by_depth: back to back, resets staggered, D extra steps drain the pipeline once.
    together: each sample has T + D steps of its own, and everything resets at its start.
    """
    depth = max(network.depths.values())
    if network.start is StartRule.TOGETHER:
        period = steps + depth
        return Schedule(samples, steps, samples * period, period, staggered=False, windowed=True)
    return Schedule(samples, steps, samples * steps + depth, steps, staggered=True, windowed=True)
