"""Stand-ins for data: what a learner's program loads is a few random images, whatever loads them.

Files that do not exist are made up by their names, and functions of absent packages by theirs.
"""

import builtins
import contextlib
import gzip
import io
import os
import pickle
import re
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.absent import ABSENT, Absent, Finder
from mnist_mlp.data.dataset import DIGITS, PIXELS, SIDE

TOYS = ("make_moons", "make_circles", "make_blobs", "make_classification")


class Digits(NamedTuple):
    """A made-up data set.

    images    (n, 784), from 0 to 255
    labels    (n,)
    header    whether CSV files begin with a line of names
    """

    images: Array
    labels: Array
    header: bool = False

    @property
    def table(self) -> Array:
        """The labels as first column, and the pixels, (n, 785)."""
        return np.column_stack((self.labels, self.images.astype(int)))

    @property
    def pairs(self) -> tuple[tuple["Frame", "Frame"], tuple["Frame", "Frame"]]:
        """The images, (n, 28, 28), and labels; as training and as test set."""
        both = framed(self.images.reshape(-1, SIDE, SIDE)), framed(self.labels)
        return both, both


class Frame(np.ndarray):
    """An array that can also do what frames of pandas and tensors of PyTorch are asked for."""

    def __getitem__(self, key: Any) -> Any:
        """Return a part; a column by its name."""
        if isinstance(key, str):
            return self[:, 0] if self.ndim == 2 and self.shape[1] == PIXELS + 1 else self
        return super().__getitem__(key)

    def _same(self, *_: Any, **__: Any) -> "Frame":
        return self

    def drop(self, *_: Any, **__: Any) -> Any:
        """Return all columns but that of the labels."""
        return self[:, 1:]

    def to_numpy(self, *_: Any, **__: Any) -> Array:
        """Return a plain array."""
        return np.array(self)

    numpy = to_numpy
    sample = head = toarray = float = long = _same
    values = property(to_numpy)
    iloc = loc = property(_same)
    label = property(lambda self: self[:, 0])
    columns = property(lambda self: ["label", *(f"pixel{i}" for i in range(PIXELS))])


class Bunch(dict[str, Any]):
    """A dictionary whose values are attributes too; any name of labels stands for labels."""

    def __getitem__(self, key: str) -> Any:
        """Return labels, or else images."""
        return super().__getitem__("labels" if _names_labels(key) else "images")

    __getattr__ = __getitem__

    def __enter__(self) -> "Bunch":
        """Return itself, as open files do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""


class Pairs(list[Any]):
    """A list of images and labels, as data sets of PyTorch are."""

    def __init__(self, digits: Digits) -> None:
        self.data, self.targets = digits.pairs[0]
        self.train_data, self.train_labels = self.data, self.targets
        images = framed(digits.images.reshape(-1, 1, SIDE, SIDE) / 255)
        super().__init__(zip(images, map(int, digits.labels), strict=True))


class Scaler:
    """What encoders and scalers are asked for."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.transform = self.fit_transform = compute

    def fit(self, *_: Any) -> "Scaler":
        """Return itself."""
        return self


def framed(array: Any) -> Frame:
    """Return an array as a frame."""
    return np.asarray(array).view(Frame)


def one_hot(labels: Any, *_: Any, **__: Any) -> Frame:
    """Return the one-hot rows of labels."""
    return framed(np.eye(DIGITS)[np.asarray(labels).astype(int).ravel()])


def answer(digits: Digits, name: str, *given: Any, **named: Any) -> Any:
    """Return what a function of an absent module returns, or None if it is not known.

    What seems to load data, in a module that is no package known here, returns images and targets.
    """
    package, *_, name = f"{name}.{name}".split(".")
    images, labels = framed(digits.images), framed(digits.labels)
    bunch = Bunch(images=images, labels=labels)
    both = digits.pairs[0]
    toy = np.random.default_rng(0).normal(size=(len(labels), 2)), np.array(labels) % 2
    small = images[:, images.any(axis=0)].repeat(3, axis=1)[:, :64] // 16  # 8 by 8 pixels
    small_bunch = Bunch(images=small, labels=labels)
    known: dict[str, Callable[[], Any]] = {
        "load_data": lambda: digits.pairs,
        "load_data_wrapper": lambda: [_pairs(digits)] * 3,
        "get_dummies": lambda: one_hot(*given),
        "to_categorical": lambda: one_hot(*given),
        "one_hot": lambda: one_hot(*given),
        "fetch_openml": lambda: (images, labels) if named.get("return_X_y") else bunch,
        "fetch_mldata": lambda: bunch,
        "load_digits": lambda: (small, labels) if named.get("return_X_y") else small_bunch,
        "load_planar_dataset": lambda: (toy[0].T, toy[1][np.newaxis]),
        **dict.fromkeys(TOYS, lambda: toy),
        "loadmat": lambda: bunch,
        "File": lambda: bunch,
        "read_csv": lambda: framed(digits.table),
        "train_test_split": lambda: [part for array in given for part in (array, array)],
        "OneHotEncoder": lambda: Scaler(one_hot),
        "LabelBinarizer": lambda: Scaler(one_hot),
        "StandardScaler": lambda: Scaler(lambda x: np.asarray(x) / 255),
        "MinMaxScaler": lambda: Scaler(lambda x: np.asarray(x) / 255),
        **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST"), lambda: Pairs(digits)),
        "DataLoader": lambda: _batches(given[0]),
        "convert_from_file": lambda: both[_names_labels(str(given[0]))],
        "load_training": lambda: (images.tolist(), labels.tolist()),
        "load_testing": lambda: (images.tolist(), labels.tolist()),
        "train_images": lambda: both[0],
        "test_images": lambda: both[0],
        "train_labels": lambda: both[1],
        "test_labels": lambda: both[1],
    }
    if name in known:
        return known[name]()
    if package not in ABSENT and re.search(r"(?i)load|get|read|fetch|mnist|data", name):
        return images / 255, one_hot(labels)
    return None


