"""Framing: any picture of a digit is brought into the form of MNIST's images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import Dataset, load_dataset
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network
from mnist_mlp.reading.framing import frame
from mnist_mlp.reading.pieces import label
from tests.scenes import CONDITIONS, drawn, grey, in_colours, jpeg, light

DIGITS = (0, 1, 4, 8)  # round, thin, angular, with two loops


def seen(picture: Image.Image) -> Array:
    return frame(picture.convert("RGB"))


def far(one: Array, other: Array) -> float:
    """Return how much two images differ: the sum over the pixels, as a fraction of the ink.

    A centre of mass halfway between two pixels may be rounded either way, so the first image may
    be shifted by one pixel.
    """
    moved = [np.roll(one.reshape(28, 28), (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(each.ravel() - other).sum() / other.sum()) for each in moved)


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


@pytest.fixture(scope="module")
def test_set(finished: Path) -> Dataset:
    return load_dataset(finished / "data/prepared", "test")


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_is_scaled_and_centred_as_in_mnist(digit: int) -> None:
    image = seen(grey(drawn(digit))).reshape(28, 28)
    sides = [int(np.ptp(np.flatnonzero((image > 0).any(axis)))) + 1 for axis in (0, 1)]
    assert max(sides) == 20
    for axis in (0, 1):
        assert 13.499 < image.sum(axis) @ np.arange(28) / image.sum() < 14.501
    assert image.dtype == np.float32
    assert 0.9 < image.max() <= 1
    assert image.min() == 0


@pytest.mark.parametrize("digit", DIGITS)
def test_proportions_are_kept(digit: int) -> None:
    inked = drawn(digit) > 0.5
    image = seen(grey(drawn(digit))).reshape(28, 28) > 0.3
    wide, high = (np.ptp(np.flatnonzero(inked.any(axis))) + 1 for axis in (0, 1))
    width, height = (np.ptp(np.flatnonzero(image.any(axis))) + 1 for axis in (0, 1))
    assert abs(width / height - wide / high) < 0.11


@pytest.mark.parametrize("digit", DIGITS)
def test_an_image_in_mnists_form_is_nearly_unchanged(digit: int) -> None:
    image = seen(grey(drawn(digit, pen=0.12)))
    assert far(seen(grey(image.reshape(28, 28))), image) < 0.1


@pytest.mark.parametrize("digit", DIGITS)
def test_the_position_of_the_digit_does_not_matter(digit: int) -> None:
    ink, paper = drawn(digit, size=60), np.zeros((240, 300))
    images = []
    for top, left in ((0, 0), (60, 90), (120, 180), (17, 153)):
        sheet = paper.copy()
        sheet[top : top + 120, left : left + 120] = ink
        images.append(seen(grey(sheet)))
    assert all(far(image, images[0]) < 0.02 for image in images)


@pytest.mark.parametrize("digit", DIGITS)
def test_the_size_of_the_digit_does_not_matter(digit: int) -> None:
    small = drawn(digit, pen=0.1, size=40)
    image = seen(grey(small))
    for times in (2, 3, 5):
        assert far(seen(grey(np.kron(small, np.ones((times, times))))), image) < 0.15


@pytest.mark.parametrize("digit", DIGITS)
def test_it_does_not_matter_whether_ink_or_paper_is_dark(digit: int) -> None:
    ink = drawn(digit)
    assert far(seen(grey(1 - ink)), seen(grey(ink))) < 0.02


@pytest.mark.parametrize("digit", DIGITS)
def test_the_colours_of_ink_and_paper_do_not_matter(digit: int) -> None:
    ink, random = drawn(digit), np.random.default_rng(digit)
    image = seen(grey(ink))
    for _ in range(3):
        assert far(seen(grey(in_colours(ink, random))), image) < 0.05


def test_ink_as_bright_as_the_paper_but_of_another_colour_is_seen() -> None:
    ink = drawn(3)
    red_on_green = Image.fromarray(np.uint8([[0, 131, 0]] + ink[..., np.newaxis] * [255, -131, 0]))
    assert np.ptp(np.asarray(red_on_green.convert("L"))) < 3
    assert far(seen(red_on_green), seen(grey(ink))) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["paper", "board"])
def test_uneven_light_is_removed(surface: str) -> None:
    for digit in range(10):
        ink, random = drawn(digit), np.random.default_rng(digit)
        even = 1 - 0.85 * ink if surface == "paper" else 0.15 + 0.8 * ink
        assert far(seen(grey(even * light(ink.shape, random))), seen(grey(ink))) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("quality", [10, 50, 90])
def test_jpeg_compression_changes_little(quality: int) -> None:
    for digit in range(10):
        sheet = grey(1 - drawn(digit))
        assert far(seen(jpeg(sheet, quality)), seen(sheet)) < 0.15


@pytest.mark.slow
def test_specks_of_dirt_are_ignored() -> None:
    random = np.random.default_rng(0)
    for digit in range(10):
        clean = drawn(digit)
        dirty = clean.copy()
        for y, x in random.integers(0, 397, (10, 2)):
            dirty[y : y + 3, x : x + 3] = 1
        assert far(seen(grey(dirty)), seen(grey(clean))) < 0.05


@pytest.mark.slow
def test_the_edge_of_a_sheet_is_ignored() -> None:
    for digit in range(10):
        clean = 1 - drawn(digit)
        cut = clean.copy()
        cut[:, :20] = 0.2
        assert far(seen(grey(cut)), seen(grey(clean))) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("slant", [0, 0.3])
@pytest.mark.parametrize("pen", [0.005, 0.02, 0.07, 0.12, 0.24])
def test_strokes_of_any_width_become_like_those_in_mnist(pen: float, slant: float) -> None:
    for digit in DIGITS:
        image, usual = (seen(grey(drawn(digit, width, slant))) for width in (pen, 0.12))
        assert 0.6 < image.sum() / usual.sum() < 2.1
        assert image.max() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["inverted", "moved", "tinted", "enlarged", "unevenly lit"])
def test_digits_in_other_conditions_are_read_nearly_as_well_as_plain_ones(
    condition: str, network: Network, test_set: Dataset
) -> None:
    """Trained on the sample, the network knows only soft strokes; enlarged ones are sharper.

    benchmarks/made_photos.py measures a network that was trained on MNIST.
    """
    max_loss = 0.1 if condition in ("enlarged", "unevenly lit") else 0.02
    images, labels = test_set.images[:120].reshape(-1, 28, 28), test_set.labels[:120]

    def accuracy(condition: str) -> float:
        frames = [
            seen(CONDITIONS[condition](image, np.random.default_rng(i)))
            for i, image in enumerate(images)
        ]
        return float(np.mean(network.forward(np.stack(frames))[-1].argmax(axis=1) == labels))

    assert accuracy("plain") - accuracy(condition) <= max_loss


RANDOM = np.random.default_rng(0)
NO_DIGITS = {
    "black": np.zeros((50, 50)),
    "white": np.ones((50, 50)),
    "one pixel": np.zeros((1, 1)),
    "one row": np.zeros((1, 900)),
    "light from one side": np.tile(np.linspace(0.2, 1, 100), (100, 1)),
    "a lamp and grain": light((200, 200), RANDOM) + RANDOM.normal(0, 0.01, (200, 200)),
    "noise of mnist's size": RANDOM.random((28, 28)),
    "noise": RANDOM.random((300, 300)),
    "normal noise": RANDOM.normal(0.5, 0.1, (300, 300)),
    "noise in colours": RANDOM.random((100, 100, 3)),
    "few specks": 1.0 * (RANDOM.random((100, 100)) < 0.001),
    "many specks": 1.0 * (RANDOM.random((300, 300)) < 0.1),
    "a text": np.pad(np.kron(np.ones((4, 8)), np.pad(np.ones((12, 6)), 6)), 10),
}


@pytest.mark.parametrize("kind", NO_DIGITS)
def test_a_picture_without_a_digit_is_refused_in_one_line(kind: str) -> None:
    with pytest.raises(InputError, match=r"^expected [^\n]*, found [^\n]*$"):
        seen(grey(NO_DIGITS[kind]))


def test_pixels_have_the_same_label_if_and_only_if_they_are_connected() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        inked = random.random(random.integers(1, 12, 2)) < 0.4
        numbers = label(inked)
        places = np.argwhere(inked)
        for start in places:
            piece, size = {tuple(start)}, 0
            while len(piece) > size:
                size = len(piece)
                piece |= {
                    tuple(p) for p in places for q in piece if np.abs(np.subtract(p, q)).max() <= 1
                }
            same = {tuple(p) for p in places if numbers[*p] == numbers[*start]}
            assert same == piece
