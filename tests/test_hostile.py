"""Hostile files: a reader reads any file, or refuses it in one line.

Each run generates new cases, `--cases` of them for each reader. A reader may raise only
InputError, or OSError, which the stages turn into one line too; and the memory that it may take
is limited.
"""

import gzip
import io
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params, load_params
from mnist_mlp.data.dataset import Dataset, load_dataset, save_dataset
from mnist_mlp.data.idx import read_idx
from mnist_mlp.data.mirrors import read_file
from mnist_mlp.data.mnist import File
from mnist_mlp.learning.checkpoint import load_checkpoint, save_checkpoint
from mnist_mlp.learning.likeness import Likeness, load_likeness, save_likeness
from mnist_mlp.learning.model import load_network, save_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.snapshots import Snapshots, load_snapshots, plan_snapshots, save_snapshots
from tests.conftest import ROOT, start

MAX_MEMORY = 300_000  # kilobytes
PARAMS = (ROOT / "params.yaml").read_bytes()


def peak_memory(reset: bool = False) -> int:
    """Return this process's peak memory since the last reset, in kilobytes; 0 if not on Linux."""
    process = Path("/proc/self")
    if not process.exists():
        return 0
    if reset:
        (process / "clear_refs").write_text("5", "ascii")
    lines = (process / "status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@contextmanager
def survived() -> Iterator[None]:
    """Fail unless the block succeeds or raises a one-line error, and takes little memory."""
    message, before = "read", peak_memory(reset=True)
    try:
        yield
    except InputError as error:
        message = str(error)
    except OSError as error:
        message = error.strerror or ""
    assert peak_memory() < before + MAX_MEMORY
    assert message
    assert "\n" not in message


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "two" / "down"
    folder.mkdir(parents=True)
    return folder


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw a damaged copy: with bytes changed, inserted, dropped, repeated or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["set", "cut", "insert", "drop", "repeat"]))
        if how == "set" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del data[at:]
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=20))
        elif how == "drop":
            del data[at : at + draw(st.integers(1, 50))]
        else:
            data += data[at:]
    return bytes(data)


def idx(shape: tuple[int, ...], content: bytes, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + content


SMALL_IDX = idx((3, 4, 4), bytes(range(48)))
BOMB = gzip.compress(idx((60_000, 28, 28), bytes(60_000 * 28 * 28)))


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """Draw an IDX file that is damaged, or whose header is wrong."""
    how = draw(st.sampled_from(["content", "shape", "random"]))
    if how == "content":
        return draw(damaged(SMALL_IDX))
    if how == "shape":
        shape = tuple(draw(st.lists(st.integers(0, 2**32 - 1), max_size=5)))
        return idx(shape, bytes(draw(st.integers(0, 100))), draw(st.integers(0, 255)))
    return draw(st.binary(max_size=200))


@given(idx_files())
def test_any_idx_file_is_read_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "file"
    path.write_bytes(content)
    with survived():
        read_idx(path, dimensions=3)


@st.composite
def packed_files(draw: st.DrawFn) -> bytes:
    """Draw a gzip file as a mirror may send it: damaged, with several members, or a bomb."""
    how = draw(st.sampled_from(["packed", "twice", "members", "bomb", "random"]))
    if how == "packed":
        return draw(damaged(gzip.compress(SMALL_IDX)))
    if how == "twice":
        return gzip.compress(draw(damaged(gzip.compress(SMALL_IDX))))
    if how == "members":
        parts = draw(st.lists(damaged(SMALL_IDX) | st.just(SMALL_IDX), min_size=2, max_size=4))
        return b"".join(map(gzip.compress, parts)) + draw(st.binary(max_size=5))
    if how == "bomb":
        return draw(st.just(BOMB) | damaged(BOMB))
    return draw(st.binary(max_size=200))


@given(packed_files())
def test_any_file_of_a_mirror_is_read_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "file.gz"
    path.write_bytes(content)
    with survived():
        read_file(path, File("file", len(SMALL_IDX), sha256(SMALL_IDX).hexdigest(), ""))


DTYPES: st.SearchStrategy[Any] = st.sampled_from(
    [np.float32, np.float64, np.int8, np.uint64, np.bool_, np.complex64, "S3", "U3", "M8[s]", "V4"]
)


@st.composite
def arrays(draw: st.DrawFn) -> bytes:
    """Draw an .npy file of an unexpected type and shape, or whose header is wrong."""
    kind = draw(st.sampled_from(["odd", "object", "header", "damaged"]))
    array = np.zeros(draw(st.lists(st.integers(0, 5), max_size=4)), draw(DTYPES))
    if kind == "object":
        array = np.array([{"an": "object"}, None], object)
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    whole = file.getvalue()
    if kind == "header":
        numbers = st.integers(-(2**70), 2**70)
        header = {
            "descr": draw(st.sampled_from(["<f4", "|O", ">f8", "<V0", "nonsense", [("a", "<f4")]])),
            "fortran_order": draw(st.booleans()),
            "shape": tuple(draw(st.lists(numbers | st.integers(0, 10**6), max_size=3))),
        }
        text = (
            draw(st.sampled_from(["{}", "{},", "{}" * 2, "["])).replace("{}", repr(header))
        ).encode()
        whole = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)
    return draw(damaged(whole)) if kind == "damaged" else whole


