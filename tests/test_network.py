"""The network: its shapes, its one vector of parameters, and the forward pass."""

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.network import ACTIVATIONS, OUTPUTS, Network, initialise_weights

EXTREMES = np.array([[-1e4, -100, 0, 100, 1e4]], np.float32)


FUNCTIONS = {name: activation.function for name, activation in ACTIVATIONS.items()} | OUTPUTS


def activated(name: str, z: Array) -> Array:
    return FUNCTIONS[name](z)


def test_the_network_of_3blue1brown_has_13002_parameters() -> None:
    assert Network([784, 16, 16, 10], "sigmoid", "squared_error").parameters.size == 13_002


def test_the_5_4_3_network_of_bot_academy_has_weights_4_by_5_and_3_by_4() -> None:
    network = Network([5, 4, 3], "sigmoid", "binary_cross_entropy")
    assert [weights.shape for weights in network.weights] == [(4, 5), (3, 4)]
    assert [biases.shape for biases in network.biases] == [(4,), (3,)]


def test_the_forward_pass_matches_a_calculation_neuron_by_neuron() -> None:
    random = np.random.default_rng(0)
    network = Network([5, 4, 3], "sigmoid", "binary_cross_entropy", np.float64)
    network.parameters[:] = random.normal(size=network.parameters.size)
    image = random.random(5)
    activations = image
    for weights, biases in zip(network.weights, network.biases, strict=True):
        z = [
            sum(w * a for w, a in zip(row, activations, strict=True)) + bias
            for row, bias in zip(weights, biases, strict=True)
        ]
        activations = np.array([1 / (1 + np.exp(-value)) for value in z])
    np.testing.assert_allclose(network.forward(image[np.newaxis])[-1][0], activations)


def test_weights_and_biases_are_views_into_the_one_vector() -> None:
    network = Network([3, 2, 2], "relu", "cross_entropy")
    network.parameters[:] = np.arange(network.parameters.size)
    together = np.concatenate([part.ravel() for part in network.weights + network.biases])
    np.testing.assert_array_equal(together, network.parameters)
    network.biases[0][1] = -1
    assert -1 in network.parameters


def test_the_forward_pass_returns_every_layer_with_the_images_first() -> None:
    images = np.zeros((7, 784), np.float32)
    activations = Network([784, 16, 16, 10], "relu", "cross_entropy").forward(images)
    assert activations[0] is images
    assert [layer.shape for layer in activations] == [(7, 784), (7, 16), (7, 16), (7, 10)]
    assert {layer.dtype for layer in activations} == {np.dtype(np.float32)}


def test_without_hidden_layers_the_pixels_lead_straight_to_the_outputs() -> None:
    network = Network([784, 10], "relu", "squared_error")
    outputs = network.forward(np.ones((1, 784), np.float32))[-1]
    np.testing.assert_array_equal(outputs, np.full((1, 10), 0.5))


def test_each_example_is_answered_independently_of_its_batch() -> None:
    network = Network([6, 5, 3], "tanh", "cross_entropy", np.float64)
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    images = np.random.default_rng(1).random((4, 6))
    alone = [network.forward(image[np.newaxis])[-1][0] for image in images]
    np.testing.assert_allclose(network.forward(images)[-1], alone)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_extreme_weighted_sums_are_finite(activation: str) -> None:
    assert np.isfinite(activated(activation, EXTREMES)).all()


def test_sigmoid_agrees_with_its_definition_and_saturates_at_0_and_1() -> None:
    z = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(activated("sigmoid", z), 1 / (1 + np.exp(-z)), atol=1e-15)
    np.testing.assert_array_equal(activated("sigmoid", EXTREMES)[0, [0, -1]], [0, 1])


def test_softmax_gives_probabilities_that_depend_only_on_differences_of_z() -> None:
    z = np.random.default_rng(0).normal(size=(4, 10))
    probabilities = activated("softmax", z)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(activated("softmax", z + 1000), probabilities)
    np.testing.assert_allclose(probabilities, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("kind", "spread"),
    [
        ("uniform", 1 / np.sqrt(12)),
        ("gaussian", 1),
        ("xavier", np.sqrt(2 / (784 + 300))),
        ("he", np.sqrt(2 / 784)),
    ],
)
def test_initial_weights_have_the_right_spread_and_biases_are_zero(
    kind: str, spread: float
) -> None:
    network = Network([784, 300, 10], "relu", "cross_entropy")
    initialise_weights(network, kind, np.random.default_rng(0))
    assert network.weights[0].mean() == pytest.approx(0, abs=spread / 50)
    assert network.weights[0].std() == pytest.approx(spread, rel=0.01)
    assert network.weights[1].any()
    assert not any(biases.any() for biases in network.biases)


@pytest.mark.parametrize(
    ("kind", "unit", "lowest", "highest"),
    [
        ("uniform", 0.5, 0.999, 1),
        ("xavier", np.sqrt(6 / 1084), 0.999, 1),
        ("gaussian", 1, 4, 6),
        ("he", np.sqrt(2 / 784), 4, 6),
    ],
)
def test_uniform_weights_fill_their_range_and_normal_ones_have_tails(
    kind: str, unit: float, lowest: float, highest: float
) -> None:
    network = Network([784, 300], "sigmoid", "binary_cross_entropy")
    initialise_weights(network, kind, np.random.default_rng(0))
    assert lowest <= np.abs(network.parameters).max() / unit <= highest + 1e-6
