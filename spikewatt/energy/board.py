"""What Intel's probes say of a run on a Loihi 2 board, and what a sample of it costs.

    idle chips  = (chips - active chips) x static power / chips        left out of both powers
    sample      = steps a sample x time a step
    E_total     = (power - idle chips) x sample
    E_dynamic   = (power - static power) x sample

Powers are those of `Loihi2Power`, times those of `Loihi2ExecutionTime`, counters those of
`Loihi2Activity` (lava-dl, tutorials/netx/pilotnet_snn/benchmark.ipynb uses all three).
"""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.energy.measured import Measured, Measurement, Unavailable


@dataclass(frozen=True)
class CoreActivity:
    """Counters of one core over all steps, by Intel's names."""

    chip: int
    core: int
    syn_ops: int
    dendrite_updates: int
    axon_out: int
    spikes_in: int


@dataclass(frozen=True)
class BoardLog:
    """One run on a board.

    steps: of the whole run. chips: on the board, all of which the power covers; active_chips of
    them have the network. power_w: mean while it ran; static_w: of the board at rest.
    """

    board: str
    steps: int
    steps_per_sample: int
    chips: int
    active_chips: int
    step_time_s: float
    power_w: float
    static_w: float
    activity: tuple[CoreActivity, ...] = ()

    @property
    def sample_s(self) -> float:
        """Seconds of a sample."""
        return self.steps_per_sample * self.step_time_s

    @property
    def samples(self) -> float:
        """Samples in the whole run."""
        return self.steps / self.steps_per_sample

    @property
    def idle_chips_w(self) -> float:
        """Power of the chips that have nothing of the network."""
        return (self.chips - self.active_chips) * self.static_w / self.chips

    @property
    def total_j(self) -> float:
        """Energy of a sample on the active chips, static included."""
        return (self.power_w - self.idle_chips_w) * self.sample_s

    @property
    def static_j(self) -> float:
        """Static energy of a sample on the active chips."""
        return (self.static_w - self.idle_chips_w) * self.sample_s

    @property
    def dynamic_j(self) -> float:
        """Energy of a sample beyond rest; negative where the board drew less busy than idle."""
        return (self.power_w - self.static_w) * self.sample_s

    def measurement(self) -> Measurement:
        """Dynamic energy of a sample, or why the log says nothing about it."""
        if self.dynamic_j <= 0:
            return Unavailable(
                f"the dynamic energy on {self.board} is negative, {1e3 * self.dynamic_j:.4g} mJ a "
                f"sample: it drew {self.power_w:g} W busy and {self.static_w:g} W at rest, so the "
                f"run waited for its input and output ({1e3 * self.step_time_s:.3g} ms a step); "
                f"with static power {1e3 * self.total_j:.4g} mJ a sample"
            )
        idle = self.chips - self.active_chips
        without = f", {idle} idle chips left out" if idle else ""
        method = f"Intel's power probe over {self.steps} steps, dynamic energy{without}"
        return Measured(self.dynamic_j, self.board, method, total_j=self.total_j)
