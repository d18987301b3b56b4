"""Framing: a picture of one digit becomes an image like those of MNIST.

MNIST's digits were scaled to 20×20 pixels, keeping their proportions and with grey levels from
anti-aliasing, and placed in 28×28 pixels by their centre of mass (LeCun, Bottou, Bengio and
Haffner 1998, section III.A). In a picture the digit must first be found: ink is what is darker or
lighter than the paper around it, or has another colour.
"""

from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import SIDE
from mnist_mlp.reading.ink import EDGE, Grey, Mask, dilate, find_ink, resize
from mnist_mlp.reading.layout import Layout, find_digits, may_be_one
from mnist_mlp.reading.paper import remove_frames, remove_rules
from mnist_mlp.reading.pieces import Box

BOX = 20  # pixels, of the 28, along the longer side of a digit
DETAIL = 400  # pixels along each side of a square; pictures that are larger are scaled down
CLOSER = 0.6  # of the scale, at most: worth a second look
MARGIN = 0.3  # of its longer side: around the digits, for the second look
HALF = 0.5001  # a pixel, and a little, so that rounding errors do not move symmetric digits
FINE = 8  # pixels for each of the 20, at least, where strokes are made wider or thinner
MIN_STROKE, MAX_STROKE = 1.6, 4.5  # widths, in pixels of the 20; 96 % of MNIST's are between


class Sheet(NamedTuple):
    """A picture, or a part of one, that was looked at.

    ink        how much ink is in each pixel
    layout     the digits in it
    scale      the side of a pixel of the ink, in pixels of the picture
    left, top  where it begins in the picture, in pixels of the picture
    """

    ink: Grey
    layout: Layout
    scale: float
    left: int
    top: int

    def in_picture(self, box: Box) -> Box:
        """Return where a box of the ink is in the picture."""
        left, top, right, bottom = (round(self.scale * side) for side in box)
        return Box(left + self.left, top + self.top, right + self.left, bottom + self.top)


def look(picture: Image.Image) -> Sheet:
    """Find the ink and the digits in an RGB picture.

    If the digits fill a small part of it, this part is looked at again, in more detail.

    Raises InputError, with the reason but no file name, if there are no digits.
    """
    sheet = _look_at(picture, Box(0, 0, *picture.size))
    box = sheet.in_picture(sheet.layout.box)
    margin = round(MARGIN * max(box.width, box.height))
    left, top = max(box.left - margin, 0), max(box.top - margin, 0)
    right, bottom = min(box.right + margin, picture.width), min(box.bottom + margin, picture.height)
    part = Box(left, top, right, bottom)
    if _scale(part) < CLOSER * sheet.scale:
        with suppress(InputError):
            return _look_at(picture, part)
    return sheet


def _look_at(picture: Image.Image, part: Box) -> Sheet:
    """Look at a part of a picture; it is scaled down if it is large."""
    scale = _scale(part)
    size = max(1, round(part.width / scale)), max(1, round(part.height / scale))
    colours = picture.resize(size, Image.Resampling.BOX, part)
    ink = remove_frames(remove_rules(find_ink(np.asarray(colours, np.float32) / 255)))
    return Sheet(ink, find_digits(ink > EDGE), scale, part.left, part.top)


def _scale(part: Box) -> float:
    return max(1, float(np.sqrt(part.width * part.height)) / DETAIL)


def frame(picture: Image.Image) -> Array:
    """Return the digit in an RGB picture as an image like MNIST's: (784,) in [0, 1], ink is 1.

    Raises InputError, with the reason but no file name, if no digit is found, or several.
    """
    sheet = look(picture)
    glyphs = [glyph for line in sheet.layout.lines for glyph in line]
    if not all(may_be_one(one.box, other.box) for one, other in pairwise(glyphs)):
        raise InputError(f"expected one digit, found {len(glyphs)}")
    return frame_ink(sheet.ink, sheet.layout.mask(*glyphs))


def frame_ink(ink: Grey, digit: Mask) -> Array:
    """Return the ink of a digit, given which pixels belong to it, as an image like MNIST's."""
    return _centre(_fit(_normalise_strokes(_even_out(_crop(ink, digit)))))


def _crop(ink: Grey, digit: Mask) -> Grey:
    """Crop to the digit and its soft edges, and clear everything else."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    side = int(max(np.ptp(rows), np.ptp(columns))) + 1
    margin = -(-side // BOX)
    ink = np.where(dilate(digit.astype(np.float32), margin) > 0, ink, 0)
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return ink[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]


def _even_out(ink: Grey) -> Grey:
    """Even out the ink level: divide by a plane fitted to the crests of the strokes."""
    crests = (ink > EDGE) & (ink >= 0.9 * dilate(ink, max(ink.shape) // BOX))
    rows, columns = np.indices(ink.shape, np.float32) / max(ink.shape)
    terms = np.stack([np.ones_like(ink), rows, columns], axis=2)
    plane, *_ = np.linalg.lstsq(terms[crests], ink[crests], rcond=None)
    return np.asarray(np.minimum(ink / np.maximum(terms @ plane, EDGE), 1))


def _normalise_strokes(ink: Grey) -> Grey:
    """Sharpen the edges of a large digit, and give very thin or thick strokes a usual width.

    A small digit is enlarged for that, since strokes change by whole pixels.
    """
    scale = max(ink.shape) / BOX
    ink = np.clip((ink - 0.4) * np.clip(scale, 1, 2) + 0.4, 0, 1).astype(np.float32)
    width = _stroke_width(ink) / scale
    change = float(np.clip(width, MIN_STROKE, MAX_STROKE)) - width
    if change and scale < FINE:
        times = int(np.ceil(FINE / scale))
        size = times * ink.shape[1], times * ink.shape[0]
        ink = np.clip(resize(ink, size, Image.Resampling.BICUBIC), 0, 1)
    margin = round(abs(change) / 2 * max(ink.shape) / BOX)
    return dilate(np.pad(ink, margin), margin) if change > 0 else 1 - dilate(1 - ink, margin)


def _stroke_width(ink: Grey) -> float:
    """Return the mean width of strokes in pixels: twice their area over their perimeter.

    The perimeter is about π/4 of the number of pixel sides along it.
    """
    inside = np.pad(ink > 0.5, 1)
    sides = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in (0, 1))
    return 2 * np.count_nonzero(inside) / (sides * np.pi / 4)


def _fit(ink: Grey) -> Grey:
    """Scale the digit so that its longer side is 20 pixels."""
    rows, columns = np.flatnonzero((ink > EDGE).any(1)), np.flatnonzero((ink > EDGE).any(0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, int(side * BOX / max(ink.shape) + 0.5)) for side in ink.shape)
    how = Image.Resampling.HAMMING if max(ink.shape) > BOX else Image.Resampling.BICUBIC
    return np.clip(resize(ink, (width, height), how), 0, 1)


def _centre(ink: Grey) -> Grey:
    """Place the digit in 28×28 pixels with its centre of mass at 13.5 to 14.5, as in MNIST."""
    image = np.zeros((SIDE, SIDE), np.float32)
    place = []
    for axis, side in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        start = int(np.ceil(SIDE / 2 - HALF - mass @ np.arange(side) / mass.sum()))
        start = min(max(start, 0), SIDE - side)
        place.append(slice(start, start + side))
    image[*place] = ink
    return image.ravel()
