"""Backpropagation: the gradient of the cost for one mini-batch.

A neuron's delta is ∂cost/∂z: how fast the cost changes with its weighted sum z. In the videos'
∂C/∂w = ∂z/∂w ∂a/∂z ∂C/∂a it is the product of the last two factors. The chain rule gives the deltas
of a layer from those of the layer after it. These are the equations BP1 to BP4 of Nielsen's book
(chapter 2); here each row of an array is one example of the mini-batch.
"""

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import Network, Parameters, zero_parameters
from mnist_mlp.learning.products import matmul, sum_over_examples


def backprop(
    network: Network, activations: list[Array], targets: Array, out: Parameters | None = None
) -> Parameters:
    """Return the gradient of the mini-batch's cost, in the layout of the network's parameters.

    `activations` are those that `network.forward` returned for the images, and `targets` is
    (n, 10). If `out` is given, the gradient overwrites it.
    """
    gradient = out or zero_parameters(network.sizes, network.parameters.dtype.type)
    delta = COSTS[network.cost].delta(activations[-1], targets) / len(targets)  # BP1, for the mean
    for layer in reversed(range(len(network.weights))):  # weights from `layer` to the one of delta
        matmul(delta.T, activations[layer], out=gradient.weights[layer])  # ∂C/∂W = δᵀ a, BP4
        sum_over_examples(delta, out=gradient.biases[layer])  # ∂C/∂b = Σ δ, BP3
        if layer > 0:
            slope = network.slopes[layer - 1](activations[layer])
            delta = matmul(delta, network.weights[layer]) * slope  # δ = (δ W) · ∂a/∂z, BP2
    return gradient
