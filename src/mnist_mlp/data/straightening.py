"""Straightening: digits that lean are made upright, and all are made equally wide and high."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_mlp.data.dataset import SIDE

WIDTH, HEIGHT = 4.5, 5.5  # standard deviations of the ink's columns and rows, in pixels
MOST = 2  # by which the width and the height may grow or shrink
MIDDLE = SIDE / 2

_Y, _X = np.indices((SIDE, SIDE)).reshape(2, -1) + 0.5  # of each pixel's middle
_POWERS = np.stack([np.ones_like(_X), _X, _Y, _X * _X, _X * _Y, _Y * _Y])


def straighten(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image, (28, 28) from 0 to 255, with its ink in the middle, upright and spread out.

    This is moment normalisation (Casey 1970, IBM Journal of Research and Development 14, 5): the
    mean, variances and covariance of the ink's place say how to move, shear and scale it. A blank
    image stays as it is.
    """
    ink, *sums = _POWERS @ image.ravel()  # exact: their order does not matter
    if not ink:
        return image
    x, y, xx, xy, yy = (total / ink for total in sums)
    slant = (xy - x * y) / max(yy - y * y, 1)  # columns that the ink moves to the right per row
    width = np.sqrt(max(xx - x * x - slant * (xy - x * y), 0))
    height = np.sqrt(max(yy - y * y, 0))
    across = min(max(width / WIDTH, 1 / MOST), MOST)
    down = min(max(height / HEIGHT, 1 / MOST), MOST)
    back = (  # from a place in the result to one in the image: x, then y
        *(across, slant * down, x - across * MIDDLE - slant * down * MIDDLE),
        *(0, down, y - down * MIDDLE),
    )
    picture = Image.fromarray(image)
    moved = picture.transform(picture.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    return np.asarray(moved)
