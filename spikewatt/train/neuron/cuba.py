"""The CUBA neuron: lava-dl's parameters and behaviour, our own passes over time."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron import stepwise
from spikewatt.train.neuron.norms import ChannelBias
from spikewatt.train.neuron.passes import FusedCuba, Plan, fits, table_of
from spikewatt.train.neuron.rounding import quantize
from spikewatt.train.neuron.stepwise import UNITY, Rules, by_channel
from spikewatt.train.neuron.surrogates import SlayerExponential as Exponential
from spikewatt.train.neuron.surrogates import Slope, Surrogate, exponential

STATE_SCALE = 1 << 6  # the states have 6 bits below the weights' unit
HALVES = (torch.float16, torch.bfloat16)  # too short for the states
EPSILON = 0.01  # of the states' unit: >= then says what Lava's > says


class CubaNeuron(nn.Module):
    """Drop-in for `lava.lib.dl.slayer.neuron.cuba.Neuron`.

    u[t] = (1 - current_decay) u[t-1] + input_gain x[t],
    v[t] = (1 - voltage_decay) v[t-1] + norm(u[t]), a spike and v = 0 where v > threshold;
    (N, C, ..., T) currents to (N, C, ..., T) spikes, in slayer's integers.

    Arguments, attributes and state_dict are slayer's. Besides: surrogate (None: slayer's, from
    tau_grad and scale_grad), detach_reset (no gradient through a state that was reset; slayer's
    gradient ignores the reset), input_gain ("decay": the voltage decay's share, rounded like it).
    With shared_param=False a decay is a number (1 % jitter), a pair (least, most), or a tensor of
    one value a channel. Learnable decays (requires_grad) get slayer's gradient.
    `compiled = False` takes lava-dl's own code where it is installed, the step-by-step
    pass elsewhere: that is the reference an export is checked against.
    """

    lava_dl_type = "neuron.cuba.Neuron"  # what exporters may take this very class for
    compiled = True
    exact_decay = False  # slayer's gradient of the decays

    def __init__(
        self,
        threshold,
        current_decay,
        voltage_decay,
        tau_grad=1,
        scale_grad=1,
        scale=1 << 6,
        norm=None,
        dropout=None,
        shared_param=True,
        persistent_state=False,
        requires_grad=False,
        graded_spike=False,
        *,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        input_gain: float | str = 1.0,
    ) -> None:
        super().__init__()
        self.num_neurons, self.shape = None, None
        self.p_scale, self.w_scale, self.s_scale = UNITY, int(scale), int(scale * STATE_SCALE)
        self._threshold = int(threshold * self.w_scale) / self.w_scale
        self.tau_rho, self.scale_rho = tau_grad * self._threshold, scale_grad
        self.shared_param, self.persistent_state = shared_param, persistent_state
        self.requires_grad, self.graded_spike = requires_grad, graded_spike
        self.debug = self.complex = False
        self.threshold_eps = EPSILON / self.s_scale
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.input_gain = _checked_gain(input_gain)
        self.norm = None if norm is None else norm()
        if hasattr(self.norm, "pre_hook_fx"):
            self.norm.pre_hook_fx = self.quantize_8bit
        self.drop = dropout
        self._drawn = {}  # bounds of decays that the first clip's channels will draw
        self._known = ((), (), None)  # what a table was made of, and the table
        self._register_decays(current_decay, voltage_decay)
        for name in ("current_state", "voltage_state"):
            self.register_buffer(name, torch.zeros(1), persistent=False)

    # parameters

    def _register_decays(self, current_decay, voltage_decay) -> None:
        for name, value in (("current_decay", current_decay), ("voltage_decay", voltage_decay)):
            start = torch.as_tensor(self._start_of(name, value), dtype=torch.float).reshape(-1)
            decay = nn.Parameter(self.p_scale * start.clone(), requires_grad=self.requires_grad)
            self.register_parameter(name, decay)
        self.clamp()

    def _start_of(self, name: str, value):
        """The decay before the first clip; notes the bounds of one that is drawn then."""
        if self.shared_param:
            if not np.isscalar(value):
                raise SpikewattError(
                    f"{name} is {value!r}, but shared_param=True needs one number. Give one, or "
                    "shared_param=False."
                )
            return value
        if torch.is_tensor(value) and value.dim() == 1:
            return value
        bounds = (value * 0.99, value * 1.01) if np.isscalar(value) else tuple(value)
        if len(bounds) != 2:
            raise SpikewattError(
                f"{name} is {value!r}; expected a number, (least, most), or a tensor of one "
                "value a channel."
            )
        self._drawn[name] = bounds
        return bounds[0]

    def clamp(self) -> None:
        """Bring the decays back to 0..4096."""
        with torch.no_grad():
            self.current_decay.data.clamp_(0, self.p_scale)
            self.voltage_decay.data.clamp_(0, self.p_scale)

    def _meet(self, x: torch.Tensor) -> None:
        """Take the shape of the first clip, and draw the decays of its channels."""
        if self.shape is None:
            if x.dim() < 3:
                raise SpikewattError(f"Input {tuple(x.shape)}; expected (N, C, ..., T).")
            self.shape = x.shape[1:-1]
            self.num_neurons = math.prod(self.shape)
            for name in sorted(self._drawn):
                least, most = self._drawn[name]
                drawn = least + (most - least) * torch.rand(self.shape[0]).to(self.device)
                getattr(self, name).data = self.p_scale * drawn
            self._drawn = {}
        if x.shape[1:-1] != self.shape:
            raise SpikewattError(
                f"Input {tuple(x.shape)} does not fit the neurons' shape {tuple(self.shape)}."
            )
        if self.current_state.shape[0] != x.shape[0]:  # another batch: slayer forgets, too
            self.reset()

    def decays(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Current and voltage decay as the chip rounds them, (1,) or (C,), with gradients."""
        if self.requires_grad:
            self.clamp()
        return quantize(self.current_decay), quantize(self.voltage_decay)

    def gain(self, voltage_decay: torch.Tensor) -> torch.Tensor | float:
        """What multiplies the input: a number, or the rounded voltage decay's share."""
        return voltage_decay / self.p_scale if self.input_gain == "decay" else self.input_gain

    # what slayer's users and exporters read

    @property
    def threshold(self):
        """The threshold, a whole multiple of 1 / w_scale."""
        return self._threshold

    @property
    def device(self):
        """Where the decays are."""
        return self.current_decay.device

    @property
    def cx_current_decay(self):
        """The current decay's integer, or one a channel."""
        return _integers(self.decays()[0])

    @property
    def cx_voltage_decay(self):
        """The voltage decay's integer, or one a channel."""
        return _integers(self.decays()[1])

    @property
    def ref_delay(self):
        """Refractory delay in steps."""
        return 1

    @property
    def scale(self):
        """Weight integers per unit."""
        return self.w_scale

    @property
    def weight_exponent(self):
        """Exponent of the weights."""
        return int(np.log2(self.s_scale // self.w_scale) - 6)

    @property
    def v_th_mant(self):
        """The threshold in weight integers."""
        return int(self.threshold * self.w_scale)

    @property
    def device_params(self):
        """The integers under lava-dl's names."""
        return {
            "type": "CUBA",
            "iDecay": self.cx_current_decay,
            "vDecay": self.cx_voltage_decay,
            "vThMant": self.v_th_mant,
            "refDelay": self.ref_delay,
            "gradedSpike": self.graded_spike,
        }

    def quantize_8bit(self, weight, descale=False):
        """Nearest multiple of 2 / w_scale in [-256, 254] / w_scale, or the integers if descaled."""
        steps = quantize(weight, step=2 / self.w_scale)
        kept = steps.clamp(-256 / self.w_scale, 254 / self.w_scale)
        return kept * self.w_scale if descale else kept

    # time

    def reset(self) -> None:
        """Forget the state that persistent_state=True keeps between calls."""
        self.current_state = torch.zeros(1, device=self.device)
        self.voltage_state = torch.zeros(1, device=self.device)

    def slope(self) -> Slope:
        """The surrogate's derivative for this neuron."""
        eps = self.threshold_eps
        if self.surrogate is not None:
            kind = self.surrogate.graded if self.graded_spike else self.surrogate.slope
            return kind(self.threshold, eps)
        if self.graded_spike:
            tau_grad = self.tau_rho / self.threshold
            return Exponential(tau_grad, self.scale_rho).graded(self.threshold, eps)
        return exponential(self.tau_rho, self.scale_rho, self.threshold + eps)

    def _integrate(self, x, decay, state, limit=None) -> torch.Tensor:
        """slayer's leaky integrator on the pass that serves the tensor."""
        limit = None if limit is None or limit <= 0 else limit
        if self.compiled and fits(x, self.s_scale, limit):
            states = None if _at_rest(state) else torch.stack([0 * state, state]).view(2, -1)
            plan = Plan(self.s_scale, limit, None, False, self.detach_reset, self.exact_decay)
            return FusedCuba.apply(x, None, UNITY, decay, 1.0, states, plan)[0]
        rules = Rules(self.s_scale, limit, self.detach_reset, self.exact_decay)
        ours = self.compiled or (_own_gradient(self) and torch.is_grad_enabled())
        integrate = stepwise.integrate if ours else stepwise.slayer_integrator()
        return integrate(x, decay, state, rules)

    def _current(self, x, decays) -> torch.Tensor:
        """Current behind the norm."""
        gain = self.gain(decays[1])
        driven = x * by_channel(gain, x) if torch.is_tensor(gain) else gain * x
        current = self._integrate(driven, decays[0], self.current_state)
        return current if self.norm is None else self.norm(current)

    def dynamics(self, input):
        """Current behind the norm and voltage before the reset, each (N, C, ..., T)."""
        self._meet(input)
        decays = self.decays()
        current = self._current(input, decays)
        limit = None if self.threshold is None else self.threshold + self.threshold_eps
        voltage = self._integrate(current, decays[1], self.voltage_state, limit)
        if self.persistent_state:
            self.current_state = current[..., -1].detach().clone()
            self.voltage_state = voltage[..., -1].detach().clone()
        return current, voltage

    def spike(self, voltage):
        """Spikes of a voltage before its reset, both (N, C, ..., T)."""
        limit = self.threshold + self.threshold_eps
        spikes = stepwise.fire(voltage, limit, self.slope(), self.graded_spike)
        if self.persistent_state:
            fired = (spikes[..., -1] > 0).to(spikes.dtype).detach()
            self.voltage_state = self.voltage_state * (1 - fired)
        return spikes if self.drop is None else self.drop(spikes)

    def _constants(self) -> tuple[torch.Tensor, ...]:
        """The tensors that decide how the pass computes."""
        own = tuple(self.parameters(recurse=False))
        return own if self.norm is None else (*own, self.norm.values)

    def _parameters_of_pass(self) -> tuple:
        """Bias, decays and gain of a population without a norm, or with a bias in its place."""
        decay_u, decay_v = self.decays()
        bias = None if self.norm is None else self.norm.values.reshape(-1)
        return bias, decay_u, decay_v, self.gain(decay_v)

    def _fixed_table(self, x: torch.Tensor) -> torch.Tensor:
        """Their table, made anew only when one of them has changed: on a GPU it costs more than
        the pass itself.
        """
        constants = self._constants()
        made_of = (
            x.dtype,
            x.shape[1],
            self.input_gain,
            *((c.data_ptr(), c._version) for c in constants),
        )
        if self._known[0] != made_of:
            held = tuple(c.detach() for c in constants)  # nobody else gets their memory meanwhile
            self._known = (made_of, held, table_of(x, self._parameters_of_pass()))
        return self._known[2]

    def _fused(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes by one pass, or by two around a norm that is no constant of the channel."""
        current, table, params = self.current_state, None, (None,) * 4
        if self.norm is not None and not isinstance(self.norm, ChannelBias):
            decays = self.decays()
            x, params = self._current(x, decays), (None, UNITY, decays[1], 1.0)
        elif any(p.requires_grad for p in self._constants()):
            params = self._parameters_of_pass()
        else:
            table = self._fixed_table(x)
        pair = (current, self.voltage_state)
        states = None if _at_rest(pair[1]) else torch.stack(pair).view(2, -1)
        limit = self.threshold + self.threshold_eps
        how = (self.graded_spike, self.detach_reset, self.exact_decay, self.persistent_state)
        plan = Plan(self.s_scale, limit, self.slope(), *how)
        spikes, last = FusedCuba.apply(x, *params, states, plan, table)
        if last is not None:
            self.current_state, self.voltage_state = last.view(2, *x.shape[:-1])
        return spikes

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Spikes of the population for a whole clip."""
        if input.dtype in HALVES:
            return self.forward(input.float()).to(input.dtype)
        self._meet(input)
        if not (self.compiled and fits(input, self.s_scale, self.threshold + self.threshold_eps)):
            return self.spike(self.dynamics(input)[1])
        spikes = self._fused(input)
        return spikes if self.drop is None else self.drop(spikes)


def _own_gradient(neuron: CubaNeuron) -> bool:
    """Whether lava-dl's code has another gradient."""
    return neuron.detach_reset or neuron.exact_decay


def _at_rest(state: torch.Tensor) -> bool:
    """Whether nothing has been kept: a state has (N, C, ...) then."""
    return state.dim() == 1


def _checked_gain(gain: float | str) -> float | str:
    if isinstance(gain, str) and gain != "decay":
        raise SpikewattError(f"input_gain is {gain!r}; expected a number or 'decay'.")
    return gain


def _integers(decay: torch.Tensor):
    whole = decay.detach().cpu().numpy().astype(int)
    return whole[0] if len(whole) == 1 else whole