def _pairs(digits: Digits) -> list[tuple[Array, Array]]:
    """Return each image as a column, and its target."""
    rows = zip(digits.images / 255, one_hot(digits.labels), strict=True)
    return [(image[:, None], np.array(target)[:, None]) for image, target in rows]


def _batches(pairs: list[Any]) -> list[Any]:
    images, labels = zip(*pairs, strict=True)
    return [(framed(np.array(images)), framed(np.array(labels)))]


def _names_labels(name: str) -> bool:
    return bool(re.search(r"label|lbl|target|idx1|(^|_)[yt](_|train|test|val|\.|$)", name.lower()))


def content(path: str, digits: Digits) -> bytes:
    """Return the bytes of a file that does not exist, by its name."""
    name = Path(path).name.lower()
    n = len(digits.labels)
    if "csv" in name or "txt" in name:
        header = "label," + ",".join(f"pixel{i}" for i in range(PIXELS)) + "\n"
        lines = [",".join(map(str, row)) + "\n" for row in digits.table.tolist()]
        return ((header if digits.header else "") + "".join(lines)).encode()
    if "pkl" in name or "pickle" in name:
        both = digits.images / np.float32(255), digits.labels.astype(np.int64)
        return pickle.dumps((both, both, both))
    if _names_labels(name):
        return struct.pack(">II", 2049, n) + digits.labels.astype(np.uint8).tobytes()
    return struct.pack(">IIII", 2051, n, SIDE, SIDE) + digits.images.astype(np.uint8).tobytes()


@contextlib.contextmanager
def stand_in(digits: Digits, modules: set[str]) -> Iterator[None]:
    """Let files and modules that do not exist hold the made-up data set.

    Meanwhile no file is written, and no network reached.
    """
    real_open, real_load = builtins.open, np.load

    def opened(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if set(mode) & set("wax+"):  # nothing is written
            return io.BytesIO() if "b" in mode else io.StringIO()
        try:
            return real_open(file, mode, *given, **named)
        except OSError:
            data = content(str(file), digits)
            return io.BytesIO(data) if "b" in mode else io.StringIO(data.decode("latin-1"))

    def unzipped(file: Any, mode: str = "rb", *_: Any, **__: Any) -> Any:
        return opened(file, "r" if "t" in mode else "rb")

    def loaded(file: Any, *given: Any, **named: Any) -> Any:
        if not isinstance(file, str | os.PathLike) or Path(file).exists():
            return real_load(file, *given, **named)
        if str(file).endswith(".npz"):
            return Bunch(images=digits.pairs[0][0], labels=framed(digits.labels))
        return digits.pairs[0][_names_labels(Path(file).name)]

    def numbers(file: Any, *_: Any, **__: Any) -> Array:
        return digits.table.astype(float)

    def refused(*_: Any) -> None:
        raise ConnectionRefusedError("a program that is checked reaches no network")

    with (
        mock.patch.object(socket.socket, "connect", refused),
        mock.patch.object(Absent, "answer", staticmethod(partial(answer, digits))),
        mock.patch.object(builtins, "open", opened),
        mock.patch.object(io, "open", opened),
        mock.patch.object(gzip, "open", unzipped),
        mock.patch.object(gzip, "GzipFile", unzipped),
        mock.patch.object(np, "load", loaded),
        mock.patch.object(np, "loadtxt", numbers),
        mock.patch.object(np, "genfromtxt", numbers),
    ):
        finder = Finder(modules)
        sys.meta_path.append(finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
