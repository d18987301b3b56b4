"""Matrix products, shared among threads if they are large, and sums over rows."""

from functools import cache

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.sharing import share

LARGE = 2**23  # multiplications from which cutting a product pays
TILE = 2**22  # max multiplications for a tile, unless a product has too many for its tiles
HALVINGS = 4  # max, so that a product has about 16 tiles
FEW_ROWS = 256  # up to this many stay together
ROWS, COLUMNS = 12, 16  # the sides of a tile are multiples; a cut between rows changes no bit
MAX_ONES = 4096  # up to this many rows are summed as a product with ones
ONES = np.ones(MAX_ONES, np.float32)


def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the product of a, (n, k), and b, (k, m), written into `out`, (n, m), if given.

    A large product is cut into tiles. They depend on n, k and m only, so the bytes are the same for
    any number of threads.
    """
    if len(a) * b.size < LARGE:
        return a.dot(b, out)
    product = np.empty((len(a), b.shape[1]), a.dtype) if out is None else out

    def multiply(tile: tuple[slice, slice]) -> None:
        rows, columns = tile
        np.matmul(a[rows], b[:, columns], product[tile])

    share(multiply, tiles(len(a), *b.shape))
    return product


@cache
def tiles(n: int, k: int, m: int) -> list[tuple[slice, slice]]:
    """Cut the product of (n, k) and (k, m) into tiles: their rows and columns.

    A tile reads all of its rows of the one matrix and its columns of the other, which costs least
    if it is about square. With few rows, a cut between columns costs less than one between rows.
    """
    height, width = n, m
    for _ in range(HALVINGS):
        if height * k * width <= TILE:
            break
        if n <= FEW_ROWS or width > height:
            width = _half(width, COLUMNS)
        else:
            height = _half(height, ROWS)
    return [
        (slice(row, row + height), slice(column, column + width))
        for row in range(0, n, height)
        for column in range(0, m, width)
    ]


def _half(length: int, step: int) -> int:
    """Return half of a length, rounded up to a multiple of `step`."""
    return -(-length // (2 * step)) * step


def sum_over_examples(a: Array, out: Array) -> Array:
    """Write the sum of the rows of a, (n, m), into `out`, (m,), and return it.

    For a small `a`, a product with ones takes a third of the time of a.sum(axis=0).
    """
    return ONES[: len(a)].dot(a, out) if len(a) <= MAX_ONES else a.sum(axis=0, out=out)
