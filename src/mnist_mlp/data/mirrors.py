"""Download: the files of MNIST, from the first mirror that really has them."""

import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.data.mnist import FILES, File

TIMEOUT = 10  # seconds of silence after which a mirror is given up
TIMEOUTS_TO_BEGIN = 3  # as many times as long it may take to connect, redirect and send headers
SLOWEST = 10_000  # bytes of a file that it must send each second, after the first TIMEOUT


def download(folder: Path, mirrors: Iterable[str], warn: Callable[[str], None]) -> bool:
    """Bring every file of MNIST into `folder`, and tell whether all of them are there.

    A mirror is an http(s) address or a local folder. `warn` is told of each that fails, and
    the next is asked for the files still missing. A file gets its name only once its size and
    its SHA-256 are right; what is there already and right is kept. Raises OSError where
    `folder` cannot be written.
    """
    for mirror in mirrors:
        try:
            for file in FILES:
                if not _is_there(folder / file.name, file):
                    _fetch(folder, mirror.rstrip("/"), file)
        except (InputError, requests.RequestException, HTTPError, ValueError) as error:
            warn(f"{mirror}: {_reason(error)}")
        else:
            return True
    return False


def is_complete(folder: Path) -> bool:
    """Return whether every file of MNIST is in a folder, with its size and its SHA-256."""
    return all(_is_there(folder / file.name, file) for file in FILES)


def _is_there(path: Path, file: File) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def _fetch(folder: Path, mirror: str, file: File) -> None:
    source = f"{mirror}/{file.name}"
    is_address = source.lower().startswith(("http://", "https://"))
    content = _receive(source, file) if is_address else _read(Path(source), file)
    _check(content, file)
    with whole_file(folder / file.name) as output:
        output.write(content)


def _receive(address: str, file: File) -> bytes:
    """Return what an address sends, unless it is too much, or too slow."""
    content = bytearray()
    with requests.Session() as session:
        session.max_redirects = 5
        session.hooks["response"].append(_leave_redirect)
        with (
            _answer(session, address) as response,
            tqdm(desc=file.name, total=file.size, unit="B", unit_scale=True, disable=None) as bar,
        ):
            response.raise_for_status()
            start = time.monotonic()
            while chunk := response.raw.read1(2**16):
                content += chunk
                bar.update(len(chunk))
                if len(content) > file.size:
                    raise InputError(f"sent more than the {file.size} bytes of {file.name}")
                if time.monotonic() > start + TIMEOUT + len(content) / SLOWEST:
                    raise InputError(f"sent less than {SLOWEST} bytes a second of {file.name}")
    return bytes(content)


def _answer(session: requests.Session, address: str) -> requests.Response:
    """Ask an address; one whose answer has not begun in time, however it dawdles, is left."""
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
        raise InputError(f"had not begun to send a file after {seconds} seconds") from None


def _leave_redirect(response: requests.Response, **_: object) -> None:
    """Close a redirect before what comes with it, which may never end, is read."""
    if response.is_redirect:
        response.raw.close()


def _read(source: Path, file: File) -> bytes:
    try:
        with source.open("rb") as content:
            return content.read(file.size + 1)
    except OSError as error:
        raise InputError(f"{error.strerror}: {source.name}") from None


def _check(content: bytes, file: File) -> None:
    if len(content) != file.size:
        kind = "a web page" if content.lstrip().startswith(b"<") else "a file"
        raise InputError(
            f"sent {kind} of {len(content)} bytes as {file.name}, which has {file.size} bytes"
        )
    if hashlib.sha256(content).hexdigest() != file.sha256:
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
