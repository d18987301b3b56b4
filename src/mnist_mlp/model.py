"""The trained network as a file: its sizes, its kinds of neurons, and its parameters."""

import zipfile
from pathlib import Path

import numpy as np

from mnist_mlp.errors import InputError
from mnist_mlp.files import whole_file
from mnist_mlp.network import Network

FORMAT = 1


def save_network(path: Path, network: Network) -> None:
    """Write a network to an .npz file: plain arrays, no pickle, the same bytes every time."""
    with whole_file(path) as file:
        np.savez(
            file,
            allow_pickle=False,
            format=FORMAT,
            sizes=network.sizes,
            activation=network.activation,
            cost=network.cost,
            parameters=network.parameters,
        )


def load_network(path: Path) -> Network:
    """Read what save_network wrote.

    Raises InputError where the file is something else, and OSError where it cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = int(arrays["format"])
            if found != FORMAT:
                raise InputError(
                    f"{path}: expected model format {FORMAT}, found {found}; "
                    "train again with `dvc repro`"
                )
            network = Network(
                [int(size) for size in arrays["sizes"]],
                str(arrays["activation"]),
                str(arrays["cost"]),
            )
            network.parameters[:] = arrays["parameters"]
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: expected a model written by stages/train.py, found something else ({error})"
        ) from None
    return network
