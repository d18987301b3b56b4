"""Paper: ruled lines, frames, circles and a sheet's edge are not taken for ink."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.reading.framing import frame
from mnist_mlp.reading.ink import EDGE
from mnist_mlp.reading.paper import remove_frames, remove_rules
from tests.scenes import drawn, grey, jpeg
from tests.test_framing import far, seen

pytestmark = pytest.mark.slow

INK, LINE = (30, 30, 60), (150, 180, 220)
DIGITS = range(10)


def sheet(digit: int | None, pen: float = 0.12, lines: str = "", slope: float = 0) -> Image.Image:
    """Draw a digit, 200 pixels high, on paper of 400×400 pixels, with lines along x, y or both."""
    paper = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(paper)
    rise = 200 * slope
    for at in range(-25, 450, 50):
        if "x" in lines:
            draw.line([(0, at - rise), (400, at + rise)], LINE, 2)
        if "y" in lines:
            draw.line([(at + rise, 0), (at - rise, 400)], LINE, 2)
    if digit is not None:
        paper.paste(INK, (0, 0), grey(drawn(digit, pen)))
    return paper


def framed(paper: Image.Image, shape: str, margin: int = 60) -> Image.Image:
    draw = ImageDraw.Draw(paper)
    box = (margin, margin, 400 - margin, 400 - margin)
    if shape == "circle":
        draw.ellipse(box, outline=INK, width=5)
    else:
        draw.rectangle(box, outline=INK, width=5)
    return paper


def inked(picture: Image.Image) -> Array:
    return 1 - np.asarray(picture.convert("L"), np.float32) / 255


@pytest.mark.parametrize("directions", ["x", "xy"])
@pytest.mark.parametrize("slope", [0, 0.03])
def test_a_digit_on_ruled_or_squared_paper_looks_as_on_blank_paper(
    directions: str, slope: float
) -> None:
    for digit in DIGITS:
        lined = sheet(digit, lines=directions, slope=slope)
        assert far(seen(lined), seen(sheet(digit))) < 0.15, digit


@pytest.mark.parametrize("shape", ["circle", "rectangle"])
def test_a_frame_or_circle_around_a_digit_is_ignored(shape: str) -> None:
    for digit in DIGITS:
        assert far(seen(framed(sheet(digit), shape)), seen(sheet(digit))) < 0.1, digit


def test_lines_in_a_photo_are_ignored() -> None:
    def photo(picture: Image.Image) -> Image.Image:
        turned = picture.rotate(2, Image.Resampling.BICUBIC).crop((20, 20, 380, 380))
        return jpeg(turned, 60)

    for digit in DIGITS:
        assert far(seen(photo(sheet(digit, lines="x"))), seen(photo(sheet(digit)))) < 0.3, digit


@pytest.mark.parametrize("pen", [0.02, 0.07, 0.24])
def test_no_stroke_of_a_digit_is_taken_for_a_line_or_a_frame(pen: float) -> None:
    for digit in DIGITS:
        ink = inked(sheet(digit, pen))
        np.testing.assert_array_equal(remove_frames(remove_rules(ink)), ink)


def test_a_single_line_from_border_to_border_may_be_a_one() -> None:
    one = np.zeros((300, 100), np.float32)
    one[:, 48:52] = 1
    np.testing.assert_array_equal(remove_rules(one), one)


def test_what_crosses_a_line_is_kept_and_the_line_is_not() -> None:
    paper: NDArray[np.float32] = np.zeros((200, 200), np.float32)
    paper[20:180, 90:110] = 1
    with_line = paper.copy()
    with_line[99:101] = 1
    np.testing.assert_array_equal(remove_rules(with_line) > EDGE, paper > EDGE)


@pytest.mark.parametrize("kind", ["x", "xy"])
def test_paper_without_a_digit_is_refused(kind: str) -> None:
    paper = sheet(None, lines=kind)
    with pytest.raises(InputError, match="found only lines"):
        frame(paper)


def test_the_corner_of_a_dark_table_is_ignored() -> None:
    for digit in DIGITS:
        clean = Image.new("RGB", (400, 400), "white")
        clean.paste(sheet(digit).resize((240, 240)), (150, 150))
        corner = clean.copy()
        ImageDraw.Draw(corner).polygon([(0, 0), (140, 0), (0, 380)], (60, 50, 40))
        assert far(seen(corner), seen(clean)) < 0.1, digit
