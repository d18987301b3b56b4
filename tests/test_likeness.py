"""Likeness: which images look like a digit to a network, and what `predict` says of the others."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import Dataset, Split, hold_out, load_dataset, load_split
from mnist_mlp.learning.likeness import (
    DIRECTIONS,
    Likeness,
    likeness_file,
    load_likeness,
    measure_likeness,
    save_likeness,
    vectors_of,
)
from mnist_mlp.learning.model import load_network, save_arrays, save_network
from mnist_mlp.learning.network import Network
from mnist_mlp.reading.answers import Answer
from mnist_mlp.reading.framing import look
from mnist_mlp.reading.numbers import read_sheet
from tests.conftest import done
from tests.test_cli import mnist_mlp
from tests.test_numbers import written


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


@pytest.fixture(scope="module")
def digits(finished: Path) -> Dataset:
    return load_dataset(finished / "data/prepared", "training")


@pytest.fixture(scope="module")
def split(finished: Path, digits: Dataset) -> Split:
    return load_split(finished / "data/validation.npy", len(digits.images))


@pytest.fixture(scope="module")
def likeness(finished: Path, network: Network) -> Likeness:
    found = load_likeness(finished / "data/model.likeness.npz", network)
    assert found
    return found


def star() -> Image.Image:
    """Draw a star of four strokes."""
    picture = Image.new("RGB", (200, 200), "white")
    draw = ImageDraw.Draw(picture)
    for angle in np.arange(0.2, 3, math.pi / 4):
        x, y = 70 * math.cos(angle), 70 * math.sin(angle)
        draw.line([(100 - x, 100 - y), (100 + x, 100 + y)], "black", 12)
    return picture


def test_an_image_stands_for_two_vectors_of_length_1(network: Network, digits: Dataset) -> None:
    layers = network.forward(digits.images[:50])
    vectors = vectors_of(layers)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :196], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, 196:], axis=1), 1, rtol=1e-5)
    brighter = [layers[0] / 2, *layers[1:-2], 3 * layers[-2], layers[-1]]
    np.testing.assert_allclose(vectors_of(brighter), vectors, atol=1e-6)


def test_a_square_of_pixels_is_their_mean() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 2:4, 4:6] = [[0.2, 0.4], [0.6, 0.8]]
    image[0, 26, 27] = 1
    vector = vectors_of([image.reshape(1, 784), np.ones((1, 3), np.float32), image])[0]
    assert np.flatnonzero(vector[:196]).tolist() == [14 + 2, 195]
    assert vector[16] / vector[195] == pytest.approx(2)


def test_the_distance_is_what_no_digits_components_explain(
    network: Network, digits: Dataset, split: Split, likeness: Likeness
) -> None:
    known = vectors_of(network.forward(digits.images[split.training])).astype(float)
    images = digits.images[split.validation]
    vectors = vectors_of(network.forward(images)).astype(float)
    labels = digits.labels[split.training]
    left = []
    for digit in range(10):
        mean = known[labels == digit].mean(axis=0)
        _, _, components = np.linalg.svd(known[labels == digit] - mean, full_matrices=False)
        rest = np.linalg.lstsq(components[:DIRECTIONS].T, (vectors - mean).T)[0]
        left.append(np.sum((vectors - mean - rest.T @ components[:DIRECTIONS]) ** 2, axis=1))
    found = likeness.distances(network.forward(images))
    np.testing.assert_allclose(found, np.min(left, axis=0), atol=1e-4)


@pytest.mark.parametrize("refuse", [0, 0.01, 0.1, 0.5])
def test_at_most_the_wanted_fraction_of_validation_digits_is_refused(
    refuse: float, network: Network, digits: Dataset, split: Split
) -> None:
    found = measure_likeness(network, digits, split, refuse)
    refused = found.refuses(network, digits.images[split.validation]).mean()
    assert refuse - 2 / len(split.validation) < refused <= refuse


def test_an_answer_is_unsure_if_one_in_twenty_digits_is_as_far(
    network: Network, digits: Dataset, split: Split, likeness: Likeness
) -> None:
    images = digits.images[split.validation]
    answers = [Answer(network, image, likeness) for image in images]
    unusual = [answer.unusual for answer in answers]
    assert 0.05 - 2 / len(images) < np.mean(unusual) <= 0.05
    assert all(answer.data(layers=False)["unsure"] for answer in answers if answer.unusual)
    near = [answer.verdict for answer in answers if answer.unusual and not answer.refused]
    assert near
    assert all(verdict.startswith("unusual for a digit, perhaps ") for verdict in near)


def test_without_validation_digits_a_fifth_of_the_others_decide(
    network: Network, digits: Dataset
) -> None:
    n = len(digits.images)
    alone = measure_likeness(network, digits, hold_out(np.arange(0), n), 0.1)
    parted = measure_likeness(network, digits, hold_out(np.arange(int(0.8 * n), n), n), 0.1)
    assert alone.limit == parted.limit
    np.testing.assert_array_equal(alone.means, parted.means)


def test_most_unseen_digits_look_like_digits_and_noise_does_not(
    finished: Path, network: Network, likeness: Likeness
) -> None:
    test = load_dataset(finished / "data/prepared", "test")
    results = json.loads((finished / "metrics/accuracy.json").read_text("utf-8"))
    refused = likeness.refuses(network, test.images).mean()
    assert results["test_refused"] == pytest.approx(refused, abs=1e-6)
    assert refused < 0.1
    noise = np.random.default_rng(0).random((2500, 784), dtype=np.float32)
    assert likeness.refuses(network, noise).all()
    assert likeness.refuses(network, np.zeros((1, 784), np.float32)).all()


def test_few_examples_have_fewer_components(network: Network, digits: Dataset) -> None:
    few = Dataset(digits.images[:40], digits.targets[:40])
    found = measure_likeness(network, few, hold_out(np.arange(0), 40), 0.01)
    assert found.directions.shape[1] < DIRECTIONS
    one = Dataset(digits.images[:1], digits.targets[:1])
    found = measure_likeness(network, one, hold_out(np.arange(0), 1), 0.01)
    assert found.refuses(network, digits.images[1:2]).all()


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [[], [8], [40, 30]])
def test_networks_of_every_shape_have_a_likeness(
    hidden: list[int], digits: Dataset, split: Split, tmp_path: Path
) -> None:
    network = Network([784, *hidden, 10], "tanh", "cross_entropy")
    network.parameters[:] = np.random.default_rng(0).normal(0, 0.1, network.parameters.size)
    saved = measure_likeness(network, digits, split, 0.01)
    save_likeness(tmp_path / "a.npz", saved, network)
    loaded = load_likeness(tmp_path / "a.npz", network)
    assert loaded
    layers = network.forward(digits.images[:100])
    np.testing.assert_array_equal(loaded.distances(layers), saved.distances(layers))
    assert (loaded.limit, loaded.unusual) == (saved.limit, saved.unusual)


def test_the_likeness_of_another_network_is_none(finished: Path, network: Network) -> None:
    other = Network(network.sizes, network.activation, network.cost)
    assert load_likeness(finished / "data/model.likeness.npz", other) is None


def test_a_damaged_likeness_is_refused(finished: Path, network: Network, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a.npz: expected the likeness of a model"):
        load_likeness(tmp_path / "a.npz", network)
    with np.load(finished / "data/model.likeness.npz") as file:
        arrays = dict(file)
    for name in ("means", "directions"):
        for wrong in (
            *(arrays[name][..., :-1], arrays[name].astype(float)),
            *(np.float32(1), arrays[name] * np.float32(np.nan)),
        ):
            save_arrays(tmp_path / "b.npz", arrays | {name: wrong})
            with pytest.raises(InputError, match=r"b.npz: expected the likeness of a model"):
                load_likeness(tmp_path / "b.npz", network)


@pytest.mark.parametrize("name", ["limit", "unusual"])
@pytest.mark.parametrize("wrong", [[0.5, 0.5], np.nan])
def test_a_likeness_whose_limit_is_no_number_is_refused(
    name: str, wrong: object, finished: Path, network: Network, tmp_path: Path
) -> None:
    with np.load(finished / "data/model.likeness.npz") as file:
        save_arrays(tmp_path / "a.npz", dict(file) | {name: np.array(wrong)})
    with pytest.raises(InputError, match=r"a.npz: expected the likeness of a model"):
        load_likeness(tmp_path / "a.npz", network)


def test_what_does_not_look_like_a_digit_is_called_so(finished: Path, tmp_path: Path) -> None:
    star().save(tmp_path / "star.png")
    result = mnist_mlp(finished, "predict", tmp_path / "star.png")
    assert result.returncode == 0
    assert ": this does not look like a digit (looks most like " in result.stdout
    assert mnist_mlp(finished, "predict", "--strict", tmp_path / "star.png").returncode == 1
    found = json.loads(mnist_mlp(finished, "predict", "--json", tmp_path / "star.png").stdout)
    assert (found["digit"], found["number"]) == (None, "?")
    assert found["guess"] == np.argmax(found["outputs"])


def test_a_digit_has_itself_as_the_guess(
    finished: Path, network: Network, digits: Dataset, likeness: Likeness, tmp_path: Path
) -> None:
    usual = digits.images[np.argmin(likeness.distances(network.forward(digits.images)))]
    Image.fromarray(np.uint8(255 * usual.reshape(28, 28))).save(tmp_path / "digit.png")
    result = mnist_mlp(finished, "predict", "--strict", "--json", tmp_path / "digit.png")
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["digit"] == found["guess"] == np.argmax(found["outputs"])


def test_in_a_number_only_what_is_no_digit_is_a_question_mark(
    network: Network, likeness: Likeness
) -> None:
    number, _ = written("20")
    picture = Image.new("RGB", (number.width + 200, number.height), number.getpixel((0, 0)))
    picture.paste(number)
    white = star().resize((110, 110))
    picture.paste("white", (number.width, 40), Image.eval(white.convert("L"), lambda p: 255 - p))
    answers = [digit.answer for digit in read_sheet(network, look(picture)).digits]
    layers = [np.stack(layer) for layer in zip(*(one.layers for one in answers), strict=True)]
    *digits, drawn_star = likeness.distances(layers)
    assert drawn_star > max(digits)
    between = likeness._replace(limit=float(max(digits)) + 1e-5)  # it learned from other pens
    reading = read_sheet(network, look(picture), between)
    assert reading.number == f"{answers[0].digit}{answers[1].digit}?"
    assert [one["digit"] for one in reading.data(layers=False)["digits"]][2] is None
    assert reading.text(layers=False, unicode=True).count("this does not look like a digit") == 1
    assert reading.refused


def test_without_a_likeness_everything_is_read_with_a_note(
    finished: Path, network: Network, tmp_path: Path
) -> None:
    star().save(tmp_path / "star.png")
    save_network(tmp_path / "old.npz", network)
    words = ("predict", tmp_path / "star.png", "--model", tmp_path / "old.npz")
    result = mnist_mlp(finished, *words)
    assert result.returncode == 0
    assert result.stderr.startswith("note: everything was read as digits: ")
    assert result.stderr.count("\n") == 1
    result = mnist_mlp(finished, *words, "--strict")
    assert result.returncode == 1
    assert result.stderr.startswith("error: --strict: ")


def test_evaluate_writes_beside_the_model_that_it_is_given(finished: Path, tmp_path: Path) -> None:
    model = tmp_path / "other.npz"
    model.write_bytes((finished / "data/model.npz").read_bytes())
    done(
        finished,
        *("python", "stages/evaluate.py", "--model", str(model)),
        *("--accuracy", str(tmp_path / "a.json"), "--predictions", str(tmp_path / "p.csv")),
    )
    written_beside = likeness_file(model).read_bytes()
    assert written_beside == (finished / "data/model.likeness.npz").read_bytes()
