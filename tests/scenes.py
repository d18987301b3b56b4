"""Pictures of digits for tests: drawn by code, or MNIST's under other conditions.

Each condition takes a digit, (28, 28) in [0, 1], and a random generator, and returns a picture as
a user might have it.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Digit = NDArray[Any]
Random = np.random.Generator


def grey(values: Digit) -> Image.Image:
    return Image.fromarray(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8))


def plain(digit: Digit, random: Random) -> Image.Image:
    return grey(digit)


def enlarged(digit: Digit, random: Random) -> Image.Image:
    side = int(random.integers(60, 400))
    return grey(digit).resize((side, side), Image.Resampling.BICUBIC)


def inverted(digit: Digit, random: Random) -> Image.Image:
    return grey(1 - digit)


def moved(digit: Digit, random: Random) -> Image.Image:
    paper = np.zeros((84, 84))
    top, left = random.integers(0, 84 - 28, 2)
    paper[top : top + 28, left : left + 28] = digit
    return grey(paper)


def tinted(digit: Digit, random: Random) -> Image.Image:
    return grey(in_colours(digit, random))


def unevenly_lit(digit: Digit, random: Random) -> Image.Image:
    """Return dark ink on paper, or chalk on a board, in uneven light."""
    large = np.asarray(enlarged(digit, random)) / 255
    surface = 1 - 0.85 * large if random.random() < 0.5 else 0.15 + 0.8 * large
    return grey(surface * light(large.shape, random))


def photographed(digit: Digit, random: Random) -> Image.Image:
    """Combine everything: coloured ink, a slight rotation, bad light, grain, dirt, and JPEG."""
    large = np.asarray(enlarged(digit, random)) / 255
    side = len(large)
    height, width = (int(side * random.uniform(1.2, 2.5)) for _ in range(2))
    sheet = np.zeros((height, width))
    top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
    sheet[top : top + side, left : left + side] = large
    turned = grey(sheet).rotate(random.uniform(-8, 8), Image.Resampling.BICUBIC)
    photo = in_colours(np.asarray(turned) / 255, random)
    photo *= light((height, width), random)[..., np.newaxis]
    photo += random.normal(0, random.uniform(0.01, 0.04), photo.shape)
    for _ in range(random.integers(0, 6)):
        y, x, size = random.integers(0, height), random.integers(0, width), random.integers(1, 4)
        photo[y : y + size, x : x + size] *= 0.5
    return jpeg(grey(photo), int(random.integers(50, 90)))


CONDITIONS = {
    "plain": plain,
    "enlarged": enlarged,
    "inverted": inverted,
    "moved": moved,
    "tinted": tinted,
    "unevenly lit": unevenly_lit,
    "photographed": photographed,
}


def in_colours(digit: Digit, random: Random) -> Digit:
    """Return dark ink on light paper, each of a random colour, (height, width, 3)."""
    paper, ink = random.uniform(0.7, 1, 3), random.uniform(0, 0.4, 3)
    coloured: Digit = paper + digit[..., np.newaxis] * (ink - paper)
    return coloured


def light(shape: tuple[int, ...], random: Random) -> Digit:
    """Return the light on each pixel, at most 1: from one side, from a lamp, or with a shadow."""
    y, x = np.indices(shape) / max(shape)
    direction = random.uniform(0, 2 * np.pi)
    along = np.cos(direction) * (x - 0.5) + np.sin(direction) * (y - 0.5)
    kind = random.integers(3)
    if kind == 0:
        dark = (along + 0.7) / 1.4
    elif kind == 1:
        away = (y - random.uniform(0.2, 0.8)) ** 2 + (x - random.uniform(0.2, 0.8)) ** 2
        dark = np.minimum(1.2 * away, 1)
    else:
        edge = (along - random.uniform(-0.3, 0.3)) / random.uniform(0.02, 0.15)
        dark = 1 / (1 + np.exp(-edge))
    lit: Digit = 1 - random.uniform(0.3, 0.7) * dark
    return lit


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def arc(*ellipse: float) -> Digit:
    """Return points of an ellipse (centre, radii) from one angle to another, in degrees."""
    x, y, across, down, start, end = ellipse
    angles = np.radians(np.linspace(start, end, 40))
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)


def path(*points: tuple[float, float]) -> Digit:
    return np.array(points)


# The strokes of each digit, (points, 2), x and y, in a square from 0 to 1.
STROKES: list[list[Digit]] = [
    [arc(0.5, 0.5, 0.32, 0.5, 0, 360)],
    [path((0.5, 0), (0.5, 1))],
    [np.concatenate([arc(0.5, 0.28, 0.33, 0.28, 180, 390), path((0.17, 1), (0.85, 1))])],
    [np.concatenate([arc(0.45, 0.25, 0.3, 0.25, 200, 440), arc(0.45, 0.73, 0.35, 0.27, 270, 520)])],
    [path((0.6, 0), (0.12, 0.65), (0.9, 0.65)), path((0.68, 0.35), (0.68, 1))],
    [path((0.8, 0), (0.25, 0), (0.2, 0.45)), arc(0.47, 0.68, 0.33, 0.32, 220, 500)],
    [np.concatenate([path((0.7, 0), (0.35, 0.35)), arc(0.48, 0.7, 0.3, 0.3, 180, 540)])],
    [path((0.15, 0), (0.85, 0), (0.4, 1))],
    [arc(0.5, 0.25, 0.27, 0.25, 90, 450), arc(0.5, 0.75, 0.33, 0.25, -90, 270)],
    [arc(0.47, 0.3, 0.3, 0.3, 0, 360), path((0.77, 0.3), (0.7, 1))],
]


def drawn(digit: int, pen: float = 0.07, slant: float = 0, size: int = 200) -> Digit:
    """Draw a digit of this size, with strokes of width pen * size, on (2 size, 2 size) pixels."""
    sheet = Image.new("L", (2 * size, 2 * size))
    draw = ImageDraw.Draw(sheet)
    width = max(1, round(pen * size))
    for stroke in STROKES[digit]:
        x, y = stroke.T
        leaning = 0.6 + 0.8 * (x + slant * (0.5 - y))
        points = list(zip(size * leaning, size * (y + 0.5), strict=True))
        draw.line(points, 255, width, "curve")
        for a, b in (points[0], points[-1]):
            draw.ellipse((a - width / 2, b - width / 2, a + width / 2, b + width / 2), 255)
    return np.asarray(sheet) / 255
