"""The sample in data/sample: handwritten digits in MNIST's form."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.data import mnist
from mnist_mlp.data.dataset import read_digits

SAMPLE = Path(__file__).parents[1] / "data" / "sample"

Digits = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def parts() -> list[Digits]:
    return [
        read_digits(SAMPLE / mnist.TRAIN_IMAGES.name, SAMPLE / mnist.TRAIN_LABELS.name),
        read_digits(SAMPLE / mnist.TEST_IMAGES.name, SAMPLE / mnist.TEST_LABELS.name),
    ]


@pytest.fixture(scope="module")
def images(parts: list[Digits]) -> NDArray[np.uint8]:
    return np.concatenate([pixels for pixels, _ in parts])


def test_the_sample_has_1797_digits(images: NDArray[np.uint8]) -> None:
    assert len(images) == 1797


def test_both_parts_show_all_ten_digits(parts: list[Digits]) -> None:
    for _, labels in parts:
        assert set(labels.tolist()) == set(range(10))


def test_no_digit_is_in_both_parts(parts: list[Digits]) -> None:
    training, test = ({image.tobytes() for image in pixels} for pixels, _ in parts)
    assert training.isdisjoint(test)


@pytest.mark.parametrize("across", [1, 2])
def test_ink_just_fits_a_box_of_20_pixels(images: NDArray[np.uint8], across: int) -> None:
    inked = images.max(axis=across) > 0
    extent = 28 - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
    assert inked.any(axis=1).all()
    assert extent.max() == 20


@pytest.mark.parametrize("across", [1, 2])
def test_the_centre_of_mass_of_each_digit_is_in_the_middle(
    images: NDArray[np.uint8], across: int
) -> None:
    ink = images.sum(axis=across)
    centre = ink @ np.arange(28) / ink.sum(axis=1)
    assert np.abs(centre - 13.5).max() < 1


def test_every_digit_has_white_and_nearly_black_pixels(images: NDArray[np.uint8]) -> None:
    assert (images.min(axis=(1, 2)) == 0).all()
    assert (images.max(axis=(1, 2)) > 200).all()
