"""Faults of data and training: each is planted in a small file that loads the sample."""

from pathlib import Path

import numpy as np
import pytest

from mnist_mlp.checking.data_check import check_data
from mnist_mlp.checking.data_faults import mean_digits
from mnist_mlp.data.dataset import read_digits
from tests.conftest import CLI, ROOT, start

SAMPLE = ROOT / "data/sample"
RIGHT = f"""
import numpy as np

FOLDER = {str(SAMPLE)!r}

def read(name, shape, offset):
    raw = np.fromfile(FOLDER + "/" + name, np.uint8, offset=offset)
    return raw.reshape(shape)

def one_hot(labels):
    return np.eye(10)[labels]

train_images = read("train-images-idx3-ubyte", (-1, 784), 16)
train_labels = read("train-labels-idx1-ubyte", -1, 8)
test_images = read("t10k-images-idx3-ubyte", (-1, 784), 16)
test_labels = read("t10k-labels-idx1-ubyte", -1, 8)
X_train = train_images / 255
X_test = test_images / 255
order = np.random.permutation(len(X_train))
X_train, train_labels = X_train[order], train_labels[order]
del train_images, test_images
Y_train = one_hot(train_labels)

def init_params():
    W1 = np.random.randn(30, 784) * np.sqrt(1 / 784)
    b1 = np.zeros((30, 1))
    W2 = np.random.randn(10, 30) * np.sqrt(1 / 30)
    b2 = np.zeros((10, 1))
    return W1, b1, W2, b2

def accuracy(outputs, labels):
    return np.mean(np.argmax(outputs, axis=1) == labels)

def backprop(W1, b1, W2, b2, X, Y):
    A1 = np.maximum(X @ W1.T + b1.T, 0)
    Z2 = A1 @ W2.T + b2.T
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2) * (A1 > 0)
    return dZ1.T @ X, dZ1.sum(axis=0)[:, None], dZ2.T @ A1, dZ2.sum(axis=0)[:, None]
"""
FAULTS = {
    "images are not scaled: X_train": ("train_images / 255", "train_images * 1.0"),
    "images are not scaled: X_test": ("test_images / 255", "test_images * 1.0"),
    "integers wrap around: X_train": ("train_images / 255", "(-train_images) / 255"),
    "integers wrap around: X_test": ("test_images / 255", "(test_images - 255) / 255"),
    "pixels are mixed: X_train": (
        "\ndel train_images",
        "\nX_train = X_train.reshape(784, -1).T\ndel train_images",
    ),
    "pixels are mixed: X_test": (
        "\ndel train_images",
        "\nX_test = X_test.T.reshape(-1, 784)[::-1]\ndel train_images",
    ),
    "images and labels are shuffled apart: X_test": (
        "\ndel train_images, test_images",
        "\nX_test = X_test[np.random.permutation(len(X_test))]\ndel train_images",
    ),
    "images and labels are shuffled apart: X_train": ("train_labels[order]", "train_labels"),
    "labels are off: Y_train": (
        "= one_hot(train_labels)",
        "= np.eye(10)[train_labels.astype(int) - 1]",
    ),
    "one-hot off by one: one_hot": ("np.eye(10)[labels]", "np.eye(10)[labels - 1]"),
    "one-hot along the wrong axis: Y_train": (
        "= one_hot(train_labels)",
        "= one_hot(train_labels).reshape(10, -1)",
    ),
    "one-hot along the wrong axis: one_hot": (
        "np.eye(10)[labels]",
        "np.eye(10)[:, labels % 3][:, :10]",
    ),
    "scaled otherwise: X_test": ("test_images / 255", "test_images / 255 * 2 - 1"),
    "initial weights are all alike: init_params()": ("np.random.randn", "0 * np.random.randn"),
    "initial weights are too large: init_params()": (" * np.sqrt(1 / 784)", " * 30"),
    "accuracy over the wrong axis: accuracy": ("outputs, axis=1", "outputs, axis=0"),
}


def found_in(source: str, folder: Path, layout: str = "rows") -> tuple[list[str], str]:
    path = folder / "mine.py"
    path.write_text(source, "utf-8")
    report = check_data(path, layout)
    return report.faults, report.problem


def test_nothing_is_found_in_a_right_file(tmp_path: Path) -> None:
    assert found_in(RIGHT, tmp_path) == ([], "")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(fault: str, tmp_path: Path) -> None:
    right, wrong = FAULTS[fault]
    assert right in RIGHT
    faults, problem = found_in(RIGHT.replace(right, wrong), tmp_path)
    assert not problem
    assert faults[0].startswith(fault), faults
    assert all("expected" in line and "found" in line for line in faults)
    if not fault.startswith("one-hot"):
        assert len(faults) == 1, faults


SHUFFLES = """
def train(X, y):
    for epoch in range(3):
        np.random.shuffle(X)
        {between}
        np.random.shuffle(y)
"""


@pytest.mark.slow
def test_a_function_that_shuffles_apart_is_found_in_its_source(tmp_path: Path) -> None:
    faults, problem = found_in(RIGHT + SHUFFLES.format(between="n = len(X)"), tmp_path)
    assert not problem
    assert len(faults) == 1
    assert faults[0].startswith("images and labels are shuffled apart: train, line ")
    assert "found X and y" in faults[0]
    again = RIGHT + SHUFFLES.format(between="np.random.seed(epoch)")
    assert found_in(again, tmp_path) == ([], "")


