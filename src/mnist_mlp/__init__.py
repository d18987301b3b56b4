"""A plain NumPy multilayer perceptron that learns to read handwritten digits."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_mlp.base.params import Params
    from mnist_mlp.data.loading import load_mnist
    from mnist_mlp.learning.training import new_network, train

__all__ = ["Params", "load_mnist", "new_network", "train"]

_MODULES = {
    "Params": "base.params",
    "load_mnist": "data.loading",
    "new_network": "learning.training",
    "train": "learning.training",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: `import mnist_mlp` alone brings no NumPy."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
