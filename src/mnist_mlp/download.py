"""Download: the files of MNIST, from the first mirror that really has them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from shutil import copyfile
from typing import Any

import pooch
import requests
from tqdm import tqdm

from mnist_mlp.errors import InputError
from mnist_mlp.mnist import FILES, File

TIMEOUT = 10  # seconds of silence after which a mirror is given up


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
        except (InputError, requests.RequestException) as error:
            warn(f"{mirror}: {_reason(error)}")
        else:
            return True
    return False


def _fetch(folder: Path, mirror: str, file: File) -> None:
    def get(source: str, target: str, _: Any) -> None:
        if source.startswith(("http://", "https://")):
            with tqdm(
                desc=file.name, total=file.size, unit="B", unit_scale=True, disable=None
            ) as bar:
                pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)(source, target, None)
        elif Path(source).is_file():
            copyfile(source, target)
        else:
            raise InputError(f"has no {file.name}")
        _check(Path(target), file)

    pooch.retrieve(
        f"{mirror}/{file.name}", f"sha256:{file.sha256}", file.name, folder, downloader=get
    )


def _check(path: Path, file: File) -> None:
    size = path.stat().st_size
    if size != file.size:
        with path.open("rb") as content:
            kind = "a web page" if content.read(100).lstrip().startswith(b"<") else "a file"
        raise InputError(f"sent {kind} of {size} bytes as {file.name}, which has {file.size} bytes")
    if pooch.file_hash(str(path)) != file.sha256:
        raise InputError(f"sent a {file.name} with a wrong SHA-256")


def _reason(error: Exception) -> str:
    match error:
        case requests.HTTPError(response=response) if response is not None:
            return f"answered {response.status_code} {response.reason}"
        case requests.Timeout():
            return f"did not answer within {TIMEOUT} seconds"
        case requests.exceptions.ChunkedEncodingError():
            return "broke off in the middle of a file"
        case requests.ConnectionError():
            return "cannot be reached, or fell silent"
        case _:
            return " ".join(str(error).split())
