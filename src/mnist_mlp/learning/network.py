"""The network: layers of neurons that turn the pixels of an image into ten outputs."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.products import matmul


def sigmoid(z: Array) -> Array:
    """Squish z into 0 to 1: 1 / (1 + exp(-z)). This is the same, and cannot overflow."""
    return (1 + np.tanh(z / 2)) / 2


def softmax(z: Array) -> Array:
    """Turn each row into probabilities, which sum to 1: exp(z) / Σ exp(z)."""
    largest = np.maximum.reduce(z, axis=1, keepdims=True)
    exponentials: Array = np.exp(z - largest)  # cannot overflow; the ratios stay the same
    return exponentials / np.add.reduce(exponentials, axis=1, keepdims=True)


class Activation(NamedTuple):
    """An activation (squishing) function z → a for hidden neurons, and its slope ∂a/∂z given a."""

    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
    "relu": Activation(lambda z: np.maximum(z, 0), np.sign),  # a is never negative: 0 or 1
    "tanh": Activation(np.tanh, lambda a: 1 - a**2),
}
OUTPUTS = {"sigmoid": sigmoid, "softmax": softmax}


class Parameters(NamedTuple):
    """All weights and biases as one vector, and views of it, layer by layer.

    vector       all weights, then all biases
    weights[i]   from layer i to layer i + 1: (n_out, n_in), a row for each neuron of layer i + 1
    biases[i]    of layer i + 1: (n_out,)

    Views share their memory: to change the vector is to change the weights and biases.
    """

    vector: Array
    weights: list[Array]
    biases: list[Array]


def zero_parameters(sizes: Sequence[int], dtype: type = np.float32) -> Parameters:
    """Return all-zero parameters for layers of these sizes. A gradient has the same layout."""
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    lengths = [n_out * n_in for n_out, n_in in shapes] + list(sizes[1:])
    vector: Array = np.zeros(sum(lengths), dtype)
    parts = np.split(vector, np.cumsum(lengths)[:-1])
    flat_weights, biases = parts[: len(shapes)], parts[len(shapes) :]
    weights = [part.reshape(shape) for part, shape in zip(flat_weights, shapes, strict=True)]
    return Parameters(vector, weights, biases)


def count_parameters(sizes: Sequence[int]) -> int:
    """Return the number of weights and biases between layers of these sizes."""
    return sum(n_out * n_in + n_out for n_in, n_out in pairwise(sizes))


class Network:
    """A multilayer perceptron: each neuron is connected to every neuron of the layer before it.

    parameters   all weights and biases as one vector
    weights      views of it, layer by layer, as in Parameters
    biases       views of it, layer by layer
    """

    def __init__(
        self, sizes: Sequence[int], activation: str, cost: str, dtype: type = np.float32
    ) -> None:
        """Create a network whose parameters are all zero.

        `sizes` are the numbers of neurons in each layer, the input layer first: [784, 16, 16, 10].
        `activation` is that of the hidden layers; the cost determines that of the output layer.
        """
        self.sizes = list(sizes)
        self.activation = activation
        self.cost = cost
        self.parameters, self.weights, self.biases = zero_parameters(sizes, dtype)
        function, slope = ACTIVATIONS[activation]
        n_hidden = len(sizes) - 2
        self.functions = [function] * n_hidden + [OUTPUTS[COSTS[cost].output]]
        self.slopes = [slope] * n_hidden  # that of the outputs is part of the cost's delta

    def forward(self, images: Array) -> list[Array]:
        """Return every layer's activations: `images` (n, 784) first, the outputs (n, 10) last.

        Rows are examples, so what the videos write as W a + b is a Wᵀ + b here.
        """
        activations = [images]
        for weights, biases, squish in zip(self.weights, self.biases, self.functions, strict=True):
            z = matmul(activations[-1], weights.T) + biases
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
        else:  # he
            weights[:] = random.normal(0, math.sqrt(2 / n_in), weights.shape)
