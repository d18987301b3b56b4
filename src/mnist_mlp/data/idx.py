"""The IDX file format, in which MNIST is published: a gzip file that unpacks to one array.

The stream is two zero bytes, a byte for the type (8: unsigned bytes), a byte for the number of
dimensions, four bytes (big-endian) for the length of each, and then the values, row by row.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError

UNSIGNED_BYTES = 8
MOST_UNPACKED = 30  # bytes that a packed byte of digits unpacks to, at the most ...
SMALL = 2**24  # ... beyond so many bytes


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read a gzip-compressed IDX file of unsigned bytes with this number of dimensions.

    No more is unpacked than the header announces. Raises InputError, naming the file, where it
    is not exactly such a file, and OSError where it cannot be opened.
    """
    with path.open("rb") as packed, gzip.open(packed) as stream:
        try:
            zeros, kind, found = struct.unpack(">HBB", _read(stream, 4, path))
            if zeros != 0:
                raise InputError(f"{path}: expected an IDX file, which begins with two zero bytes")
            if kind != UNSIGNED_BYTES:
                raise InputError(
                    f"{path}: expected type code 0x08 (unsigned bytes), found 0x{kind:02x}"
                )
            if found != dimensions:
                raise InputError(f"{path}: expected {dimensions} dimensions, found {found}")
            shape = struct.unpack(f">{dimensions}I", _read(stream, 4 * dimensions, path))
            size = math.prod(shape)
            if size > SMALL + MOST_UNPACKED * path.stat().st_size:
                raise InputError(f"{path}: too small a file for the dimensions {shape}")
            values = _read(stream, size, path)
            if stream.read(1):
                raise InputError(
                    f"{path}: expected {len(values)} values for dimensions {shape}, found more"
                )
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path}: expected a whole gzip file; {error}") from None
    return np.frombuffer(values, np.uint8).reshape(shape)


def _read(stream: gzip.GzipFile, size: int, path: Path) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise InputError(f"{path}: cut short: expected {size} more bytes, found {len(data)}")
    return data
