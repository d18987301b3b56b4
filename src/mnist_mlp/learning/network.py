"""The network: layers of neurons that turn the pixels of an image into ten outputs."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.products import multiply


def sigmoid(z: Array) -> Array:
    """Squish into 0 to 1: 1 / (1 + exp(-z)), written with tanh, which cannot overflow."""
    return (1 + np.tanh(z / 2)) / 2


def softmax(z: Array) -> Array:
    """Turn each row into probabilities, which sum to 1: exp(z) / Σ exp(z)."""
    largest = np.maximum.reduce(z, axis=1, keepdims=True)
    exponentials: Array = np.exp(z - largest)  # in the same proportions, and none overflows
    return exponentials / np.add.reduce(exponentials, axis=1, keepdims=True)


class Activation(NamedTuple):
    """A squishing function of hidden neurons, z → a, and its slope ∂a/∂z, in terms of a itself."""

    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
    "relu": Activation(lambda z: np.maximum(z, 0), np.sign),
    "tanh": Activation(np.tanh, lambda a: 1 - a**2),
}
OUTPUTS = {"sigmoid": sigmoid, "softmax": softmax}


class Parameters(NamedTuple):
    """All weights and biases as one vector, and the same numbers in memory layer by layer.

    vector       all weights, then all biases
    weights[i]   into layer i + 1: (n_out, n_in), a row for each of its neurons
    biases[i]    of layer i + 1: (n_out,)
    """

    vector: Array
    weights: list[Array]
    biases: list[Array]


def zero_parameters(sizes: Sequence[int], dtype: type = np.float32) -> Parameters:
    """Return parameters for layers of these sizes, all zero. A gradient has the same layout."""
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    lengths = [n_out * n_in for n_out, n_in in shapes] + list(sizes[1:])
    vector: Array = np.zeros(sum(lengths), dtype)
    parts = np.split(vector, np.cumsum(lengths)[:-1])
    weights = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=False)]
    return Parameters(vector, weights, parts[len(weights) :])


def count_parameters(sizes: Sequence[int]) -> int:
    """Return the number of weights and biases between layers of these sizes."""
    return sum(n_out * n_in + n_out for n_in, n_out in pairwise(sizes))


class Network:
    """A multilayer perceptron: each neuron is connected to every neuron of the layer before it.

    parameters   all weights and biases as one vector
    weights      the same weights, layer by layer, as in Parameters
    biases       the same biases, layer by layer
    """

    def __init__(
        self, sizes: Sequence[int], activation: str, cost: str, dtype: type = np.float32
    ) -> None:
        """Make a network of zeros.

        `sizes` are the numbers of neurons, the pixels first: [784, 16, 16, 10]. `activation` is
        that of the hidden neurons; the cost determines that of the outputs.
        """
        self.sizes = list(sizes)
        self.activation = activation
        self.cost = cost
        self.parameters, self.weights, self.biases = zero_parameters(sizes, dtype)
        hidden = [ACTIVATIONS[activation]] * (len(sizes) - 2)
        self.functions = [a.function for a in hidden] + [OUTPUTS[COSTS[cost].output]]
        self.slopes = [a.slope for a in hidden]

    def forward(self, images: Array) -> list[Array]:
        """Return every layer's activations: `images` (n, 784) first, the outputs (n, 10) last."""
        activations = [images]
        for weights, biases, squish in zip(self.weights, self.biases, self.functions, strict=True):
            z = multiply(activations[-1], weights.T) + biases
            activations.append(squish(z))
        return activations


def initialise_weights(network: Network, kind: str, random: np.random.Generator) -> None:
    """Fill a network's weights with random numbers; its biases stay zero.

    uniform    within ±0.5 (Bot Academy)
    gaussian   standard normal (Nielsen, chapter 1)
    xavier     uniform within ±√(6 / (n_in + n_out)) (Glorot and Bengio 2010)
    he         normal with standard deviation √(2 / n_in) (He et al. 2015)
    """
    for weights in network.weights:
        n_out, n_in = weights.shape
        if kind == "uniform":
            weights[:] = random.uniform(-0.5, 0.5, weights.shape)
        elif kind == "gaussian":
            weights[:] = random.standard_normal(weights.shape)
        elif kind == "xavier":
            limit = math.sqrt(6 / (n_in + n_out))
            weights[:] = random.uniform(-limit, limit, weights.shape)
        else:
            weights[:] = random.normal(0, math.sqrt(2 / n_in), weights.shape)
