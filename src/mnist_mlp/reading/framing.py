"""Framing: a picture of one digit, in the form of MNIST's images.

MNIST's digits were fitted into 20×20 pixels with their proportions kept, in which smoothing made
grey of black and white, and set into 28×28 pixels with their centre of mass in the middle (LeCun,
Bottou, Bengio and Haffner 1998, section III.A). In a picture the digit must first be found: ink
is what differs from the paper around it, being darker, lighter or of another colour.
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

BOX = 20  # pixels of the 28 that the longer side of a digit takes
FINEST = 400  # pixels along the longer side of a picture that are looked at
CELLS = 32  # along the longer side of a picture: how finely its light is known
FAINTEST = 0.06  # least difference between ink and paper; black and white differ by 1
CLEAREST = 3.5  # times the grain of the paper: ink that stands out less is noise
SMALLEST = 8  # pixels along the longer side of a digit
SPECK = 0.05  # share of the largest piece of ink: smaller pieces are dirt
FREE = 0.2  # share of the largest piece of ink: a piece that may be the digit
MOST_PIECES = 8  # of one digit; more are a text, a texture or noise
EDGE = 0.3  # share of full ink at which a digit ends
THINNEST, THICKEST = 1.6, 4.5  # strokes, in pixels of the 20; 96 % of MNIST's are between


def frame(picture: Image.Image) -> Array:
    """Return the digit in an RGB picture as the network knows it: (784,) in [0, 1], ink is 1.

    Raises InputError, which says why but names no file, where no digit is found.
    """
    if max(picture.size) > FINEST:
        picture = picture.copy()
        picture.thumbnail((FINEST, FINEST), Image.Resampling.BOX)
    ink = _find_ink(np.asarray(picture, np.float32) / 255)
    digit = _even_out(_cut_out(ink, _pieces(ink > EDGE)))
    return _centre(_fit(_mend_strokes(digit)))


def _find_ink(colours: Array) -> Grey:
    """Tell of each pixel of (height, width, 3) how much ink it has: about 1 in strokes, 0 beside.

    Of all mixtures of red, green and blue, the one in which the picture differs most from its
    paper shows the ink best (the first principal component).
    """
    paper = np.stack([_paper(colours[..., i]) for i in range(3)], axis=2)
    difference = colours - paper
    flat = difference.reshape(-1, 3)
    mixture = np.linalg.eigh(flat.T @ flat)[1][:, -1] / np.sqrt(3, dtype=np.float32)
    ink = difference @ mixture
    if (ink**3).sum() < 0:  # the extremes are ink
        ink, mixture = -ink, -mixture
    ink = np.maximum(ink, 0)
    inked = _threshold(ink)
    strength = float(np.quantile(ink[ink >= inked], 0.9))
    if strength < FAINTEST:
        raise InputError("expected a digit, found a blank picture")
    grain = 3 * float(np.median(np.abs(flat @ mixture)[ink.ravel() < inked]))
    if strength < CLEAREST / 2 * grain:
        raise InputError("expected a digit, found only noise")
    ink = np.maximum(ink - grain, 0) / (strength - grain)
    if mixture.sum() < 0:  # dark ink swallows a share of the light, and light is uneven
        light = paper.mean(axis=2)
        ink = ink * light.mean() / np.maximum(light, 0.05)
    return np.asarray(ink)


def _paper(values: Grey) -> Grey:
    """Estimate what each pixel would be without ink.

    The first estimate is the median over two thirds of the picture, most of which is paper;
    the others are means over the pixels of a cell and its neighbours that are close to the last.
    """
    height, width = values.shape
    finest = min(1, CELLS / max(height, width))
    cells = max(1, round(width * finest)), max(1, round(height * finest))
    paper = _filter(_resize(values, cells), CELLS * 2 // 3)
    for _ in range(2):
        full = _resize(paper, (width, height), Image.Resampling.BILINEAR)
        off = np.abs(values - full)
        plain = (off <= _threshold(off) / 2).astype(np.float32)
        share = _resize(plain, cells)
        mean = _resize(plain * values, cells) / np.maximum(share, 1e-6)
        paper = _filter(np.where(share > 0.25, mean, paper), 5)
    return _resize(paper, (width, height), Image.Resampling.BILINEAR)


def _pieces(inked: Mask) -> Mask:
    """Keep the connected pieces of a digit; leave out specks of dirt.

    Where a piece of some size stands free, what touches the picture's border is left out too: the
    edge of a sheet or of a shadow.
    """
    pieces = label(inked)
    areas = np.bincount(pieces[inked], minlength=pieces.max() + 1)
    free = areas.copy()
    free[np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])] = 0
    if free.max() >= FREE * areas.max():
        areas = free
    rows, columns = np.nonzero(inked & (pieces == areas.argmax()))
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    if side < SMALLEST:
        raise InputError(f"expected strokes of at least {SMALLEST} pixels, found {side}")
    kept = areas >= SPECK * areas.max()
    if kept.sum() > MOST_PIECES:
        raise InputError(f"expected one digit, found {kept.sum()} separate pieces of ink, or noise")
    digit: Mask = inked & kept[pieces]
    return digit


def label(inked: Mask) -> NDArray[np.intp]:
    """Give every pixel of a mask a number that all of its connected piece share, over corners too.

    Of two neighbours with different numbers, the pixel that the larger number stands for takes
    the smaller one, and all follow it, until no neighbours differ.
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


