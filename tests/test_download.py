"""The download, from good and bad mirrors on a local server, and from folders."""

import contextlib
import gzip
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from download import download as download_stage

from mnist_mlp import load_mnist
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import in_stored_order, read_digits
from mnist_mlp.data.mirrors import download
from mnist_mlp.data.mnist import FILES, MIRRORS, File

ROOT = Path(__file__).resolve().parents[1]
NAMES = [file.name for file in FILES]
SAMPLE = ROOT / "data/sample"
SAMPLED = {name: (SAMPLE / name).read_bytes() for name in NAMES}
HEADERS = {name: 4 + 4 * content[3] for name, content in SAMPLED.items()}
# The sample, reversed, stands in for MNIST.
CONTENTS = {n: data[: HEADERS[n]] + data[: HEADERS[n] - 1 : -1] for n, data in SAMPLED.items()}
FIRST = CONTENTS[NAMES[0]]
PACKED = {f"{name}.gz": gzip.compress(content) for name, content in CONTENTS.items()}
PATHS = [f"/{name}" for name in PACKED]

needs_permissions = pytest.mark.skipif(
    os.geteuid() == 0, reason="root may read and write everything"
)


class Request(BaseHTTPRequestHandler):
    """A request to a mirror, answered by that mirror's own function."""

    server: "Mirror"

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        self.server.answer(self)

    def send(self, content: bytes, length: int | str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        pass


Answer = Callable[[Request], None]


class Mirror(ThreadingHTTPServer):
    """A mirror on a free local port, which records the paths that were requested."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.answer = answer
        self.requested: list[str] = []
        self.closing = Event()


Serve = Callable[[Answer], Mirror]


def good(request: Request) -> None:
    content = PACKED[request.path.rpartition("/")[2]]
    request.send(content, len(content))


def gives(content: bytes) -> Answer:
    return lambda request: request.send(content, len(content))


def redirects_to(address: str) -> Answer:
    return lambda request: request.send(b"", 0, 302, Location=address)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        File(name, len(data), sha256(data).hexdigest(), md5(data).hexdigest())
        for name, data in CONTENTS.items()
    ]
    monkeypatch.setattr("mnist_mlp.data.mirrors.FILES", files)
    monkeypatch.setattr("download.FILES", files)


@pytest.fixture(autouse=True)
def away_from_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand away from the clone, whose DVC cache may have MNIST."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlp.data.mirrors.TIMEOUT", 0.5)


@pytest.fixture
def serve() -> Iterator[Serve]:
    mirrors: list[Mirror] = []

    def start(answer: Answer) -> Mirror:
        mirrors.append(Mirror(answer))
        Thread(target=mirrors[-1].serve_forever, args=(0.01,), daemon=True).start()
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.closing.set()
        mirror.shutdown()
        mirror.server_close()


@pytest.fixture
def refusing() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed_at_once:
        return f"http://127.0.0.1:{closed_at_once.getsockname()[1]}"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return fill(tmp_path / "raw", {})


@pytest.fixture
def reason(serve: Serve, raw: Path) -> Callable[[str], str]:
    """Return a function that tries a bad mirror, then a good one, and returns the one warning."""

    def reason(bad: str) -> str:
        warnings: list[str] = []

        def warn(warning: str) -> None:
            assert contents(raw) == {}
            warnings.append(warning)

        assert download(raw, [bad, serve(good).address], warn)
        assert contents(raw) == CONTENTS
        assert [warning.startswith(f"{bad}: ") for warning in warnings] == [True]
        return warnings[0].removeprefix(f"{bad}: ")

    return reason


Reason = Callable[[str], str]


def never(warning: str) -> None:
    pytest.fail(f"unexpected warning: {warning}")


# Good mirrors


def test_a_good_mirror_gives_all_four_files(serve: Serve, raw: Path) -> None:
    assert download(raw, [serve(good).address], never)
    assert contents(raw) == CONTENTS


def test_a_good_folder_gives_all_four_files(tmp_path: Path, raw: Path) -> None:
    assert download(raw, [str(fill(tmp_path / "my MNIST", CONTENTS))], never)
    assert contents(raw) == CONTENTS


def test_each_file_is_requested_once_below_the_address(serve: Serve, raw: Path) -> None:
    mirror = serve(good)
    assert download(raw, [f"{mirror.address}/some/mnist"], never)
    assert mirror.requested == [f"/some/mnist{name}" for name in PATHS]


def test_a_trailing_slash_of_an_address_makes_no_difference(serve: Serve, raw: Path) -> None:
    mirror = serve(good)
    assert download(raw, [f"{mirror.address}/mnist/"], never)
    assert mirror.requested == [f"/mnist{name}" for name in PATHS]


def test_a_redirect_to_the_right_file_is_followed(serve: Serve, raw: Path) -> None:
    elsewhere = serve(good).address
    mirror = serve(lambda request: redirects_to(elsewhere + request.path)(request))
    assert download(raw, [mirror.address], never)
    assert contents(raw) == CONTENTS


def test_a_missing_folder_is_created(serve: Serve, tmp_path: Path) -> None:
    assert download(tmp_path / "data" / "raw", [serve(good).address], never)
    assert contents(tmp_path / "data" / "raw") == CONTENTS


def test_a_mirror_after_a_good_one_is_not_asked(serve: Serve, raw: Path) -> None:
    spare = serve(good)
    assert download(raw, [serve(good).address, spare.address], never)
    assert spare.requested == []


# Bad mirrors


def test_a_mirror_that_refuses_the_connection_is_named_and_the_next_one_is_tried(
    refusing: str, reason: Reason
) -> None:
    assert "cannot be reached" in reason(refusing)


@pytest.mark.usefixtures("impatient")
def test_a_mirror_that_never_answers_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    def wait(request: Request) -> None:
        request.server.closing.wait(5)

    assert reason(serve(wait).address) == "did not answer within 0.5 seconds"


@pytest.mark.usefixtures("impatient")
def test_a_mirror_that_stalls_in_a_file_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    def send_half_and_wait(request: Request) -> None:
        request.send(FIRST[:2000], len(FIRST))
        request.server.closing.wait(5)

    expected = "stalled for 0.5 seconds during a download"
    assert reason(serve(send_half_and_wait).address) == expected


@pytest.mark.usefixtures("impatient")
def test_a_mirror_that_sends_a_byte_now_and_then_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    def drip(request: Request) -> None:
        request.send(b"", len(FIRST))
        with contextlib.suppress(ConnectionError):
            while not request.server.closing.wait(0.1):
                request.wfile.write(b"!")

    expected = f"sent less than 10,000 bytes a second of {NAMES[0]}"
    assert reason(serve(drip).address) == expected


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("first", "again"),
    [(b"HTTP/1.1 200 OK\r\n", b"X: !\r\n"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
)
def test_a_mirror_that_never_starts_the_file_is_named_and_the_next_one_is_tried(
    first: bytes, again: bytes, serve: Serve, reason: Reason
) -> None:
    def drip_headers(request: Request) -> None:
        request.wfile.write(first)
        with contextlib.suppress(ConnectionError):
            while not request.server.closing.wait(0.1):
                request.wfile.write(again)

    assert reason(serve(drip_headers).address) == "no response within 1.5 seconds"


@pytest.mark.parametrize("tenth", range(10))
def test_a_mirror_that_drops_the_connection_at_any_tenth_is_named_and_the_next_one_is_tried(
    tenth: int, serve: Serve, reason: Reason
) -> None:
    part = FIRST[: len(FIRST) * tenth // 10]
    assert "connection lost" in reason(
        serve(lambda request: request.send(part, len(FIRST))).address
    )


def test_a_mirror_that_sends_without_end_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    def send_for_ever(request: Request) -> None:
        request.send(b"", 10**12)
        with contextlib.suppress(ConnectionError):
            while not request.server.closing.is_set():
                request.wfile.write(FIRST)

    expected = f"sent more than the {len(FIRST):,} bytes of {NAMES[0]}"
    assert reason(serve(send_for_ever).address) == expected


def test_a_mirror_that_hangs_up_in_a_file_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(lambda request: request.send(FIRST[:2000], len(FIRST)))
    assert reason(mirror.address) == "connection lost during a download"


def test_a_mirror_that_answers_403_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(lambda request: request.send_error(403))
    assert reason(mirror.address) == "answered 403 Forbidden"


def test_a_mirror_that_answers_503_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(lambda request: request.send_error(503))
    assert reason(mirror.address) == "answered 503 Service Unavailable"


def test_a_mirror_that_gives_a_web_page_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(gives(b"\n<!DOCTYPE html><title>Log in to this network</title>"))
    expected = f"{NAMES[0]}.gz: expected {len(FIRST):,} bytes when unpacked, found a web page of 53"
    assert reason(mirror.address) == expected


def test_a_mirror_that_gives_too_short_a_file_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    expected = f"{NAMES[0]}.gz: expected {len(FIRST):,} bytes when unpacked, found 2,000"
    assert reason(serve(gives(FIRST[:2000])).address) == expected


def test_a_mirror_that_gives_too_long_a_file_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    size = len(FIRST)
    expected = f"{NAMES[0]}.gz: expected {size:,} bytes when unpacked, found {size + 1:,}"
    assert reason(serve(gives(FIRST + b"!")).address) == expected


def test_a_mirror_that_gives_another_file_of_that_size_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(gives(FIRST[::-1]))
    assert reason(mirror.address) == f"{NAMES[0]}.gz: its SHA-256 is not MNIST's"


def test_a_mirror_that_redirects_in_a_circle_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    mirror = serve(lambda request: redirects_to(request.path)(request))
    assert "redirects" in reason(mirror.address)


def test_the_body_of_a_redirect_is_not_read(serve: Serve, raw: Path) -> None:
    def redirect_for_ever(request: Request) -> None:
        request.send(b"", 10**12, 302, Location=elsewhere + request.path)
        with contextlib.suppress(ConnectionError):
            while not request.server.closing.is_set():
                request.wfile.write(FIRST)

    elsewhere = serve(good).address
    assert download(raw, [serve(redirect_for_ever).address], never)
    assert contents(raw) == CONTENTS


def test_a_mirror_that_redirects_to_a_local_file_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason, tmp_path: Path
) -> None:
    here = (fill(tmp_path / "here", PACKED) / f"{NAMES[0]}.gz").as_uri()
    assert (
        reason(serve(redirects_to(here)).address)
        == "redirects to something other than an http(s) address"
    )


def test_a_mirror_that_redirects_to_an_invalid_address_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    assert reason(serve(redirects_to("http://[nonsense")).address)


def test_a_mirror_that_sends_an_invalid_length_is_named_and_the_next_one_is_tried(
    serve: Serve, reason: Reason
) -> None:
    assert reason(serve(lambda request: request.send(FIRST[:9], "nonsense")).address)


def test_a_folder_that_lacks_a_file_is_named_and_the_next_one_is_tried(
    tmp_path: Path, reason: Reason
) -> None:
    lacking = fill(tmp_path / "lacking", {name: CONTENTS[name] for name in NAMES[1:]})
    assert reason(str(lacking)) == f"has no {NAMES[0]}, packed or unpacked"


def test_a_folder_that_holds_a_wrong_file_is_named_and_the_next_one_is_tried(
    tmp_path: Path, reason: Reason
) -> None:
    wrong = fill(tmp_path / "wrong", {**CONTENTS, NAMES[0]: FIRST[::-1]})
    assert reason(str(wrong)) == f"{NAMES[0]}: its SHA-256 is not MNIST's"


@needs_permissions
def test_a_folder_that_cannot_be_read_is_named_and_the_next_one_is_tried(
    tmp_path: Path, reason: Reason
) -> None:
    secret = fill(tmp_path / "secret", CONTENTS)
    (secret / NAMES[0]).chmod(0)
    assert "Permission denied" in reason(str(secret))


@pytest.mark.parametrize("nonsense", ["not an address", "http://", "http://[", "http://a:b"])
def test_a_string_that_is_not_an_address_is_named_and_the_next_one_is_tried(
    nonsense: str, reason: Reason
) -> None:
    assert reason(nonsense)


def test_if_all_mirrors_fail_each_gets_a_warning_and_no_file_is_left(
    serve: Serve, refusing: str, tmp_path: Path, raw: Path
) -> None:
    forbidding = serve(lambda request: request.send_error(403)).address
    warnings: list[str] = []
    assert not download(raw, [forbidding, str(tmp_path), refusing], warnings.append)
    assert [warning.partition(": ")[0] for warning in warnings] == [
        forbidding,
        str(tmp_path),
        refusing,
    ]
    assert contents(raw) == {}


# MNIST as people have it


def dotted(name: str) -> str:
    return name.replace("-idx", ".idx")


FORMS: dict[str, Callable[[str, bytes], tuple[str, bytes]]] = {
    "packed": lambda name, content: (f"{name}.gz", gzip.compress(content)),
    "unpacked": lambda name, content: (name, content),
    "packed again": lambda name, content: (f"{name}.gz", gzip.compress(content, 1)),
    "stored": lambda name, content: (f"{name}.gz", gzip.compress(content, 0)),
    "unpacked as gz": lambda name, content: (f"{name}.gz", content),
    "packed twice": lambda name, content: (f"{name}.gz", gzip.compress(gzip.compress(content))),
    "with a dot": lambda name, content: (dotted(name), content),
    "with a dot, packed": lambda name, content: (f"{dotted(name)}.gz", gzip.compress(content)),
    "in folders": lambda name, content: (f"{name}/{name}", content),
    "in folders, with a dot": lambda name, content: (f"{name}/{dotted(name)}", content),
    "in dotted folders": lambda name, content: (f"{dotted(name)}/{dotted(name)}", content),
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
Form = Callable[[str, bytes], tuple[str, bytes]]


def in_form(folder: Path, form: Form) -> Path:
    for name, content in CONTENTS.items():
        place, made = form(name, content)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(made)
    return folder


@each_form
def test_a_folder_may_have_mnist_in_any_usual_form(form: Form, tmp_path: Path, raw: Path) -> None:
    folder = in_form(tmp_path / "mine", form)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert download(raw, [str(folder)], never)
    assert contents(raw) == CONTENTS
    assert {path: path.read_bytes() for path in before} == before


@each_form
def test_mnist_in_data_raw_is_used_in_any_usual_form(
    form: Form, refusing: str, raw: Path, tmp_path: Path
) -> None:
    params = with_dataset(tmp_path, "auto")
    in_form(raw, form)
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
    assert contents(raw) == CONTENTS


def test_a_valid_file_beside_a_bad_one_is_used(tmp_path: Path, raw: Path) -> None:
    folder = fill(tmp_path / "mine", {f"{NAMES[0]}.gz": b"half", **CONTENTS})
    assert download(raw, [str(folder)], never)
    assert contents(raw) == CONTENTS


def test_a_mirror_may_have_the_files_unpacked(serve: Serve, raw: Path) -> None:
    def unpacked(request: Request) -> None:
        content = CONTENTS.get(request.path[1:])
        request.send(content, len(content)) if content else request.send_error(404)

    assert download(raw, [serve(unpacked).address], never)
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize("write", [str, Path.as_uri, lambda path: f"~/{path.name}"])
def test_a_folder_may_be_written_as_a_path_an_address_or_from_home(
    write: Callable[[Path], str], tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download(raw, [write(fill(tmp_path / "my MNIST ü", CONTENTS))], never)
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize("place", [".", ".dvc/tmp/exps/tmp1", ".dvc/tmp/exps/tmp1/below"])
def test_a_relative_folder_is_relative_to_the_top_of_the_project_in_experiments_too(
    place: str, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "mine", CONTENTS)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / place)
    assert download(raw, ["mine"], never)
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("no/such", "no such folder"),
        ("a file", "expected a folder, found a file"),
        ("ftp://localhost/mnist", "expected a folder or an http(s) address"),
        ("file:///no/such", "no such folder"),
    ],
)
def test_a_mirror_that_is_not_a_folder_is_not_reported_as_a_missing_file(
    mirror: str, expected: str, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fill(tmp_path, {"a file": b""}))
    warnings: list[str] = []
    assert not download(raw, [mirror], warnings.append)
    assert warnings == [f"{mirror}: {expected}"]


def test_a_file_that_is_too_large_is_named_with_its_true_size(
    tmp_path: Path, reason: Reason
) -> None:
    large = fill(tmp_path / "large", {NAMES[0]: bytes(3 * len(FIRST))})
    expected = f"{NAMES[0]}: expected {len(FIRST):,} bytes, found {3 * len(FIRST):,}"
    assert reason(str(large)) == expected


def test_a_packed_file_that_is_cut_short_is_named(tmp_path: Path, reason: Reason) -> None:
    half = fill(tmp_path / "half", {f"{NAMES[0]}.gz": gzip.compress(FIRST)[:-9]})
    assert reason(str(half)).startswith(f"{NAMES[0]}.gz: expected a complete gzip file; ")


@pytest.fixture
def encrypted(serve: Serve, tmp_path: Path) -> str:
    """Serve over TLS with a self-signed certificate."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    mirror = serve(good)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    mirror.socket = context.wrap_socket(mirror.socket, server_side=True)
    return mirror.address.replace("http:", "https:")


def test_an_untrusted_certificate_is_reported_and_a_trusted_one_is_accepted(
    encrypted: str, reason: Reason, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reason(encrypted).startswith("its certificate is not trusted; ")
    shutil.rmtree(raw)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    assert download(raw, [encrypted], never)


def test_a_server_without_encryption_is_reported(serve: Serve, reason: Reason) -> None:
    address = serve(good).address.replace("http:", "https:")
    assert reason(address) == "no encrypted connection"


def test_a_dead_proxy_is_reported(reason: Reason) -> None:
    expected = "the proxy cannot be reached; check HTTPS_PROXY"
    assert reason("https://mirror.invalid/mnist") == expected


# Files that are already in the folder


def test_valid_files_are_not_downloaded_again(serve: Serve, raw: Path) -> None:
    mirror = serve(good)
    fill(raw, {name: CONTENTS[name] for name in NAMES[:3]})
    assert download(raw, [mirror.address], never)
    assert mirror.requested == PATHS[3:]


def test_four_valid_files_need_no_working_mirror(refusing: str, raw: Path) -> None:
    assert download(fill(raw, CONTENTS), [refusing], never)


def test_a_bad_file_of_the_right_name_is_replaced(serve: Serve, raw: Path) -> None:
    fill(raw, {**CONTENTS, NAMES[2]: CONTENTS[NAMES[2]][::-1]})
    assert download(raw, [serve(good).address], never)
    assert contents(raw) == CONTENTS


def test_the_next_mirror_is_asked_only_for_what_is_missing(serve: Serve, raw: Path) -> None:
    def two_files(request: Request) -> None:
        good(request) if request.path in PATHS[:2] else request.send_error(403)

    mirror = serve(good)
    warnings: list[str] = []
    assert download(raw, [serve(two_files).address, mirror.address], warnings.append)
    assert mirror.requested == PATHS[2:]
    assert len(warnings) == 1


def test_a_file_with_a_wrong_checksum_never_replaces_another(serve: Serve, raw: Path) -> None:
    fill(raw, {NAMES[0]: b"what was there"})
    assert not download(raw, [serve(gives(FIRST[::-1])).address], lambda _: None)
    assert contents(raw) == {NAMES[0]: b"what was there"}


def test_an_unwritable_folder_is_not_blamed_on_the_mirror(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file, not a folder")
    with pytest.raises(FileExistsError, match="/raw"):
        download(tmp_path / "raw", [serve(good).address], never)


# load_mnist


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up an empty cache, without data/raw; return the folder of the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("mnist_mlp.data.loading.RAW", (tmp_path / "clone", tmp_path / "here"))
    return tmp_path / "cache/mnist-mlp"


def test_load_mnist_returns_the_training_and_the_test_examples(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = fill(cache.parents[1] / "mirror", CONTENTS)
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    training = in_stored_order(*read_digits(*(mirror / name for name in NAMES[:2])))
    test = read_digits(*(mirror / name for name in NAMES[2:]))
    for dataset, (pixels, digits) in zip(load_mnist(), (training, test), strict=True):
        np.testing.assert_allclose(dataset.images, pixels.reshape(-1, 784) / 255, rtol=1e-6)
        np.testing.assert_array_equal(dataset.labels, digits)
        assert dataset.images.dtype == dataset.targets.dtype == np.float32
    assert contents(cache) == CONTENTS


@pytest.mark.parametrize("place", ["cache/mnist-mlp", "clone", "here"])
def test_load_mnist_uses_the_folder_with_valid_files_and_asks_no_mirror(
    place: str, cache: Path, tmp_path: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", refusing)
    cache.mkdir(parents=True)
    for name in ("cache/mnist-mlp", "clone", "here"):
        wrong = {NAMES[0]: FIRST[::-1]} if name != place else {}
        fill(tmp_path / name, CONTENTS | wrong)
    training, test = load_mnist()
    assert (len(training.images), len(test.images)) == (1437, 360)


def test_load_mnist_downloads_once_into_the_cache_if_no_folder_has_the_files(
    serve: Serve, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = serve(good)
    monkeypatch.setenv("MNIST_MIRROR", mirror.address)
    for _ in range(2):
        load_mnist()
        assert mirror.requested == PATHS
        assert contents(cache) == CONTENTS


@pytest.mark.usefixtures("cache")
def test_load_mnist_fails_in_one_line_that_says_why_and_what_to_do(
    refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="; set MNIST_MIRROR to a folder with the four") as caught:
        load_mnist()
    for mirror in MIRRORS:
        assert f"{mirror}: the proxy cannot be reached; " in str(caught.value)
    monkeypatch.setenv("MNIST_MIRROR", refusing)
    with pytest.raises(InputError, match=f"{refusing}: cannot be reached; "):
        load_mnist()


# The stage


def with_dataset(folder: Path, dataset: str, batch_size: int = 32) -> Path:
    knobs = Params(dataset=dataset, batch_size=batch_size)  # type: ignore[arg-type]
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(msgspec.to_builtins(knobs)), "utf-8")
    return path


def run(
    dataset: str, raw: Path, *more: str, batch_size: int = 32
) -> subprocess.CompletedProcess[str]:
    params = str(with_dataset(raw.parent, dataset, batch_size))
    command = [sys.executable, str(ROOT / "stages/download.py"), "--params", params]
    command += ["--raw", str(raw), "--sample", str(SAMPLE), *more]
    return subprocess.run(command, cwd=raw.parent, capture_output=True, text=True, check=False)


def test_dataset_sample_copies_the_sample_without_a_warning(raw: Path) -> None:
    ended = run("sample", raw)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert contents(raw) == SAMPLED


def test_dataset_auto_without_a_source_falls_back_to_the_sample_and_says_so_loudly(
    raw: Path,
) -> None:
    ended = run("auto", raw)
    assert ended.returncode == 0
    assert "THIS IS NOT MNIST" in ended.stderr
    for mirror in MIRRORS:
        assert ended.stderr.count(f"warning: {mirror}: the proxy cannot be reached") == 1
    assert contents(raw).keys() == {*NAMES, "NOT_MNIST"}
    assert contents(raw).items() > SAMPLED.items()


def test_after_a_fallback_no_public_mirror_is_asked_until_its_mark_is_removed(
    serve: Serve,
    refusing: str,
    raw: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = with_dataset(raw.parent, "auto")
    mirror = serve(good)
    for source in (refusing, mirror.address):
        monkeypatch.setattr("download.MIRRORS", [source])
        download_stage(params_file=params, raw=raw, sample=SAMPLE)
        assert (raw / "NOT_MNIST").exists()
        assert "THIS IS NOT MNIST" in capsys.readouterr().err
    assert mirror.requested == []
    (raw / "NOT_MNIST").unlink()
    download_stage(params_file=params, raw=raw, sample=SAMPLE)
    assert mirror.requested == PATHS
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize(("dataset", "files"), [("mnist", CONTENTS), ("sample", SAMPLED)])
def test_another_dataset_ends_a_fallback(
    dataset: str, files: dict[str, bytes], serve: Serve, raw: Path
) -> None:
    fill(raw, SAMPLED | {"NOT_MNIST": b""})
    params = with_dataset(raw.parent, dataset)
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=serve(good).address)
    assert contents(raw) == files


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_an_experiment_in_a_folder_of_its_own_does_not_fall_back(
    dataset: str, refusing: str, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".dvc/tmp/exps/tmp1/below"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("download.MIRRORS", [refusing])
    params = with_dataset(tmp_path, dataset)
    with pytest.raises(InputError, match=f"{refusing}: cannot be reached; .*`dataset: sample`"):
        download_stage(params_file=params, raw=raw, sample=SAMPLE)
    assert contents(raw) == {}


def test_the_stage_asks_no_mirror_for_files_that_it_has(serve: Serve, raw: Path) -> None:
    mirror = serve(good)
    params = with_dataset(raw.parent, "auto")
    download_stage(
        params_file=params, raw=fill(raw, CONTENTS), sample=SAMPLE, mirror=mirror.address
    )
    assert mirror.requested == []


def test_a_batch_larger_than_the_training_images_is_refused(raw: Path) -> None:
    ended = run("sample", raw, batch_size=1294)
    assert ended.returncode == 1
    assert ": batch_size: expected at most the 1293 training images" in ended.stderr
    assert ended.stderr.endswith("`git restore params.yaml`\n")


def test_dataset_mnist_without_a_source_fails_in_one_line_that_says_why_and_what_to_do(
    raw: Path,
) -> None:
    ended = run("mnist", raw)
    *warnings, error = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert [warning.partition(": ")[0] for warning in warnings] == ["warning"] * len(MIRRORS)
    assert error.startswith("error: ")
    for mirror in MIRRORS:
        assert f"{mirror}: the proxy cannot be reached" in error
    assert "MNIST_MIRROR" in error
    assert "dataset: sample" in error
    assert contents(raw) == {}


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_the_stage_takes_mnist_from_the_mirror_that_the_user_names(
    dataset: str, serve: Serve, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = with_dataset(raw.parent, dataset)
    download_stage(params_file=params, raw=raw, mirror=serve(good).address)
    assert contents(raw) == CONTENTS
    assert capsys.readouterr() == (f"MNIST is in {raw}, its four files checked.\n", "")


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_if_the_mirror_that_the_user_names_fails_the_stage_fails_and_asks_no_other(
    dataset: str, refusing: str, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", refusing)
    ended = run(dataset, raw)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: MNIST_MIRROR: {refusing}: cannot be reached; correct")
    assert ended.stderr.count("\n") == 1
    assert contents(raw) == {}


@pytest.mark.parametrize(
    "place",
    [
        "notes.txt",
        f"{NAMES[0]}.gz",
        NAMES[3],
        f"{NAMES[0]}/{NAMES[0]}",
        "folder/in it/file",
        "link to nothing",
        "link to a folder",
    ],
)
@pytest.mark.parametrize("dataset", ["auto", "mnist", "sample"])
def test_a_users_own_file_in_data_raw_is_named_and_nothing_is_changed(
    place: str, dataset: str, serve: Serve, raw: Path
) -> None:
    path = raw / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in place:
        path.symlink_to(ROOT / "stages" if "folder" in place else "nothing")
    else:
        path.write_bytes(b"mine")
    params, mirror = with_dataset(raw.parent, dataset), serve(good)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: expected .*; move it out of"):
        download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=mirror.address)
    assert mirror.requested == []
    assert [path for path in raw.rglob("*") if path.is_file() or path.is_symlink()] == [path]


def test_another_data_set_under_mnists_names_is_not_replaced(serve: Serve, raw: Path) -> None:
    fashion = {name: content[:-1] + b"!" for name, content in CONTENTS.items()}
    params, mirror = with_dataset(raw.parent, "mnist"), serve(good)
    with pytest.raises(InputError, match="expected one of MNIST's four files"):
        download_stage(
            params_file=params, raw=fill(raw, fashion), sample=SAMPLE, mirror=mirror.address
        )
    assert contents(raw) == fashion


def test_leftovers_of_killed_runs_in_data_raw_are_removed(serve: Serve, raw: Path) -> None:
    fill(raw, {f"{NAMES[0]}.unfinished": b"half", f".{'x' * 22}.tmp": b"", ".DS_Store": b""})
    params = with_dataset(raw.parent, "mnist")
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=serve(good).address)
    assert contents(raw) == CONTENTS


def test_with_mnist_in_dvcs_cache_switching_to_the_sample_and_back_needs_no_mirror(
    refusing: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for content in CONTENTS.values():
        key = md5(content).hexdigest()
        fill(tmp_path / f".dvc/cache/files/md5/{key[:2]}", {key[2:]: content})
    for dataset, files in [("sample", SAMPLED), ("auto", CONTENTS), ("sample", SAMPLED)]:
        params = with_dataset(tmp_path, dataset)
        download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
        assert contents(raw) == files


@pytest.mark.parametrize("names", [NAMES, NAMES[:3]], ids=["all four", "three"])
@pytest.mark.parametrize("dataset", ["sample", "auto"])
def test_mnist_that_dvc_has_no_copy_of_is_not_replaced_by_the_sample(
    dataset: str, names: list[str], raw: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(raw.parent)
    monkeypatch.setattr("download.MIRRORS", [refusing])
    fill(raw, {f"{name}.gz": PACKED[f"{name}.gz"] for name in names})
    params = with_dataset(raw.parent, dataset)
    if dataset == "auto" and names == NAMES:
        download_stage(params_file=params, raw=raw, sample=SAMPLE)
    else:
        with pytest.raises(InputError, match=r"DVC's cache has no copy, .*; move MNIST's files"):
            download_stage(params_file=params, raw=raw, sample=SAMPLE)
    assert contents(raw) == {name: CONTENTS[name] for name in names}


def test_what_finder_leaves_in_the_folders_of_an_archive_does_not_matter(
    refusing: str, raw: Path
) -> None:
    for name, content in CONTENTS.items():
        fill(raw / name, {name: content, ".DS_Store": b""})
        fill(raw / dotted(name), {name: content, ".DS_Store": b""})
    params = with_dataset(raw.parent, "auto")
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
    assert contents(raw) == CONTENTS


def test_the_sample_of_an_older_version_is_cleared_away(serve: Serve, raw: Path) -> None:
    fill(raw, {f"{name}.gz": gzip.compress(content) for name, content in SAMPLED.items()})
    fill(raw / dotted(NAMES[0]), {NAMES[0]: SAMPLED[NAMES[0]]})
    fill(raw, {"NOT_MNIST": b""})
    params = with_dataset(raw.parent, "mnist")
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=serve(good).address)
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize("killed_at", range(1, 9))
def test_a_run_that_is_killed_while_it_renames_loses_nothing(
    killed_at: int, refusing: str, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(raw, PACKED)
    params = with_dataset(raw.parent, "mnist")
    calls = iter(range(1, 100))

    def or_be_killed(work: Callable[..., Any]) -> Callable[..., Any]:
        def step(path: Path, *words: Any, **more: Any) -> Any:
            if raw in path.parents and ".lock" not in path.name and next(calls) == killed_at:
                raise KeyboardInterrupt
            return work(path, *words, **more)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", or_be_killed(Path.replace))
        patch.setattr(Path, "unlink", or_be_killed(Path.unlink))
        with pytest.raises(KeyboardInterrupt):
            download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
    assert contents(raw) == CONTENTS


@pytest.mark.parametrize("name", ["thesis.unfinished", ".notes.tmp", "mine.lock.unfinished"])
def test_only_leftovers_of_the_stages_own_names_are_cleared_away(
    name: str, serve: Serve, raw: Path
) -> None:
    fill(raw, {name: b"mine"})
    params, mirror = with_dataset(raw.parent, "mnist"), serve(good)
    with pytest.raises(InputError, match="move it out of"):
        download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=mirror.address)
    assert contents(raw) == {name: b"mine"}


def test_dvcs_cache_is_found_where_the_configuration_says(
    refusing: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for content in CONTENTS.values():
        key = md5(content).hexdigest()
        fill(tmp_path / f"elsewhere/files/md5/{key[:2]}", {key[2:]: content})
    fill(tmp_path / ".dvc", {"config": b"[core]\n    analytics = false\n"})
    fill(tmp_path / ".dvc", {"config.local": b"[cache]\n    dir = ../elsewhere\n"})
    params = with_dataset(tmp_path, "mnist")
    download_stage(params_file=params, raw=raw, sample=SAMPLE, mirror=refusing)
    assert contents(raw) == CONTENTS


@needs_permissions
def test_an_unwritable_raw_folder_is_named_in_one_line(raw: Path) -> None:
    raw.chmod(0o500)
    ended = run("mnist", raw)
    assert ended.returncode == 1
    assert re.fullmatch(f"error: .*{re.escape(str(raw))}.*\n", ended.stderr)


def test_help_names_what_the_stage_reads_and_writes(raw: Path) -> None:
    help_text = " ".join(run("sample", raw, "--help").stdout.split())
    for name in ("Reads all knobs", "data/sample", "writes data/raw", "MNIST_MIRROR"):
        assert name in help_text


def test_there_are_at_least_three_public_mirrors_all_encrypted_and_none_defunct() -> None:
    assert len({mirror.split("/")[2] for mirror in MIRRORS}) >= 3
    assert all(mirror.startswith("https://") for mirror in MIRRORS)
    assert not any("yann.lecun.com" in mirror for mirror in MIRRORS)


def test_a_missing_certificate_file_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    with pytest.raises(OSError, match=r"nothing\.pem"):
        download(tmp_path, ["https://localhost"], print)
