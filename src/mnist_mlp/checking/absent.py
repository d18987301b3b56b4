"""Stand-ins for packages that only load or plot data, and take seconds to import."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, MutableSequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from mnist_mlp.learning.network import sigmoid

ABSENT = {
    *("matplotlib", "seaborn", "plotly", "pandas", "keras", "tensorflow", "torch", "torchvision"),
    *("sklearn", "cv2", "IPython", "tensorflow_datasets", "datasets", "mnist", "idx2numpy"),
    *("numba", "tqdm", "joblib", "wandb", "mlxtend"),
}


def _same(value: Any = None, *_: object, **__: object) -> Any:
    """Return what is given; as a decorator with arguments, one that does so."""
    return _same if value is None or isinstance(value, str) else value


STANDING_IN = {  # what has to do something
    "numba": {"njit": _same, "jit": _same, "vectorize": _same, "prange": range},
    "tqdm": {"tqdm": _same, "trange": range},
    "tqdm.auto": {"tqdm": _same, "trange": range},
    "tqdm.notebook": {"tqdm": _same, "trange": range},
}


class Absent(ModuleType):
    """A module of which everything exists, and nothing does anything."""

    __path__: MutableSequence[str] = []  # noqa: RUF012
    answer: ClassVar[Callable[..., Any] | None] = None  # what a function of some name returns

    def __getattr__(self, name: str) -> Any:
        """Return another stand-in."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return another stand-in, or a made-up data set."""
        returned = Absent.answer and Absent.answer(self.__name__, *given, **named)
        return Absent(f"{self.__name__}()") if returned is None else returned


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-ins, and SciPy's sigmoid if there is no SciPy."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the specification of a stand-in, or None."""
        if fullname.split(".", maxsplit=1)[0] not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return the stand-in."""
        return Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Give SciPy the two functions that networks use, and others what they do at least."""
        vars(module).update(STANDING_IN.get(module.__name__, {}))
        if module.__name__ == "scipy.special":
            vars(module)["expit"] = sigmoid
            vars(module)["softmax"] = lambda z, axis=None: (
                np.exp(z - np.max(z)) / np.exp(z - np.max(z)).sum(axis=axis, keepdims=True)
            )


def install() -> None:
    """Make imports find the stand-ins first."""
    names = ABSENT if importlib.util.find_spec("scipy") else ABSENT | {"scipy"}
    sys.meta_path.insert(0, Finder(names))
