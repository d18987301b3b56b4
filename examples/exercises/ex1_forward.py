"""Exercise 1 of 5, forward: from the pixels of an image to ten outputs.

Each neuron adds up the activations of the layer before, each times its weight, adds its bias, and
squishes the sum z. Hidden neurons squish by ReLU: negative sums become 0. The ten outputs squish by
softmax, which turns the sums of a row into probabilities that add up to 1:

    z = a Wᵀ + b        relu(z) = max(0, z)        softmax(z) = exp(z) / Σ exp(z)

Rows are examples: `images` is (n, inputs), each matrix of `weights` is (neurons, inputs), and each
array of `biases` is (neurons,). `a` is `activations[-1]`: what the layer before gave. Replace each
`...`, and run

    mnist-mlp check ex1_forward.py

When it is right, it says: forward: right.
"""

import numpy as np


def relu(z):
    """Return z where it is positive, and 0 elsewhere."""
    return ...


def softmax(z):
    """Return probabilities: each row of z, (n, 10), becomes a row that adds up to 1."""
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))  # of small numbers: no overflow
    return ...


def forward(weights, biases, images):
    """Return a list of the activations of every layer: the images first, the outputs last."""
    activations = [images]
    for w, b in zip(weights, biases):
        z = ...
        activations.append(relu(z))
    activations[-1] = softmax(z)  # of the last layer, instead of ReLU
    return activations
