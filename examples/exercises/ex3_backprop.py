"""Exercise 3 of 5, backprop: how the cost changes with every weight and every bias.

A neuron's delta is ∂C/∂z: how fast the cost changes with its sum z. For the outputs it is simple,
as softmax and cross-entropy cancel each other (1). A layer below gets the deltas of the layer above
back through the weights, times its own slope ∂a/∂z, which is 1 for a ReLU that is on (a > 0), and
0 for one that is off (2). From the deltas follow the gradients (3, 4):

    (1) δ = (a - y) / n  of the outputs       (3) ∂C/∂b = Σ δ  over the examples
    (2) δ = (δ W) · (a > 0)  of a layer below (4) ∂C/∂W = δᵀ a  with a of the layer before

They are BP1 to BP4 in chapter 2 of Nielsen's book; here rows are examples. A gradient has the shape
of what it is the gradient of. `activations[layer]` is what `weights[layer]` is multiplied by: it
is the a of (2) and (4). `forward` is that of exercise 1; the check brings its own. Replace
each `...`, and run

    mnist-mlp check ex3_backprop.py

When it is right, it says: backprop: right.
"""

import numpy as np


def backprop(weights, biases, images, targets):
    """Return the gradients of the mean cross-entropy: a list for weights, and one for biases."""
    activations = forward(weights, biases, images)
    by_weights, by_biases = [], []
    delta = ...  # (1)
    for layer in reversed(range(len(weights))):
        by_weights.insert(0, ...)  # (4)
        by_biases.insert(0, ...)  # (3)
        if layer > 0:
            delta = ...  # (2)
    return by_weights, by_biases
