"""Layout: pieces of ink become digits, and digits become lines, read from left to right."""

from functools import reduce
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.errors import InputError
from mnist_mlp.reading.ink import Mask
from mnist_mlp.reading.pieces import Box, Numbers, boxes, label

MIN_SIDE = 8  # pixels along the longer side of a digit
SPECK = 0.05  # of the largest piece's area: smaller pieces are dirt
FREE = 0.2  # of the largest piece's area: a piece clear of the border that may be a digit
ALONG = 0.3  # of the picture's longer side: what touches more of the border is a sheet's edge
MIN_SHARE = 0.1  # of the picture's longer side: a piece as tall may be a digit beside such an edge
MAX_PIECES = 8  # of one digit; more are a text, a texture or noise
MAX_DIGITS = 100
SHARED = 0.5  # of the smaller width or height: two that share so much are in one column or line
TALL = 0.5  # of the tallest digit's height: what is lower is a sign, or a part of a digit
EQUAL = 0.7  # of the taller one's height: two such are both digits
NEAR = 0.25  # of the taller one's height: the gap in a digit whose strokes do not touch
CLOSE = 0.15  # of the height: the gap in a digit whose parts are both tall
UNEVEN = 0.75  # of the height that both have: two digits in a line are taller
WIDE = 1.2  # width over height: 4 % of MNIST's digits are wider
DOT = 0.35  # of a digit's height: a dot or a comma is not larger
MARK = 0.06  # of a digit's height: a dot is not smaller
FLAT = 1.5  # width over height of a minus sign


class Glyph(NamedTuple):
    """What may be a digit: a box in the ink, and the numbers of the pieces that belong to it."""

    box: Box
    pieces: tuple[int, ...]

    def joined(self, other: "Glyph") -> "Glyph":
        """Return both as one."""
        return Glyph(self.box | other.box, self.pieces + other.pieces)


class Layout(NamedTuple):
    """The pieces of ink, lines of digits, and words for what was left out."""

    numbers: Numbers
    lines: list[list[Glyph]]
    left_out: list[str]

    @property
    def box(self) -> Box:
        """The box around all digits."""
        return reduce(Box.__or__, (glyph.box for line in self.lines for glyph in line))

    def mask(self, *glyphs: Glyph) -> Mask:
        """Return which pixels belong to these."""
        return np.isin(self.numbers, [piece for glyph in glyphs for piece in glyph.pieces])


def find_digits(inked: Mask) -> Layout:
    """Find digits: lines from top to bottom, each from left to right.

    Raises InputError if there are none.
    """
    numbers = label(inked)
    if not numbers.any():
        raise InputError("expected a digit, found only lines")
    places = boxes(numbers)
    kept = _drop_dirt(numbers, places)
    if len(kept) > MAX_DIGITS:
        raise InputError(f"expected digits, found {len(kept)} separate pieces of ink")
    glyphs = _join([Glyph(places[i], (i + 1,)) for i in kept])
    tallest = max(glyph.box.height for glyph in glyphs)
    tall = [glyph for glyph in glyphs if glyph.box.height >= TALL * tallest]
    signs = [glyph for glyph in glyphs if glyph.box.height < TALL * tallest]
    if len(tall) == 1:
        tall, signs = _one(tall[0], signs)
    if max(len(signs), *(len(glyph.pieces) for glyph in tall)) > MAX_PIECES:
        raise InputError(f"expected a digit, found {len(kept)} separate pieces of ink")
    side = max(max(glyph.box.height, glyph.box.width) for glyph in tall)
    if side < MIN_SIDE:
        raise InputError(f"expected a digit of at least {MIN_SIDE} pixels, found {side}")
    lines = _lines(tall)
    marks = [box for i, box in enumerate(places) if i not in kept and _is_mark(box, lines)]
    left_out = [_word(box) for box in [glyph.box for glyph in signs] + marks]
    return Layout(numbers, lines, left_out)


def _is_mark(box: Box, lines: list[list[Glyph]]) -> bool:
    """Return whether a speck is where a dot or a comma of a number would be."""
    for line in lines:
        before = [glyph.box for glyph in line if glyph.box.right <= box.left]
        if len(line) > 1 and before:
            digit = before[-1]
            size = DOT * digit.height
            if (
                max(box.width, box.height) >= MARK * digit.height
                and abs(box.bottom - digit.bottom) < size
                and box.left - digit.right < size
            ):
                return True
    return False


