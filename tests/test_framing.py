"""Framing: a picture of a digit becomes what the network learned from, however it was made."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_mlp.costs import Array
from mnist_mlp.dataset import Dataset, load_dataset
from mnist_mlp.errors import InputError
from mnist_mlp.framing import frame, label
from mnist_mlp.model import load_network
from mnist_mlp.network import Network
from tests.scenes import CONDITIONS, Digit, drawn, grey, in_colours, jpeg, light

NO_DIGIT = "expected"


def seen(picture: Image.Image) -> Array:
    return frame(picture.convert("RGB"))


def far(one: Array, other: Array) -> float:
    """Return how much two images differ: the mean over the pixels, as a share of their ink."""
    return float(np.abs(one - other).sum() / other.sum())


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


@pytest.fixture(scope="module")
def test_set(finished: Path) -> Dataset:
    return load_dataset(finished / "data/prepared", "test")


@pytest.fixture(scope="module")
def digits(test_set: Dataset) -> Array:
    return np.asarray(test_set.images[:40]).reshape(-1, 28, 28)


def test_images_of_the_data_set_come_out_nearly_as_they_are(digits: Array) -> None:
    for digit in digits:
        assert far(seen(grey(digit)), digit.ravel()) < 0.1


@pytest.mark.parametrize("digit", range(10))
def test_a_drawn_digit_stands_as_in_mnist(digit: int) -> None:
    image = seen(grey(drawn(digit))).reshape(28, 28)
    inked = image > 0
    sides = [int(np.ptp(np.flatnonzero(inked.any(axis)))) + 1 for axis in (0, 1)]
    assert max(sides) == 20
    for axis in (0, 1):
        assert 13.5 <= image.sum(axis) @ np.arange(28) / image.sum() < 14.5
    assert image.max() == pytest.approx(1, abs=0.05)
    assert image.dtype == np.float32


@pytest.mark.parametrize("pen", [0.005, 0.02, 0.07, 0.12, 0.2])
@pytest.mark.parametrize("slant", [0, 0.3])
def test_pens_of_all_widths_write_strokes_like_those_of_mnist(pen: float, slant: float) -> None:
    for digit in range(10):
        image = seen(grey(drawn(digit, pen, slant)))
        usual = seen(grey(drawn(digit, 0.1, slant)))
        assert 0.5 < image.sum() / usual.sum() < 2.1
        assert image.max() > 0.9


def accuracy(network: Network, images: list[Array], labels: Digit) -> float:
    return float(np.mean(network.forward(np.stack(images))[-1].argmax(axis=1) == labels))


@pytest.mark.parametrize("condition", list(CONDITIONS)[1:])
def test_digits_are_read_under_all_conditions_as_well_as_plain(
    condition: str, network: Network, test_set: Dataset
) -> None:
    n = 200
    images, labels = test_set.images[:n].reshape(-1, 28, 28), test_set.labels[:n]
    plain = accuracy(network, list(test_set.images[:n]), labels)
    pictures = [
        CONDITIONS[condition](image, np.random.default_rng(i)) for i, image in enumerate(images)
    ]
    lost = plain - accuracy(network, [seen(picture) for picture in pictures], labels)
    assert lost <= (0.05 if condition == "photographed" else 0.015)
