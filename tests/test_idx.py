"""The reader of IDX files, tested against an independent writer."""

import gzip
import random
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError
from mnist_mlp.data.idx import read_idx

GARBAGE = random.Random(0).randbytes(100)


def header(*shape: int, zeros: int = 0, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", zeros, kind, len(shape), *shape)


def write_idx(path: Path, values: NDArray[np.uint8]) -> Path:
    path.write_bytes(header(*values.shape) + values.tobytes())
    return path


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some-idx1-ubyte"
    path.write_bytes(content)
    return path


def refusal(path: Path, dimensions: int = 1) -> str:
    with pytest.raises(InputError) as caught:
        read_idx(path, dimensions)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def memory_to_refuse(path: Path) -> int:
    tracemalloc.start()
    try:
        refusal(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(7,), (1,), (0,), (3, 28, 28), (2, 3, 4), (0, 28, 28), (5, 300)])
def test_values_come_back_as_they_were_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = read_idx(write_idx(tmp_path / "file", values), len(shape))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values, strict=True)


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        pytest.param(header(3, zeros=1) + b"abc", "zero bytes", id="wrong magic bytes"),
        pytest.param(header(3, zeros=256) + b"abc", "zero bytes", id="wrong first byte"),
        pytest.param(header(3, kind=13) + b"abc", "expected type code 0x08", id="floats"),
        pytest.param(header(3, kind=9) + b"abc", "found 0x09", id="signed bytes"),
        pytest.param(header(3, 1) + b"abc", "expected 1 dimensions, found 2", id="too many"),
        pytest.param(header() + b"abc", "expected 1 dimensions, found 0", id="too few"),
        pytest.param(b"", "cut short", id="nothing"),
        pytest.param(header(3)[:3], "cut short", id="part of the magic number"),
        pytest.param(header(3)[:7], "cut short", id="part of the header"),
        pytest.param(header(3), "expected 3 values", id="no values"),
        pytest.param(header(3) + b"ab", "(3,), found 2", id="too few values"),
        pytest.param(
            header(3) + b"abcd",
            "expected 3 values for dimensions (3,), found 4",
            id="too many values",
        ),
    ],
)
def test_files_that_contradict_their_header_are_refused(
    tmp_path: Path, stream: bytes, complaint: str
) -> None:
    assert complaint in refusal(written(tmp_path, stream))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>404 Not Found</html>", id="web page"),
        pytest.param(gzip.compress(header(3) + b"abc"), id="packed"),
        pytest.param(GARBAGE, id="garbage"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    assert "begins with two zero bytes" in refusal(written(tmp_path, content))


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = header(len(GARBAGE)) + GARBAGE
    for length in range(len(whole)):
        refusal(written(tmp_path, whole[:length]))


@pytest.mark.parametrize("shape", [(2**30,), (2**32 - 1,)])
def test_a_file_shorter_than_announced_takes_no_memory(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    assert memory_to_refuse(written(tmp_path, header(*shape) + b"abc")) < 1_000_000


@pytest.mark.parametrize("shape", [(2**31, 28, 28), (2**32 - 1, 2**32 - 1, 2**32 - 1)])
def test_dimensions_larger_than_any_memory_are_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    refusal(written(tmp_path, header(*shape) + b"abc"), len(shape))


def test_a_missing_file_raises_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read_idx(tmp_path / "missing", 1)
    assert caught.value.filename == str(tmp_path / "missing")
