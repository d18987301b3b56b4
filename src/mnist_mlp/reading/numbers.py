"""Numbers: a network reads all digits in a picture, line by line.

Where digits touch, or the parts of one do not, the network decides: it is asked about the parts
and about the whole.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnist_mlp.data.dataset import SIDE
from mnist_mlp.data.straightening import straighten
from mnist_mlp.learning.likeness import Likeness
from mnist_mlp.learning.network import Network
from mnist_mlp.reading.answers import Answer, draw_row
from mnist_mlp.reading.framing import Sheet, frame_ink
from mnist_mlp.reading.ink import Grey, Mask
from mnist_mlp.reading.layout import TALL, WIDE, may_be_one
from mnist_mlp.reading.pieces import Box

SURE = 0.9  # largest output: both sides of a cut have more, and what is cut has less
WIDE_IN_LINE = 0.85  # width over height: what is wider, beside other digits, may be two
TOO_WIDE = 1.8  # width over height: hardly any digit is wider
SLANTS = (-0.4, -0.2, 0, 0.2, 0.4)  # of cuts: how far their top is to the right of their foot
NARROW = 0.2  # of the height: what is cut off is not narrower
CUTS = 3  # places that are tried for each slant
SHOWN = 1000  # pixels along the longer side of a picture with boxes
COLOUR, DOUBTFUL_COLOUR = "#1a56c4", "#c45a00"


class Digit(NamedTuple):
    """A digit that was found: its box in the picture, in pixels, and the network's answer."""

    box: Box
    answer: Answer


class Reading(NamedTuple):
    """What a network reads in a picture.

    lines     the digits, from top to bottom and from left to right
    left_out  words for ink that is no digit
    """

    lines: list[list[Digit]]
    left_out: list[str]

    @property
    def digits(self) -> list[Digit]:
        """All digits, line by line."""
        return [digit for line in self.lines for digit in line]

    @property
    def number(self) -> str:
        """The digits as text, with a line break between lines; ? does not look like a digit."""
        return "\n".join("".join(str(digit.answer) for digit in line) for line in self.lines)

    @property
    def unsure(self) -> bool:
        """Whether any of the answers is unsure."""
        return any(digit.answer.unsure for digit in self.digits)

    @property
    def refused(self) -> bool:
        """Whether any of them does not look like a digit."""
        return any(digit.answer.refused for digit in self.digits)

    def data(self, layers: bool) -> dict[str, Any]:
        """Return the reading as data for JSON; with `layers`, every layer's activations too.

        A picture of one digit has the data of its answer beside the list of digits.
        """
        digits = [
            {"line": i, "box": list(digit.box), **digit.answer.data(layers)}
            for i, line in enumerate(self.lines)
            for digit in line
        ]
        one = self.digits[0].answer.data(layers) if len(digits) == 1 else {}
        return {**one, "number": self.number, "left_out": self.left_out, "digits": digits}

    def text(self, layers: bool, unicode: bool) -> str:
        """Return the reading as text: of one digit its answer, of several the number first."""
        if len(self.digits) == 1:
            shown = [self.digits[0].answer.text(layers, unicode)]
        else:
            shown = ["\n" * (len(self.lines) > 1) + self.number, ""]
            for box, answer in self.digits:
                place = f"at {box.left}, {box.top}, {box.width} wide, {box.height} high"
                shown += [f"  {answer.verdict}, {place}"]
                shown += ["", answer.text(layers, unicode), ""] if layers else []
        return "\n".join(shown + [f"left out: {', '.join(self.left_out)}"] * bool(self.left_out))


def read_sheet(
    network: Network, sheet: Sheet, likeness: Likeness | None = None, straightened: bool = False
) -> Reading:
    """Read the digits that `look` found. Without a likeness, nothing is refused as no digit.

    `straightened` is for a network that learned such digits. Raises InputError if the network gives
    NaN or infinity.
    """
    reader = _Reader(network, sheet.ink, likeness, straightened)
    lines = []
    for line in sheet.layout.lines:
        parts = reader.join([reader.part(sheet.layout.mask(glyph)) for glyph in line])
        widest = WIDE if len(parts) == 1 else WIDE_IN_LINE
        found = [one for part in parts for one in reader.split(part, widest)]
        lines.append([Digit(sheet.in_picture(part.box), part.answer) for part in found])
    return Reading(lines, sheet.layout.left_out)


class _Part(NamedTuple):
    """Ink that may be a digit, the box around it, and how it is read."""

    mask: Mask
    box: Box
    answer: Answer

    @property
    def width(self) -> float:
        """The width over the height."""
        return self.box.width / self.box.height

    @property
    def confidence(self) -> float:
        """The largest output, or 0 if hardly any digit is as wide."""
        return 0 if self.width > TOO_WIDE else float(self.answer.outputs.max())


