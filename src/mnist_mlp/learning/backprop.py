"""Backpropagation: the gradient of the cost for one mini-batch.

A neuron's delta is ∂cost/∂z: how fast the cost changes with its weighted sum z. The chain rule
gives the deltas of a layer from those of the layer after it, and a layer's deltas give the gradient
of its weights and biases. These are the equations BP1 to BP4 of Nielsen's book (chapter 2); here
each row of an array is one example of the mini-batch.
"""

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import Network, Parameters, zero_parameters
from mnist_mlp.learning.products import multiply, sum_rows


def backprop(
    network: Network, activations: list[Array], targets: Array, out: Parameters | None = None
) -> Parameters:
    """Return the gradient of the mini-batch's cost, in the layout of the network's parameters.

    `activations` are those that `network.forward` returned for the images, and `targets` is
    (n, 10). The gradient is written into `out`, if given.
    """
    gradient = out or zero_parameters(network.sizes, targets.dtype.type)
    delta = COSTS[network.cost].delta(activations[-1], targets) / len(targets)  # BP1, for the mean
    for layer in reversed(range(len(network.weights))):
        multiply(delta.T, activations[layer], gradient.weights[layer])  # BP4, summed over examples
        sum_rows(delta, gradient.biases[layer])  # BP3, summed over examples
        if layer > 0:
            slope = network.slopes[layer - 1](activations[layer])
            delta = multiply(delta, network.weights[layer]) * slope  # BP2
    return gradient
