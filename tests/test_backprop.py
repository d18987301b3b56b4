"""Backpropagation: held against finite differences and an implementation of another kind."""

from itertools import product

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.backprop import SLOPES, Memory, backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import Network

EVERY_NETWORK = list(product(SLOPES, COSTS))


def example(activation: str, cost: str) -> tuple[Network, Array, Array]:
    """Make a float64 network with two hidden layers, and seven examples for it."""
    random = np.random.default_rng(5)
    network = Network([6, 5, 4, 3], activation, cost, np.float64)
    network.parameters[:] = random.normal(size=network.parameters.size)
    return network, random.random((7, 6)), np.eye(3)[random.integers(3, size=7)]


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_is_that_of_finite_differences(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    step = 1e-6
    slopes = np.empty_like(network.parameters)
    for i, value in enumerate(network.parameters.copy()):
        costs = []
        for nudged in (value + step, value - step):
            network.parameters[i] = nudged
            costs.append(COSTS[cost].mean(network.forward(images)[-1], targets))
        network.parameters[i] = value
        slopes[i] = (costs[0] - costs[1]) / (2 * step)
    gradient = backprop(network, images, targets)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_is_the_mean_of_each_examples_own(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    alone = [backprop(network, images[[i]], targets[[i]]) for i in range(len(images))]
    np.testing.assert_allclose(backprop(network, images, targets), np.mean(alone, axis=0))


def test_the_gradient_is_that_of_nielsens_equations_an_example_at_a_time() -> None:
    network, images, targets = example("sigmoid", "squared_error")
    weights, biases = network.weights, network.biases
    total = np.zeros_like(network.parameters)
    total_weights, total_biases = network.layers(total)
    for image, target in zip(images, targets, strict=True):
        columns = [image[:, np.newaxis]]
        for w, b in zip(weights, biases, strict=True):
            columns.append(1 / (1 + np.exp(-(w @ columns[-1] + b[:, np.newaxis]))))
        delta = 2 * (columns[-1] - target[:, np.newaxis]) * columns[-1] * (1 - columns[-1])
        for layer in (2, 1, 0):
            total_weights[layer] += delta @ columns[layer].T
            total_biases[layer] += delta[:, 0]
            delta = weights[layer].T @ delta * columns[layer] * (1 - columns[layer])
    np.testing.assert_allclose(backprop(network, images, targets), total / len(images))


def test_backpropagation_leaves_the_network_as_it_is() -> None:
    network, images, targets = example("relu", "cross_entropy")
    before = network.parameters.copy()
    backprop(network, images, targets)
    np.testing.assert_array_equal(network.parameters, before)


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_memory_that_was_used_before_changes_nothing(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    memory = Memory(network, len(images))
    backprop(network, 1 - images, targets, memory)
    again = backprop(network, images, targets, memory)
    assert again is memory.gradient
    np.testing.assert_array_equal(again, backprop(network, images, targets))


def test_a_factor_multiplies_the_gradient() -> None:
    network, images, targets = example("relu", "cross_entropy")
    plain = backprop(network, images, targets)
    np.testing.assert_allclose(backprop(network, images, targets, factor=0.3), 0.3 * plain)


def test_the_gradient_has_the_type_of_the_parameters() -> None:
    network = Network([784, 16, 10], "relu", "cross_entropy")
    gradient = backprop(network, np.ones((2, 784), np.float32), np.eye(10, dtype="f4")[:2])
    assert gradient.dtype == np.float32


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_with_silent_neurons_is_that_of_finite_differences(
    activation: str, cost: str
) -> None:
    network, images, targets = example(activation, cost)
    memory = Memory(network, len(images))
    memory.drop_out(0.4, np.random.default_rng(0))
    step = 1e-6
    slopes = np.empty_like(network.parameters)
    for i, value in enumerate(network.parameters.copy()):
        costs = []
        for nudged in (value + step, value - step):
            network.parameters[i] = nudged
            outputs = network.forward(images, masks=memory.masks)[-1]
            costs.append(COSTS[cost].mean(outputs, targets))
        network.parameters[i] = value
        slopes[i] = (costs[0] - costs[1]) / (2 * step)
    gradient = backprop(network, images, targets, memory)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)


def test_a_share_of_the_hidden_neurons_is_silent_and_the_rest_makes_up_for_it() -> None:
    network = Network([6, 500, 400, 3], "relu", "cross_entropy")
    memory = Memory(network, 100)
    memory.drop_out(0.25, np.random.default_rng(0))
    assert [mask.shape for mask in memory.masks] == [(100, 500), (100, 400)]
    for mask in memory.masks:
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) == {0, np.float32(4 / 3)}
        assert np.mean(mask == 0) == pytest.approx(0.25, abs=0.02)
        assert mask.mean() == pytest.approx(1, abs=0.03)
    first = memory.masks[0].copy()
    memory.drop_out(0.25, np.random.default_rng(1))
    assert not np.array_equal(memory.masks[0], first)
