"""Answers: what a network reads in an image, as text with bars or as data for JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import SIDE
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import UNSURE, activations
from mnist_mlp.learning.likeness import Likeness
from mnist_mlp.learning.network import Network

WIDTH = 40  # characters of a full bar
ZOOM = 10  # screen pixels per image pixel, along each side
GAP = 1  # image pixels around each image

BLOCKS = " ▏▎▍▌▋▊▉█"  # eighths of a character
SHADES = " ░▒▓█"
ASCII = " .:+#"


class Answer:
    """What a network reads in one image.

    layers      every layer's activations, the image first
    outputs     those of the last layer, (10,)
    digit       the digit with the largest output
    runner_up   the digit with the second largest
    unusual     whether few digits are as far from the usual ones as the image
    unsure      whether the runner-up is close, or the image unusual for a digit
    refused     whether the image does not look like a digit
    """

    def __init__(self, network: Network, image: Array, likeness: Likeness | None = None) -> None:
        """Run the network on an image, (784,) in [0, 1]. Without a likeness, nothing is refused.

        Raises InputError if it produces NaN or infinity.
        """
        self.network = network
        layers = activations(network, image[np.newaxis])
        self.layers = [layer[0] for layer in layers]
        self.outputs = self.layers[-1]
        self.runner_up, self.digit = (int(i) for i in np.argsort(self.outputs, kind="stable")[-2:])
        self.unusual = self.refused = False
        if likeness:
            distance = likeness.distances(layers)[0]
            self.unusual = bool(distance > likeness.unusual)
            self.refused = bool(distance > likeness.limit)
        lead = self.outputs[self.digit] - self.outputs[self.runner_up]
        self.unsure = bool(lead < UNSURE) or self.unusual

    def data(self, layers: bool) -> dict[str, Any]:
        """Return the answer as data for JSON; with `layers`, every layer's activations too.

        What does not look like a digit has none: `guess` is the one it looks most like.
        """
        result: dict[str, Any] = {
            "digit": None if self.refused else self.digit,
            "guess": self.digit,
            "runner_up": self.runner_up,
            "unsure": self.unsure,
            "outputs": _rounded(self.outputs),
        }
        if layers:
            result["layers"] = [_rounded(layer) for layer in self.layers]
        return result

    def text(self, layers: bool, unicode: bool) -> str:
        """Return the answer as text with bars, of block characters or, without `unicode`, of #."""
        shown = [self.verdict]
        if layers:
            shown += ["", "what the network sees:", *_picture(self.layers[0], unicode)]
            for i, layer in enumerate(self.layers[1:-1], 1):
                shown += ["", f"hidden layer {i}, {self.network.activation}:"]
                shown += bars(layer, unicode)
            shown += ["", f"outputs, {COSTS[self.network.cost].output}:"]
        return "\n".join(shown + bars(self.outputs, unicode, full=1))

    @property
    def verdict(self) -> str:
        """The digit and the runner-up, with their outputs, and whether the network is unsure."""
        if self.refused:
            return f"this does not look like a digit (looks most like {self.digit})"
        first, second = self.outputs[self.digit], self.outputs[self.runner_up]
        verdict = f"{self.digit} ({first:.3f}), runner-up {self.runner_up} ({second:.3f})"
        if self.unusual:
            return f"unusual for a digit, perhaps {verdict}"
        return f"the network is unsure, perhaps {verdict}" if self.unsure else verdict

    def __str__(self) -> str:
        """Return the digit, or a question mark if it does not look like one."""
        return "?" if self.refused else str(self.digit)


def bars(values: Array, unicode: bool, full: float = 0) -> list[str]:
    """Draw a bar for each value, after its index and the value; negative bars point to the left.

    A bar of full width stands for `full`, or if it is 0 for the largest absolute value.
    """
    full = full or float(np.abs(values).max()) or 1
    below = WIDTH // 2 if values.min() < 0 else 0
    lines = []
    for i, value in enumerate(values):
        length = abs(value) / full * (WIDTH - below)
        bar = _bar(length, unicode and value >= 0)
        left, right = (bar.rstrip(), "") if value < 0 else ("", bar)
        lines.append(f"{i:5}  {value:8.3f}  {left:>{below}}{right}".rstrip())
    return lines


def _bar(length: float, unicode: bool) -> str:
    if not unicode:
        return "#" * round(length)
    eighths = round(8 * length)
    return BLOCKS[8] * (eighths // 8) + BLOCKS[eighths % 8]


def _picture(image: Array, unicode: bool) -> list[str]:
    """Draw an image, (784,) in [0, 1], with two characters for each pixel."""
    shades = SHADES if unicode else ASCII
    levels = np.rint(image.reshape(SIDE, SIDE) * (len(shades) - 1)).astype(int)
    return ["".join(2 * shades[level] for level in row).rstrip() for row in levels]


def draw_row(images: Sequence[Array]) -> Image.Image:
    """Draw what the network saw, each (784,) in [0, 1], side by side, white on black."""
    tiles = [np.pad(image.reshape(SIDE, SIDE), GAP, constant_values=0.5) for image in images]
    pixels = np.rint(255 * np.hstack(tiles)).astype(np.uint8)
    return Image.fromarray(np.kron(pixels, np.ones((ZOOM, ZOOM), np.uint8)))


def _rounded(values: Array) -> list[float]:
    return [round(value, 6) for value in values.tolist()]
