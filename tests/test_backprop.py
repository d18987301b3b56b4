"""Backpropagation, checked against finite differences and an independent implementation."""

from itertools import product

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import ACTIVATIONS, OUTPUTS, Network, zero_parameters
from mnist_mlp.learning.refinements import Refinements

EVERY_NETWORK = list(product(ACTIVATIONS, COSTS))


def example(activation: str, cost: str) -> tuple[Network, Array, Array]:
    """Make a float64 network with two hidden layers, and seven examples for it."""
    random = np.random.default_rng(5)
    network = Network([6, 5, 4, 3], activation, cost, np.float64)
    network.parameters[:] = random.normal(size=network.parameters.size)
    return network, random.random((7, 6)), np.eye(3)[random.integers(3, size=7)]


def gradient(network: Network, images: Array, targets: Array) -> Array:
    return backprop(network, network.forward(images), targets).vector


def finite_differences(network: Network, images: Array, targets: Array) -> Array:
    """Return the gradient of the cost by central differences."""
    step = 1e-6
    slopes = np.empty_like(network.parameters)
    for i, value in enumerate(network.parameters.copy()):
        costs = []
        for nudged in (value + step, value - step):
            network.parameters[i] = nudged
            costs.append(COSTS[network.cost].mean(network.forward(images)[-1], targets))
        network.parameters[i] = value
        slopes[i] = (costs[0] - costs[1]) / (2 * step)
    return slopes


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_slope_of_an_activation_is_its_derivative(activation: str) -> None:
    function, slope = ACTIVATIONS[activation]
    z = np.linspace(-3, 3, 100)  # without 0, where relu has no derivative
    differences = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(
        slope(function(z)), differences, rtol=1e-6, atol=1e-8, err_msg=f"slope of {activation}"
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_and_its_slope_keep_single_precision(activation: str) -> None:
    function, slope = ACTIVATIONS[activation]
    a = function(np.linspace(-3, 3, 100, dtype=np.float32))
    assert a.dtype == np.float32, f"{activation} returns {a.dtype}, expected float32"
    assert slope(a).dtype == np.float32, f"slope of {activation}: {slope(a).dtype}, not float32"


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_matches_finite_differences(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    slopes = finite_differences(network, images, targets)
    found = gradient(network, images, targets)
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("cost", COSTS)
def test_the_delta_of_a_cost_is_its_derivative_with_respect_to_z(cost: str) -> None:
    random = np.random.default_rng(1)
    z, targets = random.normal(size=(1, 10)), np.eye(10)[[3]]
    squish = OUTPUTS[COSTS[cost].output]
    slopes = np.empty_like(z)
    for i in range(10):
        nudge = 1e-6 * np.eye(10)[[i]]
        above, below = (COSTS[cost].mean(squish(z + by), targets) for by in (nudge, -nudge))
        slopes[0, i] = (above - below) / 2e-6
    delta = COSTS[cost].delta(squish(z), targets)
    np.testing.assert_allclose(delta, slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_is_the_mean_over_the_examples(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    alone = [gradient(network, images[[i]], targets[[i]]) for i in range(len(images))]
    np.testing.assert_allclose(gradient(network, images, targets), np.mean(alone, axis=0))


def test_the_gradient_matches_nielsens_equations_one_example_at_a_time() -> None:
    network, images, targets = example("sigmoid", "squared_error")
    weights, biases = network.weights, network.biases
    total = zero_parameters(network.sizes, np.float64)
    for image, target in zip(images, targets, strict=True):
        columns = [image[:, np.newaxis]]
        for w, b in zip(weights, biases, strict=True):
            columns.append(1 / (1 + np.exp(-(w @ columns[-1] + b[:, np.newaxis]))))
        delta = 2 * (columns[-1] - target[:, np.newaxis]) * columns[-1] * (1 - columns[-1])
        for layer in (2, 1, 0):
            total.weights[layer][:] += delta @ columns[layer].T
            total.biases[layer][:] += delta[:, 0]
            delta = weights[layer].T @ delta * columns[layer] * (1 - columns[layer])
    expected = total.vector / len(images)
    np.testing.assert_allclose(gradient(network, images, targets), expected)


def test_backpropagation_changes_neither_the_network_nor_the_activations() -> None:
    network, images, targets = example("relu", "cross_entropy")
    before = network.parameters.copy()
    activations = network.forward(images)
    copies = [a.copy() for a in activations]
    backprop(network, activations, targets)
    np.testing.assert_array_equal(network.parameters, before)
    for now, then in zip(activations, copies, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_a_reused_gradient_buffer_does_not_change_the_gradient(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    used = backprop(network, network.forward(1 - images), targets)
    again = backprop(network, network.forward(images), targets, out=used)
    assert again is used
    np.testing.assert_array_equal(again.vector, gradient(network, images, targets))


def test_the_gradient_has_the_dtype_of_the_parameters() -> None:
    network = Network([784, 16, 10], "relu", "cross_entropy")
    found = gradient(network, np.ones((2, 784), np.float32), np.eye(10, dtype="f4")[:2])
    assert found.dtype == np.float32


@pytest.mark.parametrize(("activation", "cost"), EVERY_NETWORK)
def test_the_gradient_with_dropout_matches_finite_differences(activation: str, cost: str) -> None:
    network, images, targets = example(activation, cost)
    refine = Refinements(network, Params(dropout=0.4), 0, 1, network.parameters)
    thinned = refine.drop_out(network, len(images))
    slopes = finite_differences(thinned, images, targets)
    found = gradient(thinned, images, targets)
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-8)


def test_dropout_drops_a_fraction_of_the_hidden_neurons_and_scales_up_the_rest() -> None:
    network = Network([6, 500, 400, 3], "relu", "cross_entropy")
    for biases in network.biases:
        biases[:] = 1  # so that every hidden neuron's activation is 1
    refine = Refinements(network, Params(dropout=0.25), 0, 1, network.parameters)
    image = np.zeros((100, 6), np.float32)
    _, *hidden, outputs = refine.drop_out(network, 100).forward(image)
    for activations in hidden:
        assert activations.dtype == np.float32
        assert set(np.unique(activations)) == {0, np.float32(4 / 3)}
        assert np.mean(activations == 0) == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(outputs, 1 / 3, rtol=1e-6)  # outputs are never dropped
    again = refine.drop_out(network, 100).forward(image)[1]
    assert not np.array_equal(hidden[0], again)
    assert len(np.unique(hidden[0], axis=0)) == 100  # each example has its own mask


def test_without_dropout_the_network_itself_learns() -> None:
    network = Network([6, 5, 3], "relu", "cross_entropy")
    assert Refinements(network, Params(), 0, 1, network.parameters).drop_out(network, 7) is network


def test_a_float64_network_accepts_float32_targets() -> None:
    network, images, targets = example("tanh", "squared_error")
    found = gradient(network, images, targets.astype(np.float32))
    np.testing.assert_allclose(found, gradient(network, images, targets))
    assert found.dtype == np.float64
