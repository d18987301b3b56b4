"""The network: layers of neurons that turn the pixels of an image into ten outputs."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.products import multiply


def sigmoid(z: Array) -> None:
    """Squash into 0 to 1: 1 / (1 + exp(-z)), in a form in which no z overflows."""
    z /= 2
    np.tanh(z, z)
    z += 1
    z /= 2


def tanh(z: Array) -> None:
    """Squash into -1 to 1."""
    np.tanh(z, z)


def relu(z: Array) -> None:
    """Keep what is above zero: max(z, 0)."""
    np.maximum(z, 0, out=z)


def softmax(z: Array) -> None:
    """Turn each row into probabilities; its largest z, taken away first, keeps exp in range."""
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, z)
    z /= z.sum(axis=1, keepdims=True)


# Each turns the weighted sums z, a row for each example, into activations in place.
ACTIVATIONS: dict[str, Callable[[Array], None]] = {
    "sigmoid": sigmoid,
    "relu": relu,
    "tanh": tanh,
    "softmax": softmax,
}


def count_parameters(sizes: Sequence[int]) -> int:
    """Return how many weights and biases join layers of these sizes."""
    return sum(n_out * n_in + n_out for n_in, n_out in pairwise(sizes))


class Network:
    """A multilayer perceptron: each neuron sees every neuron of the layer before it.

    parameters   all weights, then all biases, of all layers: one vector of floats
    weights[i]   what leads into layer i + 1: (n_out, n_in), a row for each of its neurons
    biases[i]    what is added there: (n_out,)

    `weights` and `biases` are views: they and `parameters` are the same numbers in memory.
    """

    def __init__(
        self, sizes: Sequence[int], activation: str, cost: str, dtype: type = np.float32
    ) -> None:
        """Make a network of zeros.

        `sizes` counts the neurons of each layer, the pixels first: [784, 16, 16, 10].
        `activation` is that of the hidden neurons; the cost decides that of the outputs.
        """
        self.sizes = list(sizes)
        self.activation = activation
        self.cost = cost
        self.shapes = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
        self.parameters: Array = np.zeros(count_parameters(sizes), dtype)
        self.weights, self.biases = self.layers(self.parameters)
        self.n_weights = sum(weights.size for weights in self.weights)
        names = [activation] * (len(self.weights) - 1) + [COSTS[cost].output]
        self.functions = [ACTIVATIONS[name] for name in names]

    def layers(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """View a vector as long as `parameters` as the weights and the biases of each layer."""
        lengths = [n_out * n_in for n_out, n_in in self.shapes] + self.sizes[1:]
        parts = np.split(vector, np.cumsum(lengths)[:-1])
        weights = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=False)]
        return weights, parts[len(weights) :]

    def empty_layers(self, n: int) -> list[Array]:
        """Return an array (n, size) for what n examples bring about in each layer but the first."""
        return [np.empty((n, size), self.parameters.dtype) for size in self.sizes[1:]]

    def forward(
        self, images: Array, out: list[Array] | None = None, masks: Sequence[Array] = ()
    ) -> list[Array]:
        """Return every layer's activations: `images` (n, 784) first, the outputs (n, 10) last.

        The arrays in `out`, made by `empty_layers(n)`, are used again instead of new ones. Where
        there are `masks`, one for each hidden layer, they multiply its activations.
        """
        activations = [images, *(out or self.empty_layers(len(images)))]
        for layer, activate in enumerate(self.functions):
            z = multiply(activations[layer], self.weights[layer].T, activations[layer + 1])
            z += self.biases[layer]
            activate(z)
            if layer < len(masks):
                z *= masks[layer]
        return activations


def initialise_weights(network: Network, kind: str, random: np.random.Generator) -> None:
    """Fill a network's weights with random numbers; its biases stay as they are.

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
