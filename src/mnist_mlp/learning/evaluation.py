"""Evaluation: how often the network is right, and how sure it is of itself."""

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import DIGITS, Labels, Rows
from mnist_mlp.learning.network import Network

BLOCK = 1000  # images sent through the network at a time, to bound the memory it takes
MIN_VARIETY = 0.05  # min ratio of minority answers to minority labels
UNSURE = 0.5  # lead over the runner-up below which an answer is no more than a guess


def activations(network: Network, images: Array) -> list[Array]:
    """Return what `network.forward` does. Raises InputError if it has NaN or infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        layers = network.forward(images)
    if not all(np.isfinite(layer).all() for layer in layers[1:]):
        raise InputError(
            "the network produced NaN or infinity: its weights are too large, or the images "
            "damaged; train with a smaller learning_rate, or run `dvc repro -f preprocess train`"
        )
    return layers


def answer(network: Network, images: Array, rows: Rows | None = None) -> Array:
    """Return the network's outputs, (n, 10) in [0, 1], for `images`, (n, 784) in [0, 1].

    With `rows`, only for these images. Raises InputError if an output is NaN or infinite.
    """
    n = len(images) if rows is None else len(rows)
    outputs = np.empty((n, network.sizes[-1]), network.parameters.dtype)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        chosen = images[block] if rows is None else images[rows[block]]
        outputs[block] = activations(network, chosen)[-1]
    return outputs


def accuracy(outputs: Array, labels: Labels) -> float:
    """Return the fraction of examples, from 0 to 1, whose largest output is their digit's."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def is_stuck(outputs: Array, labels: Labels) -> bool:
    """Return whether a network has collapsed, given its outputs, (n, 10), for n labels.

    It has if nearly all its answers are the same digit, although the labels differ more, or if its
    accuracy is no better than always answering with the most frequent label.
    """
    n = len(labels)
    answered = np.bincount(outputs.argmax(axis=1), minlength=DIGITS).max()
    frequent = np.bincount(labels, minlength=DIGITS).max()
    one_answer = n - answered < MIN_VARIETY * (n - frequent)
    return bool(one_answer or accuracy(outputs, labels) <= frequent / n)


def mistakes(outputs: Array, labels: Labels) -> NDArray[np.intp]:
    """Return which examples are not read as their digit, (k,), the largest outputs first."""
    wrong = np.flatnonzero(outputs.argmax(axis=1) != labels)
    return wrong[np.argsort(-outputs.max(axis=1)[wrong], kind="stable")]


def noise_confidence(network: Network, n: int, random: np.random.Generator) -> float:
    """Return the mean of the largest output, from 0 to 1, over n images of uniform noise."""
    noise = random.random((n, network.sizes[0]), dtype=np.float32)
    return float(np.mean(answer(network, noise).max(axis=1)))