class _Reader:
    def __init__(
        self, network: Network, ink: Grey, likeness: Likeness | None, straightened: bool
    ) -> None:
        self.network = network
        self.ink = ink
        self.likeness = likeness
        self.straightened = straightened

    def part(self, mask: Mask) -> _Part:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        image = frame_ink(self.ink, mask)
        if self.straightened:
            pixels = np.rint(255 * image).astype(np.uint8).reshape(SIDE, SIDE)
            image = np.divide(straighten(pixels).ravel(), 255, dtype=np.float32)
        return _Part(mask, box, Answer(self.network, image, self.likeness))

    def join(self, parts: list[_Part]) -> list[_Part]:
        """Join what may be one digit, unless both parts are sure, and surer than the whole."""
        joined = parts[:1]
        for part in parts[1:]:
            last = joined[-1]
            if may_be_one(last.box, part.box):
                whole = self.part(last.mask | part.mask)
                if min(last.confidence, part.confidence) < max(whole.confidence, SURE):
                    joined[-1] = whole
                    continue
            joined.append(part)
        return joined

    def split(self, part: _Part, widest: float) -> list[_Part]:
        """Cut a part that is wider than `widest` if both sides are sure and it is not.

        If they are only surer, it is called unsure. A side that has to be cut again is not asked.
        """
        if part.width <= widest:
            return [part]
        best, sides = part.confidence, [part]
        for masks in _cuts(part):
            cut = [self.part(mask) for mask in masks]
            surer = min((side.confidence for side in cut if side.width <= WIDE), default=0)
            if surer > best:
                best, sides = surer, cut
        if best < SURE or part.confidence >= SURE:
            part.answer.unsure |= len(sides) > 1 or part.width > TOO_WIDE
            return [part]
        return [found for side in sides for found in self.split(side, widest)]


def _cuts(part: _Part) -> Iterator[tuple[Mask, Mask]]:
    """Cut a part in two, upright and slanted, where the least ink is crossed."""
    rows, columns = np.nonzero(part.mask)
    least = max(1, round(NARROW * part.box.height))
    for slant in SLANTS:
        along = columns + slant * (rows - rows.mean())
        along = (along - along.min()).astype(int)
        crossed = np.bincount(along)[least:-least].astype(float)
        for _ in range(min(CUTS, len(crossed))):
            place = int(crossed.argmin())
            crossed[max(place - least // 2, 0) : place + least // 2 + 1] = np.inf
            sides = np.zeros((2, *part.mask.shape), bool)
            sides[(along > place + least).astype(int), rows, columns] = True
            if min(map(_height, sides)) >= TALL * part.box.height:
                yield sides[0], sides[1]


def _height(mask: Mask) -> int:
    return int(np.ptp(np.flatnonzero(mask.any(axis=1)))) + 1


def draw_readings(seen: Sequence[tuple[Image.Image, Reading]]) -> Image.Image:
    """Draw what the network saw: of single digits their images, of numbers boxes over the picture.

    `seen` has RGB pictures and what was read in them.
    """
    single = [reading.digits[0] for _, reading in seen if len(reading.digits) == 1]
    tiles = [draw_boxes(picture, reading) for picture, reading in seen if len(reading.digits) > 1]
    if single:
        tiles.append(draw_row([digit.answer.layers[0] for digit in single]))
    if len(tiles) == 1:
        return tiles[0]
    width, height = max(tile.width for tile in tiles), sum(tile.height for tile in tiles)
    sheet = Image.new("RGB", (width, height))
    top = 0
    for tile in tiles:
        sheet.paste(tile, (0, top))
        top += tile.height
    return sheet


def draw_boxes(picture: Image.Image, reading: Reading) -> Image.Image:
    """Draw the box of each digit and its answer over an RGB picture; orange if it is doubtful."""
    scale = min(1, SHOWN / max(picture.size))
    width, height = (max(1, round(scale * side)) for side in picture.size)
    drawn = picture.resize((width, height))
    draw = ImageDraw.Draw(drawn)
    for box, answer in reading.digits:
        colour = DOUBTFUL_COLOUR if answer.unsure or answer.refused else COLOUR
        draw.rectangle([scale * side for side in box], outline=colour, width=2)
        size = max(12, scale * box.height / 3)
        place = scale * box.left, max(scale * box.top - 1.3 * size, 0)
        font = ImageFont.load_default(size)
        draw.text(place, str(answer), colour, font, stroke_width=2, stroke_fill="white")
    return drawn
