"""Backpropagation: the gradient of the cost for one mini-batch.

A neuron's delta is ∂cost/∂z: how much the cost would change with its weighted sum z. The chain
rule gives the deltas of a layer from those of the layer after it, and from a layer's deltas the
part of the gradient that belongs to its weights and biases. In Nielsen's book (chapter 2) these
are the equations BP1 to BP4; here every row of an array is one example of the mini-batch.
"""

from collections.abc import Callable

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.products import multiply

# The slope of each activation, told from the activation a itself.
SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: a * (1 - a),
    "relu": np.sign,  # a is never below zero
    "tanh": lambda a: 1 - a * a,
}


class Memory:
    """Arrays for mini-batches of n examples, each of which uses them again.

    To make them anew for each mini-batch would take as long as half of the mathematics.
    """

    def __init__(self, network: Network, n: int) -> None:
        dtype = network.parameters.dtype
        self.images = np.empty((n, network.sizes[0]), dtype)
        self.activations = network.empty_layers(n)
        self.deltas = network.empty_layers(n)
        self.ones = np.ones(n, dtype)
        self.gradient = np.empty_like(network.parameters)
        self.weights_gradient, self.biases_gradient = network.layers(self.gradient)
        self.masks: list[Array] = []
        self.kept = 1.0

    def drop_out(self, share: float, random: np.random.Generator) -> None:
        """Choose anew which hidden neurons are silent, each with the probability `share`.

        What the others say is made louder by as much, so that the sums that they lead to stay on
        average as they are (Srivastava et al. 2014).
        """
        self.kept = 1 - share
        hidden = self.activations[:-1]
        draws = (random.random(a.shape, np.float32) for a in hidden)
        self.masks = [
            (draw < self.kept) / a.dtype.type(self.kept)
            for draw, a in zip(draws, hidden, strict=True)
        ]


def backprop(
    network: Network,
    images: Array,
    targets: Array,
    memory: Memory | None = None,
    factor: float = 1,
) -> Array:
    """Return the gradient of the mini-batch's cost, multiplied by `factor`.

    `images` is (n, 784) and `targets` (n, 10). The gradient has the layout of
    `network.parameters`. With a `memory` for n examples it is a part of that, which the next
    call overwrites; all activations stand there too.
    """
    memory = memory or Memory(network, len(images))
    activations = network.forward(images, memory.activations, memory.masks)
    slope = SLOPES[network.activation]

    delta = COSTS[network.cost].delta(activations[-1], targets, memory.deltas[-1])  # BP1
    delta *= factor / len(images)
    for layer in reversed(range(len(network.weights))):
        multiply(delta.T, activations[layer], memory.weights_gradient[layer])  # BP4
        memory.ones.dot(delta, memory.biases_gradient[layer])  # BP3, a sum over examples
        if layer > 0:
            delta = multiply(delta, network.weights[layer], memory.deltas[layer - 1])  # BP2
            if memory.masks:
                delta *= memory.masks[layer - 1]
                delta *= slope(activations[layer] * memory.kept)
            else:
                delta *= slope(activations[layer])
    return memory.gradient
