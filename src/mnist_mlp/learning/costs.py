"""Costs: how far the outputs are from the targets, as one number, which training minimises.

`outputs` a and `targets` y are (n, 10) float arrays in [0, 1]; each row of targets sums to 1. A
cost is summed over the ten outputs and averaged over the n examples.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array


def squared_error(outputs: Array, targets: Array) -> float:
    """Return the mean over the examples of Σ (a - y)², the cost of 3Blue1Brown's videos."""
    return float(np.sum((outputs - targets) ** 2) / len(outputs))


def cross_entropy(outputs: Array, targets: Array) -> float:
    """Return the mean over the examples of -Σ y ln a, Nielsen's log-likelihood cost (chapter 3)."""
    return float(-np.sum(targets * _log(outputs)) / len(outputs))


def binary_cross_entropy(outputs: Array, targets: Array) -> float:
    """Return the mean over the examples of -Σ [y ln a + (1 - y) ln(1 - a)] (Nielsen, chapter 3)."""
    likelihood = targets * _log(outputs) + (1 - targets) * _log(1 - outputs)
    return float(-np.sum(likelihood) / len(outputs))


def _log(probabilities: Array) -> Array:
    """Return ln p, with p raised to the machine epsilon (1e-7 in float32): ln 0 is infinite."""
    return np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).eps))


class Cost(NamedTuple):
    """A cost and the output neurons that go with it.

    output   the name of the output neurons' activation function
    mean     the cost of a batch: outputs, targets → a number
    delta    ∂cost/∂z of the output neurons for each example: outputs, targets → (n, 10)
    """

    output: str
    mean: Callable[[Array, Array], float]
    delta: Callable[[Array, Array], Array]


# By the chain rule, delta = ∂cost/∂z = ∂cost/∂a ∂a/∂z. With squared error that is 2(a - y) times
# the sigmoid's slope a(1 - a). The cross-entropies cancel the slope, and a - y is left.
COSTS = {
    "squared_error": Cost("sigmoid", squared_error, lambda a, y: 2 * (a - y) * a * (1 - a)),
    "cross_entropy": Cost("softmax", cross_entropy, lambda a, y: a - y),
    "binary_cross_entropy": Cost("sigmoid", binary_cross_entropy, lambda a, y: a - y),
}
