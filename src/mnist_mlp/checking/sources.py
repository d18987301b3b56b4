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
import struct
import sys
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.absent import ABSENT, Absent, Finder
from mnist_mlp.checking.roles import role_of
from mnist_mlp.data.dataset import DIGITS, PIXELS, SIDE


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
        """Return a part, or a column by its name. A table may be read with the labels last."""
        is_table = self.ndim == 2 and self.shape[1] == PIXELS + 1
        if isinstance(key, str):
            return self[:, 0] if is_table else self
        if is_table and key == (slice(None), -1):
            return self[:, 0]
        if is_table and key == (slice(None), slice(None, -1)):
            return self[:, 1:]
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


class Parts(tuple[Any, ...]):
    """A tuple of images and labels, or of such tuples, whose parts also have names."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """Return a part by its place or by its name."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        both = self[0] if isinstance(self[0], Parts) else self
        whole = re.fullmatch(r"(?i)train(ing)?|test|val(id(ation)?)?|dev", key)
        return both if whole else both[int(_names_labels(key))]


class Pairs(list[Any]):
    """A list of images and labels, as data sets of PyTorch are, and the loader of python-mnist."""

    def __init__(self, digits: Digits) -> None:
        self.data, self.targets = digits.pairs[0]
        self.train_data, self.train_labels = self.data, self.targets
        images = framed(digits.images.reshape(-1, 1, SIDE, SIDE) / 255)
        super().__init__(zip(images, map(int, digits.labels), strict=True))
        self.load_training = self.load_testing = partial(_lists, digits)


