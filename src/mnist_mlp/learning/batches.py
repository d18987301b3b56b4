"""Mini-batches: examples in random order, even if they do not all fit in memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, Rows

CHUNK = 256  # examples copied at a time: they fit in the processor's cache


def mini_batches(digits: Dataset, order: Rows, size: int) -> Iterator[tuple[Array, Array]]:
    """Yield mini-batches of the rows `order`: images, (size, 784), and targets, (size, 10).

    The last may be smaller. Later ones overwrite the images.
    """
    chunk = size * max(1, CHUNK // size)
    buffer = np.empty((chunk, digits.images.shape[1]), digits.images.dtype)
    for start in range(0, len(order), chunk):
        rows = order[start : start + chunk]
        images = digits.images.take(rows, 0, buffer[: len(rows)], "clip")  # "raise" copies twice
        targets = digits.targets.take(rows, 0)
        for i in range(0, len(rows), size):
            yield images[i : i + size], targets[i : i + size]


def shuffled(
    n: int, random: np.random.Generator, block: int = 65_536, run: int = 256
) -> NDArray[np.intp]:
    """Return the numbers from 0 to n - 1 in random order.

    Up to `block` examples, every order is equally likely. More may not fit in memory, so only one
    block is read at a time: it is made of runs of neighbours, chosen at random, and then shuffled.
    Preprocessing has put the examples in random order, so a run is a random sample, and so is each
    mini-batch.
    """
    if n <= block:
        return random.permutation(n)
    runs = random.permutation(-(-n // run))
    order = (run * runs[:, np.newaxis] + np.arange(run)).ravel()
    order = order[order < n]
    for start in range(0, n, block):
        random.shuffle(order[start : start + block])
    return order
