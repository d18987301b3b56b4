"""Evaluation: right answers are counted, and noise is answered like any image."""

import numpy as np
import pytest

from mnist_mlp.learning.evaluation import accuracy, answer, mistakes, noise_confidence
from mnist_mlp.learning.network import Network, initialise_weights


def test_accuracy_is_the_share_of_rows_whose_largest_output_is_the_targets_digit() -> None:
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    assert accuracy(outputs, np.array([0, 1, 1, 1])) == 0.75


def test_mistakes_are_the_wrong_answers_with_the_largest_outputs_first() -> None:
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.2]])
    found = mistakes(outputs, np.array([1, 0, 0, 1, 0, 0]))
    assert found.tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("n", [0, 1, 999, 1000, 1001, 2500])
def test_any_number_of_images_is_answered_as_by_one_forward_pass(n: int) -> None:
    network = Network([12, 5, 10], "relu", "cross_entropy")
    initialise_weights(network, "he", np.random.default_rng(0))
    images = np.random.default_rng(1).random((n, 12), dtype=np.float32)
    np.testing.assert_allclose(answer(network, images), network.forward(images)[-1], rtol=1e-5)


@pytest.mark.parametrize(("cost", "confidence"), [("cross_entropy", 0.1), ("squared_error", 0.5)])
def test_a_network_of_zeros_is_not_confident_on_noise(cost: str, confidence: float) -> None:
    network = Network([784, 10], "relu", cost)
    assert noise_confidence(network, 5, np.random.default_rng(0)) == pytest.approx(confidence)


def test_confidence_on_noise_is_the_mean_of_the_largest_output() -> None:
    network = Network([2, 2], "relu", "squared_error")
    network.weights[0][:] = [[100, 0], [0, 0]]
    network.biases[0][:] = [-50, -100]
    confidence = noise_confidence(network, 20_000, np.random.default_rng(0))
    assert confidence == pytest.approx(0.5, abs=0.02)
