"""The whole method on one page: the default recipe of `dvc repro`, but for rounding.

Run `python examples/from_scratch.py FOLDER`. FOLDER has MNIST's four files, unpacked, as data/raw
does, which is the default. In every array, rows are examples.
"""

import sys

import numpy as np

SIZES = [784, 16, 16, 10]  # neurons in each layer: pixels, two hidden layers, digits
EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, HELD_OUT, SEED = 15, 10, 0.1, 0.0005, 0.1, 0


def random(seed, purpose, *part):
    """Give each purpose a stream of random numbers of its own, as the pipeline does."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *part)))


def read(path):
    """Read an IDX file: byte 3 is the number of dimensions, then 4 bytes for each, then values."""
    data = np.fromfile(path, np.uint8)
    values = 4 + 4 * data[3]
    return data[values:].reshape(data[4:values].view(">i4"))


def load(folder, name):
    """Return images, (n, 784) from 0 to 1, and one-hot targets, (n, 10)."""
    images = read(f"{folder}/{name}-images-idx3-ubyte").reshape(-1, 784)
    labels = read(f"{folder}/{name}-labels-idx1-ubyte")
    return images / np.float32(255), np.eye(10, dtype=np.float32)[labels]


def initialise():
    """Return random weights, (n_out, n_in) for each layer, and biases of zero."""
    draw, weights = random(SEED, 1), []
    for n_in, n_out in zip(SIZES, SIZES[1:]):
        limit = np.sqrt(6 / (n_in + n_out))  # Glorot and Bengio 2010
        weights.append(draw.uniform(-limit, limit, (n_out, n_in)).astype(np.float32))
    return weights, [np.zeros(n_out, np.float32) for n_out in SIZES[1:]]


def forward(weights, biases, images):
    """Return the activations of every layer, the images first and the ten outputs last."""
    activations = [images]
    for w, b in zip(weights, biases):
        z = activations[-1] @ w.T + b
        activations.append(np.maximum(z, 0))  # ReLU
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    activations[-1] = exponentials / exponentials.sum(axis=1, keepdims=True)  # softmax
    return activations


def backprop(weights, activations, targets):
    """Return the gradient of the mean cross-entropy, -Σ y ln a: of the weights, of the biases."""
    by_weights, by_biases = [], []
    delta = (activations[-1] - targets) / len(targets)  # ∂cost/∂z of the outputs
    for w, a in zip(reversed(weights), reversed(activations[:-1])):
        by_weights.insert(0, delta.T @ a)
        by_biases.insert(0, delta.sum(axis=0))
        delta = delta @ w * (a > 0)  # ∂cost/∂z of the layer below
    return by_weights, by_biases


def train(images, targets):
    """Return the weights and biases that gradient descent finds."""
    order = random(0, 8).permutation(len(images))  # the order in which the pipeline stores images
    rows = np.delete(order, random(SEED, 0).permutation(len(order))[: round(HELD_OUT * len(order))])
    weights, biases = initialise()
    for epoch in range(EPOCHS):
        shuffled = rows[random(SEED, 2, epoch).permutation(len(rows))]
        for start in range(0, len(rows), BATCH_SIZE):
            batch = shuffled[start : start + BATCH_SIZE]
            activations = forward(weights, biases, images[batch])
            gradients = backprop(weights, activations, targets[batch])
            time = (epoch + start / len(rows)) / EPOCHS  # from 0 to 1, as the rate falls to 0
            rate = float(LEARNING_RATE * (1 + np.cos(np.pi * time)) / 2)
            for w, b, by_w, by_b in zip(weights, biases, *gradients):
                w *= 1 - rate * WEIGHT_DECAY
                w -= rate * by_w
                b -= rate * by_b
    return weights, biases


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "data/raw"
    weights, biases = train(*load(folder, "train"))
    images, targets = load(folder, "t10k")
    right = forward(weights, biases, images)[-1].argmax(axis=1) == targets.argmax(axis=1)
    print(f"{right.mean():.2%} of {len(images):,} unseen digits are classified correctly.")
