"""The pictures of weights and of mistakes, checked by the colours of their pixels."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_mlp.base.arrays import Array
from mnist_mlp.showing.tiles import COLUMNS, GAP, LINE, TILE, draw_mistakes, draw_weights

WHITE = [255, 255, 255]


def screen(sheet: Image.Image, i: int) -> NDArray[np.int_]:
    """Return the screen pixels of the i-th picture on a sheet, (TILE, TILE, 3)."""
    left = GAP + i % COLUMNS * (TILE + GAP)
    top = LINE + 2 * GAP + i // COLUMNS * (TILE + GAP + LINE)
    return np.asarray(sheet.crop((left, top, left + TILE, top + TILE)), int)


def tile(sheet: Image.Image, i: int) -> NDArray[np.int_]:
    """Return the colours of the i-th picture on a sheet, (28, 28, 3)."""
    pixel = TILE // 28
    return screen(sheet, i)[pixel // 2 :: pixel, pixel // 2 :: pixel]


def png(sheet: Image.Image) -> bytes:
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def random_weights(neurons: int) -> Array:
    return np.random.default_rng(neurons).standard_normal((neurons, 784)).astype(np.float32)


def test_positive_weights_are_blue_negative_ones_red_and_zero_white() -> None:
    signs = np.random.default_rng(0).integers(-1, 2, (28, 28))
    colours = tile(draw_weights(signs.reshape(1, 784).astype(np.float32)), 0)
    red, _, blue = np.moveaxis(colours, 2, 0)
    assert (np.sign(blue - red) == signs).all()
    assert (colours[signs == 0] == WHITE).all()


def test_larger_weights_have_a_darker_colour() -> None:
    strengths = np.linspace(0, 1, 392)
    weights = np.concatenate([strengths, -strengths]).reshape(1, 784)
    light = tile(draw_weights(weights), 0).sum(axis=2).reshape(2, 392)
    assert (np.diff(light) <= 0).all()
    assert (light[:, 0] > light[:, 195]).all()
    assert (light[:, 195] > light[:, -1]).all()


def test_each_neuron_has_its_own_picture_in_order() -> None:
    weights = -np.ones((20, 784))
    for neuron in range(20):
        weights[neuron, neuron * 30] = 1
    sheet = draw_weights(weights)
    for neuron in range(20):
        red, _, blue = np.moveaxis(tile(sheet, neuron).reshape(784, 3), 1, 0)
        assert np.flatnonzero(blue > red).tolist() == [neuron * 30]


def test_the_same_weight_has_the_same_colour_in_every_picture() -> None:
    weights = np.full((2, 784), 0.25)
    weights[1, ::2] = 1
    sheet = draw_weights(weights)
    colours = tile(sheet, 0).reshape(784, 3)
    assert (colours == colours[0]).all()
    assert (tile(sheet, 1).reshape(784, 3)[1::2] == colours[0]).all()
    assert (tile(sheet, 1).reshape(784, 3)[::2] != colours[0]).all()


def test_colours_do_not_depend_on_the_scale_of_all_weights() -> None:
    weights = random_weights(1)
    np.testing.assert_array_equal(
        tile(draw_weights(weights), 0), tile(draw_weights(weights * 1024), 0)
    )


def test_one_extreme_weight_does_not_make_the_others_pale() -> None:
    weights = np.ones((8, 784))
    usual = tile(draw_weights(weights), 0)
    weights[0, 0] = 1000
    np.testing.assert_array_equal(tile(draw_weights(weights), 0), usual)


def test_of_many_neurons_the_64_with_the_largest_weights_are_shown() -> None:
    weights = np.full((70, 784), 0.001)
    strong = np.sort(np.random.default_rng(0).permutation(70)[:64])
    for neuron in strong:
        weights[neuron, : neuron + 1] = -1
    sheet = draw_weights(weights)
    assert sheet.size == draw_weights(weights[:64]).size
    for i, neuron in enumerate(strong):
        red, _, blue = np.moveaxis(tile(sheet, i), 2, 0)
        assert np.count_nonzero(red > blue) == neuron + 1


def test_pixels_are_drawn_as_sharp_squares() -> None:
    sheet = draw_weights(random_weights(1))
    square = np.ones((TILE // 28, TILE // 28, 1), int)
    np.testing.assert_array_equal(screen(sheet, 0), np.kron(tile(sheet, 0), square))


def test_the_scale_above_the_pictures_goes_from_red_to_blue() -> None:
    header = np.asarray(draw_weights(random_weights(1)), int)[: LINE + 2 * GAP]
    tint = np.sign(header[..., 2] - header[..., 0]).sum(axis=0)
    signs = np.sign(tint[tint != 0])
    assert (signs[0], signs[-1]) == (-1, 1)
    assert (np.diff(signs) >= 0).all()


def test_the_scale_shows_how_large_the_weights_are() -> None:
    weights = random_weights(1)
    assert png(draw_weights(weights)) != png(draw_weights(weights * 1024))


@pytest.mark.parametrize("neurons", [1, 8, 9, 64, 65])
def test_the_same_weights_give_the_same_bytes(neurons: int) -> None:
    weights = random_weights(neurons)
    assert png(draw_weights(weights)) == png(draw_weights(weights.copy()))


@pytest.mark.parametrize("neurons", [1, 3])
def test_zero_weights_are_white(neurons: int) -> None:
    sheet = draw_weights(np.zeros((neurons, 784), np.float32))
    for neuron in range(neurons):
        assert (tile(sheet, neuron) == WHITE).all()


def test_drawing_does_not_change_the_weights() -> None:
    weights = random_weights(3)
    draw_weights(weights)
    np.testing.assert_array_equal(weights, random_weights(3))


def answers(predicted: list[int], confidence: list[float]) -> Array:
    """Return outputs, (n, 10), in which the predicted digit has the given confidence."""
    outputs = np.full((len(predicted), 10), 0.01)
    outputs[np.arange(len(predicted)), predicted] = confidence
    return outputs


def shades(n: int) -> Array:
    """Return n images of a single grey each: the pixels of image i are all i / 50."""
    return np.repeat(np.arange(n)[:, np.newaxis] / 50, 784, axis=1)


def shown(sheet: Image.Image, n: int) -> list[int]:
    """Return which of the shades the first n pictures on the sheet show."""
    return [round((1 - tile(sheet, i).mean() / 255) * 50) for i in range(n)]


def test_most_confident_mistakes_come_first() -> None:
    confidence = [0.3, 0.9, 0.5, 0.7, 0.4]
    sheet = draw_mistakes(shades(5), answers([1] * 5, confidence), np.zeros(5, int))
    assert shown(sheet, 5) == [1, 3, 2, 4, 0]


def test_right_answers_are_not_shown() -> None:
    labels = np.array([7, 0, 7, 0, 7, 7])
    outputs = answers([7] * 6, [0.9, 0.2, 0.8, 0.3, 0.99, 0.7])
    sheet = draw_mistakes(shades(6), outputs, labels)
    assert shown(sheet, 2) == [3, 1]
    assert (tile(sheet, 2) == WHITE).all()


def test_equally_confident_mistakes_come_in_the_order_of_the_images() -> None:
    sheet = draw_mistakes(shades(50), answers([1] * 50, [0.5, 0.6] * 25), np.zeros(50, int))
    assert shown(sheet, 24) == list(range(1, 49, 2))


def test_at_most_24_mistakes_are_shown() -> None:
    confidence = np.linspace(0.3, 0.9, 40).tolist()
    few = draw_mistakes(shades(24), answers([1] * 24, confidence[:24]), np.zeros(24, int))
    many = draw_mistakes(shades(40), answers([1] * 40, confidence), np.zeros(40, int))
    assert many.size == few.size
    assert shown(many, 24) == list(range(39, 15, -1))


def test_ink_is_black_on_white_paper_in_every_shade() -> None:
    ink = np.arange(784).reshape(28, 28, 1) % 256
    images = (ink.reshape(1, 784) / 255).astype(np.float32)
    sheet = draw_mistakes(images, answers([1], [0.9]), np.zeros(1, int))
    np.testing.assert_array_equal(tile(sheet, 0), np.repeat(255 - ink, 3, axis=2))


@pytest.mark.parametrize(
    ("label", "predicted", "confidence"), [(3, 1, 0.5), (0, 2, 0.5), (0, 1, 0.6)]
)
def test_captions_show_the_digit_the_answer_and_the_confidence(
    label: int, predicted: int, confidence: float
) -> None:
    sheet = draw_mistakes(shades(1), answers([1], [0.5]), np.array([0]))
    other = draw_mistakes(shades(1), answers([predicted], [confidence]), np.array([label]))
    np.testing.assert_array_equal(tile(sheet, 0), tile(other, 0))
    assert png(sheet) != png(other)


def test_a_sheet_without_mistakes_has_no_picture() -> None:
    outputs = answers([1, 2], [0.9, 0.9])
    perfect = draw_mistakes(shades(2), outputs, np.array([1, 2]))
    flawed = draw_mistakes(shades(2), outputs, np.array([1, 1]))
    assert perfect.width == flawed.width
    assert perfect.height < flawed.height
    assert Image.open(io.BytesIO(png(perfect))).size == perfect.size


def test_the_same_mistakes_give_the_same_bytes() -> None:
    sheets = [
        draw_mistakes(shades(9), answers([1] * 9, [0.5] * 9), np.zeros(9, int)) for _ in range(2)
    ]
    assert png(sheets[0]) == png(sheets[1])
