"""Framing: a picture of one digit becomes an image like those of MNIST.

MNIST's digits were scaled to 20×20 pixels, keeping their proportions and with grey levels from
anti-aliasing, and placed in 28×28 pixels by their centre of mass (LeCun, Bottou, Bengio and
Haffner 1998, section III.A). In a picture the digit must first be found: ink is what is darker or
lighter than the paper around it, or has another colour.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import SIDE

Grey = Array  # (height, width) float32, about 0 to 1
Mask = NDArray[np.bool_]  # (height, width)

BOX = 20  # pixels, of the 28, along the longer side of a digit
MAX_SIDE = 400  # pixels along the longer side of a picture; larger ones are scaled down
CELLS = 32  # along the longer side of a picture: the paper is estimated in each
MIN_CONTRAST = 0.06  # between ink and paper; black and white differ by 1
MIN_SIGNAL = 3.5  # contrast in units of the paper's grain; ink with less is noise
MIN_SIDE = 8  # pixels along the longer side of a digit
SPECK = 0.05  # of the largest piece's area: smaller pieces are dirt
FREE = 0.2  # of the largest piece's area: a piece clear of the border that may be the digit
MAX_PIECES = 8  # of one digit; more are a text, a texture or noise
EDGE = 0.3  # ink level at which a digit ends
HALF = 0.5001  # a pixel, and a little, so that rounding errors do not move symmetric digits
MIN_STROKE, MAX_STROKE = 1.6, 4.5  # widths, in pixels of the 20; 96 % of MNIST's are between


def frame(picture: Image.Image) -> Array:
    """Return the digit in an RGB picture as an image like MNIST's: (784,) in [0, 1], ink is 1.

    Raises InputError, with the reason but no file name, if no digit is found.
    """
    if max(picture.size) > MAX_SIDE:
        picture = picture.copy()
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    ink = _find_ink(np.asarray(picture, np.float32) / 255)
    digit = _even_out(_crop(ink, _find_digit(ink > EDGE)))
    return _centre(_fit(_normalise_strokes(digit)))


def _find_ink(colours: Array) -> Grey:
    """Return the ink level of each pixel of (height, width, 3): about 1 in strokes, 0 on paper.

    It is measured along the first principal component of the colours' differences from the paper:
    the mixture of red, green and blue that shows the ink best.
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
    paper = _median_filter(_resize(values, cells), CELLS * 2 // 3)
    for _ in range(2):
        full = _resize(paper, (width, height), Image.Resampling.BILINEAR)
        distance = np.abs(values - full)
        close = (distance <= _threshold(distance) / 2).astype(np.float32)
        fraction = _resize(close, cells)
        mean = _resize(close * values, cells) / np.maximum(fraction, 1e-6)
        paper = _median_filter(np.where(fraction > 0.25, mean, paper), 5)
    return _resize(paper, (width, height), Image.Resampling.BILINEAR)


def _find_digit(inked: Mask) -> Mask:
    """Keep the connected components of a digit; drop specks of dirt.

    If a component of some size is clear of the picture's border, those that touch the border are
    dropped too: they are the edge of a sheet or of a shadow.
    """
    pieces = label(inked)
    areas = np.bincount(pieces[inked], minlength=pieces.max() + 1)
    free = areas.copy()
    free[np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])] = 0
    if free.max() >= FREE * areas.max():
        areas = free
    rows, columns = np.nonzero(inked & (pieces == areas.argmax()))
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    if side < MIN_SIDE:
        raise InputError(f"expected a digit of at least {MIN_SIDE} pixels, found {side}")
    kept = areas >= SPECK * areas.max()
    if kept.sum() > MAX_PIECES:
        raise InputError(f"expected one digit, found {kept.sum()} separate pieces of ink")
    digit: Mask = inked & kept[pieces]
    return digit


