"""The data set: handwritten digits as arrays that a network can learn from."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import wary, whole_file
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.idx import read_idx

SIDE = 28  # pixels along each side of an image
PIXELS = SIDE * SIDE
DIGITS = 10
BLOCK = 1000  # examples gathered, normalised and written at a time

Labels = NDArray[np.intp]


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

    Raises InputError where the files are damaged or are not digits of that form.
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


def split(
    n: int, validation: float, random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose at random which of n examples train and which validate, and in which order.

    `validation` is the share, from 0 to 1, that is set aside, rounded to whole examples.
    """
    order = random.permutation(n)
    validating, training = np.split(order, [round(n * validation)])
    return training, validating


def save_dataset(
    folder: Path,
    name: str,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    rows: NDArray[np.intp] | None = None,
) -> None:
    """Write the digits, normalised, as `name`_images.npy and `name`_targets.npy.

    `rows` says which, and in which order, if not all as they stand. They are gathered and
    normalised a block at a time, as all together would take five times their memory.
    """
    rows = np.arange(len(labels)) if rows is None else rows
    images_file, targets_file = _paths(folder, name)
    with whole_file(images_file) as images, whole_file(targets_file) as targets:
        for file, width in ((images, PIXELS), (targets, DIGITS)):
            header = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), width)}
            np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            examples = normalise(pixels[block], labels[block])
            images.write(examples.images.data)
            targets.write(examples.targets.data)


def load_dataset(folder: Path, name: str) -> Dataset:
    """Open what save_dataset wrote; images and targets are read from disk as they are used.

    Raises InputError where the files are not that, and OSError where they cannot be read.
    """
    images, targets = (_open_array(path) for path in _paths(folder, name))
    if images.shape != (*targets.shape[:1], PIXELS) or targets.shape[1:] != (DIGITS,):
        raise InputError(
            f"{folder}: expected {name} arrays of shape (n, 784) and (n, 10), "
            f"found {images.shape} and {targets.shape}; run `dvc repro -f preprocess`"
        )
    if not len(images) and name != "validation":
        raise InputError(
            f"{folder}: expected {name} images, found none; run `dvc repro -f preprocess`"
        )
    return Dataset(images, targets)


def load_training(folder: Path, params: Params) -> Dataset:
    """Open the training set as the network is taught it: with `labels: random`, shuffled ones."""
    training = load_dataset(folder, "training")
    if params.labels == "real":
        return training
    random = generator(params.seed, "random labels")
    return Dataset(training.images, random.permutation(training.targets))


def _open_array(path: Path) -> NDArray[np.float32]:
    with path.open("rb"), wary(path, "an array"):
        array = np.lib.format.open_memmap(path, mode="r")
    if array.dtype != np.float32 or not array.flags.c_contiguous:
        raise InputError(f"{path}: expected float32 row by row, found {array.dtype}")
    return np.asarray(array)


def _paths(folder: Path, name: str) -> Iterator[Path]:
    for part in Dataset._fields:
        yield folder / f"{name}_{part}.npy"
