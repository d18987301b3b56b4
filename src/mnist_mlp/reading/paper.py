"""Paper: ruled lines, frames and circles around digits are taken out of the ink.

A ruled line is long, straight and thin. A frame is closed around ink that is taller than a dot.
"""

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.reading.ink import EDGE, Grey, Mask, dilate
from mnist_mlp.reading.pieces import Box, boxes, label

FAINT = 0.12  # ink level above which a pixel may belong to a line
SLOPES = np.linspace(-0.1, 0.1, 81)  # of lines: height over width
LONG = 0.75  # of a line's pixels from border to border that are inked
SOLID = 0.7  # of the most inked row of a line: its other rows have as much
THIN = 0.02  # of the picture's longer side: lines are not wider
DARKER = 0.25  # than a line, in ink level: a stroke over it
LARGE = 0.2  # of the picture's longer side: a frame has no smaller side
PEEL = 0.25  # of a layer that is ink, while it belongs to a frame
MIN_INSIDE = 0.08  # of a frame's ink: what it is drawn around
ENCLOSED = 0.3  # of a frame's height: less ink inside may be a part of the digit, as in 8


def remove_rules(ink: Grey) -> Grey:
    """Remove lines from border to border, about horizontal or vertical; keep what crosses them.

    A single line is kept if there is no other ink: it may be a 1.
    """
    across, rows = _remove_rows(ink)
    down, columns = _remove_rows(across.T)
    alone = rows + columns == 1 and not (down > EDGE).any()
    return ink if alone else down.T


def _remove_rows(ink: Grey) -> tuple[Grey, int]:
    """Remove lines from the left to the right border; return the rest, and the number of lines.

    Lines are found by a Hough transform: for each slope, the inked pixels on each line are counted.
    """
    height, width = ink.shape
    widest = round(THIN * max(ink.shape))
    if widest < 1:
        return ink, 0
    room = int(np.ceil(SLOPES[-1] * width / 2)) + 1
    near = dilate(ink, 1, axes=(0,))  # a line may lie between two rows
    rows, columns = np.nonzero(near > FAINT)
    across = np.arange(width) - (width - 1) / 2
    starts = [np.rint(rows - slope * across[columns]).astype(int) + room for slope in SLOPES]
    counts = np.stack([np.bincount(start, minlength=height + 2 * room) for start in starts])
    removed = 0
    while counts.max() >= LONG * width:
        row = int(counts.max(axis=0).argmax())
        best = np.flatnonzero(counts[:, row] >= 0.99 * counts[:, row].max())
        slope = int(best[len(best) // 2])
        outside = np.flatnonzero(counts[slope] < SOLID * counts[slope, row])
        after = int(np.searchsorted(outside, row))
        top = int(outside[after - 1]) + 1 if after else 0
        bottom = int(outside[after]) if after < len(outside) else counts.shape[1]
        counts[:, max(top - 1, 0) : bottom + 1] = 0
        line = (top + bottom - 1) / 2 - room + SLOPES[slope] * across
        level = near[np.clip(np.rint(line).astype(int), 0, height - 1), np.arange(width)]
        if bottom - top - 2 <= widest and _reaches_borders(level):
            ink = _remove_line(ink, line, bottom - top - 2, float(np.median(level)))
            removed += 1
    return ink, removed


def _reaches_borders(level: Array) -> bool:
    """Return whether a line is inked at both ends, given the ink level along it."""
    end = -(-len(level) // 30)
    return bool(min((level[:end] > FAINT).mean(), (level[-end:] > FAINT).mean()) > 0.5)


def _remove_line(ink: Grey, line: Array, thickness: int, level: float) -> Grey:
    """Remove a line, the row in each column; keep strokes that cross it or are darker.

    An opening, a min and then a max filter down the columns, shows what crosses it.
    """
    margin = thickness // 2 + 1
    band = np.abs(np.arange(len(ink))[:, np.newaxis] - line) <= margin
    crossing = dilate(1 - dilate(1 - ink, margin, axes=(0,)), margin, axes=(0,))
    darker = np.where(ink > level + DARKER, ink, 0)
    return np.where(band, np.maximum(crossing, darker), ink)


def remove_frames(ink: Grey) -> Grey:
    """Remove frames and circles that are closed around ink, and the lines through a frame."""
    inked = ink > EDGE
    numbers = label(inked)
    for number, box in enumerate(boxes(numbers), 1):
        if min(box.width, box.height) >= LARGE * max(ink.shape):
            ink = _remove_frame(ink, box, numbers[box.part] == number)
    return ink


def _remove_frame(ink: Grey, box: Box, piece: Mask) -> Grey:
    """Remove the outermost stroke of a piece if it is closed around ink."""
    outside = _peel(piece)
    numbers = label((ink[box.part] > EDGE) & ~outside)
    areas = np.bincount(numbers.ravel())[1:]
    if not any(
        inner.height >= ENCLOSED * box.height and area >= MIN_INSIDE * np.count_nonzero(piece)
        for inner, area in zip(boxes(numbers), areas, strict=True)
    ):
        return ink
    ink = ink.copy()
    ink[box.part][_grow(piece) & outside] = 0
    return ink


def _peel(piece: Mask) -> Mask:
    """Return what is outside of a piece, and its outermost stroke.

    Layers are peeled from the outside for as long as a good part of a layer is ink, and half as
    many again. What is left of a digit then is nothing, or the crossing of an 8; of a frame, what
    it is drawn around.
    """
    padded = np.pad(piece, 2)
    numbers = label(~_grow(padded))
    outside = _grow(numbers == numbers[0, 0])
    layers, inked = 0, 1.0
    while inked >= PEEL:
        layer = _grow(outside) & ~outside
        outside |= layer
        layers += 1
        inked = float(padded[layer].mean()) if layer.any() else 0
    return _grow(outside, -(-layers // 2))[2:-2, 2:-2]


def _grow(mask: Mask, margin: int = 1) -> Mask:
    return dilate(mask.astype(np.float32), margin) > 0
