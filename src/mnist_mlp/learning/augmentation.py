"""Augmentation: training images shifted, rotated, scaled, sheared and bent at random.

Every digit could have been written a little differently. A network that never sees the same picture
twice learns what stays the same (Simard, Steinkraus and Platt 2003; Cireşan et al. 2010). The
amounts below were chosen by the cost on validation images.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import SIDE
from mnist_mlp.learning.sharing import share

SHIFT = 2  # max, in whole pixels, along each axis
MOVE = 1.0  # max shift of a deformed image, in pixels: MNIST's digits are centred
ROTATION = 15.0  # max, in degrees, either way
SCALE = 0.15  # max fraction by which the height or the width grows or shrinks
SHEAR = 0.15  # max, in pixels sideways per pixel down
BEND = 1.8  # standard deviation of a control point's displacement, in pixels
CONTRAST = 0.3  # fraction by which it grows, to sharpen what interpolation blurred
BLOCK = 32  # images deformed at a time: their arrays fit in the processor's cache
POINTS = 7  # control points along each side; the outermost lie beyond the picture

# A cubic B-spline with evenly spaced control points: row i of SPLINE, (28, 7), has their weights
# at pixel i. If the control points are at POINTS_AT, pixel i is at i - 13.5.
_distance = np.abs(np.linspace(1, POINTS - 2, SIDE)[:, np.newaxis] - np.arange(POINTS))
_near = 2 / 3 - _distance**2 + _distance**3 / 2
_far = np.maximum(2 - _distance, 0) ** 3 / 6
SPLINE = np.where(_distance < 1, _near, _far).astype(np.float32)
CENTRE = (SIDE - 1) / 2
POINTS_AT = (np.arange(POINTS) - (POINTS - 1) / 2) * (SIDE - 1) / (POINTS - 3)


def shift(images: Array, random: np.random.Generator, strength: float = 1) -> None:
    """Shift images, (n, 784), in place, by whole pixels; at strength 0 nothing changes."""
    pictures = images.reshape(-1, SIDE, SIDE)
    padded = np.pad(pictures, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    moves = np.rint(strength * (SHIFT + 0.5) * random.uniform(-1, 1, (len(images), 2)))
    places = SHIFT + moves.astype(int)
    windows = sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))
    pictures[:] = windows[np.arange(len(images)), *places.T]


def deform(images: Array, random: np.random.Generator, strength: float = 1) -> None:
    """Shift, rotate, scale, shear, bend and sharpen images, (n, 784) in [0, 1], in place.

    At strength 0 nothing changes, up to rounding errors.
    """
    parts = []
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        parts.append((block, _control_points(len(block), random, strength)))
    share(partial(_deform_block, strength=strength), parts)


def _deform_block(part: tuple[Array, Array], strength: float) -> None:
    """Deform images, (n, 784), in place, as their control points, (2, n, 7, 7), say."""
    block, points = part
    rows, columns = SPLINE @ points @ SPLINE.T
    block[:] = sample(block, rows, columns)
    block -= 0.5
    block *= 1 + strength * CONTRAST
    block += 0.5
    np.clip(block, 0, 1, block)


def _control_points(n: int, random: np.random.Generator, strength: float) -> Array:
    """Return the positions of each image's control points: rows and columns, (2, n, 7, 7)."""
    draws = strength * random.uniform(-1, 1, (6, n, 1, 1))
    angle, shear = np.radians(ROTATION) * draws[0], SHEAR * draws[3]
    height, width = 1 + SCALE * draws[1:3]
    down, across = MOVE * draws[4:]
    row = POINTS_AT[:, np.newaxis]
    sheared = POINTS_AT + shear * row
    points = strength * BEND * random.standard_normal((2, n, POINTS, POINTS), np.float32)
    points[0] += height * (np.cos(angle) * row + np.sin(angle) * sheared) + down
    points[1] += width * (np.cos(angle) * sheared - np.sin(angle) * row) + across
    return points


def sample(images: Array, rows: Array, columns: Array) -> Array:
    """Resample images by bilinear interpolation; return the new ones, (n, 784).

    `rows` and `columns`, (n, 28, 28), are the position that each new pixel takes its value from, as
    a distance from the centre. Outside the image, values are 0.
    """
    n, width = len(images), SIDE + 2  # with a border of zeros
    padded = np.zeros((n, width, width), images.dtype)
    padded[:, 1:-1, 1:-1] = images.reshape(n, SIDE, SIDE)
    pixels = padded.ravel()
    last = np.nextafter(np.float32(width - 1), 0)
    rows, columns = (np.clip(at + (CENTRE + 1), 0, last) for at in (rows, columns))
    row, column = np.floor(rows), np.floor(columns)
    first = (np.arange(n, dtype=np.int32) * width * width)[:, np.newaxis, np.newaxis]
    first = first + (row * width + column).astype(np.int32)
    corners = [pixels[i:].take(first, mode="clip") for i in (0, 1, width, width + 1)]
    above = _interpolate(corners[0], corners[1], columns - column)
    below = _interpolate(corners[2], corners[3], columns - column)
    return _interpolate(above, below, rows - row).reshape(n, -1)


def _interpolate(start: Array, end: Array, fraction: Array) -> Array:
    """Interpolate linearly from start to end, overwriting both."""
    end -= start
    end *= fraction
    start += end
    return start


AUGMENTATIONS: dict[str, Callable[[Array, np.random.Generator, float], None]] = {
    "none": lambda images, random, strength: None,
    "shift": shift,
    "deform": deform,
}
