"""Evaluation: accuracy, mistakes, stuck networks, and confidence on noise."""

import numpy as np
import pytest

from mnist_mlp.learning.evaluation import accuracy, answer, is_stuck, mistakes, noise_confidence
from mnist_mlp.learning.network import Network, initialise_weights


def test_accuracy_is_the_fraction_of_rows_whose_largest_output_is_the_label() -> None:
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    assert accuracy(outputs, np.array([0, 1, 1, 1])) == 0.75


def stuck(answers: list[int], labels: list[int]) -> bool:
    return is_stuck(np.eye(10)[answers], np.array(labels))


EVEN = list(range(10)) * 100  # each digit as often as the others
SKEWED = [3] * 970 + list(range(10)) * 3


def test_a_network_that_gives_nearly_always_one_answer_is_stuck() -> None:
    assert stuck([1] * 1000, EVEN)
    assert stuck([1] * 970 + EVEN[970:], EVEN)
    assert stuck([3] * 1000, SKEWED)


def test_a_network_no_better_than_guessing_the_most_frequent_digit_is_stuck() -> None:
    assert stuck(EVEN[1:] + EVEN[:1], EVEN)
    assert stuck([3] * 960 + [1] * 40, SKEWED)


def test_a_network_that_tells_some_digits_apart_is_not_stuck() -> None:
    assert not stuck([1] * 900 + EVEN[900:], EVEN)
    assert not stuck([min(digit, 1) for digit in EVEN], EVEN)


def test_a_network_that_answers_as_unevenly_as_the_digits_are_is_not_stuck() -> None:
    assert not stuck(SKEWED, SKEWED)
    assert not stuck([3] * 10 + SKEWED[10:-10] + [3] * 10, SKEWED)


def test_mistakes_are_the_wrong_answers_with_the_largest_outputs_first() -> None:
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.2]])
    found = mistakes(outputs, np.array([1, 0, 0, 1, 0, 0]))
    assert found.tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("n", [0, 1, 999, 1000, 1001, 2500])
def test_any_number_of_images_is_answered_as_in_one_forward_pass(n: int) -> None:
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
