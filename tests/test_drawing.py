"""Drawn digits: strokes are framed like MNIST's digits, and what is no digit is recognised."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from selenium.webdriver import Chrome

from mnist_mlp.data.straightening import straighten
from mnist_mlp.learning.model import load_network
from mnist_mlp.reading.framing import frame
from tests.browser import Listener, find, open_browser, quick_mouse, run, text, visit
from tests.conftest import ROOT
from tests.hand import APART, HAND, WAYS, Stroke, drawings, scaled, slanted, strokes_of
from tests.scenes import drawn, grey

pytestmark = pytest.mark.slow

MODULES = ("framing.js", "straightening.js", "strange.js", "ones.js")
MNIST_INK = 0.1307 * 784  # the mean over the training digits
PEN = 2.6  # pixels


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    with open_browser(Listener()) as chrome:
        yield chrome


def numbers(chrome: Chrome, function: str, inputs: list[Any]) -> NDArray[np.float32]:
    """Call a function that returns a Float32Array for each input; return (n, 784)."""
    script = f"""
        const floats = arguments[0].map({function}).map((array) => [...array]).flat();
        const bytes = new Uint8Array(new Float32Array(floats).buffer);
        let letters = "";
        for (const byte of bytes) letters += String.fromCharCode(byte);
        return btoa(letters);
    """
    found = base64.b64decode(run(chrome, MODULES, script, inputs))
    return np.frombuffer(found, np.float32).reshape(len(inputs), 784)


def frames(chrome: Chrome, drawn: list[list[Stroke]]) -> NDArray[np.float32]:
    return numbers(chrome, "(strokes) => frameStrokes(strokes)", as_lists(drawn))


def as_lists(drawn: list[list[Stroke]]) -> list[list[Any]]:
    return [[stroke.tolist() for stroke in strokes] for strokes in drawn]


def looks_like(chrome: Chrome, drawn: list[list[Stroke]]) -> list[str | None]:
    script = "return arguments[0].map((strokes) => thatLooksLike(strokes, frameStrokes(strokes)))"
    found: list[str | None] = run(chrome, MODULES, script, as_lists(drawn))
    return found


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points)


def usual(name: str) -> bool:
    return not any(word in name for word in APART)


def in_a_row(names: list[str], gap: float, slope: float) -> list[Stroke]:
    """Write digits side by side, as shares of their height apart."""
    end, strokes = 0.0, []
    for name in names:
        digit = strokes_of(HAND[name])
        points = np.concatenate(digit)
        strokes += [np.add(stroke, (end - points[:, 0].min(), 0)) for stroke in digit]
        end += np.ptp(points[:, 0]) + gap
    return scaled(slanted(strokes, slope), 0.8)


def test_neither_size_nor_place_of_a_drawing_matters(chrome: Chrome) -> None:
    expected = frames(chrome, list(drawings("normal").values()))
    for height, x, y in ((0.1, 0.1, 0.9), (0.27, 0.7, 0.3), (0.95, 0.5, 0.5), (2, -1, 3)):
        moved = [scaled(strokes, height, x, y) for strokes in drawings("normal").values()]
        np.testing.assert_allclose(frames(chrome, moved), expected, rtol=0, atol=1e-4)


def test_drawn_digits_have_the_size_place_and_ink_of_mnists(chrome: Chrome) -> None:
    images = frames(chrome, [d for name, d in drawings("normal").items() if usual(name)])
    pictures = images.reshape(-1, 28, 28)
    assert images.sum(axis=1).mean() == pytest.approx(MNIST_INK, rel=0.1)
    assert images.min() == 0
    assert images.max() == 1
    for axis in (1, 2):
        centres = pictures.sum(axis=3 - axis) @ np.arange(28) / images.sum(axis=1)
        np.testing.assert_allclose(centres, 14, atol=0.25)
    sides = [(pictures.max(axis=axis) > 0.5).sum(axis=1) for axis in (1, 2)]
    assert set(np.maximum(*sides).tolist()) <= {19, 20, 21}


@pytest.mark.parametrize("length", [0.1, 0.5, 0.9])
def test_the_pen_has_one_width(length: float, chrome: Chrome) -> None:
    strokes = [line((0.3, 0.05), (0.3, 0.05 + length)), line((0.05, 0.3), (0.05 + length, 0.3))]
    upright, flat = frames(chrome, [[stroke] for stroke in strokes]).reshape(2, 28, 28)
    np.testing.assert_allclose(upright.sum(axis=1)[7:22], PEN, atol=0.2)
    np.testing.assert_allclose(flat, upright.T, atol=1e-4)
    assert upright.sum() == pytest.approx(PEN * (20 - PEN) + np.pi * PEN**2 / 4, rel=0.05)


def test_a_dot_stays_a_dot(chrome: Chrome) -> None:
    dots = [[line((0.2, 0.7))], [line((0.2, 0.7), (0.2, 0.7))], [line((0.2, 0.7), (0.203, 0.7))]]
    for picture in frames(chrome, dots).reshape(-1, 28, 28):
        assert picture.sum() == pytest.approx(np.pi * PEN**2 / 4, rel=0.6)
        rows, columns = np.nonzero(picture)
        assert max(np.ptp(rows), np.ptp(columns)) <= 5
        assert {int(np.median(rows)), int(np.median(columns))} == {14}


def test_an_empty_pad_is_blank(chrome: Chrome) -> None:
    assert not frames(chrome, [[]]).any()


# Python makes strokes of less than 1.6 or more than 4.5 pixels usual, which the page does not.
@pytest.mark.parametrize("pen", [0.16, 0.2])
@pytest.mark.parametrize("size", [20, 33, 60, 200])
def test_pictures_are_framed_as_in_python(size: int, pen: float, chrome: Chrome) -> None:
    sheets = [drawn(digit, pen, slant, size) for digit in range(10) for slant in (0, 0.2)]
    found = [
        numbers(chrome, "(image) => frame(image)", [sheet.ravel().tolist()])[0] for sheet in sheets
    ]
    expected = [frame(grey(sheet).convert("RGB")) for sheet in sheets]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1 / 255)


@pytest.mark.parametrize("slant", [-0.3, 0, 0.4])
def test_digits_are_straightened_as_in_python(slant: float, chrome: Chrome) -> None:
    images = [
        np.rint(255 * frame(grey(drawn(digit, pen, slant)).convert("RGB"))).astype(np.uint8)
        for digit in range(10)
        for pen in (0.08, 0.16)
    ]
    images.append(np.zeros(784, np.uint8))
    floats = [(image / 255).tolist() for image in images]
    found = numbers(chrome, "(image) => straighten(new Float32Array(image))", floats)
    expected = [straighten(image.reshape(28, 28)).ravel() for image in images]
    np.testing.assert_array_equal(np.rint(255 * found), expected)


def test_a_picture_in_mnists_frame_stays_as_it_is(chrome: Chrome) -> None:
    image = np.zeros((28, 28), np.float32)
    image[3:23, 10:19] = np.linspace(0.5, 1, 20)[:, np.newaxis]
    found = numbers(chrome, "(image) => frame(image)", [image.ravel().tolist()])
    np.testing.assert_allclose(found[0], image.ravel(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_no_digit_is_called_anything_else(way: str, chrome: Chrome) -> None:
    digits = drawings(way)
    found = looks_like(chrome, list(digits.values()))
    assert {name: what for name, what in zip(digits, found, strict=True) if what} == {}


def test_loaded_digits_are_called_nothing_else(chrome: Chrome) -> None:
    script = "return thatLooksLike([], new Float32Array(784).fill(1))"
    assert run(chrome, MODULES, script) is None


def test_a_dot_is_called_a_dot(chrome: Chrome) -> None:
    dots = [[line((0.5, 0.5))], [line((0.1, 0.9), (0.12, 0.88))], [line((1, 1)), line((1, 0.99))]]
    assert looks_like(chrome, dots) == ["a dot"] * 3


@pytest.mark.parametrize("degrees", [-20, -5, 0, 12, 20])
@pytest.mark.parametrize("length", [0.1, 0.3, 0.9])
def test_a_flat_line_is_called_a_line(degrees: float, length: float, chrome: Chrome) -> None:
    angle = np.radians(degrees)
    shares = np.linspace(0, length, 30)[:, np.newaxis]
    dash = 0.05 + shares * (np.cos(angle), np.sin(angle))
    shaky = dash + np.random.default_rng(0).normal(0, 0.0005, dash.shape)
    assert looks_like(chrome, [[dash], [shaky], [dash, dash + 0.2]]) == ["a line"] * 3


@pytest.mark.parametrize("degrees", [40, 60, 90, 120, 140])
def test_a_steep_line_may_be_a_one(degrees: float, chrome: Chrome) -> None:
    angle = np.radians(degrees)
    end = 0.5 + np.array([np.cos(angle), np.sin(angle)]) * 0.4
    assert looks_like(chrome, [[line((0.5, 0.5), (end[0], end[1]))]]) == [None]


@pytest.mark.parametrize("slope", [-0.2, 0, 0.2])
@pytest.mark.parametrize("n", [2, 3])
def test_several_digits_are_called_so(n: int, slope: float, chrome: Chrome) -> None:
    random = np.random.default_rng(n)
    rows = [in_a_row(random.choice([*HAND], n).tolist(), 0.25, slope) for _ in range(50)]
    assert set(looks_like(chrome, rows)) == {"several digits"}


def test_a_scribble_is_called_a_scribble(chrome: Chrome) -> None:
    x, y = np.tile([0.2, 0.8], 10), np.linspace(0.2, 0.8, 20)
    assert looks_like(chrome, [[np.stack([x, y], axis=1)]]) == ["a scribble"]


def test_the_flags_of_ones_have_the_lengths_that_they_say(chrome: Chrome) -> None:
    ones = run(chrome, MODULES, "return flaggedOnes()")
    assert len(ones) == 60
    for one in ones:
        (stroke,) = one["strokes"]
        tip, top, foot = np.array(stroke)
        assert np.hypot(*(tip - top)) == pytest.approx(one["flag"])
        assert foot[1] - top[1] == 1
        assert tip[0] < top[0]
        assert top[1] < tip[1] < foot[1]


@pytest.mark.parametrize("way", WAYS)
def test_drawn_digits_are_read_however_they_are_drawn(way: str, chrome: Chrome) -> None:
    if not (ROOT / "data/model.npz").exists():
        pytest.skip("there is no network trained on MNIST; run `make` first")
    digits = {name: strokes for name, strokes in drawings(way).items() if usual(name)}
    outputs = load_network(ROOT / "data/model.npz").forward(frames(chrome, [*digits.values()]))[-1]
    read = outputs.argmax(axis=1)
    right = [int(name[0]) == digit for name, digit in zip(digits, read, strict=True)]
    assert np.mean(right) >= 0.94


def test_the_page_reads_what_is_drawn_with_a_mouse_at_any_size(
    chrome: Chrome, finished: Path
) -> None:
    digits = [strokes_of(HAND[name]) for name in ("0", "2 looped", "4 open", "5 in two strokes")]
    network = load_network(finished / "data/model.npz")
    visit(chrome, finished / "metrics/report.html")
    with quick_mouse(chrome) as draw:
        answers = []
        for height in (0.2, 0.5, 0.9):
            for strokes in digits:
                find(chrome, "#clear").click()
                draw([stroke.tolist() for stroke in scaled(strokes, height, 0.49, 0.49)])
                answers.append(int(text(chrome, "#answer")))
    expected = network.forward(frames(chrome, digits))[-1].argmax(axis=1)
    np.testing.assert_array_equal(answers, np.tile(expected, 3))
