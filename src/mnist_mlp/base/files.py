"""Files: written whole or not at all, and refused where they are damaged."""

import os
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, UnixFileLock

from mnist_mlp.base.errors import InputError

# What NumPy raises, or warns of, in one case or another, for an array file that is not one.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    Warning,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


UNFINISHED = ".unfinished"  # ends the name of a file that is being written


@contextmanager
def wary(path: Path, expected: str) -> Iterator[None]:
    """Read from an array file that is open, but may be damaged or made to do harm.

    Raises InputError, with what was expected, in place of all that NumPy raises or warns of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            yield
        except DAMAGED as error:
            reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
            raise InputError(f"{path}: expected {expected}; {reason}; run `dvc repro`") from None


@contextmanager
def whole_file(path: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file to write, which takes the name `path` only once the block has ended well.

    Until then it is `path`.unfinished; what a killed process left under that name is replaced, and
    a process that is still writing there is waited for. Missing folders above it are made. After a
    power failure `path` is the old or the new file, if it is to be durable. Raises OSError, naming
    `path`, if the disk refuses.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "is a folder, where a file is to be written", str(path))
    unfinished, lock = _beside(path)
    try:
        with _locked(lock):
            unfinished.unlink(missing_ok=True)
            try:
                with unfinished.open("x+b") as file:
                    yield file
                    file.flush()
                    if durable:
                        os.fsync(file.fileno())
                unfinished.replace(path)  # once it is closed: Windows renames no open file
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def remove_file(path: Path) -> None:
    """Remove a file, and what a process that was killed while it wrote it left, if they exist."""
    for each in (path, *_beside(path)):
        each.unlink(missing_ok=True)


def _beside(path: Path) -> tuple[Path, Path]:
    """Return the names under which a file is written, and under which one process alone may."""
    return path.with_name(path.name + UNFINISHED), path.with_name(f"{path.name}.lock{UNFINISHED}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that only one process can hold at a time; a killed one lets go of it."""
    lock = FileLock(path, poll_interval=0.01)
    with lock:
        try:
            yield
        finally:
            if isinstance(lock, UnixFileLock):  # the other kinds remove their file as they let go
                path.unlink(missing_ok=True)
