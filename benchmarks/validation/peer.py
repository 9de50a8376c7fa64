"""SANA-FE beside spikewatt on small networks: the same spikes, events and terms, or why not."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikewatt.energy.joules import EnergyResult, energy
from spikewatt.energy.mapping.place import place
from spikewatt.hardware_profiles import load
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

VERSION = "2.2.9"
SIDE = Path(__file__).with_name("sanafe_side.py")
UPDATE_PJ = (
    21.6  # loihi.yaml, loihi_lif: energy_update_neuron, on top of the access that every step costs
)


@dataclass(frozen=True, eq=False)
class Case:
    """A feed-forward network without leak, and its input spikes, (inputs, steps)."""

    name: str
    weights: tuple[np.ndarray, ...]
    spikes: np.ndarray
    threshold: int

    @property
    def layers(self) -> list[int]:
        """Neurons by layer, inputs first."""
        return [self.weights[0].shape[1], *(len(w) for w in self.weights)]

    def for_side(self, zeros: bool) -> dict[str, Any]:
        """The network as `sanafe_side` reads it."""
        return {
            "layers": self.layers,
            "weights": [w.tolist() for w in self.weights],
            "threshold": self.threshold,
            "spikes": self.spikes.tolist(),
            "steps": self.spikes.shape[1],
            "zeros": zeros,
        }

    def execute(self) -> tuple[Network, Execution]:
        """The same in spikewatt's native engine."""
        lif = CubaLif(i_decay=4096, v_decay=0, v_threshold=self.threshold)
        network = Network(
            Input(0, (self.layers[0],)),
            tuple(Population(i, (n,), lif) for i, n in enumerate(self.layers) if i),
            tuple(
                Projection(i, i + 1, Dense(w.astype(np.int32))) for i, w in enumerate(self.weights)
            ),
        )
        stimulus = self.spikes[None].astype(np.int32)
        schedule = stream(self.spikes.shape[1])
        request = Request(network, stimulus, schedule, (*network.by_layer,), record_state=True)
        return network, NativeEngine().run(request)


def cases() -> list[Case]:
    """The page's example, and random networks with half and with none of the weights zero."""
    example = np.array([[10, 0, 4], [-6, 8, 0]])
    spikes = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 1, 0, 1, 0]])
    found = [Case("the page's example, 3-2", (example,), spikes, 11)]
    rng = np.random.default_rng(0)
    for name, zeros in (("20-30-10, half the weights 0", 0.5), ("20-30-10, no weight 0", 0.0)):
        weights = []
        for n, m in ((30, 20), (10, 30)):
            w = 2 * rng.integers(1, 10, (n, m)) * rng.choice([-1, 1, 1], (n, m))
            weights.append(np.where(rng.random((n, m)) < zeros, 0, w))
        found.append(Case(name, tuple(weights), (rng.random((20, 40)) < 0.2).astype(int), 41))
    return found


@dataclass(frozen=True)
class Beside:
    """One case: both sides' counts and energies (pJ), and what explains the difference."""

    name: str
    spikes: tuple[int, int]  # SANA-FE, spikewatt
    events: tuple[int, int, int]  # SANA-FE with zeros, without, spikewatt
    total_pj: tuple[float, float]
    explained_pj: dict[str, float]

    @property
    def unexplained_pj(self) -> float:
        """What is left of the difference of the totals."""
        sanafe, own = self.total_pj
        return sanafe - own - sum(self.explained_pj.values())


def compare() -> list[Beside] | str:
    """All cases; or the reason why SANA-FE could not run."""
    tried = cases()
    networks = [c.for_side(zeros) for c in tried for zeros in (True, False)]
    command = ["uv", "run", "-q", "--no-project", "--isolated", "--with", f"sanafe=={VERSION}"]
    try:
        done = subprocess.run(
            [*command, "python", str(SIDE)],
            input=json.dumps(networks),
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
    except FileNotFoundError:
        return "uv is not installed"
    except subprocess.SubprocessError as error:
        detail = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return detail[-1] if detail else "it ended without a message"
    results = json.loads(done.stdout)
    return [_beside(c, *results[2 * i : 2 * i + 2]) for i, c in enumerate(tried)]


def _beside(case: Case, zeros: dict[str, Any], without: dict[str, Any]) -> Beside:
    network, done = case.execute()
    profile = load("loihi1_sanafe")
    own = energy(done.counts, profile, place(network, done.counts, profile))
    events = sum(int(c.synaptic_events.sum()) for c in done.counts.layers)
    spikes = sum(int(c.spikes_out.sum()) for c in done.counts.layers)
    assert own.dynamic_j is not None
    return Beside(
        case.name,
        (sum(zeros["spikes"][1:]), spikes),
        (zeros["events"], without["events"], events),
        (zeros["energy"]["total"] * 1e12, own.dynamic_j * 1e12),
        _explained(case, zeros, own, _updates(case, done), done),
    )


def _updates(case: Case, done: Execution) -> int:
    """Neurons with a message or a potential, summed over steps; with zeros, all join all."""
    sent, total = case.spikes, 0
    for layer in sorted(done.spikes):
        before = done.v[layer][0][:, :-1] != 0
        total += int((before | sent[:, :-1].any(axis=0)).sum())
        sent = done.spikes[layer][0]
    return total


def _explained(
    case: Case, zeros: dict[str, Any], own: EnergyResult, updates: int, done: Execution
) -> dict[str, float]:
    """Differences of the totals by cause, SANA-FE minus spikewatt, in pJ."""
    events, spikes = (
        sum(int(getattr(c, name).sum()) for c in done.counts.layers)
        for name in ("synaptic_events", "spikes_out")
    )
    messages = zeros["messages"] - own.terms["message"].count
    return {
        "connections of weight 0": (zeros["events"] - events)
        * own.terms["synaptic_event"].price.value,
        "updates of neurons with input or a potential that did not fire": (updates - spikes)
        * UPDATE_PJ,
        "messages": messages * own.terms["message"].price.value,
    }
