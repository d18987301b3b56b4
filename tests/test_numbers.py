"""Numbers: several digits in a picture are found, read in order, cut apart and joined."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_mlp.base.errors import InputError
from mnist_mlp.learning.likeness import load_likeness
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network
from mnist_mlp.reading.framing import Sheet, frame, frame_ink, look
from mnist_mlp.reading.layout import Layout
from mnist_mlp.reading.numbers import Reading, draw_boxes, read_sheet
from tests.scenes import drawn, grey
from tests.test_cli import mnist_mlp
from tests.test_framing import far

Page = NDArray[np.float64]
HIGH = 80  # pixels: the height of a drawn digit


def digit(value: int, size: int = HIGH, pen: float = 0.12) -> Page:
    """Draw a digit without paper around it."""
    ink = drawn(value, pen, size=size)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def written(*lines: str, gap: int = 30, apart: int = 60) -> tuple[Image.Image, list[Page]]:
    """Write lines of digits on dark paper; return the picture, and the digits alone."""
    digits = [[digit(int(value)) for value in line] for line in lines]
    width = max(sum(one.shape[1] + gap for one in line) for line in digits) + 100
    page = np.zeros((100 + len(lines) * (HIGH + apart), width))
    for i, line in enumerate(digits):
        left, top = 50, 50 + i * (HIGH + apart)
        for one in line:
            part = page[top : top + one.shape[0], left : left + one.shape[1]]
            part[:] = np.maximum(part, one)
            left += one.shape[1] + gap
    return grey(page).convert("RGB"), [one for line in digits for one in line]


def counts(picture: Image.Image) -> list[int]:
    return [len(line) for line in look(picture).layout.lines]


def images(sheet: Sheet) -> list[NDArray[np.float32]]:
    layout: Layout = sheet.layout
    return [frame_ink(sheet.ink, layout.mask(one)) for line in layout.lines for one in line]


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


@pytest.mark.parametrize("lines", [("2026",), ("10", "345"), ("7", "1", "4"), ("36498", "20")])
def test_each_digit_of_a_number_looks_as_if_it_were_alone(lines: tuple[str, ...]) -> None:
    picture, digits = written(*lines)
    sheet = look(picture)
    assert [len(line) for line in sheet.layout.lines] == [len(line) for line in lines]
    for found, one in zip(images(sheet), digits, strict=True):
        assert far(found, frame(grey(np.pad(one, 40)).convert("RGB"))) < 0.2


def test_boxes_lie_around_the_digits_in_the_picture(network: Network) -> None:
    picture, digits = written("4705")
    left = 50
    for found, one in zip(read_sheet(network, look(picture)).digits, digits, strict=True):
        true = (left, 50, left + one.shape[1], 50 + one.shape[0])
        np.testing.assert_allclose(found.box, true, atol=2)
        left += one.shape[1] + 30


def test_small_digits_in_a_large_picture_are_looked_at_closely(network: Network) -> None:
    picture, _ = written("38")
    large = Image.new("RGB", (2000, 1600))
    large.paste(picture, (700, 900))
    sheet = look(large)
    assert sheet.scale < 1.1
    box = sheet.in_picture(sheet.layout.box)
    np.testing.assert_allclose((box.left, box.top), (750, 950), atol=3)


def test_numbers_may_lean_and_rise() -> None:
    picture, _ = written("123456")
    assert counts(picture.rotate(8, Image.Resampling.BICUBIC, expand=True)) == [6]


def test_a_digit_whose_strokes_do_not_touch_stays_one() -> None:
    five = drawn(5, size=200)
    five[108:120, 120:] = 0  # its top bar is cut off
    five[100:130, 165:175] = 0
    assert counts(grey(five).convert("RGB")) == [1]


@pytest.mark.parametrize(
    ("place", "word"),
    [((78, 86, 8, 16), "a dot or a comma"), ((40, 48, 0, 40), "a minus sign")],
)
def test_signs_are_left_out_with_a_word(place: tuple[int, ...], word: str) -> None:
    one = digit(3)
    page = np.zeros((200, 400))
    page[50 : 50 + len(one), 150 : 150 + one.shape[1]] = one
    page[50 : 50 + len(one), 250 : 250 + one.shape[1]] = one
    top, bottom, left, right = place
    start = 215 if "dot" in word else 60
    page[50 + top : 50 + bottom, start + left : start + right] = 1
    layout = look(grey(page).convert("RGB")).layout
    assert [len(line) for line in layout.lines] == [2]
    assert layout.left_out == [word]


def test_one_digit_is_expected_where_a_single_image_is_asked_for() -> None:
    with pytest.raises(InputError, match="expected one digit, found 3"):
        frame(written("305")[0])


def test_a_row_of_digits_that_touch_is_never_a_sure_digit(network: Network) -> None:
    for number in ("3636", "8383", "9696", "2020"):
        picture, _ = written(number, gap=-3)
        reading = read_sheet(network, look(picture))
        assert len(reading.digits) > 1 or reading.unsure


def test_the_command_prints_the_number_first_and_has_a_digit_for_each_box(
    finished: Path, tmp_path: Path, network: Network
) -> None:
    picture, _ = written("47", "105")
    picture.save(tmp_path / "number.png")
    likeness = load_likeness(finished / "data/model.likeness.npz", network)
    reading: Reading = read_sheet(network, look(picture), likeness)
    result = mnist_mlp(finished, "predict", tmp_path / "number.png")
    assert result.stdout.split()[1:3] == reading.number.split()
    found = json.loads(mnist_mlp(finished, "predict", "--json", tmp_path / "number.png").stdout)
    assert "digit" not in found
    assert found["number"] == reading.number
    assert [entry["line"] for entry in found["digits"]] == [0, 0, 1, 1, 1]
    assert [tuple(entry["box"]) for entry in found["digits"]] == [d.box for d in reading.digits]
    assert [entry["guess"] for entry in found["digits"]] == [d.answer.digit for d in reading.digits]


def test_boxes_are_drawn_over_the_picture(network: Network) -> None:
    picture, _ = written("47")
    reading = read_sheet(network, look(picture))
    changed = np.asarray(draw_boxes(picture, reading)) != np.asarray(picture)
    for box, _ in reading.digits:
        assert changed.any(axis=2)[box.top : box.bottom, box.left].all()
