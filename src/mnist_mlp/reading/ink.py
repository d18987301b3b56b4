"""Ink: how much of it is in each pixel of a picture.

Ink is what is darker or lighter than the paper around it, or has another colour.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError

Grey = Array  # (height, width) float32, about 0 to 1
Mask = NDArray[np.bool_]  # (height, width)

EDGE = 0.3  # ink level at which a stroke ends
CELLS = 32  # along the longer side of a picture: the paper is estimated in each
MIN_CONTRAST = 0.06  # between ink and paper; black and white differ by 1
MIN_SIGNAL = 3.5  # contrast in units of the paper's grain; ink with less is noise


def find_ink(colours: Array) -> Grey:
    """Return the ink level of each pixel of (height, width, 3): about 1 in strokes, 0 on paper.

    It is measured along the first principal component of the colours' differences from the paper:
    the mixture of red, green and blue that shows the ink best.

    Raises InputError if the picture is blank or holds only noise.
    """
    paper = np.stack([_paper(colours[..., i]) for i in range(3)], axis=2)
    difference = colours - paper
    flat = difference.reshape(-1, 3)
    mixture = np.linalg.eigh(flat.T @ flat)[1][:, -1] / np.sqrt(3, dtype=np.float32)
    ink = difference @ mixture
    if (ink**3).sum() < 0:  # make the skew positive: ink is rarer than paper
        ink, mixture = -ink, -mixture
    ink = np.maximum(ink, 0)
    threshold = _threshold(ink)
    ink_level = float(np.quantile(ink[ink >= threshold], 0.9))
    if ink_level < MIN_CONTRAST:
        raise InputError("expected a digit, found a blank picture")
    grain = 3 * float(np.median(np.abs(flat @ mixture)[ink.ravel() < threshold]))
    if ink_level < MIN_SIGNAL / 2 * grain:
        raise InputError("expected a digit, found only noise")
    ink = np.maximum(ink - grain, 0) / (ink_level - grain)
    if mixture.sum() < 0:  # dark ink absorbs a fraction of the light, which may be uneven
        light = paper.mean(axis=2)
        ink = ink * light.mean() / np.maximum(light, 0.05)
    return np.asarray(ink)


def _paper(values: Grey) -> Grey:
    """Estimate the value of each pixel without ink.

    The first estimate is a median filter over two thirds of the picture, most of which is paper.
    It is refined twice: by the mean of each cell's pixels that are close to the last estimate, and
    a small median filter.
    """
    height, width = values.shape
    scale = min(1, CELLS / max(height, width))
    cells = max(1, round(width * scale)), max(1, round(height * scale))
    paper = _median_filter(resize(values, cells), CELLS * 2 // 3)
    for _ in range(2):
        full = resize(paper, (width, height), Image.Resampling.BILINEAR)
        distance = np.abs(values - full)
        close = (distance <= _threshold(distance) / 2).astype(np.float32)
        fraction = resize(close, cells)
        mean = resize(close * values, cells) / np.maximum(fraction, 1e-6)
        paper = _median_filter(np.where(fraction > 0.25, mean, paper), 5)
    return resize(paper, (width, height), Image.Resampling.BILINEAR)


def _threshold(values: Grey) -> float:
    """Return the threshold that best separates small values from large ones (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    below, total = np.cumsum(counts)[:-1], np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    n = values.size
    variance = (total[-1] * below / n - total[:-1]) ** 2 / np.maximum(below * (n - below), 1)
    return float(edges[1:-1][variance.argmax()])


def dilate(values: Grey, margin: int, axes: tuple[int, ...] = (0, 1)) -> Grey:
    """Apply a max filter that reaches `margin` pixels along each axis; 0 lies around the array."""
    for axis in axes:
        pad = [(0, 0), (0, 0)]
        pad[axis] = (margin, margin)
        values = sliding_window_view(np.pad(values, pad), 2 * margin + 1, axis=axis).max(axis=-1)
    return values


def _median_filter(values: Grey, size: int) -> Grey:
    return np.asarray(Image.fromarray(values).filter(ImageFilter.MedianFilter(size)))


def resize(
    values: Grey, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BOX
) -> Grey:
    """Resize an array to (width, height), as Pillow does."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize(size, how))
