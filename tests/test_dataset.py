"""The data set: how it is read, scaled, split, and stored on disk."""

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import (
    Dataset,
    draw_split,
    in_stored_order,
    load_dataset,
    load_split,
    normalise,
    read_digits,
    relabelled,
    save_dataset,
    save_split,
)

NAMES = ("training_images.npy", "training_targets.npy")


def digits(n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    random = np.random.default_rng(n)
    return random.integers(0, 256, (n, 28, 28), np.uint8), random.integers(0, 10, n, np.uint8)


def examples(n: int) -> Dataset:
    return normalise(*digits(n))


def knobs(**changes: Any) -> Params:
    return msgspec.structs.replace(Params(validation=0, batch_size=1), **changes)


def write_idx(path: Path, values: NDArray[np.uint8]) -> Path:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())
    return path


def one_line(error: InputError) -> str:
    message = str(error)
    assert "\n" not in message
    return message


def refusal_to_load(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_dataset(folder, "training")
    return one_line(caught.value)


def test_digits_are_read_as_pixels_and_labels(tmp_path: Path) -> None:
    pixels, labels = digits(5)
    images_file = write_idx(tmp_path / "images", pixels)
    labels_file = write_idx(tmp_path / "labels", labels)
    found_pixels, found_labels = read_digits(images_file, labels_file)
    np.testing.assert_array_equal(found_pixels, pixels, strict=True)
    np.testing.assert_array_equal(found_labels, labels, strict=True)


@pytest.mark.parametrize(
    ("shape", "labels", "culprit", "complaint"),
    [
        ((3, 28, 28), [0, 10, 9], "labels", "from 0 to 9, found 10"),
        ((3, 28, 28), [0, 255, 9], "labels", "from 0 to 9, found 255"),
        ((3, 28, 28), [1, 2], "labels", "each of the 3 images"),
        ((3, 28, 28), [1, 2, 3, 4], "labels", "found 4"),
        ((3, 28, 28), [], "labels", "found 0"),
        ((0, 28, 28), [], "images", "at least one image"),
        ((3, 27, 28), [1, 2, 3], "images", "found 27×28"),
        ((3, 28, 27), [1, 2, 3], "images", "found 28×27"),
        ((3, 14, 56), [1, 2, 3], "images", "found 14×56"),
        ((3, 784), [1, 2, 3], "images", "expected 3 dimensions, found 2"),
        ((3, 28, 28), [[1, 2, 3]], "labels", "expected 1 dimensions, found 2"),
    ],
)
def test_files_that_are_not_digits_are_refused(
    tmp_path: Path, shape: tuple[int, ...], labels: list[Any], culprit: str, complaint: str
) -> None:
    images_file = write_idx(tmp_path / "images", np.zeros(shape, np.uint8))
    labels_file = write_idx(tmp_path / "labels", np.array(labels, np.uint8))
    with pytest.raises(InputError) as caught:
        read_digits(images_file, labels_file)
    message = one_line(caught.value)
    assert message.startswith(f"{tmp_path / culprit}: ")
    assert complaint in message


def test_pixels_are_scaled_to_the_range_from_0_to_1() -> None:
    pixels, labels = digits(20)
    images = normalise(pixels, labels).images
    assert images.dtype == np.float32
    assert images.shape == (20, 784)
    np.testing.assert_allclose(images * 255.0, pixels.reshape(20, 784), rtol=1e-6)


def test_black_and_white_are_exactly_0_and_1() -> None:
    pixels = np.tile(np.array([0, 255], np.uint8), (1, 28, 14))
    images = normalise(pixels, np.array([0], np.uint8)).images
    np.testing.assert_array_equal(images[0], [0, 1] * 392)


def test_targets_are_one_hot() -> None:
    _, labels = digits(50)
    targets = examples(50).targets
    assert targets.dtype == np.float32
    assert targets.shape == (50, 10)
    for label, target in zip(labels, targets, strict=True):
        assert target.tolist() == [float(digit == label) for digit in range(10)]


def test_labels_are_the_digits_that_the_targets_stand_for() -> None:
    _, labels = digits(50)
    np.testing.assert_array_equal(examples(50).labels, labels)


@pytest.mark.parametrize("n", [7, 60, 1437])
@pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 1 / 3, 0.8])
def test_a_split_puts_each_example_on_one_side_and_holds_out_the_rounded_fraction(
    n: int, fraction: float
) -> None:
    training, validation = draw_split(n, knobs(validation=fraction))
    assert sorted([*training, *validation]) == list(range(n))
    assert abs(len(validation) - n * fraction) <= 0.5
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_a_split_is_decided_by_the_seed() -> None:
    first, again, other = (
        draw_split(100, knobs(validation=0.5, seed=seed)).validation for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_split_favours_no_example() -> None:
    sides = [draw_split(10, knobs(validation=0.3, seed=seed)).validation for seed in range(1000)]
    times = np.bincount(np.concatenate(sides), minlength=10)
    assert (np.abs(times - 300) < 75).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validation": 0.999}, "validation: expected a fraction that leaves some of the 100"),
        ({"validation": 0.5, "batch_size": 51}, "batch_size: expected at most the 50 training"),
    ],
)
def test_a_split_that_leaves_too_little_to_learn_from_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        draw_split(100, knobs(**changes))
    one_line(caught.value)


