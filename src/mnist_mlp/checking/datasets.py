"""The data in a learner's file: which of its arrays are images, and which are labels."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.learner import Learner, describe, is_definition, limited
from mnist_mlp.checking.roles import parameters_of
from mnist_mlp.data.dataset import DIGITS, PIXELS, SIDE

FEWEST = 100  # images that are a data set
MOST = 2000  # images that are looked at
LOADER = r"(?i).*(load|read|get|data|mnist|prepare|preprocess|fetch|import).*"
TRAINS = r"(?i)(.*[._])?(train|fit|run|main|sgd|learn|descent|optimi[sz]e|backprop\w*|test)"
TRAINS += r"(_?(model|network|nn|net))?"
DEPTH = 4  # how deep tuples and dictionaries are searched


class Images(NamedTuple):
    """A learner's images.

    name       "X_train", or "load_data()[0]"
    split      "training", "validation" or "test"
    stored     the array itself
    columns    whether its columns are the images
    pixels     some of the images, (n, 784), as float64
    """

    name: str
    split: str
    stored: Array
    columns: bool
    pixels: Array

    @property
    def total(self) -> int:
        """The number of all images."""
        return self.stored.size // PIXELS

    def __str__(self) -> str:
        """Name the array and its shape."""
        return f"{self.name} {self.stored.shape}"


class Labels(NamedTuple):
    """A learner's labels, or one-hot targets.

    digits     the digit of each, (n,); that of the largest entry, if they are one-hot
    one_hot    the targets as rows, (n, 10), or None
    """

    name: str
    split: str
    stored: Array
    digits: NDArray[np.intp]
    one_hot: Array | None

    @property
    def total(self) -> int:
        """The number of all labels."""
        return self.stored.size // (1 if self.one_hot is None else DIGITS)

    @property
    def is_one_hot(self) -> bool:
        """Whether each target, if there are any, has exactly one 1."""
        return self.one_hot is None or bool((self.one_hot.sum(axis=1) == 1).all())

    def __str__(self) -> str:
        """Name the array and its shape."""
        return f"{self.name} {self.stored.shape}"


class Data(NamedTuple):
    """The images and labels of a file, in the order in which it makes them."""

    images: list[Images]
    labels: list[Labels]


def is_data(statement: ast.stmt) -> bool:
    """Tell whether a statement may make data: no training, no plot and no print."""
    calls = [ast.unparse(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)]
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return True
    if any(re.fullmatch(TRAINS, call) for call in calls):
        return False
    if isinstance(statement, ast.Expr):
        return is_definition(statement) or any(
            re.search(r"shuffle|seed|extend|append|resize|normali", call) for call in calls
        )
    if isinstance(statement, ast.For):
        return not re.search(r"epoch|dot\(|matmul| @ ", ast.unparse(statement))
    return is_definition(statement) or isinstance(statement, ast.With | ast.Delete)


def find_data(learner: Learner) -> Data:
    """Return the images and labels at the file's top, and those that its loaders return."""
    named = dict(_arrays(_own_names(learner)))
    if not any(read_images(name, array) for name, array in named.items()):
        for name, function in learner.functions().items():
            if not re.fullmatch(LOADER, name) or re.fullmatch(TRAINS, name):
                continue
            if any(p.default is p.empty for p in parameters_of(function)):
                continue
            try:
                with limited(learner.patience):
                    returned = function()
            except Exception as error:  # noqa: BLE001
                learner.problems.append(f"{name}(): {describe(error)}")
                continue
            names = learner.returned_names(function)
            parts = returned if isinstance(returned, tuple) else (returned,)
            if len(names) != len(parts) or not all(map(str.isidentifier, names)):
                names = (
                    [f"{name}()"]
                    if len(parts) == 1
                    else [f"{name}()[{k}]" for k in range(len(parts))]
                )
            named |= dict(_arrays(dict(zip(names, parts, strict=True))))
    images = [found for name, array in named.items() if (found := read_images(name, array))]
    sizes = {each.total for each in images}
    others = {name: array for name, array in named.items() if not read_images(name, array)}
    labels = [label for name, array in others.items() if (label := read_labels(name, array, sizes))]
    return Data(images, labels)


