"""The IDX file format, in which MNIST is published: one array.

The file is two zero bytes, a byte for the type (8: unsigned bytes), a byte for the number of
dimensions, four bytes (big-endian) for the length of each, and then the values, row by row.
"""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError

UNSIGNED_BYTES = 8


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with this number of dimensions.

    Raises InputError, naming the file, if it is not exactly such a file, and OSError if it cannot
    be opened.
    """
    content = path.read_bytes()
    start = 4 + 4 * dimensions
    if len(content) < 4:
        raise InputError(f"{path}: cut short: expected a header, found {len(content)} bytes")
    zeros, kind, found = struct.unpack_from(">HBB", content)
    if zeros != 0:
        raise InputError(f"{path}: expected an IDX file, which begins with two zero bytes")
    if kind != UNSIGNED_BYTES:
        raise InputError(f"{path}: expected type code 0x08 (unsigned bytes), found 0x{kind:02x}")
    if found != dimensions:
        raise InputError(f"{path}: expected {dimensions} dimensions, found {found}")
    if len(content) < start:
        raise InputError(
            f"{path}: cut short: expected a header of {start} bytes, found {len(content)}"
        )
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    if len(content) - start != math.prod(shape):
        raise InputError(
            f"{path}: expected {math.prod(shape)} values for dimensions {shape}, "
            f"found {len(content) - start}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