@pytest.mark.parametrize("fraction", [0, 0.3])
def test_a_loaded_split_is_the_one_saved(tmp_path: Path, fraction: float) -> None:
    saved = draw_split(60, knobs(validation=fraction))
    save_split(tmp_path / "validation.npy", saved)
    for loaded, rows in zip(load_split(tmp_path / "validation.npy", 60), saved, strict=True):
        np.testing.assert_array_equal(loaded, rows)


@pytest.mark.parametrize(
    "rows",
    [[-1, 3], [5, 3 - 2**63], [3, 60], [3, 3], [5, 3], [[1], [2]], [1.5], ["a"], 7],
    ids=repr,
)
def test_an_invalid_split_is_refused(tmp_path: Path, rows: Any) -> None:
    np.save(tmp_path / "validation.npy", rows)
    with pytest.raises(InputError, match=r"validation\.npy: expected ") as caught:
        load_split(tmp_path / "validation.npy", 60)
    one_line(caught.value)


def test_training_digits_are_stored_in_one_random_order() -> None:
    pixels, labels = digits(2000)
    once, again = in_stored_order(pixels, labels), in_stored_order(pixels, labels)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(image.tobytes() for image in once[0]) == sorted(i.tobytes() for i in pixels)
    places = {
        image.tobytes(): (i, label) for i, (image, label) in enumerate(zip(*once, strict=True))
    }
    found = [places[image.tobytes()] for image in pixels]
    assert [label for _, label in found] == list(labels)
    assert abs(np.corrcoef([i for i, _ in found], np.arange(2000))[0, 1]) < 0.1


@pytest.mark.parametrize("n", [1, 5, 1000, 2001])
def test_loaded_examples_are_those_saved(tmp_path: Path, n: int) -> None:
    saved = examples(n)
    save_dataset(tmp_path / "new folder", "test", *digits(n))
    loaded = load_dataset(tmp_path / "new folder", "test")
    np.testing.assert_array_equal(loaded.images, saved.images, strict=True)
    np.testing.assert_array_equal(loaded.targets, saved.targets, strict=True)


def test_saving_needs_memory_for_only_one_block(tmp_path: Path) -> None:
    pixels, labels = digits(20_000)
    tracemalloc.start()
    try:
        save_dataset(tmp_path, "training", pixels, labels)
        assert tracemalloc.get_traced_memory()[1] < pixels.nbytes / 2
    finally:
        tracemalloc.stop()


def test_same_examples_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        save_dataset(tmp_path / folder, "training", *digits(5))
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_names_keep_data_sets_apart(tmp_path: Path) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    save_dataset(tmp_path, "test", *digits(3))
    assert len(load_dataset(tmp_path, "training").images) == 5
    assert len(load_dataset(tmp_path, "test").targets) == 3


def test_loading_takes_no_memory_until_examples_are_used(tmp_path: Path) -> None:
    save_dataset(tmp_path, "training", *digits(1000))
    tracemalloc.start()
    try:
        loaded = load_dataset(tmp_path, "training")
        assert tracemalloc.get_traced_memory()[1] < loaded.images.nbytes / 10
    finally:
        tracemalloc.stop()


