"""Files: written whole or not at all, and refused where they are damaged."""

import fcntl
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

    Until then it is `path`.unfinished; what a killed process left under that name is written
    over, and a process that is still writing there is waited for. Missing folders above it are
    made. After a power failure `path` is the old or the new file, if it is to be durable. Raises
    OSError, naming `path`, where the disk refuses.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "is a folder, where a file is to be written", str(path))
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with _open_alone(unfinished) as file:
            try:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            unfinished.replace(path)
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def _open_alone(path: Path) -> BinaryIO:
    """Open an empty file under a name that no other process is writing to."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            ours = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except FileNotFoundError:
            ours = False
        if ours:
            file.truncate()
            return file
        file.close()  # while this waited, the other process finished and took the name away
