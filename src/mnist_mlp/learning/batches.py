"""Mini-batches: examples in random order, also of more than fit in memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, Rows

GATHERED = 256  # examples fetched at a time: they fit in the processor's cache


def mini_batches(digits: Dataset, order: Rows, size: int) -> Iterator[tuple[Array, Array]]:
    """Yield images, (size, 784), and targets, (size, 10), of these rows; the last may be fewer.

    Later mini-batches overwrite the images.
    """
    several = size * max(1, GATHERED // size)
    buffer = np.empty((several, digits.images.shape[1]), digits.images.dtype)
    for start in range(0, len(order), several):
        rows = order[start : start + several]
        images = digits.images.take(rows, 0, buffer[: len(rows)], "clip")  # "raise" copies twice
        targets = digits.targets.take(rows, 0)
        for i in range(0, len(rows), size):
            yield images[i : i + size], targets[i : i + size]


def shuffled(
    n: int, random: np.random.Generator, block: int = 65_536, run: int = 256
) -> NDArray[np.intp]:
    """Return the numbers from 0 to n - 1, each once, in random order.

    Up to a block of examples every order is equally likely. More may not fit in memory, so a block
    is then put together from runs of neighbours, drawn at random from the whole set, and shuffled;
    only one block is read at a time. As preprocessing laid the examples down in random order, a run
    is a random sample too, and so is each mini-batch.
    """
    if n <= block:
        return random.permutation(n)
    runs = random.permutation(-(-n // run))
    order = (run * runs[:, np.newaxis] + np.arange(run)).ravel()
    order = order[order < n]
    for start in range(0, n, block):
        random.shuffle(order[start : start + block])
    return order
