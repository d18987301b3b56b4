"""The data set: handwritten digits as arrays that a network can learn from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write, checked_read
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.idx import read_idx

SIDE = 28  # pixels along each side of an image
PIXELS = SIDE * SIDE
DIGITS = 10
NAME = "dataset.txt"  # says what the prepared data is
BLOCK = 1000  # examples normalised and written at a time

Labels = NDArray[np.intp]
Rows = NDArray[np.intp]  # of the arrays of a data set


class Dataset(NamedTuple):
    """Images, (n, 784) float32 in [0, 1], and their targets, (n, 10) float32 one-hot rows."""

    images: NDArray[np.float32]
    targets: NDArray[np.float32]

    @property
    def labels(self) -> Labels:
        """The digits that the targets stand for, (n,) integers from 0 to 9."""
        labels: Labels = self.targets.argmax(axis=1)
        return labels


def read_digits(
    images_file: Path, labels_file: Path
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read pixels, (n, 28, 28) from 0 to 255, and labels, (n,) from 0 to 9, from IDX files.

    Raises InputError if the files are damaged or hold something else.
    """
    pixels = read_idx(images_file, dimensions=3)
    labels = read_idx(labels_file, dimensions=1)
    if pixels.shape[1:] != (SIDE, SIDE):
        rows, columns = pixels.shape[1:]
        raise InputError(f"{images_file}: expected images of 28×28 pixels, found {rows}×{columns}")
    if len(pixels) != len(labels):
        raise InputError(
            f"{labels_file}: expected a label for each of the {len(pixels)} images in "
            f"{images_file}, found {len(labels)}"
        )
    if len(pixels) == 0:
        raise InputError(f"{images_file}: expected at least one image, found none")
    if labels.max() >= DIGITS:
        raise InputError(f"{labels_file}: expected labels from 0 to 9, found {labels.max()}")
    return pixels, labels


def normalise(pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Dataset:
    """Scale pixels from 0…255 to [0, 1] and turn each label into a one-hot target."""
    images = np.divide(pixels.reshape(-1, PIXELS), 255, dtype=np.float32)
    return Dataset(images, np.eye(DIGITS, dtype=np.float32)[labels])


def in_stored_order(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return training digits in the order in which they are stored: random, but always the same.

    Neighbours are then a random sample, which shuffling in blocks relies on.
    """
    order = generator(0, "order").permutation(len(labels))
    return pixels[order], labels[order]


class Split(NamedTuple):
    """The rows of a data set that a network learns from, and those held out to validate it."""

    training: Rows
    validation: Rows


def draw_split(n: int, params: Params) -> Split:
    """Choose at random the fraction `params.validation` of n examples to hold out.

    Raises InputError if fewer than a mini-batch are left to learn from.
    """
    order = generator(params.seed, "validation split").permutation(n)
    split = hold_out(order[: round(n * params.validation)], n)
    if not len(split.training):
        raise InputError(
            f"validation: expected a fraction that leaves some of the {n} images to train on, "
            f"found {params.validation}"
        )
    if params.batch_size > len(split.training):
        raise InputError(
            f"batch_size: expected at most the {len(split.training)} training images, "
            f"found {params.batch_size}"
        )
    return split


def hold_out(rows: Rows, n: int) -> Split:
    """Return the split of n examples that holds out these rows; both parts are sorted."""
    held_out = np.zeros(n, bool)
    held_out[rows] = True
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def relabelled(digits: Dataset, split: Split, params: Params) -> Dataset:
    """Return the data set to learn from: `labels: random` shuffles its training labels."""
    if params.labels == "real":
        return digits
    targets = digits.targets.copy()
    shuffled = generator(params.seed, "random labels").permutation(split.training)
    targets[split.training] = digits.targets[shuffled]
    return Dataset(digits.images, targets)


def save_dataset(
    folder: Path, name: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> None:
    """Write the digits, normalised, as `name`_images.npy and `name`_targets.npy.

    They are normalised a block at a time, to save memory.
    """
    images_file, targets_file = _paths(folder, name)
    with atomic_write(images_file) as images, atomic_write(targets_file) as targets:
        for file, width in ((images, PIXELS), (targets, DIGITS)):
            header = {"descr": "<f4", "fortran_order": False, "shape": (len(labels), width)}
            np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(labels), BLOCK):
            block = slice(start, start + BLOCK)
            examples = normalise(pixels[block], labels[block])
            images.write(examples.images.data)
            targets.write(examples.targets.data)


def save_description(folder: Path, name: str, straightened: bool) -> None:
    """Write which data set the folder has, mnist or sample, and whether it is straightened."""
    with atomic_write(folder / NAME) as file:
        file.write(" ".join([name, *["straightened"] * straightened]).encode())


def load_description(folder: Path) -> tuple[str, bool]:
    """Read what save_description wrote.

    Raises InputError if the file holds something else, and OSError if it cannot be read.
    """
    text = (folder / NAME).read_text(encoding="utf-8", errors="replace")
    name, *more = text.split(" ")
    if name not in ("mnist", "sample") or more not in ([], ["straightened"]):
        raise InputError(
            f"{folder / NAME}: expected mnist or sample; run `dvc repro -f preprocess`"
        )
    return name, bool(more)


def load_dataset(folder: Path, name: str) -> Dataset:
    """Open what save_dataset wrote, memory-mapped: images and targets are read as they are used.

    Raises InputError if the files are something else, and OSError if they cannot be read.
    """
    images, targets = (_open_array(path) for path in _paths(folder, name))
    if images.shape != (*targets.shape[:1], PIXELS) or targets.shape[1:] != (DIGITS,):
        raise InputError(
            f"{folder}: expected {name} arrays of shape (n, 784) and (n, 10), "
            f"found {images.shape} and {targets.shape}; run `dvc repro -f preprocess`"
        )
    if not len(images):
        raise InputError(
            f"{folder}: expected {name} images, found none; run `dvc repro -f preprocess`"
        )
    return Dataset(images, targets)


def save_split(path: Path, split: Split) -> None:
    """Write the rows that are held out, in ascending order, as an array of 64-bit integers."""
    with atomic_write(path) as file:
        np.save(file, split.validation.astype("<i8"))


def load_split(path: Path, n: int) -> Split:
    """Read the split of n examples that save_split wrote.

    Raises InputError if the file is something else, and OSError if it cannot be read.
    """
    rows = _open_array(path, "<i8")
    inside = rows.ndim == 1 and (rows >= 0).all() and (rows < n).all()
    if not inside or (np.diff(rows) <= 0).any():
        raise InputError(
            f"{path}: expected ascending rows from 0 to {n - 1}, found others; "
            "run `dvc repro -f train`"
        )
    return hold_out(rows, n)


def _open_array(path: Path, dtype: str = "<f4") -> NDArray[Any]:
    with path.open("rb"), checked_read(path, "an array"):
        array = np.lib.format.open_memmap(path, mode="r")
    if array.dtype != dtype or not array.flags.c_contiguous:
        expected = np.dtype(dtype).name
        raise InputError(f"{path}: expected {expected} row by row, found {array.dtype}")
    return np.asarray(array)


def _paths(folder: Path, name: str) -> Iterator[Path]:
    for part in Dataset._fields:
        yield folder / f"{name}_{part}.npy"
