"""The trained network as a file: its layer sizes, activation, cost and parameters."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.lib.format import MAGIC_PREFIX
from numpy.lib.npyio import NpzFile

from mnist_mlp.base.files import atomic_write, checked_read
from mnist_mlp.base.params import MAX_LAYERS, Activation, CostName, Count
from mnist_mlp.data.dataset import DIGITS, PIXELS
from mnist_mlp.learning.network import Network, count_parameters

FORMAT = 1


class Settings(msgspec.Struct):
    """What the file holds besides the parameters."""

    format: int
    sizes: Annotated[list[Count], Meta(min_length=2)]
    activation: Activation
    cost: CostName


def save_network(path: Path, network: Network, straightened: bool = False) -> None:
    """Write a network to an .npz file: plain arrays, no pickle, the same bytes every time.

    `straightened` says that the digits that it learned were.
    """
    settings = msgspec.structs.asdict(settings_of(network))
    arrays = {"parameters": network.parameters, **settings, "straightened": straightened}
    save_arrays(path, arrays)


def settings_of(network: Network) -> Settings:
    """Return what files say of a network besides its parameters."""
    names = ("sizes", "activation", "cost")
    return msgspec.convert(
        {"format": FORMAT} | {name: getattr(network, name) for name in names}, Settings
    )


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to an uncompressed .npz file, without pickle.

    np.savez is not used, as its bytes depend on the version of Python.
    """
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, value in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, value, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue())


def load_network(path: Path) -> Network:
    """Read what save_network wrote.

    Raises InputError if the file is something else, and OSError if it cannot be read.
    """
    with open_arrays(path, "a model") as arrays:
        return _build(arrays)


def reads_straightened(path: Path) -> bool:
    """Tell whether the network in a file learned straightened digits, so that it reads only these.

    Models made before version 0.3 do not say so, and none of them did.
    Raises InputError if it is no model.
    """
    with open_arrays(path, "a model") as arrays:
        return "straightened" in arrays and bool(arrays["straightened"].all())


@contextmanager
def open_arrays(path: Path, expected: str) -> Iterator[NpzFile]:
    """Open an uncompressed .npz file, whose arrays take no more memory than the file is long.

    Raises InputError, with what was expected, if it is damaged or something else, also later, when
    its arrays are read.
    """
    with path.open("rb") as file, checked_read(path, expected):
        if not zipfile.is_zipfile(file):
            raise ValueError("found no .npz file, or an incomplete one")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            if any(member.compress_type for member in arrays.zip.infolist()):
                raise ValueError("its arrays are compressed")
            if arrays.zip.testzip():
                raise ValueError("its checksums do not match")
            if not all(map(partial(_is_array, arrays.zip), arrays.zip.namelist())):
                raise ValueError("it holds something other than arrays")
            yield arrays


def _is_array(archive: zipfile.ZipFile, name: str) -> bool:
    """Tell whether a member begins as an array does; NumPy returns any other one as bytes."""
    with archive.open(name) as member:
        return member.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX


def read_settings(arrays: NpzFile) -> Settings:
    """Return the settings in a file. Raises ValueError if they are not those of a network."""
    found = {name: arrays[name] for name in Settings.__struct_fields__}
    if any(array.size > MAX_LAYERS + 2 for array in found.values()):
        raise ValueError(f"expected at most {MAX_LAYERS} hidden layers")
    settings = msgspec.convert({name: array.tolist() for name, array in found.items()}, Settings)
    if settings.format != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {settings.format}")
    if (settings.sizes[0], settings.sizes[-1]) != (PIXELS, DIGITS):
        raise ValueError(f"expected {PIXELS} pixels and {DIGITS} outputs, found {settings.sizes}")
    return settings


def _build(arrays: NpzFile) -> Network:
    settings = read_settings(arrays)
    parameters = arrays["parameters"]
    n = count_parameters(settings.sizes)
    if parameters.shape != (n,) or parameters.dtype != np.float32:
        raise ValueError(
            f"expected {n} float32 parameters for layers of {settings.sizes}, "
            f"found {parameters.dtype} of shape {parameters.shape}"
        )
    if not np.isfinite(parameters).all():
        raise ValueError("its parameters include NaN or infinity")
    network = Network(settings.sizes, settings.activation, settings.cost)
    network.parameters[:] = parameters
    return network
