"""Checkpoints: a training that was killed resumes after the last epoch that was saved."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.model import open_arrays
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.snapshots import Snapshots


def checkpoint_key(params: Params, digits: Dataset, code: Path) -> str:
    """Return a SHA-256 of everything that decides a training's result.

    That is its knobs, its examples, this package and the programs in the folder `code`, the
    version of NumPy, and the machine, whose processor decides the last bits.
    """
    key = hashlib.sha256(msgspec.json.encode(params))
    key.update(f"{np.__version__} {platform.node()}".encode())
    for folder in (Path(__file__).parents[1], code):
        for source in sorted(folder.rglob("*.py")):
            key.update(source.read_bytes())
    for array in digits:
        key.update(array.data)
    return key.hexdigest()


def save_checkpoint(path: Path, key: str, progress: Progress, snapshots: Snapshots) -> None:
    """Save the state of a training. A power failure may lose it; a kill does not."""
    history = np.frombuffer(msgspec.json.encode(progress.history), np.uint8)
    arrays = _arrays(progress, snapshots)
    with atomic_write(path, durable=False) as file:
        np.savez(file, allow_pickle=False, key=key, history=history, **arrays)


def load_checkpoint(path: Path, key: str, progress: Progress, snapshots: Snapshots) -> None:
    """Resume a training from its checkpoint, if there is one and its key is this one."""
    arrays = _arrays(progress, snapshots)
    try:
        with open_arrays(path, "a checkpoint") as saved:
            if saved["key"].item() != key:
                return
            found = {name: saved[name] for name in arrays}
            history = msgspec.json.decode(saved["history"].tobytes(), type=list[Moment])
    except (InputError, OSError):
        return  # missing or damaged: the training starts over
    if history and _layouts(found) == _layouts(arrays):
        for name, array in arrays.items():
            array[:] = found[name]
        progress.history[:] = history


def _arrays(progress: Progress, snapshots: Snapshots) -> dict[str, NDArray[Any]]:
    return {
        "parameters": progress.network.parameters,
        "velocity": progress.velocity,
        "average": progress.average,
        **snapshots.arrays,
    }


def _layouts(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {name: (array.dtype, array.shape) for name, array in arrays.items()}
