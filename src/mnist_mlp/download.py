"""Download: the files of MNIST, from the first mirror that really has them."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from mnist_mlp.errors import InputError
from mnist_mlp.mnist import FILES, File

TIMEOUT = 10  # seconds of silence after which a mirror is given up
SLOWEST = 10_000  # bytes that it must send each second, once it had that time


def download(folder: Path, mirrors: Iterable[str], warn: Callable[[str], None]) -> bool:
    """Bring every file of MNIST into `folder`, and tell whether all of them are there.

    A mirror is an http(s) address or a local folder. `warn` is told of each that fails, and
    the next is asked for the files still missing. A file gets its name only once its size and
    its SHA-256 are right; what is there already and right is kept. Raises OSError where
    `folder` cannot be written.
    """
    pooch.get_logger().setLevel("ERROR")
    for mirror in mirrors:
        try:
            for file in FILES:
                _fetch(folder, mirror.rstrip("/"), file)
        except (InputError, requests.RequestException, HTTPError, ValueError) as error:
            warn(f"{mirror}: {_reason(error)}")
        else:
            return True
    return False


def _fetch(folder: Path, mirror: str, file: File) -> None:
    def get(source: str, target: str, _: Any) -> None:
        if source.lower().startswith(("http://", "https://")):
            _receive(source, Path(target), file)
        else:
            Path(target).write_bytes(_read(Path(source)))
        _check(Path(target), file)

    pooch.retrieve(
        f"{mirror}/{file.name}", f"sha256:{file.sha256}", file.name, folder, downloader=get
    )


def _receive(source: str, target: Path, file: File) -> None:
    """Write what an address sends, until it has sent too much or is too slow."""
    start, received = time.monotonic(), 0
    with requests.Session() as session, target.open("wb") as output:
        session.max_redirects = 5
        with (
            session.get(source, stream=True, timeout=TIMEOUT) as response,
            tqdm(desc=file.name, total=file.size, unit="B", unit_scale=True, disable=None) as bar,
        ):
            response.raise_for_status()
            while chunk := response.raw.read1(2**16):
                output.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))
                if received > file.size:
                    raise InputError(f"sent more than the {file.size} bytes of {file.name}")
                if time.monotonic() > start + TIMEOUT + received / SLOWEST:
                    raise InputError(f"sent less than {SLOWEST} bytes a second of {file.name}")


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise InputError(f"{error.strerror}: {source.name}") from None


def _check(path: Path, file: File) -> None:
    size = path.stat().st_size
    if size != file.size:
        with path.open("rb") as content:
            kind = "a web page" if content.read(100).lstrip().startswith(b"<") else "a file"
        raise InputError(f"sent {kind} of {size} bytes as {file.name}, which has {file.size} bytes")
    if pooch.file_hash(str(path)) != file.sha256:
        raise InputError(f"sent a {file.name} with a wrong SHA-256")


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    reasons = {
        requests.Timeout: f"did not answer within {TIMEOUT} seconds",
        ReadTimeoutError: f"fell silent for {TIMEOUT} seconds in the middle of a file",
        ProtocolError: "broke off in the middle of a file",
        requests.TooManyRedirects: "redirects without end",
        requests.exceptions.InvalidSchema: "redirects to what is no http(s) address",
        requests.ConnectionError: "cannot be reached",
    }
    for kind, reason in reasons.items():
        if isinstance(error, kind):
            return reason
    return " ".join(str(error).split())
