"""Products of matrices, shared among threads if they are large, and sums of their rows."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from mnist_mlp.base.arrays import Array

TILE = 512  # columns that one thread works out at a time; part of a result's last bits
ROWS = 12  # after any multiple of so many rows, a cut changes no bit
FEW = 4096
ONES = np.ones(FEW, np.float32)
LARGE = 2**24  # multiplications from which on a product is worth dividing


def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the product of a, (n, k), and b, (k, m), written into `out`, (n, m), if given.

    A large product is cut into tiles of fixed size, so that its bytes are the same for every
    number of threads. NumPy lets go of Python's lock while it multiplies.
    """
    if len(a) * b.size < LARGE:
        return a.dot(b, out)
    n, m = len(a), b.shape[1]
    product = np.empty((n, m), a.dtype) if out is None else out
    height = n if m > TILE else ROWS * -(-n // (2 * ROWS))  # few columns: two tiles all the same
    tiles = [
        (slice(row, row + height), slice(column, column + TILE))
        for row in range(0, n, height)
        for column in range(0, m, TILE)
    ]
    for _ in _threads().map(
        lambda tile: np.matmul(a[tile[0]], b[:, tile[1]], product[tile]), tiles
    ):
        pass
    return product


def sum_over_examples(a: Array, out: Array) -> Array:
    """Write the sum of the rows of a, (n, m), into `out`, (m,), and return it.

    As a product with a row of ones it takes a third of the time of a.sum(axis=0) if a is small.
    """
    return ONES[: len(a)].dot(a, out) if len(a) <= FEW else a.sum(axis=0, out=out)


@cache
def _threads() -> ThreadPoolExecutor:
    """Start as many threads as OMP_NUM_THREADS says, or as there are processors."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(wanted) if wanted.isdecimal() else os.cpu_count() or 1
    return ThreadPoolExecutor(max(1, threads))


os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of its parent's threads
