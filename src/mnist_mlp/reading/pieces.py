"""Pieces: the connected components of the ink, and the boxes around them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.reading.ink import Mask

Numbers = NDArray[np.intp]  # (height, width): the piece to which each pixel belongs, or 0


class Box(NamedTuple):
    """A box around ink, in pixels; the right and the bottom are outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    def __or__(self, other: "Box") -> "Box":
        """Return the box around both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Box(left, top, max(self.right, other.right), max(self.bottom, other.bottom))

    @property
    def part(self) -> tuple[slice, slice]:
        """The slices of an array that it holds."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def label(inked: Mask) -> Numbers:
    """Return the number of each pixel's connected component (8-connectivity), from 1, or 0.

    This is union-find on whole arrays. Each pixel's number is first the index of a pixel in its
    component. If two neighbours' numbers differ, the pixel at the larger index takes the smaller
    one, and all that point to it follow, until no neighbours differ.
    """
    padded = np.pad(inked, 1)
    flat, width = padded.ravel(), padded.shape[1]
    pairs = [(np.flatnonzero(flat[:-i] & flat[i:]), i) for i in (1, width - 1, width, width + 1)]
    first = np.concatenate([pixels for pixels, _ in pairs])
    second = np.concatenate([pixels + i for pixels, i in pairs])
    numbers = np.arange(flat.size, dtype=np.intp)
    while (numbers[first] != numbers[second]).any():
        one, other = numbers[first], numbers[second]
        np.minimum.at(numbers, np.maximum(one, other), np.minimum(one, other))
        while (numbers[numbers] != numbers).any():
            numbers = numbers[numbers]
    found = np.zeros(flat.size, np.intp)
    found[flat] = np.unique(numbers[flat], return_inverse=True)[1] + 1
    return found.reshape(padded.shape)[1:-1, 1:-1]


def boxes(numbers: Numbers) -> list[Box]:
    """Return the box around each piece, in the order of their numbers, from 1."""
    rows, columns = np.nonzero(numbers)
    owners = numbers[rows, columns] - 1
    n = int(numbers.max(initial=0))
    first = np.full((2, n), max(numbers.shape))
    last = np.zeros((2, n), np.intp)
    for axis, places in enumerate((columns, rows)):
        np.minimum.at(first[axis], owners, places)
        np.maximum.at(last[axis], owners, places + 1)
    return [Box(*map(int, box)) for box in np.concatenate([first, last]).T]