class Response:
    """What is answered to requests.get."""

    status_code, ok = 200, True

    def __init__(self, digits: Digits, url: Any, *_: Any, **__: Any) -> None:
        """Hold the bytes of a file."""
        self.content = content(str(url), digits)

    @property
    def text(self) -> str:
        """The bytes as characters."""
        return self.content.decode("latin-1")

    def iter_content(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.content

    def raise_for_status(self) -> None:
        """Raise nothing."""


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

    A function that seems to load data, of a module that is not known, returns images and targets.
    """
    package, *_, name = f"{name}.{name}".split(".")
    if name in KNOWN:
        return KNOWN[name](digits, *given, **named)
    if package not in ABSENT and re.search(r"(?i)load|get|read|fetch|mnist|data", name):
        return framed(digits.images / 255), one_hot(digits.labels)
    return None


def _encode(_: Digits, labels: Any, *__: Any, **___: Any) -> Frame:
    return one_hot(labels)


def _encoder(*_: Any, **__: Any) -> Scaler:
    return Scaler(one_hot)


def _scaler(*_: Any, **__: Any) -> Scaler:
    return Scaler(lambda images: np.asarray(images) / 255)


def _bunch(images: Array, digits: Digits, *_: Any, return_X_y: bool = False, **__: Any) -> Any:  # noqa: N803
    both = {"images": framed(images), "labels": framed(digits.labels)}
    return tuple(both.values()) if return_X_y else Bunch(both)


def _large(digits: Digits, *_: Any, **named: Any) -> Any:
    return _bunch(digits.images, digits, **named)


def _small(digits: Digits, *_: Any, **named: Any) -> Any:
    """Return images of 8×8 pixels, from 0 to 15."""
    visible = digits.images[:, digits.images.any(axis=0)]
    return _bunch(visible.repeat(3, axis=1)[:, :64] // 16, digits, **named)


def _toys(digits: Digits, *_: Any, **__: Any) -> tuple[Array, Array]:
    """Return points in the plane, (n, 2), of two classes."""
    points = np.random.default_rng(0).normal(size=(len(digits.labels), 2))
    return points, np.array(digits.labels) % 2


def _toys_in_columns(digits: Digits, *_: Any, **__: Any) -> tuple[Array, Array]:
    points, labels = _toys(digits)
    return points.T, labels[np.newaxis]


def _part(k: int, digits: Digits, *_: Any) -> Frame:
    """Return the images, (n, 28, 28), or the labels."""
    return digits.pairs[0][k]


def _of_file(digits: Digits, path: Any, *_: Any) -> Frame:
    return _part(_names_labels(str(path)), digits)


def _lists(digits: Digits, *_: Any) -> tuple[list[Any], list[Any]]:
    return digits.images.tolist(), digits.labels.tolist()


KNOWN: dict[str, Callable[..., Any]] = {
    "load_data": lambda digits, *_, **__: digits.pairs,
    "load_mnist": lambda digits, *_, **named: [_flat(digits, **named)] * 2,
    "load_data_wrapper": lambda digits, *_, **__: [_pairs(digits)] * 3,
    "read_csv": lambda digits, *_, **__: framed(digits.table),
    "train_test_split": lambda _, *arrays, **__: [part for a in arrays for part in (a, a)],
    "DataLoader": lambda _, pairs, *__, **___: _batches(pairs),
    "convert_from_file": _of_file,
    "get": Response,
    "load_planar_dataset": _toys_in_columns,
    "load_digits": _small,
    **dict.fromkeys(("fetch_openml", "fetch_mldata", "loadmat", "File"), _large),
    **dict.fromkeys(("make_moons", "make_circles", "make_blobs", "make_classification"), _toys),
    **dict.fromkeys(("get_dummies", "to_categorical", "one_hot"), _encode),
    **dict.fromkeys(("OneHotEncoder", "LabelBinarizer"), _encoder),
    **dict.fromkeys(("StandardScaler", "MinMaxScaler"), _scaler),
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST"), lambda digits, *_, **__: Pairs(digits)),
    **dict.fromkeys(("load_training", "load_testing"), _lists),
    **dict.fromkeys(("train_images", "test_images"), partial(_part, 0)),
    **dict.fromkeys(("train_labels", "test_labels"), partial(_part, 1)),
}


def _flat(digits: Digits, one_hot_label: bool = False, **_: Any) -> tuple[Frame, Frame]:
    """Return the images in rows, and their labels or one-hot rows, as a book's own loader does."""
    labels = one_hot(digits.labels) if one_hot_label else framed(digits.labels)
    return framed(digits.images / 255), labels


def _pairs(digits: Digits) -> list[tuple[Array, Array]]:
    """Return each image as a column, and its target."""
    rows = zip(digits.images / 255, one_hot(digits.labels), strict=True)
    return [(image[:, None], np.array(target)[:, None]) for image, target in rows]


def _batches(pairs: list[Any]) -> list[Any]:
    images, labels = zip(*pairs, strict=True)
    return [(framed(np.array(images)), framed(np.array(labels)))]


def _names_labels(name: str) -> bool:
    labels = r"label|lbl|target|idx1|(^|_)[yt](_|train|test|val|\.|$)"
    return role_of(name) == "targets" or bool(re.search(labels, name.lower()))


def content(path: str, digits: Digits) -> bytes:
    """Return the bytes of a file that does not exist, by its name."""
    name = Path(path).name.lower()
    n = len(digits.labels)
    if "csv" in name or "txt" in name:
        header = "label," + ",".join(f"pixel{i}" for i in range(PIXELS)) + "\n"
        lines = [",".join(map(str, row)) + "\n" for row in digits.table.tolist()]
        return ((header if digits.header else "") + "".join(lines)).encode()
    if "pkl" in name or "pickle" in name:
        both = Parts((digits.images / np.float32(255), digits.labels.astype(np.int64)))
        return pickle.dumps(Parts((both, both, both)))
    if _names_labels(name):
        return struct.pack(">II", 2049, n) + digits.labels.astype(np.uint8).tobytes()
    return struct.pack(">IIII", 2051, n, SIDE, SIDE) + digits.images.astype(np.uint8).tobytes()


class Files:
    """Files that do not exist, made up by their names. Nothing is written."""

    def __init__(self, digits: Digits) -> None:
        """Hold a data set."""
        self.digits = digits
        self.real_open, self.real_load = builtins.open, np.load

    def open(self, file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        """Do what `open` does."""
        if set(mode) & set("wax+"):
            return io.BytesIO() if "b" in mode else io.StringIO()
        try:
            return self.real_open(file, mode, *given, **named)
        except OSError:
            data = content(str(file), self.digits)
            return io.BytesIO(data) if "b" in mode else io.StringIO(data.decode("latin-1"))

    def unzip(
        self, file: Any = None, mode: str = "rb", *_: Any, fileobj: Any = None, **__: Any
    ) -> Any:
        """Do what gzip.open does."""
        is_open = fileobj or hasattr(file, "read")
        return fileobj or file if is_open else self.open(file, "r" if "t" in mode else "rb")

    def fetch(self, url: Any, *_: Any, **__: Any) -> io.BytesIO:
        """Do what urllib.request.urlopen does."""
        return io.BytesIO(content(str(getattr(url, "full_url", url)), self.digits))

    def load(self, file: Any, *given: Any, **named: Any) -> Any:
        """Do what np.load does."""
        if not isinstance(file, str | os.PathLike) or Path(file).exists():
            return self.real_load(file, *given, **named)
        if str(file).endswith(".npz"):
            return Bunch(images=self.digits.pairs[0][0], labels=framed(self.digits.labels))
        return _of_file(self.digits, Path(file).name)

    def read_bytes(
        self,
        file: Any,
        dtype: Any = float,
        count: int = -1,
        _: str = "",
        offset: int = 0,
    ) -> Array:
        """Do what np.fromfile does."""
        opened = file if hasattr(file, "read") else self.open(file, "rb")
        opened.seek(offset, os.SEEK_CUR)
        size = count * np.dtype(dtype).itemsize if count >= 0 else -1
        return np.frombuffer(bytearray(opened.read(size)), dtype)

    def read_numbers(self, *_: Any, **__: Any) -> Frame:
        """Do what np.loadtxt does."""
        return framed(self.digits.table.astype(float))


def _requests() -> list[Any]:
    """Return the module requests, if the program has imported it and it exists."""
    return [sys.modules["requests"]] if "requests" in sys.modules else []


@contextlib.contextmanager
def stand_in(digits: Digits, modules: set[str]) -> Iterator[None]:
    """Let files and modules that do not exist hold the made-up data set."""
    files, finder = Files(digits), Finder(modules)
    replaced = (
        (Absent, "answer", staticmethod(partial(answer, digits))),
        *((module, "open", files.open) for module in (builtins, io)),
        *((gzip, name, files.unzip) for name in ("open", "GzipFile")),
        (gzip, "decompress", lambda data: data),
        (urllib.request, "urlopen", files.fetch),
        (urllib.request, "urlretrieve", lambda url, file=None, *_, **__: (file or url, None)),
        *((np, name, files.read_numbers) for name in ("loadtxt", "genfromtxt")),
        (np, "load", files.load),
        (np, "fromfile", files.read_bytes),
        (os, "mkdir", lambda *_, **__: None),
        *((module, "get", partial(Response, digits)) for module in _requests()),
    )
    with contextlib.ExitStack() as stack:
        for module, name, value in replaced:
            stack.enter_context(mock.patch.object(module, name, value))
        sys.meta_path.append(finder)
        stack.callback(sys.meta_path.remove, finder)
        yield
