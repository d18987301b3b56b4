"""Shuffling: a random order of examples, also of more than fit in memory."""

import numpy as np
from numpy.typing import NDArray


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
