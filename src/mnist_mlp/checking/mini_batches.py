"""Mini-batches: the images and targets of a step, found among all arrays that a program keeps."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.roles import role_of
from mnist_mlp.checking.sources import Digits
from mnist_mlp.checking.tensors import Item, numbers_in
from mnist_mlp.checking.trial import MASK, is_mask
from mnist_mlp.data.dataset import DIGITS, PIXELS

ALIKE = 0.99  # cosine of an image and what a program has made of it
TINY = 1e-6
KEPT = ("keep", "dropped")
SMALLEST, LARGEST = 1.05, 5.0  # by which dropout masks are multiplied

Named = Sequence[tuple[str, Any]]  # arrays and lists, with their names


def mini_batches(
    seen: Named, digits: Digits, problem: Problem, gradient: Array | None
) -> Iterator[tuple[Array, Array]]:
    """Yield what a step may have used: images, (n, n_in), and targets, (n, n_out).

    The images are the fewest rows that span the gradient of the first layer's weights. If that is a
    single one, the step may also have used one image of a whole mini-batch.
    """
    weights, n_out = problem.weights[0], len(problem.biases[-1])
    ordered = sorted(seen, key=lambda pair: role_of(pair[0]) == "images")
    batches = [
        rows
        for _, value in ordered
        if (rows := _inputs(value, weights.shape[1])) is not None and rows.shape != weights.shape
    ]
    if not batches or gradient is None:
        return
    spanning = [rows for rows in batches if _spans(rows, gradient, weights)]
    fewest = min(spanning[::-1], key=_n_distinct) if spanning else batches[-1]
    larger = [rows for rows in spanning if len(fewest) == 1 < len(rows)]
    for images in (fewest, *larger[-1:]):
        for targets in _targets(seen, digits, images, n_out):
            yield images, targets


def _n_distinct(rows: Array) -> tuple[int, int]:
    """Return how many different rows there are, and how many in all."""
    return len(np.unique(rows, axis=0)), len(rows)


def bias_comes_first(seen: Named, width: int) -> bool:
    """Return whether there are inputs that begin with a column of ones."""
    wide = [_as_rows(value, width + 1, 0) for _, value in seen]
    return any(rows is not None and len(rows) and (rows[:, 0] == 1).all() for rows in wide)


def find_masks(
    kept: Iterable[Item], problem: Problem, tree: ast.Module, *, named: bool
) -> Iterator[list[Array]]:
    """Yield the dropout masks of the hidden layers, 1 where there is none; [] if there are none.

    A mask of 0 and 1 may be divided by the fraction kept in another line. So each number of the
    program that may be this fraction, or the one dropped, is tried. The slope of ReLU is also made
    of 0 and 1, but follows the sign of z. `named` is whether the program speaks of dropout.
    """
    kept = list(kept)
    z = problem.images @ problem.weights[0].T + problem.biases[0]
    masks = []
    for bias in problem.biases[:-1]:
        shape = (len(problem.images), len(bias))
        fitting = [
            item._replace(array=item.array if item.array.shape == shape else item.array.T)
            for item in kept
            if item.array.shape in (shape, shape[::-1]) and is_mask(item.array)
        ]
        fitting = [item for item in fitting if not _is_of_sign(item.array, z)]
        fitting.sort(key=lambda item: not MASK.search(item.name))
        masks.append(fitting[0].array * 1.0 if fitting else np.ones(shape))
    is_scaled = any(mask.max() > 1 for mask in masks)
    if all(mask.all() for mask in masks) or not (named or is_scaled or not masks[0].all()):
        yield []
        return
    for scale in (1.0,) if is_scaled else _scales(kept, tree):
        yield [mask if mask.all() else mask * scale for mask in masks]


def _is_of_sign(array: Array, z: Array) -> bool:
    """Return whether an array tells which weighted sums of the first layer are positive."""
    return any(np.array_equal(array != 0, sign) for sign in (z > 0, z <= 0))


def _scales(kept: Iterable[Item], tree: ast.Module) -> list[float]:
    """Return by what a program may multiply its masks, the likely numbers first."""
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    fractions = [float(i.array) for i in kept if i.array.size == 1 and role_of(i.name) in KEPT]
    fractions += [value for value in constants if isinstance(value, float)]
    scales = [1 / part for each in fractions if 0 < each < 1 for part in (each, 1 - each)]
    scales += [float(value) for value in constants if type(value) is int]
    likely = [round(scale, 9) for scale in scales if SMALLEST < scale <= LARGEST]
    return [*dict.fromkeys(likely), 1.0]


def _inputs(value: Any, width: int) -> Array | None:
    """Return a value as rows of inputs, (n, width), without a column of ones; None if it is not."""
    rows = _as_rows(value, width, 0)
    if rows is None and (wider := _as_rows(value, width + 1, 0)) is not None:
        rows = wider[:, 1:] if (wider[:, 0] == 1).all() else wider[:, :-1]
    return rows if rows is not None and rows.any() else None


def _as_rows(value: Any, width: int, part: int) -> Array | None:
    """Return an array or list as rows, (n, width); of a list of pairs, one part of each."""
    if isinstance(value, list):
        if (array := numbers_in(value)) is not None:
            return _as_rows(array, width, part)
        parts = [each[part] if isinstance(each, tuple) and each else each for each in value]
        if not value or not all(isinstance(p, np.ndarray) and p.size == width for p in parts):
            return None
        return np.array([each.ravel() for each in parts], float)
    if width == 1 and value.ndim == 1:
        value = value[:, np.newaxis]
    if value.ndim == 3 and 1 in value.shape:
        value = value.reshape(len(value), -1)
    if value.ndim not in (1, 2) or value.dtype.kind not in "iufb" or width not in value.shape:
        return None
    rows = np.atleast_2d(value)
    return np.asarray(rows if rows.shape[1] == width else rows.T, float)


def _spans(rows: Array, gradient: Array, weights: Array) -> bool:
    """Return whether the gradient is a sum of these rows, apart from weight decay."""
    inverse = np.linalg.pinv(rows)
    rest, decayed = (array - array @ inverse @ rows for array in (gradient, weights))
    rest -= np.vdot(rest, decayed) / max(float(np.vdot(decayed, decayed)), TINY) * decayed
    return float(np.vdot(rest, rest)) <= TINY * float(np.vdot(gradient, gradient))


def _targets(seen: Named, digits: Digits, images: Array, n_out: int) -> list[Array]:
    """Return the targets of images, (n, n_out): the program's own, or those of the labels.

    A single output may stand for either of two labels.
    """
    own = [
        (name, rows)
        for name, value in seen
        if (rows := _as_rows(value, n_out, 1)) is not None
        and len(rows) == len(images)
        and len(np.unique(rows)) == 2
    ]
    labels = labels_of(images, digits)
    if labels is None:
        named = [rows for name, rows in own if role_of(name) == "targets"]
        return named[-1:] or _one_hot_of_own_labels(seen, len(images), n_out)
    if n_out == 1:
        expected = [labels[:, np.newaxis] == each for each in np.unique(digits.labels)[::-1]]
    else:
        expected = [np.eye(DIGITS, dtype=bool)[labels][:, :n_out]] * (n_out <= DIGITS)
    for _, rows in own:
        if any(np.array_equal(rows == rows.max(), each) for each in expected):
            return [rows]
    return [each.astype(float) for each in expected]


def labels_of(images: Array, digits: Digits) -> Array | None:
    """Return the labels of images, (n,), or None if they are not those of the data set."""
    if images.shape[1] != PIXELS:
        return None
    given = images - images.mean(1, keepdims=True)
    for base in (digits.images, digits.images - digits.images.mean(axis=0)):
        true = base - base.mean(1, keepdims=True)
        cosines = given @ true.T / np.linalg.norm(true, axis=1)
        cosines /= np.linalg.norm(given, axis=1)[:, np.newaxis]
        if (cosines.max(axis=1) > ALIKE).all():
            labels: Array = digits.labels[cosines.argmax(axis=1)]
            return labels
    return None


def _one_hot_of_own_labels(seen: Named, n: int, n_out: int) -> list[Array]:
    """Return the one-hot rows of the labels that a program keeps, if it keeps n of them."""
    for name, value in seen:
        if (
            role_of(name) == "targets"
            and isinstance(value, np.ndarray)
            and value.dtype.kind in "iu"
            and value.size == n
            and value.max() < n_out
        ):
            return [np.eye(n_out)[value.ravel()]]
    return []
