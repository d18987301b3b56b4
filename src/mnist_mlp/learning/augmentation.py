"""Augmentation: training images moved, turned, scaled, sheared and bent, each in its own way.

Whoever wrote a digit might as well have written it a little otherwise. A network that never sees
the same picture twice learns what stays the same (Simard, Steinkraus and Platt 2003; Cireşan et
al. 2010). How far images are changed was chosen by the cost on validation images.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import SIDE

SHIFT = 2  # whole pixels, at most, up or down and to either side
MOVE = 1.0  # pixels, at most, of a deformed image: MNIST's digits are centred
TURN = 15.0  # degrees, at most, to either side
SCALE = 0.15  # share, at most, by which either side grows or shrinks
SHEAR = 0.15  # pixels, at most, to the side for each pixel down
BEND = 1.8  # pixels, the standard deviation of each control point's place
CONTRAST = 0.3  # share by which it grows: interpolation blurs strokes, this sharpens them again
BLOCK = 32  # images changed at a time: what they need stays in the processor's cache
POINTS = 7  # control points along each side; the outer ones are beyond the picture

# A cubic B-spline with evenly spaced control points: row i of SPLINE, (28, 7), says how much
# each of them has of pixel i. With the points at POINTS_AT, pixel i is at i - 13.5.
_distance = np.abs(np.linspace(1, POINTS - 2, SIDE)[:, np.newaxis] - np.arange(POINTS))
_near = 2 / 3 - _distance**2 + _distance**3 / 2
_far = np.maximum(2 - _distance, 0) ** 3 / 6
SPLINE = np.where(_distance < 1, _near, _far).astype(np.float32)
CENTRE = (SIDE - 1) / 2
POINTS_AT = (np.arange(POINTS) - (POINTS - 1) / 2) * (SIDE - 1) / (POINTS - 3)


def shift(images: Array, random: np.random.Generator, strength: float = 1) -> None:
    """Move images, (n, 784), in place, by whole pixels; at strength 0 they stay as they are."""
    pictures = images.reshape(-1, SIDE, SIDE)
    framed = np.pad(pictures, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    moves = np.rint(strength * (SHIFT + 0.5) * random.uniform(-1, 1, (len(images), 2)))
    places = SHIFT + moves.astype(int)
    windows = sliding_window_view(framed, (SIDE, SIDE), axis=(1, 2))
    pictures[:] = windows[np.arange(len(images)), *places.T]


def deform(images: Array, random: np.random.Generator, strength: float = 1) -> None:
    """Move, turn, scale, shear, bend and sharpen images, (n, 784) in [0, 1], in place.

    At strength 0 they stay as they are, to within rounding.
    """
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        rows, columns = SPLINE @ _control_points(len(block), random, strength) @ SPLINE.T
        block[:] = sample(block, rows, columns)
        block -= 0.5
        block *= 1 + strength * CONTRAST
        block += 0.5
        np.clip(block, 0, 1, block)


def _control_points(n: int, random: np.random.Generator, strength: float) -> Array:
    """Return where in an image its control points lie: rows and columns, (2, n, 7, 7)."""
    draws = strength * random.uniform(-1, 1, (6, n, 1, 1))
    angle, shear = np.radians(TURN) * draws[0], SHEAR * draws[3]
    high, wide = 1 + SCALE * draws[1:3]
    down, across = MOVE * draws[4:]
    row = POINTS_AT[:, np.newaxis]
    slanted = POINTS_AT + shear * row
    points = strength * BEND * random.standard_normal((2, n, POINTS, POINTS), np.float32)
    points[0] += high * (np.cos(angle) * row + np.sin(angle) * slanted) + down
    points[1] += wide * (np.cos(angle) * slanted - np.sin(angle) * row) + across
    return points


def sample(images: Array, rows: Array, columns: Array) -> Array:
    """Return the images' values at places between their pixels, (n, 784).

    `rows` and `columns`, (n, 28, 28), say for each pixel where its value is from, as a distance
    from the centre; between four pixels it is interpolated bilinearly, and outside it is 0.
    """
    n, width = len(images), SIDE + 2  # with a blank frame
    framed = np.zeros((n, width, width), images.dtype)
    framed[:, 1:-1, 1:-1] = images.reshape(n, SIDE, SIDE)
    pixels = framed.ravel()
    last = np.nextafter(np.float32(width - 1), 0)
    rows, columns = (np.clip(at + (CENTRE + 1), 0, last) for at in (rows, columns))
    row, column = np.floor(rows), np.floor(columns)
    first = (np.arange(n, dtype=np.int32) * width * width)[:, np.newaxis, np.newaxis]
    first = first + (row * width + column).astype(np.int32)
    corners = [pixels[i:].take(first, mode="clip") for i in (0, 1, width, width + 1)]
    above = _between(corners[0], corners[1], columns - column)
    below = _between(corners[2], corners[3], columns - column)
    return _between(above, below, rows - row).reshape(n, -1)


def _between(one: Array, other: Array, share: Array) -> Array:
    """Go a share of the way from one to the other, in place."""
    other -= one
    other *= share
    one += other
    return one


AUGMENTATIONS: dict[str, Callable[[Array, np.random.Generator, float], None]] = {
    "none": lambda images, random, strength: None,
    "shift": shift,
    "deform": deform,
}
