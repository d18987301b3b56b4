"""The costs: values that can be worked out by hand, and no warning at the edges."""

import math

import numpy as np
import pytest

from mnist_mlp.learning.costs import COSTS, binary_cross_entropy, cross_entropy, squared_error

TARGETS = np.eye(10, dtype=np.float32)[[3, 7]]
HALVES = np.full((2, 10), 0.5, np.float32)


def test_squared_error_is_summed_over_the_outputs_and_averaged_over_the_examples() -> None:
    assert squared_error(HALVES, TARGETS) == pytest.approx(10 * 0.25)


def test_cross_entropy_of_ten_equal_guesses_is_the_logarithm_of_ten() -> None:
    assert cross_entropy(np.full((2, 10), 0.1, np.float32), TARGETS) == pytest.approx(math.log(10))


def test_binary_cross_entropy_of_ten_halves_is_ten_logarithms_of_two() -> None:
    assert binary_cross_entropy(HALVES, TARGETS) == pytest.approx(10 * math.log(2))


@pytest.mark.parametrize(("probability", "cost"), [(1e-6, 13.816), (0, 15.942)])
def test_cross_entropy_is_exact_down_to_the_resolution_of_float32(
    probability: float, cost: float
) -> None:
    outputs = np.array([[probability, 1 - probability]], np.float32)
    targets = np.eye(2, dtype=np.float32)[:1]
    assert cross_entropy(outputs, targets) == pytest.approx(cost, abs=1e-3)


@pytest.mark.parametrize("name", COSTS)
def test_showing_every_example_twice_does_not_change_the_cost(name: str) -> None:
    outputs = np.random.default_rng(0).random((2, 10))
    once = COSTS[name].mean(outputs, TARGETS)
    twice = COSTS[name].mean(np.repeat(outputs, 2, axis=0), np.repeat(TARGETS, 2, axis=0))
    assert twice == pytest.approx(once)


@pytest.mark.parametrize("name", COSTS)
def test_perfect_outputs_cost_nothing_and_have_no_delta(name: str) -> None:
    assert COSTS[name].mean(TARGETS, TARGETS) == pytest.approx(0, abs=1e-5)
    assert not COSTS[name].delta(TARGETS, TARGETS).any()


@pytest.mark.parametrize("name", COSTS)
def test_wholly_wrong_outputs_have_a_finite_cost(name: str) -> None:
    assert math.isfinite(COSTS[name].mean(1 - TARGETS, TARGETS))
