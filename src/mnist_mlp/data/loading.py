"""MNIST as arrays, from any program: read from a folder that has it, or downloaded."""

import os
from pathlib import Path

from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import Dataset, in_stored_order, normalise, read_digits
from mnist_mlp.data.mirrors import download, is_complete
from mnist_mlp.data.mnist import MIRRORS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS

# of the clone that has this file, and of the current folder
RAW = (Path(__file__).parents[3] / "data/raw", Path("data/raw"))


def load_mnist() -> tuple[Dataset, Dataset]:
    """Return the 60,000 training and the 10,000 test digits, as the pipeline prepares them.

    They are read from the first folder that has all four files, unpacked: the user's cache,
    data/raw of the clone, or data/raw in the current folder. If none has, they are brought into the
    cache from the mirror that the environment variable MNIST_MIRROR names, or from a public one.
    Raises InputError if no mirror has them.
    """
    folder = _find_mnist()
    training = read_digits(folder / TRAIN_IMAGES.name, folder / TRAIN_LABELS.name)
    test = read_digits(folder / TEST_IMAGES.name, folder / TEST_LABELS.name)
    return normalise(*in_stored_order(*training)), normalise(*test)


def _find_mnist() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    cache = Path(caches) / "mnist-mlp"
    for folder in (cache, *RAW):
        if is_complete(folder):
            return folder
    failures: list[str] = []
    named = os.environ.get("MNIST_MIRROR")
    if not download(cache, [named] if named else MIRRORS, failures.append):
        raise InputError(
            f"no mirror has MNIST: {'; '.join(failures)}; set MNIST_MIRROR to a folder with the "
            "four files"
        )
    return cache
