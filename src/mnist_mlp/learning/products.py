"""Matrix products, split among threads if they are large, and sums over rows."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from mnist_mlp.base.arrays import Array

TILE = 512  # columns of a tile, which one thread computes; decides a result's last bits
ROWS = 12  # a cut after a multiple of this many rows changes no bit
MAX_ONES = 4096  # up to this many rows are summed as a product with ones
ONES = np.ones(MAX_ONES, np.float32)
LARGE = 2**24  # multiplications from which splitting a product pays


def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the product of a, (n, k), and b, (k, m), written into `out`, (n, m), if given.

    A large product is cut into tiles of fixed size, so that its bytes do not depend on the number
    of threads. NumPy releases the GIL while it multiplies.
    """
    if len(a) * b.size < LARGE:
        return a.dot(b, out)
    n, m = len(a), b.shape[1]
    product = np.empty((n, m), a.dtype) if out is None else out
    height = n if m > TILE else ROWS * -(-n // (2 * ROWS))  # few columns: two tiles of rows
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

    For a small `a`, a product with ones takes a third of the time of a.sum(axis=0).
    """
    return ONES[: len(a)].dot(a, out) if len(a) <= MAX_ONES else a.sum(axis=0, out=out)


@cache
def _threads() -> ThreadPoolExecutor:
    """Return a pool of OMP_NUM_THREADS threads, or of as many as there are processors."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(wanted) if wanted.isdecimal() else os.cpu_count() or 1
    return ThreadPoolExecutor(max(1, threads))


if hasattr(os, "register_at_fork"):  # a forked child has none of its parent's threads
    os.register_at_fork(after_in_child=_threads.cache_clear)