def test_loaded_examples_cannot_be_changed_by_mistake(tmp_path: Path) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    for array in load_dataset(tmp_path, "training"):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, ">f4", "S4", [("a\n", "f4")]])
@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_another_type_are_refused(tmp_path: Path, name: str, dtype: Any) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    np.save(tmp_path / name, np.zeros((5, 784 if "images" in name else 10), dtype))
    assert refusal_to_load(tmp_path).startswith(f"{tmp_path / name}: expected float32")


@pytest.mark.parametrize("shape", [(), (5,), (784,), (5, 783), (4, 784), (5, 28, 28), (784, 5)])
def test_images_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    np.save(tmp_path / NAMES[0], np.zeros(shape, np.float32))
    assert refusal_to_load(tmp_path).startswith(str(tmp_path))


@pytest.mark.parametrize("shape", [(), (5,), (10,), (5, 9), (4, 10), (10, 5), (5, 10, 1)])
def test_targets_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    np.save(tmp_path / NAMES[1], np.zeros(shape, np.float32))
    assert refusal_to_load(tmp_path).startswith(str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_python_objects_are_refused(tmp_path: Path, name: str) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    np.save(tmp_path / name, np.array([{}, {}], object), allow_pickle=True)
    assert refusal_to_load(tmp_path).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("content", [b"", b"garbage" * 99, b"\x93NUMPY", b"PK\x03\x04" + bytes(99)])
@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_not_arrays_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    (tmp_path / name).write_bytes(content)
    assert refusal_to_load(tmp_path).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("name", NAMES)
def test_arrays_cut_off_anywhere_are_refused(tmp_path: Path, name: str) -> None:
    save_dataset(tmp_path, "training", *digits(1))
    whole = (tmp_path / name).read_bytes()
    for length in (*range(130), len(whole) - 1):
        (tmp_path / name).write_bytes(whole[:length])
        assert refusal_to_load(tmp_path).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 784)", id="unclosed"),
        pytest.param("{'descr': '<f4', 'fortran_order': False, 'shape': (-5, 784)}", id="negative"),
        pytest.param(
            f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30}, 784)}}", id="absurd"
        ),
        pytest.param(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 784)}", id="not a number"
        ),
        pytest.param("{'descr': '(,', 'fortran_order': False, 'shape': (5,)}", id="not a type"),
        pytest.param("{[]: 1}", id="not a dictionary"),
        pytest.param("-" * 9000 + "1", id="too deep"),
        pytest.param("{'descr': '<f4', 7: False, b'shape': (5, 784)}", id="other keys"),
        pytest.param("{'descr': '<f4'}" + 20_000 * " ", id="endless"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_array_headers_are_refused(tmp_path: Path, header: str) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    start = b"\x93NUMPY\1\0" + struct.pack("<H", len(header) + 1)
    (tmp_path / NAMES[0]).write_bytes(start + header.encode() + b"\n" + bytes(5 * 784 * 4))
    assert refusal_to_load(tmp_path).startswith(f"{tmp_path / NAMES[0]}: ")


@pytest.mark.parametrize("name", NAMES)
def test_missing_arrays_raise_an_os_error(tmp_path: Path, name: str) -> None:
    save_dataset(tmp_path, "training", *digits(5))
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset(tmp_path, "training")
    assert str(caught.value.filename) == str(tmp_path / name)


def test_real_labels_are_unchanged() -> None:
    given = examples(100)
    assert relabelled(given, draw_split(100, knobs()), knobs()) is given


def test_random_labels_are_the_training_images_labels_shuffled() -> None:
    params = knobs(labels="random", validation=0.2)
    given, split = examples(100), draw_split(100, params)
    found = relabelled(given, split, params)
    assert found.images is given.images
    assert not np.array_equal(found.targets, given.targets)
    np.testing.assert_array_equal(found.targets[split.validation], given.targets[split.validation])
    assert sorted(found.labels[split.training]) == sorted(given.labels[split.training])
    np.testing.assert_array_equal(given.targets, examples(100).targets)  # unchanged


def test_random_labels_are_decided_by_the_seed() -> None:
    split = draw_split(100, knobs())
    first, again, other = (
        relabelled(examples(100), split, knobs(labels="random", seed=seed)).labels
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