@given(arrays(), st.sampled_from(["images", "targets"]))
def test_any_prepared_array_is_read_or_refused(folder: Path, content: bytes, part: str) -> None:
    save_dataset(folder, "test", np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8))
    (folder / f"test_{part}.npy").write_bytes(content)
    with survived():
        load_dataset(folder, "test")


def model(folder: Path) -> bytes:
    network = Network([784, 3, 10], "relu", "cross_entropy")
    initialise_weights(network, "xavier", np.random.default_rng(0))
    save_network(folder / "whole.npz", network)
    return (folder / "whole.npz").read_bytes()


@st.composite
def archives(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw an .npz file that is damaged, or has missing, repeated, wrong or escaping members."""
    if draw(st.booleans()):
        return draw(damaged(whole))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as members:
        contents = {name: members.read(name) for name in members.namelist()}
    with zipfile.ZipFile(file, "w", draw(st.sampled_from([0, zipfile.ZIP_DEFLATED]))) as archive:
        for name, content in contents.items():
            fate = draw(st.sampled_from(["keep"] * 6 + ["lack", "twice", "climb", "lie", "bomb"]))
            if fate != "lack":
                archive.writestr(
                    "../../" + name if fate == "climb" else name,
                    {"lie": draw(arrays()), "bomb": bytes(10**6)}.get(fate, content),
                )
            if fate == "twice":
                with pytest.warns(UserWarning, match="Duplicate"):
                    archive.writestr(name, draw(arrays()))
    return file.getvalue()


@given(st.data())
def test_any_model_file_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    path = folder / "model.npz"
    path.write_bytes(data.draw(archives(model(folder))))
    before = set(folder.parents[1].rglob("*"))
    with survived():
        load_network(path)
    assert set(folder.parents[1].rglob("*")) == before


def begun(network: Network) -> Progress:
    digits = Dataset(np.zeros((1, 784), np.float32), np.zeros((1, 10), np.float32))
    return Progress(network, digits, Params(validation=0, batch_size=1))


@given(st.data())
def test_any_snapshots_are_read_or_refused(folder: Path, data: st.DataObject) -> None:
    path = folder / "snapshots.npz"
    save_snapshots(path, plan_snapshots(begun(Network([784, 3, 10], "relu", "cross_entropy"))))
    path.write_bytes(data.draw(archives(path.read_bytes())))
    with survived():
        found = load_snapshots(path)
        assert len(found.networks) == len(found.moments) - 1


@given(st.data())
def test_any_likeness_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    path = folder / "likeness.npz"
    network = Network([784, 3, 10], "relu", "cross_entropy")
    means, directions = np.zeros((2, 199), np.float32), np.zeros((2, 4, 199), np.float32)
    likeness = Likeness(means, directions, 0.5, 0.4)
    save_likeness(path, likeness, network)
    path.write_bytes(data.draw(archives(path.read_bytes())))
    with survived():
        if found := load_likeness(path, network):
            assert found.distances(network.forward(np.zeros((2, 784), np.float32))).shape == (2,)


@given(st.data())
def test_a_checkpoint_is_loaded_completely_or_not_at_all(folder: Path, data: st.DataObject) -> None:
    path = folder / "checkpoint"
    network = Network([784, 3, 10], "relu", "cross_entropy")
    progress = begun(network)
    network.parameters += 1
    progress.velocity += 2
    progress.history.append(Moment(1, 7, 0.5, 0.5, None, None, "0"))
    snapshots = plan_snapshots(progress)
    save_checkpoint(path, "key", progress, snapshots)
    path.write_bytes(data.draw(archives(path.read_bytes())))
    network.parameters[:] = progress.velocity[:] = 0
    progress.history.clear()
    with survived():
        load_checkpoint(path, "key", progress, snapshots)
    if progress.history:
        assert (network.parameters == 1).all()
        assert (progress.velocity == 2).all()
    else:
        assert not network.parameters.any()
        assert not progress.velocity.any()


def with_bytes(path: Path) -> Iterator[str]:
    """Replace each member of an .npz file in turn by bytes that are no array; yield its name."""
    whole = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as members:
        contents = {name: members.read(name) for name in members.namelist()}
    for odd in contents:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, bytes(100) if name == odd else content)
        yield odd


def test_a_member_that_is_no_array_is_refused(folder: Path) -> None:
    network = Network([784, 3, 10], "relu", "cross_entropy")
    save_network(folder / "model.npz", network)
    save_snapshots(folder / "snapshots.npz", plan_snapshots(begun(network)))
    for name, load in (("model.npz", load_network), ("snapshots.npz", load_snapshots)):
        for _ in with_bytes(folder / name):
            with pytest.raises(InputError, match="something other than arrays"):
                load(folder / name)


def saved(path: Path) -> tuple[Progress, Snapshots]:
    """Save a checkpoint with a history, and return what it is to be loaded into."""
    progress = begun(Network([784, 3, 10], "relu", "cross_entropy"))
    progress.history.append(Moment(1, 7, 0.5, 0.5, None, None, "0"))
    snapshots = plan_snapshots(progress)
    save_checkpoint(path, "key", progress, snapshots)
    progress.history.clear()
    return progress, snapshots


def test_a_checkpoint_with_a_member_that_is_no_array_is_not_loaded(folder: Path) -> None:
    path = folder / "checkpoint"
    progress, snapshots = saved(path)
    for _ in with_bytes(path):
        load_checkpoint(path, "key", progress, snapshots)
        assert progress.history == []


@pytest.mark.parametrize("kind", ["U4", "complex64", "float64"])
def test_a_checkpoint_of_another_dtype_is_not_loaded(folder: Path, kind: str) -> None:
    path = folder / "checkpoint"
    progress, snapshots = saved(path)
    with np.load(path) as found:
        arrays = dict(found)
    arrays["velocity"] = np.ones(progress.velocity.shape, kind)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    load_checkpoint(path, "key", progress, snapshots)
    assert progress.history == []
    assert not progress.velocity.any()


def lines(*choices: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from(choices).map(str.encode)


YAML = st.one_of(
    damaged(PARAMS),
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.integers(1, 3000).map(lambda depth: b"hidden: " + b"[" * depth),
    st.integers(1, 1000).map(lambda depth: b"hidden: " + b"[" * depth + b"]" * depth),
    st.integers(1, 5000).map(lambda digits: PARAMS.replace(b"seed: 0 ", b"seed: " + b"9" * digits)),
    lines(
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nseed: *c",
        "!!python/object/apply:os.system [touch hacked]",
        "seed: !!python/name:os.system",
        "hidden: !!binary aGFja2Vk",
        "? [a, b]\n: c",
        "<<: {seed: 1}",
        "seed: 0\nseed: 1",
        "--- {}\n--- {}",
        "%YAML 3.0\n---\nseed: 0",
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=10,
    ).map(lambda value: PARAMS.replace(b"[16, 16]", repr(value).encode("utf-8", "replace"))),
)


@given(YAML)
def test_any_params_file_is_read_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "params.yaml"
    path.write_bytes(content)
    with survived():
        load_params(path)
    assert not Path("hacked").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("preprocess", "params.yaml"),
        ("preprocess", "data/raw/train-images-idx3-ubyte"),
        ("preprocess", "data/raw/t10k-labels-idx1-ubyte"),
        ("train", "data/prepared/training_images.npy"),
        ("train", "data/validation.npy"),
        ("evaluate", "data/prepared/test_images.npy"),
        ("evaluate", "data/model.npz"),
        ("render", "data/model.npz"),
        ("report", "data/model.npz"),
        ("report", "data/snapshots.npz"),
        ("report", "data/validation.npy"),
        ("report", "metrics/accuracy.json"),
        ("report", "metrics/history.csv"),
    ],
)
@settings(max_examples=max(5, settings().max_examples // 50))
@given(data=st.data())
def test_a_stage_reads_a_damaged_input_or_fails_in_one_line_with_nothing_written(
    stage: str, name: str, finished: Path, data: st.DataObject
) -> None:
    content = data.draw(damaged((finished / name).read_bytes()))
    with TemporaryDirectory() as place:
        folder = shutil.copytree(
            finished, Path(place) / "clone", ignore=shutil.ignore_patterns(".git", ".dvc")
        )
        (folder / name).write_bytes(content)
        before = contents(folder)
        result = start(folder, "python", f"stages/{stage}.py")
        if result.returncode:
            assert result.returncode == 1
            assert result.stderr.startswith("error: ")
            assert result.stderr.count("\n") == 1
            assert contents(folder) == before
        else:
            assert result.stderr == ""


def contents(folder: Path) -> dict[Path, bytes]:
    files = [path for name in ("data", "metrics") for path in (folder / name).rglob("*")]
    return {path: path.read_bytes() for path in files if path.is_file()}
