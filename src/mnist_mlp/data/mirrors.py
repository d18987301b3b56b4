"""Mirrors: folders and web addresses that have the files of MNIST, in any form that people keep."""

import gzip
import hashlib
import io
import itertools
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from errno import ENOENT
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.data.mnist import FILES, File

TIMEOUT = 10  # seconds of silence after which a mirror is given up
TIMEOUTS_TO_BEGIN = 3  # × TIMEOUT, to connect, follow redirects and receive headers
MIN_SPEED = 10_000  # bytes a second, after the first TIMEOUT
GZIP = b"\x1f\x8b"  # the first bytes of a gzip file
SLACK = 2**16  # max overhead of a gzip file, in bytes
EXPERIMENTS = Path(".dvc/tmp/exps")  # where DVC runs an experiment with --temp or from the queue


def download(folder: Path, mirrors: Iterable[str], warn: Callable[[str], None]) -> bool:
    """Bring every file of MNIST into `folder`, and return whether all of them are there.

    A mirror is an http(s) address or a folder. If one fails, `warn` gets the reason, and the next
    mirror is asked for the missing files. A file gets its name only if its size and its SHA-256 are
    right; valid files that are already there are kept. Raises OSError if `folder` cannot be
    written.
    """
    for mirror in mirrors:
        try:
            for file in FILES:
                if not has_file(folder, file):
                    content = _fetch(mirror, file)
                    with atomic_write(folder / file.name) as output:
                        output.write(content)
        except (InputError, requests.RequestException, HTTPError, ValueError) as error:
            warn(f"{mirror}: {_reason(error)}")
        else:
            return True
    return False


def is_complete(folder: Path) -> bool:
    """Return whether a folder has every file of MNIST under its own name, unpacked."""
    return all(has_file(folder, file) for file in FILES)


def has_file(folder: Path, file: File) -> bool:
    """Return whether a folder has a file of MNIST under its own name, unpacked."""
    path = folder / file.name
    return path.is_file() and path.stat().st_size == file.size and has_content(path, file)


def has_content(path: Path, file: File) -> bool:
    """Return whether a path has the content of a file of MNIST, packed or not."""
    try:
        read_file(path, file)
    except (OSError, InputError):
        return False
    return True


def read_file(path: Path, file: File) -> bytes:
    """Return the content of a file of MNIST, unpacked.

    Raises InputError if the path has another content, and FileNotFoundError if it is not a file.
    """
    if not path.is_file():
        raise FileNotFoundError(ENOENT, "not a file", str(path))
    size = path.stat().st_size
    if size > file.size + SLACK:
        raise InputError(f"{path.name}: expected {file.size:,} bytes, found {size:,}")
    return _unpack(path.read_bytes(), path.name, file)


def find_spellings(folder: Path, file: File) -> list[Path]:
    """Return the files in a folder that have the name of a file of MNIST, in any usual form."""
    return [folder / name for name in _spellings(file) if (folder / name).is_file()]


def top() -> Path:
    """Return the top of the project, also if this is an experiment in a folder of its own."""
    for folder in Path.cwd().parents:
        if folder.match(f"*/{EXPERIMENTS}"):
            return folder.parents[len(EXPERIMENTS.parts) - 1]
    return Path.cwd()


def _spellings(file: File) -> Iterator[str]:
    """Yield the names that people have a file under: packed or not, with a dot, in a folder."""
    names = (file.name, file.name.replace("-idx", ".idx"))
    for folder, name, ending in itertools.product(("", *names), names, (".gz", "")):
        yield f"{folder}/{name}{ending}".lstrip("/")


def _as_folder(mirror: str) -> Path:
    """Return the folder that a path or a file: address names; paths are relative to the top."""
    if mirror.lower().startswith("file:"):
        mirror = url2pathname(urlsplit(mirror).path)
    elif "://" in mirror:
        raise InputError("expected a folder or an http(s) address")
    folder = top() / os.path.expanduser(mirror)  # noqa: PTH111, which does not need a home
    if not folder.exists():
        raise InputError("no such folder")
    if not folder.is_dir():
        raise InputError("expected a folder, found a file")
    return folder


