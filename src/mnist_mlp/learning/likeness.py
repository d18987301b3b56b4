"""Likeness: whether an image looks like a digit to a network, which answers with one in any case.

The training examples of a digit vary around their mean mainly in a few directions, their principal
components. What of an image lies outside these, for the digit that leaves the least, is its
distance from digits. An image stands here for two vectors, each scaled to length 1: its pixels,
averaged in squares of 2×2, and the activations of the last hidden layer.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import DIGITS, PIXELS, SIDE, Dataset, Labels, Rows, Split
from mnist_mlp.learning.evaluation import BLOCK, activations
from mnist_mlp.learning.model import open_arrays, save_arrays
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.products import matmul

DIRECTIONS = 20  # principal components of each digit
EXAMPLES = 5000  # of each digit, at most, that they are computed from
JUDGED = 5000  # training examples to choose the limit with, at most, if none are held out
UNUSUAL = 0.05  # of the validation digits are this far from digits, or farther
KEPT = 0.8  # of the training examples, at least, for the principal components


class Likeness(NamedTuple):
    """What the digits that a network learned from have in common.

    means        of the vectors of each digit that has examples, (d, n) float32
    directions   the principal components of each, (d, k, n) float32, orthonormal
    limit        what is farther from digits does not look like one
    unusual      what is farther, as few digits are, is a reason to be unsure
    """

    means: Array
    directions: Array
    limit: float
    unusual: float

    def distances(self, layers: list[Array]) -> Array:
        """Return how far m images are from digits, (m,), given their activations in every layer."""
        vectors = vectors_of(layers)
        nearest = np.full(len(vectors), np.inf, np.float32)
        for mean, directions in zip(self.means, self.directions, strict=True):
            offsets = vectors - mean
            explained = np.square(matmul(offsets, directions.T)).sum(axis=1)
            nearest = np.minimum(nearest, np.square(offsets).sum(axis=1) - explained)
        return nearest

    def refuses(self, network: Network, images: Array) -> NDArray[np.bool_]:
        """Return which of the images, (m, 784) in [0, 1], do not look like a digit, (m,) bools."""
        return _distances(self, network, images, np.arange(len(images))) > self.limit


def vectors_of(layers: list[Array]) -> Array:
    """Return the vectors that stand for m images, (m, n), given their activations."""
    pixels, hidden = layers[0], layers[-2]
    squares = pixels.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    return np.hstack([_unit(squares.reshape(len(pixels), -1)), _unit(hidden)])


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    unit: Array = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def measure_likeness(network: Network, digits: Dataset, split: Split, refuse: float) -> Likeness:
    """Learn what digits look like to a network, from those that it was trained with.

    At most the fraction `refuse` of the images held out is beyond the limit. If none are held out,
    some of the training examples choose the limit, and the others say what digits look like.
    """
    known, judged = split
    if not len(judged):
        kept = max(len(known) - JUDGED, int(KEPT * len(known)))
        known, judged = known[: max(kept, 1)], known[kept:]
    examples = [rows[:EXAMPLES] for rows in _rows_by_digit(digits.labels, known) if len(rows)]
    k = min(DIRECTIONS, *(len(rows) - 1 for rows in examples))
    found = [
        _principal_components(vectors_of(activations(network, digits.images[rows])), k)
        for rows in examples
    ]
    means, directions = map(np.array, zip(*found, strict=True))
    likeness = Likeness(means, directions, np.inf, np.inf)
    distances = _distances(likeness, network, digits.images, judged)
    limit, unusual = np.quantile(distances, [1 - refuse, 1 - UNUSUAL], method="higher").tolist()
    return likeness._replace(limit=limit, unusual=unusual)


def _rows_by_digit(labels: Labels, rows: Rows) -> list[Rows]:
    return [rows[labels[rows] == digit] for digit in range(DIGITS)]


def _principal_components(vectors: Array, k: int) -> tuple[Array, Array]:
    """Return the mean, (n,), and the k directions, (k, n), in which m vectors vary most."""
    mean = vectors.mean(axis=0)
    offsets = vectors - mean
    _, directions = np.linalg.eigh(matmul(offsets.T, offsets))  # in ascending order
    return mean, directions.T[len(mean) - k :]


def _distances(likeness: Likeness, network: Network, images: Array, rows: Rows) -> Array:
    blocks = np.split(rows, range(BLOCK, len(rows), BLOCK))
    found = [likeness.distances(activations(network, images[block])) for block in blocks]
    return np.concatenate(found)


def likeness_file(model: Path) -> Path:
    """Return where the likeness of a model is: beside it."""
    return model.with_suffix(".likeness.npz")


def save_likeness(path: Path, likeness: Likeness, network: Network) -> None:
    """Write a likeness, and which network it belongs to, to an .npz file."""
    save_arrays(path, {**likeness._asdict(), "model": _digest(network)})


def load_likeness(path: Path, network: Network) -> Likeness | None:
    """Read what save_likeness wrote; return None if there is none, or that of another network.

    Raises InputError if the file is something else, and OSError if it cannot be read.
    """
    if not path.exists():
        return None
    with open_arrays(path, "the likeness of a model") as arrays:
        if arrays["model"].tolist() != _digest(network):
            return None
        means, directions, *limits = (arrays[name] for name in Likeness._fields)
        d, n = len(means), PIXELS // 4 + network.sizes[-2]
        if means.shape != (d, n) or directions.shape != (d, directions.shape[1], n):
            raise ValueError(f"expected vectors of {n} numbers")
        if any(limit.shape for limit in limits):
            raise ValueError("expected one number as a limit")
        if not all(array.dtype == np.float32 for array in (means, directions)):
            raise ValueError("expected float32")
        if not all(np.isfinite(array).all() for array in (means, directions, *limits)):
            raise ValueError("its numbers include NaN or infinity")
        return Likeness(means, directions, *map(float, limits))


def _digest(network: Network) -> str:
    return hashlib.sha256(network.parameters.tobytes()).hexdigest()