def _own_names(learner: Learner) -> dict[str, Any]:
    return {name: value for name, value in learner.names.items() if not name.startswith("__")}


def _arrays(values: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Array]]:
    """Yield the arrays in named values, also in tuples and dictionaries, and in lists of pairs."""
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "biuf":
                yield name, value
        elif isinstance(value, ModuleType):
            continue
        elif hasattr(value, "to_numpy"):  # pandas
            yield name, np.asarray(value.to_numpy())
        elif isinstance(value, zip) or (isinstance(value, list) and len(value) >= FEWEST):
            yield from _of_list(name, list(value))
        elif depth < DEPTH and isinstance(value, Mapping | np.lib.npyio.NpzFile):
            yield from _arrays({f"{name}[{k!r}]": value[k] for k in value}, depth + 1)
        elif depth < DEPTH and isinstance(value, list | tuple):
            yield from _arrays({f"{name}[{k}]": each for k, each in enumerate(value)}, depth + 1)


def _of_list(name: str, value: list[Any]) -> Iterator[tuple[str, Array]]:
    """Yield the arrays that a list stands for: of images, of labels, or of pairs of both."""
    try:
        if isinstance(value[0], tuple) and len(value[0]) == 2:
            for k, part in enumerate(zip(*value, strict=True)):
                yield f"{name}: {('images', 'labels')[k]}", np.array(part)
        else:
            yield name, np.array(value)
    except (ValueError, TypeError):
        return


def read_images(name: str, array: Array) -> Images | None:
    """Return an array as images, if its shape is that of many, and its values repeat.

    Those of images do, because of their background, and those of weights do not.
    """
    shape = [size for size in array.shape if size != 1]
    if array.size < FEWEST * PIXELS or array.dtype.kind not in "biuf":
        return None
    if len(shape) == 2 and shape[1] == PIXELS:
        columns, rows = False, array.reshape(shape)
    elif len(shape) == 2 and shape[0] == PIXELS:
        columns, rows = True, array.reshape(shape).T
    elif len(shape) == 3 and shape[1:] == [SIDE, SIDE]:
        columns, rows = False, array.reshape(shape[0], PIXELS)
    elif len(shape) == 3 and shape[:2] == [SIDE, SIDE]:
        columns, rows = True, array.reshape(PIXELS, shape[2]).T
    else:
        return None
    if np.unique(rows[:FEWEST]).size > rows[:FEWEST].size / 2:
        return None
    return Images(name, _split(name), array, columns, some(rows).astype(float))


def read_labels(name: str, array: Array, sizes: Iterable[int]) -> Labels | None:
    """Return an array as labels, if it has as many as there are images of some kind."""
    shape = [size for size in array.shape if size != 1]
    n = next((size for size in sizes if size in shape), 0)
    if not n or _is_no_label(name):
        return None
    rows = some(array.reshape(shape).T if shape == [DIGITS, n] else array.reshape(shape))
    if shape == [n] and (rows == np.round(rows)).all() and -1 <= rows.min() <= rows.max() <= DIGITS:
        return Labels(name, _split(name), array, rows.astype(np.intp), None)
    if shape in ([n, DIGITS], [DIGITS, n]) and np.isin(rows, (0, 1)).all():
        return Labels(name, _split(name), array, rows.argmax(axis=1), rows)
    return None


def _is_no_label(name: str) -> bool:
    """Tell whether a name is that of a shuffled order, a mask or a prediction."""
    return bool(re.search(r"(?i)perm|ind|idx|order|mask|pred|weight|prob", name))


def some(rows: Array) -> Array:
    """Return some rows, from all over an array; the same of each array of this length."""
    return rows[:: max(1, len(rows) // MOST)][:MOST]


def _split(name: str) -> str:
    """Return the part of the data that a name stands for."""
    if re.search(r"(?i)test|(^|_)te($|_)", name):
        return "test"
    if re.search(r"(?i)val|dev", name):
        return "validation"
    return "training"