def label(inked: Mask) -> NDArray[np.intp]:
    """Label the connected components of a mask (8-connectivity) with a number each.

    This is union-find on whole arrays. Each pixel's number is the index of a pixel in its
    component. If two neighbours' numbers differ, the pixel at the larger index takes the smaller
    one, and all that point to it follow, until no neighbours differ.
    """
    padded = np.pad(inked, 1)
    flat, width = padded.ravel(), padded.shape[1]
    pairs = [(np.flatnonzero(flat[:-i] & flat[i:]), i) for i in (1, width - 1, width, width + 1)]
    first = np.concatenate([pixels for pixels, _ in pairs])
    second = np.concatenate([pixels + i for pixels, i in pairs])
    numbers = np.arange(flat.size, dtype=np.intp)
    while (numbers[first] != numbers[second]).any():
        one, other = numbers[first], numbers[second]
        np.minimum.at(numbers, np.maximum(one, other), np.minimum(one, other))
        while (numbers[numbers] != numbers).any():
            numbers = numbers[numbers]
    return numbers.reshape(padded.shape)[1:-1, 1:-1]


def _crop(ink: Grey, digit: Mask) -> Grey:
    """Crop to the digit and its soft edges, and clear everything else."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    side = int(max(np.ptp(rows), np.ptp(columns))) + 1
    margin = -(-side // BOX)
    ink = np.where(_dilate(digit.astype(np.float32), margin) > 0, ink, 0)
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return ink[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]


def _even_out(ink: Grey) -> Grey:
    """Even out the ink level: divide by a plane fitted to the crests of the strokes."""
    crests = (ink > EDGE) & (ink >= 0.9 * _dilate(ink, max(ink.shape) // BOX))
    rows, columns = np.indices(ink.shape, np.float32) / max(ink.shape)
    terms = np.stack([np.ones_like(ink), rows, columns], axis=2)
    plane, *_ = np.linalg.lstsq(terms[crests], ink[crests], rcond=None)
    return np.asarray(np.minimum(ink / np.maximum(terms @ plane, EDGE), 1))


def _normalise_strokes(ink: Grey) -> Grey:
    """Sharpen the edges of a large digit, and give very thin or thick strokes a usual width.

    The mean width of strokes is twice their area over their perimeter, which is about π/4 of the
    number of pixel sides along it.
    """
    scale = max(ink.shape) / BOX
    contrast = np.clip(scale, 1, 2)
    ink = np.clip((ink - 0.4) * contrast + 0.4, 0, 1).astype(np.float32)
    inside = np.pad(ink > 0.5, 1)
    sides = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in (0, 1))
    width = 2 * np.count_nonzero(inside) / (sides * np.pi / 4) / scale
    if width < MIN_STROKE:
        margin = round((MIN_STROKE - width) / 2 * scale)
        return _dilate(np.pad(ink, margin), margin)
    return 1 - _dilate(1 - ink, round(max(width - MAX_STROKE, 0) / 2 * scale))


def _fit(ink: Grey) -> Grey:
    """Scale the digit so that its longer side is 20 pixels."""
    rows, columns = np.flatnonzero((ink > EDGE).any(1)), np.flatnonzero((ink > EDGE).any(0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, int(side * BOX / max(ink.shape) + 0.5)) for side in ink.shape)
    how = Image.Resampling.HAMMING if max(ink.shape) > BOX else Image.Resampling.BICUBIC
    return np.clip(_resize(ink, (width, height), how), 0, 1)


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


def _threshold(values: Grey) -> float:
    """Return the threshold that best separates small values from large ones (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    below, total = np.cumsum(counts)[:-1], np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    n = values.size
    variance = (total[-1] * below / n - total[:-1]) ** 2 / np.maximum(below * (n - below), 1)
    return float(edges[1:-1][variance.argmax()])


def _dilate(values: Grey, margin: int) -> Grey:
    """Apply a max filter over the square that reaches `margin` pixels around each pixel."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (margin, margin)
        values = sliding_window_view(np.pad(values, pad), 2 * margin + 1, axis=axis).max(axis=-1)
    return values


def _median_filter(values: Grey, size: int) -> Grey:
    return np.asarray(Image.fromarray(values).filter(ImageFilter.MedianFilter(size)))


def _resize(
    values: Grey, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BOX
) -> Grey:
    return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize(size, how))
