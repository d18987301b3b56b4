"""Tiles: pictures of the first layer's weights, and of the digits that the network misreads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import SIDE
from mnist_mlp.learning.evaluation import mistakes

TILE = 5 * SIDE  # screen pixels along each side of a 28×28 picture
COLUMNS = 8
GAP = 12
LINE = 28  # height of a line of text
INK = (40, 40, 40)
FRAME = (220, 220, 220)

# The ends of ColorBrewer's red-blue scale, which is colour-blind safe.
NEGATIVE = np.array([178, 24, 43])
POSITIVE = np.array([33, 102, 172])
ZERO = np.array([255, 255, 255])

MAX_NEURONS = 64
MAX_MISTAKES = 24


def draw_weights(weights: Array, layer: str = "first hidden layer") -> Image.Image:
    """Draw the weights of the first layer, (n_neurons, 784), as a 28×28 picture for each neuron.

    All pictures share one colour scale: zero is white, positive blue, negative red. It saturates
    at the 99.8th percentile of the absolute weights. Of more than 64 neurons, those with the
    largest weights (by Euclidean norm) are shown.
    """
    by_size = np.argsort(-np.linalg.norm(weights.astype(np.float64), axis=1), kind="stable")
    shown = np.sort(by_size[:MAX_NEURONS])
    sizes = np.abs(weights[shown])
    limit = float(np.quantile(sizes, 1 - 1 / 500) or sizes.max())
    title = f"Weights of the {layer}"
    if len(shown) < len(weights):
        title += f": the {len(shown)} of {len(weights)} neurons with the largest weights"
    sheet = _sheet(
        title,
        [_colour(weights[neuron].reshape(SIDE, SIDE), limit) for neuron in shown],
        [f"neuron {neuron}" for neuron in shown],
    )
    _add_scale(sheet, limit)
    return sheet


def draw_mistakes(images: Array, outputs: Array, labels: NDArray[np.intp]) -> Image.Image:
    """Draw the most confident mistakes: the misread images with the largest outputs, worst first.

    `images` is (n, 784) in [0, 1], `outputs` (n, 10) in [0, 1], `labels` (n,) digits.
    """
    predicted, confidence = outputs.argmax(axis=1), outputs.max(axis=1)
    wrong = mistakes(outputs, labels)
    shown = wrong[:MAX_MISTAKES]
    grey = np.rint(255 * (1 - images[shown].reshape(-1, SIDE, SIDE, 1))).astype(np.uint8)
    title = f"{len(wrong):,} of {len(images):,} unseen digits misread"
    return _sheet(
        title + "; the most confident mistakes, with the output:" if len(wrong) else title,
        list(np.repeat(grey, 3, axis=3)),
        [f"{labels[i]} read as {predicted[i]}, {confidence[i]:.1%}" for i in shown],
    )


def _colour(values: Array, limit: float) -> NDArray[np.uint8]:
    """Map values from -limit to limit to RGB colours, along a new last axis."""
    intensity = np.minimum(np.abs(values / (limit or 1)), 1)[..., np.newaxis]
    end = np.where(values[..., np.newaxis] < 0, NEGATIVE, POSITIVE)
    colours: NDArray[np.uint8] = np.rint(ZERO + intensity * (end - ZERO)).astype(np.uint8)
    return colours


def _sheet(title: str, tiles: Sequence[NDArray[np.uint8]], captions: Sequence[str]) -> Image.Image:
    """Lay out 28×28 colour pictures in rows, with a title above and a caption under each."""
    rows = -(-len(tiles) // COLUMNS)
    step = TILE + GAP
    size = (COLUMNS * step + GAP, LINE + 2 * GAP + rows * (step + LINE))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, INK, ImageFont.load_default(20))
    for i, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        x = GAP + i % COLUMNS * step
        y = LINE + 2 * GAP + i // COLUMNS * (step + LINE)
        picture = Image.fromarray(tile).resize((TILE, TILE), Image.Resampling.NEAREST)
        sheet.paste(picture, (x, y))
        draw.rectangle((x - 1, y - 1, x + TILE, y + TILE), outline=FRAME)
        draw.text((x + TILE / 2, y + TILE + 4), caption, INK, ImageFont.load_default(15), "ma")
    return sheet


def _add_scale(sheet: Image.Image, limit: float) -> None:
    """Draw the colour scale from -limit to limit, to the right of the title."""
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    right = sheet.width - GAP - 60
    left = right - 2 * TILE
    bar = _colour(np.linspace(-limit, limit, right - left)[np.newaxis], limit)
    sheet.paste(Image.fromarray(bar).resize((right - left, 18)), (left, GAP + 4))
    draw.rectangle((left - 1, GAP + 3, right, GAP + 22), outline=FRAME)
    draw.text((left - 6, GAP + 13), f"-{limit:.2f}", INK, font, "rm")
    draw.text((right + 6, GAP + 13), f"+{limit:.2f}", INK, font, "lm")
