"""Backpropagation: the gradient of the cost for one mini-batch.

A neuron's delta is ∂cost/∂z: how much the cost would change with its weighted sum z. The chain
rule gives the deltas of a layer from those of the layer after it, and from a layer's deltas the
part of the gradient that belongs to its weights and biases. In Nielsen's book (chapter 2) these
are the equations BP1 to BP4; here every row of an array is one example of the mini-batch.
"""

from collections.abc import Callable

import numpy as np

from mnist_mlp.costs import COSTS, Array
from mnist_mlp.network import Network

# The slope of each activation, told from the activation a itself.
SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: a * (1 - a),
    "relu": lambda a: (a > 0).astype(a.dtype),
    "tanh": lambda a: 1 - a * a,
}


def backprop(network: Network, images: Array, targets: Array) -> tuple[Array, Array]:
    """Return the gradient of the mini-batch's cost, and the network's outputs on the way.

    `images` is (n, 784) and `targets` (n, 10). The gradient has the layout of
    `network.parameters`; the outputs are (n, 10).
    """
    activations = network.forward(images)
    outputs = activations[-1]
    gradient = np.empty_like(network.parameters)
    weights_gradient, biases_gradient = network.layers(gradient)
    slope = SLOPES[network.activation]

    delta = COSTS[network.cost].delta(outputs, targets) / len(images)  # BP1
    for layer in reversed(range(len(network.weights))):
        np.dot(delta.T, activations[layer], out=weights_gradient[layer])  # BP4
        np.sum(delta, axis=0, out=biases_gradient[layer])  # BP3
        if layer > 0:
            delta = (delta @ network.weights[layer]) * slope(activations[layer])  # BP2
    return gradient, outputs
