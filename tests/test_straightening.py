"""Straightening: digits come out upright, in the middle, equally wide and high; all stages know."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from mnist_mlp.data.dataset import SIDE, load_dataset, load_description
from mnist_mlp.data.straightening import HEIGHT, WIDTH, straighten
from mnist_mlp.learning.model import reads_straightened
from mnist_mlp.reading.framing import frame
from tests.conftest import CLI, done, start
from tests.scenes import drawn, grey

Pixels = NDArray[np.uint8]
STRAIGHTENED = ("dvc", "exp", "run", "-S", "straighten=true")


def image(digit: int, slant: float = 0, pen: float = 0.12) -> Pixels:
    """Draw a digit in MNIST's frame."""
    framed = frame(grey(drawn(digit, pen, slant)).convert("RGB"))
    return np.rint(255 * framed).astype(np.uint8).reshape(SIDE, SIDE)


def place(pixels: Pixels) -> NDArray[np.float64]:
    """Return the ink's mean column and row, and the covariance of columns and rows, in a row."""
    rows, columns = np.nonzero(pixels)
    ink = pixels[rows, columns]
    covariance = np.cov([columns, rows], aweights=ink, bias=True)
    means = np.average([columns + 0.5, rows + 0.5], axis=1, weights=ink)
    return np.concatenate([means, covariance[[0, 0, 1], [0, 1, 1]]])


def changed(pixels: Pixels, *back: float) -> Pixels:
    """Map each place to another one, as Pillow's affine transformation does."""
    picture = Image.fromarray(pixels)
    affine, bicubic = Image.Transform.AFFINE, Image.Resampling.BICUBIC
    return np.asarray(picture.transform((SIDE, SIDE), affine, back, bicubic))


@pytest.mark.parametrize("slant", [-0.4, 0, 0.4])
@pytest.mark.parametrize("digit", [0, 2, 3, 4, 5, 6, 8, 9])
def test_a_digit_is_upright_in_the_middle_and_as_wide_and_high_as_every_other(
    digit: int, slant: float
) -> None:
    x, y, across, both, down = place(straighten(image(digit, slant)))
    np.testing.assert_allclose((x, y), SIDE / 2, atol=0.3)
    assert abs(both) / down < 0.05
    np.testing.assert_allclose(np.sqrt((across, down)), (WIDTH, HEIGHT), rtol=0.07)


@pytest.mark.parametrize(
    "back", [(1, 0, 2, 0, 1, -1), (1, 0.3, -4.2, 0, 1, 0), (1.2, 0, -3, 0, 1, 0)]
)
@pytest.mark.parametrize("digit", [0, 2, 3, 5, 6, 8, 9])
def test_moving_leaning_and_stretching_a_digit_change_little(
    digit: int, back: tuple[float, ...]
) -> None:
    pixels = image(digit, pen=0.2)
    one, other = straighten(pixels) / 255, straighten(changed(pixels, *back)) / 255
    before = np.abs(pixels / 255 - changed(pixels, *back) / 255).mean()
    assert np.abs(one - other).mean() < before / 2


def test_a_narrow_one_is_not_made_a_blot() -> None:
    bar = np.zeros((SIDE, SIDE), np.uint8)
    bar[4:24, 13:15] = 255
    assert 3.5 <= (straighten(bar) > 127).sum(axis=1).max() <= 4


@given(arrays(np.uint8, (SIDE, SIDE), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 1, 200, 255])))
def test_every_image_stays_an_image(pixels: Pixels) -> None:
    straightened = straighten(pixels)
    assert straightened.dtype == np.uint8
    assert straightened.shape == pixels.shape
    assert straightened.any() or pixels.sum() < 1000  # faint ink may round to nothing


def test_blank_paper_stays_blank() -> None:
    assert not straighten(np.zeros((SIDE, SIDE), np.uint8)).any()


@pytest.mark.slow
def test_an_experiment_learns_and_reads_straightened_digits(clone: Path) -> None:
    before = load_dataset(clone / "data/prepared", "test").images.copy()
    plain = clone / "plain.npz"
    plain.write_bytes((clone / "data/model.npz").read_bytes())
    done(clone, *STRAIGHTENED)
    pixels = np.rint(255 * before).astype(np.uint8).reshape(-1, SIDE, SIDE)
    expected = [straighten(one).ravel() / 255 for one in pixels]
    found = load_dataset(clone / "data/prepared", "test").images
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert load_description(clone / "data/prepared") == ("sample", True)
    assert reads_straightened(clone / "data/model.npz")
    assert not reads_straightened(plain)
    grey(drawn(3, 0.12, 0.4)).save(clone / "digit.png")
    seen = straighten(image(3, 0.4)).ravel() / 255
    assert _sees(clone, "data/model.npz") == pytest.approx(seen, abs=1e-6)
    assert _sees(clone, "plain.npz") != pytest.approx(seen, abs=0.1)
    refused = start(clone, *CLI, "versus", "HEAD", "plain.npz")
    assert refused.stderr.startswith(
        "error: plain.npz: expected a network that learned straightened digits, as in data/prepared"
    )
    assert refused.returncode == 1


def _sees(clone: Path, model: str) -> list[float]:
    """Return what a network sees of digit.png."""
    command = (*CLI, "predict", "digit.png", "--json", "--layers", "--model", model)
    answer: dict[str, Any] = msgspec.json.decode(done(clone, *command))
    return list(answer["layers"][0])


@pytest.mark.slow
def test_straightening_reruns_preprocessing_and_what_follows(clone: Path) -> None:
    knobs = yaml.safe_load((clone / "params.yaml").read_text("utf-8"))
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs | {"straighten": True}), "utf-8")
    status = yaml.safe_load(done(clone, "dvc", "status", "--json"))
    assert {"preprocess", "train", "report"} <= set(status)