def _unpack(content: bytes, name: str, file: File) -> bytes:
    """Return the content of a file of MNIST from what a mirror has, or raise InputError."""
    try:
        for _ in range(2):  # a server may pack a packed file again
            if content.startswith(GZIP):
                with gzip.open(io.BytesIO(content)) as packed:
                    content = packed.read(file.size + SLACK)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name}: expected a complete gzip file; {error}") from None
    if len(content) != file.size:
        kind = "a web page of " if content.lstrip().startswith(b"<") else ""
        raise InputError(
            f"{name}: expected {file.size:,} bytes when unpacked, found {kind}{len(content):,}"
        )
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise InputError(f"{name}: its SHA-256 is not MNIST's")
    return content


def _fetch(mirror: str, file: File) -> bytes:
    """Return the content of a file of MNIST under the first name that a mirror has it under."""
    is_address = mirror.lower().startswith(("http://", "https://"))
    folder = Path() if is_address else _as_folder(mirror)
    failure = None
    for name in _spellings(file):
        try:
            if is_address:
                return _unpack(_receive(f"{mirror.rstrip('/')}/{name}", file), name, file)
            return read_file(folder / name, file)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            failure = failure or InputError(f"{name}: {error.strerror}")
        except InputError as error:
            if is_address:
                raise
            failure = failure or error
    raise failure or InputError(f"has no {file.name}, packed or unpacked")


def _receive(address: str, file: File) -> bytes:
    """Return what an address sends, unless it is too much, or too slow.

    Raises FileNotFoundError if there is nothing at the address.
    """
    content = bytearray()
    with requests.Session() as session:
        session.max_redirects = 5
        session.hooks["response"].append(_leave_redirect)
        with _answer(session, address) as response:
            if response.status_code == requests.codes.not_found:
                raise FileNotFoundError
            response.raise_for_status()
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            start = time.monotonic()
            with tqdm(desc=file.name, total=total, unit="B", unit_scale=True, disable=None) as bar:
                while chunk := response.raw.read1(2**16):
                    content += chunk
                    bar.update(len(chunk))
                    if len(content) > file.size + SLACK:
                        raise requests.RequestException(
                            f"sent more than the {file.size:,} bytes of {file.name}"
                        )
                    if time.monotonic() > start + TIMEOUT + len(content) / MIN_SPEED:
                        raise requests.RequestException(
                            f"sent less than {MIN_SPEED:,} bytes a second of {file.name}"
                        )
    return bytes(content)


def _answer(session: requests.Session, address: str) -> requests.Response:
    """Ask an address; give up one whose answer has not begun in time."""
    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(session.get(address, stream=True, timeout=TIMEOUT))
        except BaseException as error:  # noqa: BLE001, for it is raised again below
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    seconds = TIMEOUTS_TO_BEGIN * TIMEOUT
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise requests.RequestException(f"no response within {seconds} seconds") from None


def _leave_redirect(response: requests.Response, **_: object) -> None:
    """Close a redirect before its body is read, which may never end."""
    if response.is_redirect:
        response.raw.close()


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "its certificate is not trusted; if a proxy issued it, set REQUESTS_CA_BUNDLE to the "
            "proxy's certificate"
        )
    reasons = {
        requests.exceptions.SSLError: "no encrypted connection",
        requests.exceptions.ProxyError: "the proxy cannot be reached; check HTTPS_PROXY",
        requests.Timeout: f"did not answer within {TIMEOUT} seconds",
        ReadTimeoutError: f"stalled for {TIMEOUT} seconds during a download",
        ProtocolError: "connection lost during a download",
        requests.TooManyRedirects: "too many redirects",
        requests.exceptions.InvalidSchema: "redirects to something other than an http(s) address",
        requests.ConnectionError: "cannot be reached",
    }
    for kind, reason in reasons.items():
        if isinstance(error, kind):
            return reason
    return " ".join(str(error).split())