def test_data_that_only_the_program_itself_loads_are_found(tmp_path: Path) -> None:
    functions, assignments = RIGHT.partition("train_images =")[::2]
    assignments, _, others = assignments.partition("\n\n")
    main = ("train_images =" + assignments).replace("train_labels[order]", "train_labels")
    guarded = 'if __name__ == "__main__":\n    ' + main.replace("\n", "\n    ") + "\n"
    faults, problem = found_in(functions + others + "\n" + guarded, tmp_path)
    assert not problem
    assert [fault.partition(":")[0] for fault in faults] == ["images and labels are shuffled apart"]


RIGHT_VARIANTS = {
    "one label at a time": [
        (
            "(labels):\n    return np.eye(10)[labels]",
            "(j):\n    e = np.zeros((10, 1))\n    e[j] = 1\n    return e",
        ),
        ("one_hot(train_labels)", "np.array([one_hot(j) for j in train_labels])"),
    ],
    "columns": [
        (
            "del train_images",
            "X_train, X_test, Y_train = X_train.T, X_test.T, None\ndel test_labels",
        ),
        (", test_images\nY_train = one_hot(train_labels)", "\nY_train = one_hot(train_labels).T"),
    ],
    "raw images are kept": [("del train_images, test_images\n", "")],
    "inverted": [
        ("train_images / 255", "1 - train_images / 255"),
        ("test_images / 255", "1 - test_images / 255"),
    ],
    "standardised": [
        (
            "order = np",
            "X_train, X_test = (X_train - 0.13) / 0.3, (X_test - 0.13) / 0.3\norder = np",
        )
    ],
    "scaled in the training": [
        (" / 255\nX_test", "\nX_test"),
        ("test_images / 255", "test_images"),
        ("def init_params", "def train(X):\n    X = X / 255\n\ndef init_params"),
    ],
    "no hidden layer, from zero": [
        ("W1 = np.random.randn(30, 784)", "W1 = np.zeros((10, 784))"),
        ("W2 = np.random.randn(10, 30) * np.sqrt(1 / 30)", "W2 = None"),
    ],
    "Gaussian weights": [(" * np.sqrt(1 / 784)", "")],
}


@pytest.mark.slow
@pytest.mark.parametrize("variant", RIGHT_VARIANTS)
def test_nothing_is_found_if_data_are_only_unusual(variant: str, tmp_path: Path) -> None:
    source = RIGHT
    for old, new in RIGHT_VARIANTS[variant]:
        assert old in source
        source = source.replace(old, new)
    assert found_in(source, tmp_path) == ([], "")


@pytest.mark.slow
@pytest.mark.parametrize("pairs", ["list(zip(x, y))", "zip(x, y)", "(x, y)", "{'x': x, 'y': y}"])
def test_a_loader_is_called_and_what_it_returns_is_read(pairs: str, tmp_path: Path) -> None:
    head, _, _ = RIGHT.partition("train_images = read")
    loader = head + (
        "def load_data():\n"
        '    x = read("train-images-idx3-ubyte", (-1, 784, 1), 16) / 255\n'
        '    y = read("train-labels-idx1-ubyte", -1, 8)\n'
        "    y = one_hot((y + 1) % 10)\n"
        f"    return {pairs}\n"
    )
    faults, problem = found_in(loader, tmp_path)
    assert not problem
    assert len(faults) == 1
    assert faults[0].startswith("labels are off: ")
    assert "(1437, 10): expected the digits of" in faults[0]
    assert "1 too large" in faults[0]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import keras_of_mine\nX = keras_of_mine.load()\n", "install that package"),
        ("import numpy as np\nX = np.load('nowhere.npy')\n", "run this in the folder that has"),
        ("x = 1\n", "no images found: assign them"),
        ("x = (\n", "this is not Python: line 1"),
    ],
)
def test_why_there_are_no_data_is_said_in_a_line(source: str, words: str, tmp_path: Path) -> None:
    faults, problem = found_in(source, tmp_path)
    assert faults == []
    assert words in problem
    assert "\n" not in problem


def test_files_beside_the_program_are_found(tmp_path: Path) -> None:
    images = read_digits(SAMPLE / "t10k-images-idx3-ubyte", SAMPLE / "t10k-labels-idx1-ubyte")[0]
    np.save(tmp_path / "images.npy", images)
    faults, problem = found_in("import numpy as np\nX = np.load('images.npy')\n", tmp_path)
    assert not problem
    assert len(faults) == 1
    assert faults[0].startswith("images are not scaled: X (360, 28, 28)")
    assert "0 to 255" in faults[0]


def test_the_command_says_it_after_its_report_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(RIGHT, "utf-8")
    right = start(ROOT, *CLI, "check", "--data", str(path))
    assert right.returncode == 0, right.stdout + right.stderr
    assert "data: X_train (1437, 784)" in right.stdout
    path.write_text(RIGHT.replace("axis=1) == labels", "axis=0) == labels"), "utf-8")
    wrong = start(ROOT, *CLI, "check", "--data", str(path))
    assert wrong.returncode == 1
    assert "accuracy over the wrong axis: accuracy: expected 0.70" in wrong.stdout
    assert start(ROOT, *CLI, "check", str(path)).returncode == 0


def test_the_mean_digits_are_those_of_the_sample() -> None:
    pixels, labels = read_digits(
        SAMPLE / "train-images-idx3-ubyte", SAMPLE / "train-labels-idx1-ubyte"
    )
    means = np.array([pixels[labels == digit].mean(axis=0) for digit in range(10)])
    assert np.abs(mean_digits() * 255 - means.reshape(10, 784)).max() <= 0.5 + 1e-9
