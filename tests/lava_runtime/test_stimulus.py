"""Reading arrays as stimuli: axes, values, steps, and what each mistake says."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.stimulus import from_array
from spikewatt.network import CubaLif, Delta, Input, Network, Neuron, Population


def spiking(shape: tuple[int, ...], bits: int = 0) -> Network:
    return Network(Input(0, shape, bits), (Population(1, (1,), CubaLif(0, 0, 1)),), ())


def driven(shape: tuple[int, ...]) -> Network:
    population = Population(0, shape, CubaLif(0, 0, 1))
    return Network(Input(0, shape, drives_bias=True), (population,), ())


@pytest.mark.parametrize(
    ("shape", "axes", "read", "is_clips"),
    [
        ((4, 3, 2), (4, 3, 2, 7), (1, 4, 3, 2, 7), False),
        ((4, 3, 2), (5, 4, 3, 2, 7), (5, 4, 3, 2, 7), True),
        ((64, 1, 1), (64, 7), (1, 64, 1, 1, 7), False),
        ((64, 1, 1), (64, 1, 1, 7), (1, 64, 1, 1, 7), False),
        ((64, 1, 1), (1, 64, 1, 1, 7), (1, 64, 1, 1, 7), True),
        ((64, 1, 1), (5, 64, 7), (5, 64, 1, 1, 7), True),
        ((64, 1, 1), (64, 1, 7), (1, 64, 1, 1, 7), False),
        ((1, 1, 64), (1, 64, 7), (1, 1, 1, 64, 7), True),  # all ones left out come first
        ((8,), (8, 8), (1, 8, 8), False),
        ((8,), (8, 8, 8), (8, 8, 8), True),
    ],
)
def test_axes(shape, axes, read, is_clips) -> None:
    values = np.random.default_rng(0).integers(0, 2, axes)
    stimulus, clips = from_array(spiking(shape), values)
    assert stimulus.shape == read
    assert stimulus.dtype == np.int32
    assert clips is is_clips
    np.testing.assert_array_equal(stimulus.reshape(-1), values.reshape(-1))


@pytest.mark.parametrize(
    ("axes", "read", "is_clips"),
    [
        ((4, 1, 2), (1, 4, 1, 2, 1), False),
        ((4, 2), (1, 4, 1, 2, 1), False),
        ((4, 1, 2, 1), (1, 4, 1, 2, 1), False),
        ((4, 1, 2, 9), (1, 4, 1, 2, 6), False),
        ((3, 4, 1, 2, 1), (3, 4, 1, 2, 1), True),
        ((3, 4, 2, 9), (3, 4, 1, 2, 6), True),
    ],
)
def test_driven_biases_are_held_or_given_step_by_step(axes, read, is_clips) -> None:
    stimulus, clips = from_array(driven((4, 1, 2)), np.full(axes, -77), steps=6)
    assert stimulus.shape == read
    assert clips is is_clips
    assert (stimulus == -77).all()


def test_steps_cut_a_longer_input() -> None:
    values = np.arange(12).reshape(2, 6)
    stimulus, _ = from_array(spiking((2,), bits=4), values, steps=4)
    np.testing.assert_array_equal(stimulus[0], values[:, :4])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint64, np.bool_])
def test_whole_numbers_of_any_type(dtype) -> None:
    values = np.array([[0, 1], [1, 0]]).astype(dtype)
    np.testing.assert_array_equal(from_array(spiking((2,)), values)[0], values[None])


@pytest.mark.parametrize("bits", [1, 5, 24])
def test_graded_messages_are_signed(bits: int) -> None:
    top = 2**bits - 1
    net = spiking((2,), bits)
    assert from_array(net, np.array([[-top], [top]]))[0].tolist() == [[[-top], [top]]]
    for value in (top + 1, -top - 1):
        with pytest.raises(SpikewattError, match=rf"{value} at \(1, 0\).*{-top} to {top}"):
            from_array(net, np.array([[0], [value]]))


@pytest.mark.parametrize(
    ("values", "steps", "words"),
    [
        (np.zeros((3, 5)), None, r"shape \(3, 5\); this network takes \(2, 1, T\), \(N, 2, 1, T\)"),
        (np.zeros((2, 0)), None, "none of them empty"),
        (np.array([[0.5], [0]]), None, r"0\.5 at \(0, 0\); it must hold whole numbers"),
        (np.array([[np.nan], [0]]), None, r"nan at \(0, 0\)"),
        (np.array([[np.inf], [0]]), None, r"inf at \(0, 0\)"),
        (np.array([[2], [3]]), None, r"2 at \(0, 0\) and 1 more.*takes 0 to 1"),
        (np.array([[-1], [0]]), None, "takes 0 to 1"),
        (np.array([[1e300], [0]]), None, "takes 0 to 1"),
        (np.array([["a"], ["b"]]), None, "type <U1"),
        (np.array([[1j], [0]]), None, "type complex128"),
        (np.zeros((2, 5)), 6, "asks for 6 steps and the input has 5"),
        (np.zeros((2, 5)), 0, "0 steps; it needs at least 1"),
    ],
)
def test_mistakes_say_what_was_found_and_the_limit(values, steps, words) -> None:
    with pytest.raises(SpikewattError, match=words):
        from_array(spiking((2, 1)), values, steps)


def encoded(shape: tuple[int, ...], neuron: Neuron) -> Network:
    population = Population(0, shape, neuron, message_bits=16)
    return Network(Input(0, shape, drives_dendrite=True), (population,), ())


def test_what_a_dendrite_receives_is_held_or_given_step_by_step() -> None:
    net = encoded((4, 1, 2), Delta(0))
    assert from_array(net, np.full((4, 2, 1), -7), steps=6)[0].shape == (1, 4, 1, 2, 1)
    assert from_array(net, np.full((4, 2), -7), steps=6)[0].shape == (1, 4, 1, 2, 1)
    assert from_array(net, np.full((3, 4, 2, 9), -7), steps=6)[0].shape == (3, 4, 1, 2, 6)


@pytest.mark.parametrize(
    ("neuron", "top"),
    [(Delta(0, 6, 6), 2047), (Delta(0, 0, 6), 2**17 - 1), (CubaLif(0, 0, 1), 2**17 - 1)],
)
def test_a_dendrite_has_24_bits_behind_its_shift(neuron: Neuron, top: int) -> None:
    net = encoded((2,), neuron)
    values = np.array([[-top, top], [top, 0]])
    np.testing.assert_array_equal(from_array(net, values)[0], values[None])
    words = rf"{top + 1} at .*dendrite of a {type(neuron).__name__} neuron.*{-top} to {top}"
    with pytest.raises(SpikewattError, match=words):
        from_array(net, np.array([[0, 0], [top + 1, 0]]))


def test_mistakes_with_driven_biases() -> None:
    with pytest.raises(SpikewattError, match=r"give it \(--steps\)"):
        from_array(driven((2,)), np.zeros(2))
    with pytest.raises(SpikewattError, match="-4096 to 4095"):
        from_array(driven((2,)), np.full(2, 4096), steps=3)
    with pytest.raises(SpikewattError, match=r" or \(2\), none"):
        from_array(driven((2,)), np.zeros(3), steps=3)