def _cut_out(ink: Grey, digit: Mask) -> Grey:
    """Cut the digit out, with its soft edges, and without what lies beside it."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    side = int(max(np.ptp(rows), np.ptp(columns))) + 1
    margin = -(-side // BOX)
    ink = np.where(_widest(digit.astype(np.float32), margin) > 0, ink, 0)
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return ink[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]


def _even_out(ink: Grey) -> Grey:
    """Make strokes equally strong at every end: divide by a plane through their crests."""
    crests = (ink > EDGE) & (ink >= 0.9 * _widest(ink, max(ink.shape) // BOX))
    rows, columns = np.indices(ink.shape, np.float32) / max(ink.shape)
    planes = np.stack([np.ones_like(ink), rows, columns], axis=2)
    tilt, *_ = np.linalg.lstsq(planes[crests], ink[crests], rcond=None)
    return np.asarray(np.minimum(ink / np.maximum(planes @ tilt, EDGE), 1))


def _mend_strokes(ink: Grey) -> Grey:
    """Give the strokes of a large digit sharp edges, and those of an odd pen a usual width.

    The mean width of strokes is twice their area over the length of their edges, here π/4 of
    the sides of pixels that they are made of.
    """
    scale = max(ink.shape) / BOX
    contrast = np.clip(scale, 1, 2)
    ink = np.clip((ink - 0.4) * contrast + 0.4, 0, 1).astype(np.float32)
    inside = np.pad(ink > 0.5, 1)
    sides = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in (0, 1))
    width = 2 * np.count_nonzero(inside) / (sides * np.pi / 4) / scale
    if width < THINNEST:
        more = round((THINNEST - width) / 2 * scale)
        return _widest(np.pad(ink, more), more)
    return 1 - _widest(1 - ink, round(max(width - THICKEST, 0) / 2 * scale))


def _fit(ink: Grey) -> Grey:
    """Scale the digit so that its longer side is 20 pixels."""
    rows, columns = np.flatnonzero((ink > EDGE).any(1)), np.flatnonzero((ink > EDGE).any(0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * BOX / max(ink.shape))) for side in ink.shape)
    how = Image.Resampling.HAMMING if max(ink.shape) > BOX else Image.Resampling.BICUBIC
    return np.clip(_resize(ink, (width, height), how), 0, 1)


def _centre(ink: Grey) -> Grey:
    """Set the digit into 28×28 pixels, its centre of mass at 13.5 to 14.5, as in MNIST."""
    image = np.zeros((SIDE, SIDE), np.float32)
    place = []
    for axis, side in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        start = int(np.ceil(SIDE / 2 - 0.5 - mass @ np.arange(side) / mass.sum()))
        start = min(max(start, 0), SIDE - side)
        place.append(slice(start, start + side))
    image[*place] = ink
    return image.ravel()


def _threshold(values: Grey) -> float:
    """Return what best parts small values from large ones (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    below, total = np.cumsum(counts)[:-1], np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    n = values.size
    apart = (total[-1] * below / n - total[:-1]) ** 2 / np.maximum(below * (n - below), 1)
    return float(edges[1:-1][apart.argmax()])


def _widest(values: Grey, margin: int) -> Grey:
    """Return for each pixel the largest value of the square that reaches `margin` pixels around."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (margin, margin)
        values = sliding_window_view(np.pad(values, pad), 2 * margin + 1, axis=axis).max(axis=-1)
    return values


def _filter(values: Grey, size: int) -> Grey:
    return np.asarray(Image.fromarray(values).filter(ImageFilter.MedianFilter(size)))


def _resize(
    values: Grey, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BOX
) -> Grey:
    return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize(size, how))
