"""Costs: how far the outputs are from the targets, as one number for training to make small.

`outputs` and `targets` are (n, 10) float arrays in [0, 1]; each row of targets adds up to 1. Every
cost is summed over the ten outputs and averaged over the n examples.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array


def squared_error(outputs: Array, targets: Array) -> float:
    """Return the mean over the examples of Σ (a - y)², the cost of 3Blue1Brown's videos."""
    difference = outputs - targets
    return float(np.vdot(difference, difference) / len(outputs))


def cross_entropy(outputs: Array, targets: Array) -> float:
    """Return the mean over the examples of -Σ y ln a, Nielsen's log-likelihood cost (chapter 3)."""
    return float(-np.vdot(targets, _log(outputs)) / len(outputs))


def binary_cross_entropy(outputs: Array, targets: Array) -> float:
    """Return the mean of -Σ [y ln a + (1 - y) ln(1 - a)], Nielsen's cross-entropy (chapter 3)."""
    likelihood = np.vdot(targets, _log(outputs)) + np.vdot(1 - targets, _log(1 - outputs))
    return float(-likelihood / len(outputs))


def _log(probabilities: Array) -> Array:
    """Return ln p, with every p below the resolution of its type (1e-7 in float32) raised to it."""
    return np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).eps))


def _squared_error_delta(outputs: Array, targets: Array, out: Array) -> Array:
    return np.multiply(2 * (outputs - targets), outputs * (1 - outputs), out)


class Cost(NamedTuple):
    """A cost with the output neurons it belongs to, so that its delta is as simple as it can be.

    `output` names the activation of the output neurons, `mean` gives the cost of a batch, and
    `delta` puts ∂cost/∂z of the output neurons, (n, 10) with a row for each example, into its
    third argument and returns that.
    """

    output: str
    mean: Callable[[Array, Array], float]
    delta: Callable[[Array, Array, Array], Array]


COSTS = {
    "squared_error": Cost("sigmoid", squared_error, _squared_error_delta),
    "cross_entropy": Cost("softmax", cross_entropy, np.subtract),
    "binary_cross_entropy": Cost("sigmoid", binary_cross_entropy, np.subtract),
}
