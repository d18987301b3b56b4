"""The model file: what is saved, and what is refused."""

import io
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_mlp.base.errors import InputError
from mnist_mlp.learning.model import load_network, save_network
from mnist_mlp.learning.network import Network
from tests.conftest import ROOT, done

SHAPES = [[784, 10], [784, 1, 10], [784, 16, 16, 10], [784, 20, 10], [784, 30, 20, 15, 10]]
KEYS = ["format", "sizes", "activation", "cost", "parameters"]
DOCS = (ROOT / "docs/model.md").read_text("utf-8").partition("## While it learned")[0]


class Trap:
    """An object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def network(
    sizes: list[int] = SHAPES[0], activation: str = "tanh", cost: str = "squared_error"
) -> Network:
    made = Network(sizes, activation, cost)
    made.parameters[:] = np.random.default_rng(0).standard_normal(made.parameters.size)
    return made


def saved(folder: Path, **changes: Any) -> Path:
    path = folder / "model.npz"
    save_network(path, network())
    with np.load(path) as arrays:
        contents = {**arrays, **changes}
    np.savez(path, allow_pickle=True, **contents)
    return path


def damaged(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_network(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("sizes", "activation", "cost"),
    [
        (SHAPES[0], "tanh", "squared_error"),
        (SHAPES[1], "sigmoid", "cross_entropy"),
        (SHAPES[2], "relu", "binary_cross_entropy"),
        (SHAPES[3], "relu", "cross_entropy"),
        (SHAPES[4], "sigmoid", "squared_error"),
    ],
)
def test_a_loaded_network_is_the_one_saved(
    tmp_path: Path, sizes: list[int], activation: str, cost: str
) -> None:
    original = network(sizes, activation, cost)
    save_network(tmp_path / "new folder" / "model.npz", original)
    loaded = load_network(tmp_path / "new folder" / "model.npz")
    assert (loaded.sizes, loaded.activation, loaded.cost) == (sizes, activation, cost)
    np.testing.assert_array_equal(loaded.parameters, original.parameters, strict=True)


def test_parameters_keep_every_bit(tmp_path: Path) -> None:
    original = network()
    largest, smallest = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    original.parameters[:4] = np.array([-0.0, largest, -largest, smallest], np.float32)
    save_network(tmp_path / "model.npz", original)
    loaded = load_network(tmp_path / "model.npz")
    assert loaded.parameters.tobytes() == original.parameters.tobytes()


def test_a_loaded_network_answers_like_the_original(tmp_path: Path) -> None:
    images = np.random.default_rng(1).random((5, 784), np.float32)
    original = network([784, 16, 16, 10])
    save_network(tmp_path / "model.npz", original)
    answers = load_network(tmp_path / "model.npz").forward(images)[-1]
    np.testing.assert_array_equal(answers, original.forward(images)[-1])


def test_a_loaded_network_can_be_trained_further(tmp_path: Path) -> None:
    save_network(tmp_path / "model.npz", network())
    loaded = load_network(tmp_path / "model.npz")
    loaded.parameters += 1
    np.testing.assert_array_equal(loaded.weights[0].ravel(), loaded.parameters[:7840])


def test_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        save_network(tmp_path / name, network())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_bytes_do_not_depend_on_the_clock_the_compressor_or_python(tmp_path: Path) -> None:
    save_network(tmp_path / "model.npz", network())
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.compress_type == zipfile.ZIP_STORED
            assert (member.create_version, member.extract_version, member.extra) == (20, 20, b"")


@pytest.mark.parametrize("number", [0, 2, 999])
def test_another_format_is_refused_with_advice(tmp_path: Path, number: int) -> None:
    message = refusal(saved(tmp_path, format=number))
    assert f"found {number};" in message
    assert "dvc repro" in message


@pytest.mark.parametrize("key", KEYS)
def test_missing_arrays_are_refused(tmp_path: Path, key: str) -> None:
    path = saved(tmp_path)
    with np.load(path) as arrays:
        contents: dict[str, Any] = {name: array for name, array in arrays.items() if name != key}
    np.savez(path, **contents)
    assert key in refusal(path)


@pytest.mark.parametrize("value", ["one", np.nan, np.inf, [1, 2]], ids=str)
def test_formats_that_are_not_numbers_are_refused(tmp_path: Path, value: object) -> None:
    refusal(saved(tmp_path, format=value))


@pytest.mark.parametrize("key", ["activation", "cost"])
def test_invalid_unicode_is_refused(tmp_path: Path, key: str) -> None:
    refusal(saved(tmp_path, **{key: np.array(0x110000, "<u4").view("<U1")}))


@pytest.mark.parametrize("name", ["hinge", "", "Tanh", "two\nlines", 0, ["tanh", "relu"]], ids=repr)
@pytest.mark.parametrize("key", ["activation", "cost"])
def test_unknown_activations_and_costs_are_refused(tmp_path: Path, key: str, name: object) -> None:
    refusal(saved(tmp_path, **{key: name}))


@pytest.mark.parametrize(
    "sizes",
    [
        *([784, -10], [-784, -10], [784, -16, 10], [-1, 0, 784, 10], [-784, -16, 10]),
        *([784, 10**9, 10], [784, 10**13, 10], [784, 10**17, 10], [784, 2**62, 2**62, 10]),
        *([784, np.nan], [784, np.inf], ["784", "ten"], [[784, 10]], 784, [784, 11], [784, 9, 10]),
    ],
    ids=str,
)
def test_impossible_sizes_are_refused(tmp_path: Path, sizes: object) -> None:
    refusal(saved(tmp_path, sizes=sizes))


@pytest.mark.parametrize(
    ("sizes", "n"), [([], 0), ([784], 0), ([784, 0], 0), ([784, 0, 10], 10), ([0, 10], 10)], ids=str
)
def test_networks_with_empty_layers_are_refused(tmp_path: Path, sizes: list[int], n: int) -> None:
    refusal(saved(tmp_path, sizes=np.array(sizes, int), parameters=np.ones(n, np.float32)))


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (10,), (7840,), (7849,), (7851,), (1, 7850), (7850, 1)], ids=str
)
def test_another_number_of_parameters_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    refusal(saved(tmp_path, parameters=np.ones(shape, np.float32)))


@pytest.mark.parametrize("dtype", ["U4", "S4", "c8"])
def test_parameters_that_are_not_real_numbers_are_refused(tmp_path: Path, dtype: str) -> None:
    refusal(saved(tmp_path, parameters=np.ones(7850).astype(dtype)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"garbage" * 99, id="garbage"),
        pytest.param(b"PK\x03\x04" + b"garbage" * 99, id="start of an archive"),
        pytest.param(b"PK\x05\x06" + bytes(18), id="empty archive"),
        pytest.param(b"\x93NUMPY\1\0\x21\x4e{" + 20_000 * b" ", id="endless array header"),
        pytest.param(pickle.dumps({"format": 1}), id="pickle"),
    ],
)
def test_files_that_are_not_models_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    refusal(path)


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with path.open("wb") as file:
        np.save(file, network().parameters)
    refusal(path)


def test_an_archive_of_other_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for key in KEYS:
            archive.writestr(f"{key}.npy", b"not an array")
    refusal(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    for length in (*range(0, 200), *range(200, len(whole), 997), len(whole) - 1):
        path.write_bytes(whole[:length])
        refusal(path)


def test_compressed_files_are_refused_as_they_may_be_bombs(tmp_path: Path) -> None:
    path = saved(tmp_path)
    with np.load(path) as arrays:
        np.savez_compressed(path, **arrays)
    assert "compressed" in refusal(path)


@pytest.mark.parametrize("key", KEYS)
def test_a_billion_values_of_size_zero_are_refused_in_little_memory(
    tmp_path: Path, key: str
) -> None:
    path = saved(tmp_path, **{key: np.empty(10**9, "V0")})
    refusal(path)


def test_damage_to_the_parameters_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    for place in range(250, len(whole) - 1500, 97):
        path.write_bytes(damaged(whole, place))
        refusal(path)


def test_damage_that_shifts_the_parameters_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_network(path, network())
    whole = path.read_bytes()
    shifted = whole.replace(b"NUMPY\1\0\x76\0{'descr': '<f4'", b"NUMPY\1\0\x6a\0{'descr': '<f4'")
    assert shifted != whole
    path.write_bytes(shifted)
    refusal(path)


def test_damage_to_the_rest_is_noticed_or_does_no_harm(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole, original = path.read_bytes(), load_network(path)
    for place in (*range(0, 1400, 3), *range(len(whole) - 400, len(whole))):
        path.write_bytes(damaged(whole, place))
        try:
            loaded = load_network(path)
        except InputError:
            continue
        assert (loaded.sizes, loaded.activation) == (original.sizes, original.activation), place
        assert np.array_equal(loaded.parameters, original.parameters), place


@pytest.mark.parametrize("key", KEYS)
def test_objects_in_an_archive_are_refused_and_never_unpickled(tmp_path: Path, key: str) -> None:
    trap = Trap(tmp_path / "trap")
    path = saved(tmp_path, **{key: np.array([trap], object)})
    refusal(path)
    assert not trap.folder.exists()
    with np.load(path, allow_pickle=True) as arrays:
        arrays[key]
    assert trap.folder.exists(), "the trap was not set"


@pytest.mark.parametrize("form", ["pickle", "array"])
def test_objects_in_other_files_are_refused_and_never_unpickled(tmp_path: Path, form: str) -> None:
    trap = Trap(tmp_path / "trap")
    content = io.BytesIO(pickle.dumps(trap))
    if form == "array":
        np.save(content, np.array([trap], object), allow_pickle=True)
    path = tmp_path / "model.npz"
    path.write_bytes(content.getvalue())
    refusal(path)
    assert not trap.folder.exists()
    np.load(path, allow_pickle=True)
    assert trap.folder.exists(), "the trap was not set"


def test_a_missing_file_raises_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        load_network(tmp_path / "model.npz")
    assert str(caught.value.filename) == str(tmp_path / "model.npz")


def test_the_docs_name_the_arrays_of_the_file(tmp_path: Path) -> None:
    save_network(tmp_path / "model.npz", network())
    with np.load(tmp_path / "model.npz") as arrays:
        of_the_model = DOCS.split("\n## ")[0]
        assert set(re.findall(r"^\| `(\w+)` \|", of_the_model, re.M)) == {*arrays}


def test_the_example_in_the_docs_reads_the_test_digits_like_the_pipeline(finished: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS, re.M | re.S)
    assert re.findall(r"import (\w+)", example) == ["numpy"]
    printed = done(finished, "python", "-c", example)
    table = np.loadtxt(finished / "metrics/predictions.csv", int, delimiter=",", skiprows=1)
    assert [int(digit) for digit in re.findall(r"\d", printed)] == table[:, 1].tolist()