def _drop_dirt(numbers: Numbers, places: list[Box]) -> list[int]:
    """Return the indices of the pieces that are neither specks nor cut by the picture's border.

    If a piece of some size is clear of the border, those that touch it are the edge of a sheet or
    of a shadow.
    """
    areas = np.bincount(numbers.ravel())[1:]
    border = np.concatenate([numbers[0], numbers[-1], numbers[1:-1, 0], numbers[1:-1, -1]])
    contact = np.bincount(border, minlength=len(areas) + 1)[1:]
    side = max(numbers.shape)
    digits = np.array([box.height >= MIN_SHARE * side for box in places]) & (contact == 0)
    rivals = areas[contact < ALONG * side] if digits.any() else areas
    free = np.where(contact, 0, areas)
    if free.max() >= FREE * rivals.max(initial=1):
        areas = free
    kept: list[int] = np.flatnonzero(areas >= SPECK * areas.max()).tolist()
    return kept


def _join(glyphs: list[Glyph]) -> list[Glyph]:
    """Join those that are parts of one digit, the nearest first."""
    while True:
        pairs = [
            (_distance(one.box, other.box), one, other)
            for one, other in combinations(glyphs, 2)
            if _is_one_digit(one.box, other.box)
        ]
        if not pairs:
            return glyphs
        _, one, other = min(pairs, key=lambda pair: pair[0])
        glyphs = [glyph for glyph in glyphs if glyph not in (one, other)]
        glyphs.append(one.joined(other))


def _is_one_digit(one: Box, other: Box) -> bool:
    """Return whether two boxes hold parts of one digit: one above the other, or one a fragment."""
    low, high = sorted((one, other), key=lambda box: box.height)
    flat = one.width > one.height and other.width > other.height  # two halves, not two digits
    near = _distance(one, other) <= NEAR * ((one | other).height if flat else high.height)
    side_by_side = _shared_height(one, other) >= SHARED
    if low.height >= EQUAL * high.height:
        return near and not side_by_side and _shared_width(one, other) >= SHARED
    if _shared_width(one, other) >= SHARED:
        return near
    is_dot = (
        max(low.width, low.height) < DOT * high.height and low.top > high.bottom - DOT * high.height
    )
    return near and low.height < TALL * high.height and not is_dot


def may_be_one(one: Box, other: Box) -> bool:
    """Return whether two boxes side by side may hold the parts of one digit, as of an open 4."""
    both = one | other
    return (
        _distance(one, other) <= CLOSE * both.height
        and min(one.height, other.height) <= UNEVEN * both.height
        and both.width <= WIDE * both.height
    )


def _one(digit: Glyph, others: list[Glyph]) -> tuple[list[Glyph], list[Glyph]]:
    """Join to a single digit what is not beside it."""
    signs = []
    for other in others:
        if _shared_width(digit.box, other.box) > 0:
            digit = digit.joined(other)
        else:
            signs.append(other)
    return [digit], signs


def _lines(glyphs: list[Glyph]) -> list[list[Glyph]]:
    """Put each digit into the line whose last digit is beside it."""
    lines: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: glyph.box.left):
        beside = [line for line in lines if _shared_height(line[-1].box, glyph.box) >= SHARED]
        if beside:
            max(beside, key=lambda line: line[-1].box.right).append(glyph)
        else:
            lines.append([glyph])
    return sorted(lines, key=lambda line: sum(g.box.top + g.box.bottom for g in line) / len(line))


def _word(box: Box) -> str:
    return "a minus sign" if box.width >= FLAT * box.height else "a dot or a comma"


def _shared_width(one: Box, other: Box) -> float:
    """Return how much of the narrower box's width is above or below the other; negative: a gap."""
    shared = min(one.right, other.right) - max(one.left, other.left)
    return shared / min(one.width, other.width)


def _shared_height(one: Box, other: Box) -> float:
    """Return how much of the lower box's height is beside the other; negative: a gap."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared / min(one.height, other.height)


def _distance(one: Box, other: Box) -> int:
    """Return the gap between two boxes in pixels, 0 if they overlap."""
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    return max(across, down, 0)
