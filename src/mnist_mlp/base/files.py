"""Files: atomic writes, and user-facing errors for damaged arrays."""

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

# All that NumPy may raise, or warn of, if a file is not an array.
ARRAY_ERRORS = (
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
def checked_read(path: Path, expected: str) -> Iterator[None]:
    """Read from an open array file that may be damaged or malicious.

    Raises InputError, with what was expected, instead of what NumPy raises or warns of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            yield
        except ARRAY_ERRORS as error:
            reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
            raise InputError(f"{path}: expected {expected}; {reason}; run `dvc repro`") from None


@contextmanager
def atomic_write(path: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` when the block ends without an exception.

    Until then it is `path`.unfinished. What a killed process left under that name is replaced; if
    another process is writing there, this waits. Missing folders are made. If `durable`, `path` is
    the old or the new file even after a power failure. Raises OSError, naming `path`, if the disk
    refuses.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "is a folder; expected a file, or nothing", str(path))
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
                unfinished.replace(path)  # closed, because Windows cannot rename an open file
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.filename and UNFINISHED not in str(error.filename):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def remove_file(path: Path) -> None:
    """Remove a file and its unfinished version, if they exist."""
    for each in (path, *_beside(path)):
        each.unlink(missing_ok=True)


def _beside(path: Path) -> tuple[Path, Path]:
    """Return the paths of the unfinished file, and of the lock that its writer holds."""
    return path.with_name(path.name + UNFINISHED), path.with_name(f"{path.name}.lock{UNFINISHED}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, which only one process can hold at a time; a killed process releases it."""
    lock = FileLock(path, poll_interval=0.01)
    with lock:
        try:
            yield
        finally:
            if isinstance(lock, UnixFileLock):  # the other kinds remove their file on release
                path.unlink(missing_ok=True)
