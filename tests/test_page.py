"""The page in a real browser: what a user sees, with the numbers that Python computes."""

import base64
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from selenium.webdriver import Chrome
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, load_dataset
from mnist_mlp.learning.evaluation import UNSURE
from mnist_mlp.learning.likeness import load_likeness
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.reading.answers import Answer
from mnist_mlp.showing import report_page
from tests.browser import (
    Listener,
    box,
    complaints,
    crowded,
    draw,
    emulate,
    find,
    find_all,
    kept,
    number,
    open_browser,
    out_of_view,
    overflowing,
    point_at,
    press,
    run,
    screenshot,
    settle,
    small_targets,
    tab_to,
    tap,
    text,
    visit,
    write_page,
)
from tests.hand import HAND, scaled, strokes_of

pytestmark = pytest.mark.slow

# Strokes, in shares of the pad.
ZERO = [(0.5, 0.2), (0.38, 0.3), (0.33, 0.5), (0.38, 0.7), (0.5, 0.8)]
ZERO += [(0.62, 0.7), (0.67, 0.5), (0.62, 0.3), (0.5, 0.2)]
ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]

LAPTOPS = [(1280, 720), (1366, 768), (1440, 900)]
PHONE, PHONE_ON_ITS_SIDE = (360, 740), (844, 390)
PAPER_WIDTH = 718  # pixels: A4 less the margins of a centimetre


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.close()


@pytest.fixture(scope="module")
def chrome(listener: Listener) -> Iterator[Chrome]:
    with open_browser(listener) as chrome:
        yield chrome


@pytest.fixture
def page(chrome: Chrome, finished: Path) -> Iterator[Chrome]:
    """Open the page of the network trained on the sample; at the end, check for errors."""
    visit(chrome, finished / "metrics/report.html")
    yield chrome
    assert complaints(chrome) == []


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


@pytest.fixture(scope="module")
def test(finished: Path) -> Dataset:
    return load_dataset(finished / "data/prepared", "test")


# What the network sees, and what of it is on the screen.


def seen(page: Chrome, test: Dataset) -> Array:
    """Return the picture that the network sees, (784,) in [0, 1]: the address keeps it."""
    address = kept(page)
    if "digit" in address:
        script = """
            const { digits } = JSON.parse(document.querySelector("#data").textContent);
            return digits.test_image[arguments[0]];
        """
        image: Array = test.images[page.execute_script(script, int(address["digit"]))]
        return image
    script = "return [...frameStrokes(decodeStrokes(arguments[0]))]"
    strokes = address.get("strokes", "")
    return np.array(run(page, ("framing.js", "address.js"), script, strokes), np.float32)


class Neuron(NamedTuple):
    """A neuron of the diagram: its name, its activation to two decimals, and its button's box."""

    layer: int
    number: int
    activation: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def neurons(page: Chrome, n_layers: int = 3) -> list[Neuron]:
    """Return the neurons that are drawn, of a network with so many layers after the pixels."""
    found = page.execute_script(
        """
        return [...document.querySelectorAll("#neurons button")].map((button) => {
          const { left, top, right, bottom } = button.getBoundingClientRect();
          return [button.getAttribute("aria-label"), left, top, right, bottom];
        });
        """
    )
    name = r"(?:Hidden layer (\d+), neuron|Hidden neuron|(Output)) (\d+): (\S+)"
    result = []
    for label, *sides in found:
        match = re.fullmatch(name, label)
        assert match, label
        layer = n_layers if match[2] else int(match[1] or 1)
        result.append(Neuron(layer, int(match[3]), number(match[4]), *sides))
    return result


def button_of(page: Chrome, layer: int, number: int) -> WebElement:
    """Return the button of a neuron of the network trained on the sample."""
    name = f"Output {number}:" if layer == 3 else f"Hidden layer {layer}, neuron {number}:"
    return find(page, f'[aria-label^="{name}"]')


def colour(page: Chrome, selector: str, what: str) -> NDArray[np.float64]:
    css = find(page, selector).value_of_css_property(what)
    return np.array(re.findall(r"[\d.]+", css)[:3], float)


def paper_and_ink(page: Chrome) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return colour(page, "#works", "background-color"), colour(page, "body", "color")


def crop(page: Chrome, selector: str) -> NDArray[np.int64]:
    """Return an element of the screen as (height, width, 3)."""
    left, top, right, bottom = map(round, box(page, find(page, selector)))
    return screenshot(page)[top:bottom, left:right]


def picture_in_diagram(page: Chrome) -> NDArray[np.int64]:
    """Return the colour in the middle of each of the 28×28 squares, (784, 3).

    The longest upright line at the left of the diagram is an edge of the picture's frame.
    """
    shot = crop(page, "#network")
    paper, _ = paper_and_ink(page)
    best: tuple[int, int, int] = (0, 0, 0)
    for x in range(4):
        line = "".join("#" if each else " " for each in abs(shot[:, x] - paper).max(1) > 20)
        length, start = max((len(found[0]), found.start()) for found in re.finditer("#+| ", line))
        best = max(best, (length, x, start))
    length, x, start = best
    assert length > 60
    side = (length - 2) / 28
    steps = (np.arange(28) + 0.5) * side + 1
    rows, columns = (start + steps).astype(int), (x + steps).astype(int)
    squares: NDArray[np.int64] = shot[rows[:, np.newaxis], columns].reshape(784, 3)
    return squares


def lights(page: Chrome, n_layers: int = 3) -> dict[tuple[int, int], float]:
    """Return how dark each neuron is, above its number: from 0, like paper, to 1, like ink."""
    paper, ink = paper_and_ink(page)
    shot = screenshot(page)
    result = {}
    for each in neurons(page, n_layers):
        x, y = each.middle
        radius = (each.right - each.left) / 2 - 2
        pixel = shot[int(y - 0.7 * radius), int(x)]
        result[each.layer, each.number] = float(((paper - pixel) / (paper - ink)).mean())
    return result


def is_blue(pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return pixels[..., 2] - pixels[..., 0] > 25


def is_red(pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return pixels[..., 0] - pixels[..., 2] > 25


# Pages of other networks.


def random_network(sizes: list[int], activation: str, cost: str) -> Network:
    network = Network(sizes, activation, cost)
    initialise_weights(network, "xavier", np.random.default_rng(0))
    for biases in network.biases:
        biases[:] = 0.1
    return network


@pytest.fixture
def show(chrome: Chrome, tmp_path: Path, test: Dataset) -> Iterator[Any]:
    """Return a function that opens the page of a network."""

    def open_page(network: Network, test: Dataset = test) -> Chrome:
        write_page(tmp_path / "page.html", network, test)
        visit(chrome, tmp_path / "page.html")
        return chrome

    yield open_page
    assert complaints(chrome) == []


# Numbers are those of Python.


NETWORKS = [
    random_network([784, 10], "relu", "cross_entropy"),
    random_network([784, 5, 10], "tanh", "squared_error"),
    random_network([784, 120, 30, 7, 10], "sigmoid", "binary_cross_entropy"),
    random_network([784, *[4] * 100, 10], "tanh", "cross_entropy"),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: "-".join(map(str, each.sizes[:5])))
def test_every_kind_of_network_is_computed_as_in_python(
    network: Network, show: Any, test: Dataset
) -> None:
    page = show(network)
    for strokes in ([], ZERO):
        if strokes:
            draw(page, strokes)
        layers = network.forward(seen(page, test)[np.newaxis])
        drawn = neurons(page, len(layers) - 1)
        assert len(drawn) == sum(min(size, 24) for size in network.sizes[1:-1]) + 10
        expected = [layers[each.layer][0, each.number] for each in drawn]
        np.testing.assert_allclose([each.activation for each in drawn], expected, atol=0.0051)
        assert text(page, "#answer") == str(layers[-1].argmax())
    assert page.execute_script("return document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("network", NETWORKS[::2], ids=["784-10", "784-120-30-7-10"])
def test_the_words_are_those_of_this_network(network: Network, show: Any, test: Dataset) -> None:
    page = show(network)
    n_neurons = sum(network.sizes[1:])
    right = (network.forward(test.images)[-1].argmax(axis=1) == test.labels).mean()
    assert text(page, ".lead") == (
        f"Draw a digit. {n_neurons:,} neurons decide what it is, by {network.parameters.size:,} "
        f"numbers. Of {len(test.images):,} digits it had never met, it reads {100 * right:.1f} %."
    )
    n_pictures = min(network.sizes[1], 64)
    assert len(find_all(page, "#weights canvas")) == n_pictures
    assert text(page, "#weights-note") == (
        "These are the 64 of 120 with the largest weights." if network.sizes[1] == 120 else ""
    )
    wide = "Of a wide layer, the 24 neurons are drawn that matter most for this digit."
    assert (wide in text(page, "#works .hint")) == (network.sizes[1] == 120)


def test_the_words_of_the_sample_are_its_results(page: Chrome, finished: Path) -> None:
    results = json.loads((finished / "metrics/accuracy.json").read_text("utf-8"))
    rows = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()[1:]
    assert text(page, ".lead") == (
        f"Draw a digit. 42 neurons decide what it is, by 13,002 numbers learned from "
        f"{results['training_images']:,} examples. Of {len(rows):,} digits it had never met, it "
        f"reads {100 * np.mean([row[0] == row[2] for row in rows]):.1f} %."
    )
    sure = f"is {100 * results['noise_confidence']:.0f} % sure on average even of pure noise."
    assert text(page, "#samples > .hint").endswith(sure)


SPY = """
    const { fillText } = CanvasRenderingContext2D.prototype;
    window.written = [];
    CanvasRenderingContext2D.prototype.fillText = function (words, ...place) {
      window.written.push(words);
      fillText.call(this, words, ...place);
    };
"""


def test_one_of_a_kind_is_no_plural(chrome: Chrome, show: Any, test: Dataset) -> None:
    network = random_network([784, 1, 10], "relu", "cross_entropy")
    right = network.forward(test.images)[-1].argmax(axis=1) == test.labels
    rows = [*np.flatnonzero(right)[:5], *np.flatnonzero(~right)[:1]]
    few = Dataset(test.images[rows], test.targets[rows])
    add, remove = (f"Page.{what}ScriptToEvaluateOnNewDocument" for what in ("add", "remove"))
    spy = chrome.execute_cdp_cmd(add, {"source": SPY})
    try:
        page = show(network, few)
    finally:
        chrome.execute_cdp_cmd(remove, spy)
    words = page.execute_script("return document.body.innerText + window.written.join(' | ')")
    assert "1 neuron" in words
    assert "1 of 6 unseen digits was misread" in words
    plural = r"(?<![\d,.])1 (?:neurons|digits|others|outputs|numbers|steps|epochs)\b"
    assert re.findall(plural, words) == []


def test_numbers_have_one_notation(show: Any) -> None:
    page = show(NETWORKS[1])
    point_at(page, find(page, '[aria-label^="Hidden neuron 3:"]'))
    words = page.execute_script("return document.body.innerText")
    for neuron in find_all(page, "#neurons button")[:7]:
        point_at(page, neuron)
        words += text(page, "#neuron")
    assert "−" in words
    assert re.findall(r"\S*\d%", words) == []
    assert re.findall(r"(?:^|\s)-\d\S*", words) == []


def test_all_test_images_are_read_as_in_python(
    page: Chrome, network: Network, test: Dataset
) -> None:
    found = run(
        page,
        ("bytes.js", "network.js"),
        """
        const data = JSON.parse(document.querySelector("#data").textContent);
        const network = makeNetwork(data.network);
        const pixels = decodeBytes(arguments[0]);
        const found = [];
        for (let start = 0; start < pixels.length; start += 784) {
          const image = Float32Array.from(pixels.subarray(start, start + 784), (p) => p / 255);
          found.push(forward(network, image).activations.slice(1).flatMap((layer) => [...layer]));
        }
        return found;
        """,
        base64.b64encode(np.rint(test.images * 255).astype(np.uint8).tobytes()).decode(),
    )
    expected = np.concatenate(network.forward(test.images)[1:], axis=1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


# The explanation is in view.


def assert_explained(page: Chrome, network: Network, image: Array, layer: int, neuron: int) -> None:
    """The sum of a neuron is that of Python, and all of it is on the screen."""
    title = f"Output {neuron}" if layer == 3 else f"Hidden layer {layer}, neuron {neuron}"
    assert text(page, "#neuron-title") == title
    activations = network.forward(image[np.newaxis])
    parts = network.weights[layer - 1][neuron] * activations[layer - 1][0]
    bias = network.biases[layer - 1][neuron]
    expected = {
        "#sum-for": parts[parts > 0].sum(),
        "#sum-against": parts[parts < 0].sum(),
        "#sum-bias": bias,
        "#sum-z": parts.sum() + bias,
        "#sum-activation": activations[layer][0, neuron],
    }
    for selector, value in expected.items():
        assert number(text(page, selector)) == pytest.approx(value, abs=0.0051)
    if layer == 1:
        assert find(page, "#neuron-weights").is_displayed()
        assert find(page, "#neuron-pixels").is_displayed()
    else:
        rows = find_all(page, "#neuron-parts .part")
        listed = [number(row.text) for row in rows]
        strongest = parts[np.argsort(-abs(parts))[:6]]
        np.testing.assert_allclose(listed[:6], strongest, atol=0.0051)
        assert sum(listed) == pytest.approx(parts.sum(), abs=0.04)
    assert out_of_view(page, "#neuron, #neuron *") == []
    assert page.execute_script("return scrollY") == 0


@pytest.mark.parametrize(
    ("way", "size"),
    [*(("mouse", size) for size in LAPTOPS), ("keyboard", LAPTOPS[0]), ("tap", LAPTOPS[0])],
)
def test_a_neuron_of_every_layer_shows_its_sum_without_scrolling(
    way: str, size: tuple[int, int], page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, *size)
    image = seen(page, test)
    if way == "keyboard":
        page.execute_script("document.querySelector('#neurons [tabindex=\"0\"]').focus()")
        press(page, *[Keys.ARROW_DOWN] * 3)
    for layer in (1, 2, 3):
        neuron = 3
        if way == "mouse":
            point_at(page, button_of(page, layer, neuron))
        elif way == "tap":
            tap(page, button_of(page, layer, neuron))
        else:
            focused = page.switch_to.active_element.get_attribute("aria-label") or ""
            neuron = int(re.findall(r"(\d+):", focused)[0])
        assert_explained(page, network, image, layer, neuron)
        if way == "keyboard":
            press(page, Keys.ARROW_RIGHT)


@pytest.mark.parametrize("size", LAPTOPS)
def test_all_ten_outputs_are_in_view_with_digit_bar_and_number(
    size: tuple[int, int], page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, *size)
    load_least_sure(page)
    outputs = network.forward(seen(page, test)[np.newaxis])[-1][0]
    assert outputs.max() < 0.9
    assert out_of_view(page, "#neurons button, #answer, #verdict, #pad, #clear") == []
    shot, paper = screenshot(page), paper_and_ink(page)[0]
    right = round(box(page, find(page, "#network"))[2])
    assert right <= round(box(page, find(page, "#works"))[2])
    for each in neurons(page)[-10:]:
        y = round(each.middle[1])
        strip = shot[y - 7 : y + 8, round(each.right) + 1 : right]
        inked = (abs(strip - paper).max(axis=2) > 25).any(axis=0)
        groups = re.split("     +", "".join("#" if column else " " for column in inked).strip())
        assert len(groups) in (3, 4), groups  # digit, bar, number, and its sign for per cent
        assert not inked[-1]
        start = re.search("#.*?     +", "".join("#" if column else " " for column in inked).strip())
        assert start
        offset = int(np.flatnonzero(inked)[0]) + start.end()
        bar = strip[7, offset : offset + len(groups[1])].mean(axis=1)
        assert (bar < 110).mean() == pytest.approx(outputs[each.number], abs=0.05)


def load_least_sure(page: Chrome) -> None:
    """Load the sample of whose answer the network is least sure."""
    page.execute_script(
        """
        const { digits, to_load } = JSON.parse(document.querySelector("#data").textContent);
        const sure = to_load.map((place) =>
          digits.label[place] === null ? 1 : digits.confidence[place]);
        document.querySelectorAll("#to-load button")[sure.indexOf(Math.min(...sure))].click();
        """
    )


@pytest.mark.parametrize("size", LAPTOPS)
def test_the_header_is_one_line_and_the_answer_stands_in_the_diagram(
    size: tuple[int, int], page: Chrome
) -> None:
    emulate(page, *size)
    left, top, right, bottom = box(page, find(page, "h1"))
    assert bottom - top < 1.5 * float(find(page, "h1").value_of_css_property("font-size")[:-2])
    frame = box(page, find(page, "#works"))
    for selector in ("#answer", "#verdict", "#truth"):
        left, top, right, bottom = box(page, find(page, selector))
        assert frame[0] < left < right < frame[2]
        assert frame[1] < top < bottom < frame[3]
    assert crowded(page) == []


def test_the_diagram_is_as_high_as_the_window_allows(page: Chrome) -> None:
    emulate(page, 1280, 720)
    low = find(page, "#network").size["height"]
    emulate(page, 1280, 1000)
    assert find(page, "#network").size["height"] > low + 200


def test_the_picture_of_pixels_turns_into_weight_times_pixel(
    page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, 1440, 900)
    image = seen(page, test)
    colours = picture_in_diagram(page)
    paper, ink = paper_and_ink(page)
    inked = image > 0
    expected = paper + image[inked, np.newaxis] * (ink - paper)
    assert (abs(colours[inked] - expected).max(axis=1) < 40).mean() > 0.9
    point_at(page, button_of(page, 1, 3))
    parts = network.weights[0][3] * image
    strong = abs(parts) > 0.3 * abs(parts).max()
    turned = picture_in_diagram(page)
    assert (is_blue(turned) == (parts > 0))[strong].mean() > 0.95
    assert (is_red(turned) == (parts < 0))[strong].mean() > 0.95


# A neuron that was clicked is let go.


def test_escape_lets_go_of_a_neuron_wherever_the_focus_is(page: Chrome) -> None:
    for focused in ("body", "#pad", "#clear", "#play", "#confusion button"):
        hold(page)
        page.execute_script(
            "document.activeElement.blur(); document.querySelector(arguments[0]).focus()", focused
        )
        assert text(page, "#neuron-title") == "Hidden layer 2, neuron 5"
        press(page, Keys.ESCAPE)
        assert_let_go(page)


def test_a_click_elsewhere_lets_go_of_a_neuron(page: Chrome) -> None:
    for where in ("h1", "#network", "#samples-title", "#show-all"):
        hold(page)
        assert out_of_view(page, "#show-all") == []
        actions = ActionBuilder(page, mouse=PointerInput("mouse", "mouse"), duration=5)
        width = find(page, where).size["width"]
        aside = round(-0.45 * width) if where == "#network" else 0  # no neuron is at its left edge
        actions.pointer_action.move_to(find(page, where), aside, 0).pointer_down().pointer_up()
        actions.perform()
        assert_let_go(page)


def hold(page: Chrome) -> None:
    """Click a neuron, and take the mouse away."""
    button_of(page, 2, 5).click()
    point_at(page, find(page, "#works .hint"))
    assert text(page, "#neuron-title") == "Hidden layer 2, neuron 5"
    assert len(find_all(page, '#neurons [aria-pressed="true"]')) == 1


def assert_let_go(page: Chrome) -> None:
    settle(page)
    assert find_all(page, '#neurons [aria-pressed="true"]') == []
    assert text(page, "#neuron-title") == f"Output {text(page, '#answer')}"
    assert not find(page, "#show-all").is_displayed()


# Scales are fixed.


def test_a_neuron_is_as_bright_as_its_activation_whatever_the_digit(
    page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, 1440, 900)
    scales = [np.percentile(layer, 99) for layer in network.forward(test.images)[1:-1]]
    for sample in (0, 1, 4, 12):
        find_all(page, "#to-load button")[sample].click()
        point_at(page, find(page, "h1"))
        page.execute_script("document.activeElement.blur()")
        layers = network.forward(seen(page, test)[np.newaxis])[1:]
        for (layer, neuron), light in lights(page).items():
            share = layers[layer - 1][0, neuron] / [*scales, 1][layer - 1]
            assert light == pytest.approx(min(share, 1), abs=0.02), (sample, layer, neuron)


def test_a_network_without_moments_is_shown_at_work(show: Any, test: Dataset) -> None:
    network = random_network([784, 12, 10], "sigmoid", "cross_entropy")
    page = show(network)
    emulate(page, 1440, 900)
    layers = network.forward(seen(page, test)[np.newaxis])
    for (layer, neuron), light in lights(page, 2).items():
        assert light == pytest.approx(layers[layer][0, neuron], abs=0.02)


def test_an_empty_pad_is_dim_and_shows_no_answer(
    page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, 1440, 900)
    bright, coloured = lights(page), colour_between(page)
    find(page, "#clear").click()
    layers = network.forward(np.zeros((1, 784), np.float32))
    scales = [np.percentile(layer, 99) for layer in network.forward(test.images)[1:-1]]
    assert kept(page) == {}
    assert text(page, "#answer") == "–"
    favoured = f"Of an empty pad, the biases alone make {layers[-1].argmax()}."
    assert text(page, "#verdict") == f"Draw a digit. {favoured}"
    dim = lights(page)
    for (layer, neuron), light in dim.items():
        share = layers[layer][0, neuron] / [*scales, 1][layer - 1]
        assert light == pytest.approx(min(share, 1), abs=0.02)
    hidden = [place for place in dim if place[0] < 3]
    assert max(dim[place] for place in hidden) < 0.5 * max(bright[place] for place in hidden)
    assert colour_between(page) < 0.5 * coloured


def colour_between(page: Chrome) -> float:
    """Return the strongest colour of a line between the two hidden layers."""
    left = max(each.right for each in neurons(page) if each.layer == 1) + 5
    right = min(each.left for each in neurons(page) if each.layer == 2) - 5
    _, top, _, bottom = box(page, find(page, "#network"))
    lines = screenshot(page)[round(top) : round(bottom), round(left) : round(right)]
    return float(abs(lines[..., 2] - lines[..., 0]).max())


# Drawing, undoing, loading, and coming back.


def test_a_digit_drawn_by_mouse_finger_or_pen_is_read(
    page: Chrome, network: Network, test: Dataset
) -> None:
    for kind in ("mouse", "touch", "pen"):
        find(page, "#clear").click()
        draw(page, ZERO, kind)
        image = seen(page, test)
        outputs = network.forward(image[np.newaxis])[-1][0]
        assert text(page, "#answer") == "0" == str(outputs.argmax())
        assert 60 < image.sum() < 180  # like MNIST's zeros
        assert text(page, "#truth") == ""
        drawn = [each.activation for each in neurons(page)[-10:]]
        np.testing.assert_allclose(drawn, outputs, atol=0.0051)


def test_a_digit_can_be_drawn_by_keyboard_alone(page: Chrome, test: Dataset) -> None:
    tab_to(page, "#pad")
    press(page, *[Keys.ARROW_UP] * 15, " ", *[Keys.ARROW_DOWN] * 30, " ", Keys.ARROW_RIGHT)
    image = seen(page, test).reshape(28, 28)
    assert np.flatnonzero(image.any(axis=1)).size in (20, 21)
    assert np.flatnonzero(image.any(axis=0)).size <= 5
    press(page, Keys.BACKSPACE)
    assert text(page, "#truth").startswith("Right: it is test image")
    press(page, Keys.DELETE)
    assert text(page, "#answer") == "–"
    tab_to(page, "#to-load button")
    press(page, Keys.ARROW_RIGHT, Keys.ENTER)
    assert text(page, "#truth").endswith("a 1.")


def test_undo_removes_one_stroke_and_clear_is_undone(page: Chrome) -> None:
    find(page, "#clear").click()
    draw(page, ZERO)
    one_stroke = kept(page)
    draw(page, [(0.2, 0.2), (0.8, 0.8)])
    two_strokes = kept(page)
    assert two_strokes != one_stroke
    find(page, "#undo").click()
    assert kept(page) == one_stroke
    find(page, "#clear").click()
    assert kept(page) == {}
    assert not find(page, "#clear").is_enabled()
    find(page, "#undo").click()
    assert kept(page) == one_stroke


def test_the_first_stroke_replaces_a_sample_and_undo_brings_it_back(page: Chrome) -> None:
    sample, truth = kept(page), text(page, "#truth")
    assert "test image" in truth
    assert not find(page, "#undo").is_enabled()
    draw(page, ONE)
    assert set(kept(page)) == {"strokes"}
    assert text(page, "#truth") == ""
    find(page, "#undo").click()
    assert kept(page) == sample
    assert text(page, "#truth") == truth


def test_a_sample_does_not_lose_the_drawing(page: Chrome) -> None:
    draw(page, ZERO)
    drawing, pixels = kept(page), crop(page, "#pad")
    find_all(page, "#to-load button")[4].click()
    assert set(kept(page)) == {"digit"}
    find(page, "#undo").click()
    assert kept(page) == drawing
    point_at(page, find(page, "h1"))
    np.testing.assert_array_equal(crop(page, "#pad")[5:-5, 5:-5], pixels[5:-5, 5:-5])


@pytest.mark.parametrize("what", ["drawing", "sample"])
def test_a_reload_keeps_what_is_on_the_pad(what: str, page: Chrome) -> None:
    if what == "drawing":
        draw(page, ZERO)
        draw(page, ONE)
    else:
        find_all(page, "#to-load button")[7].click()
    before = kept(page), said(page), [each.activation for each in neurons(page)]
    page.refresh()
    settle(page)
    assert (kept(page), said(page), [each.activation for each in neurons(page)]) == before


def said(page: Chrome) -> list[str]:
    return [text(page, f"#{name}") for name in ("answer", "verdict", "strange", "truth")]


@pytest.mark.parametrize("key", [Keys.DELETE, Keys.BACKSPACE])
def test_undo_and_clear_end_the_stroke_that_is_being_drawn(key: str, page: Chrome) -> None:
    find(page, "#clear").click()
    draw(page, ZERO)
    before = kept(page)
    draw(page, ONE, lift=False)
    press(page, key)
    left = kept(page)
    assert left == ({} if key == Keys.DELETE else before) or left.get("strokes") == ""
    actions = ActionBuilder(page, mouse=PointerInput("mouse", "mouse"), duration=5)
    actions.pointer_action.move_to(find(page, "#pad"), 40, 40)
    actions.perform()
    assert kept(page) == left


def test_a_reload_keeps_an_empty_pad(page: Chrome) -> None:
    find(page, "#clear").click()
    kept(page)
    page.refresh()
    settle(page)
    assert text(page, "#answer") == "–"


@pytest.mark.parametrize("fragment", ["strokes=zz&digit=99999&tour=99", "digit=&tour=x"])
def test_a_bad_address_is_ignored(fragment: str, page: Chrome, finished: Path) -> None:
    expected = said(page)
    visit(page, finished / "metrics/report.html", f"#{fragment}")
    assert said(page) == expected
    assert not find(page, "#tour").is_displayed()


BAD = ["strokes=zz", "strokes=0000.", "strokes=%F0%9F", "strokes=<b>", "digit=20"]
BAD += ["digit=-1", "digit=1.5", "digit=", "digit=four", "&&==&", "%", "no/such/thing", ""]


def test_a_bad_drawing_in_the_address_is_none(chrome: Chrome) -> None:
    script = "return readAddress(arguments[0], 20).drawing"
    read = [bad for bad in BAD if run(chrome, ("address.js",), script, f"#{bad}") is not None]
    assert read == []
    assert run(chrome, ("address.js",), script, "#digit=19") == {"strokes": [], "sample": 19}
    assert run(chrome, ("address.js",), script, "#strokes=") == {"strokes": [], "sample": None}


def test_a_link_to_a_drawing_shows_it_in_an_open_page(page: Chrome, finished: Path) -> None:
    draw(page, ZERO)
    drawing = kept(page)
    find(page, "#clear").click()
    kept(page)
    page.get((finished / "metrics/report.html").as_uri() + f"#strokes={drawing['strokes']}")
    settle(page)
    assert text(page, "#answer") == "0"
    assert kept(page) == drawing


def test_one_click_loads_a_test_digit(page: Chrome, test: Dataset) -> None:
    find_all(page, "#to-load button")[1].click()
    settle(page)
    index = re.findall(r"test image ([\d,]+), a (\d)\.", text(page, "#truth"))
    assert len(index) == 1
    place = int(index[0][0].replace(",", ""))
    assert str(test.labels[place]) == index[0][1]
    np.testing.assert_array_equal(seen(page, test), test.images[place])


def test_noise_is_called_noise(page: Chrome) -> None:
    find_all(page, "#to-load button")[-1].click()
    settle(page)
    assert text(page, "#truth") == "In truth it is noise, and no digit at all."


@pytest.mark.parametrize(
    ("output", "outputs", "words"),
    [
        ("softmax", {4: 0.7, 9: 0.3}, "It is not sure: 4 (70 %) or 9 (30 %)."),
        ("softmax", {4: 0.8, 9: 0.2}, "It reads 4 (80 %)."),
        ("softmax", {4: 0.997, 9: 0.001}, "It reads 4 (>99 %)."),
        ("sigmoid", {4: 0.9, 9: 0.8}, "It is not sure: 4 (0.90) or 9 (0.80)."),
        ("sigmoid", {4: 0.9, 9: 0.1}, "It reads 4 (0.90)."),
    ],
)
def test_the_answer_says_how_sure_it_is(
    output: str, outputs: dict[int, float], words: str, chrome: Chrome
) -> None:
    ten = [outputs.get(digit, 0) for digit in range(10)]
    script = "return verdict(...arguments).words"
    found = run(chrome, ("bytes.js", "network.js", "words.js"), script, output, ten, UNSURE)
    assert found.replace("\N{NO-BREAK SPACE}", " ") == words


def test_screen_readers_hear_the_answer_once_it_is_final(page: Chrome) -> None:
    find(page, "#clear").click()
    draw(page, ZERO)
    spoken = f"{text(page, '#verdict')} {text(page, '#strange')}".strip()
    status = find(page, "[role=status]")
    WebDriverWait(page, 5).until(
        lambda _: (status.get_attribute("textContent") or "").replace("\xa0", " ") == spoken
    )
    page.execute_script(
        """
        window.told = 0;
        const observer = new MutationObserver(() => window.told++);
        observer.observe(arguments[0], { childList: true, characterData: true, subtree: true });
        """,
        status,
    )
    point_at(page, button_of(page, 1, 3))
    page.execute_async_script("setTimeout(arguments[0], 600)")
    assert page.execute_script("return window.told") == 0


# What is plainly no digit.


NO_DIGITS = {
    "a dot": [[(0.5, 0.5)]],
    "a line": [[(0.2, 0.5), (0.5, 0.51), (0.8, 0.5)]],
    "several digits": [[(0.2, 0.2), (0.2, 0.8)], [(x + 0.2, y) for x, y in ZERO]],
}


def test_what_is_no_digit_is_called_by_its_name(
    page: Chrome, network: Network, test: Dataset
) -> None:
    for what, strokes in NO_DIGITS.items():
        draw_all(page, strokes)
        assert text(page, "#strange") == f"That looks like {what}."
        assert out_of_view(page, "#strange") == []
        outputs = network.forward(seen(page, test)[np.newaxis])[-1]
        assert text(page, "#answer") == str(outputs.argmax())
    find(page, "#clear").click()
    settle(page)
    assert text(page, "#strange") == ""


def test_what_is_too_far_from_digits_is_called_so(
    page: Chrome, finished: Path, network: Network, test: Dataset
) -> None:
    likeness = load_likeness(finished / "data/model.likeness.npz", network)
    assert likeness
    star = [[(0.2, y), (0.8, 1 - y)] for y in (0.2, 0.4, 0.6, 0.8)]
    four = [stroke.tolist() for stroke in scaled(strokes_of(HAND["4 open"]), 0.6)]
    for strokes in (star, four):
        draw_all(page, strokes)
        answer = Answer(network, seen(page, test), likeness)
        unlike = answer.refused
        unusual = "This would be an unusual digit." if answer.unusual else ""
        assert text(page, "#strange") == ("This does not look like a digit." if unlike else unusual)
        assert unlike or strokes is four
        assert out_of_view(page, "#strange") == []


def test_digits_are_not_called_anything_else(page: Chrome) -> None:
    for name in ("4 open", "1 longest flag"):
        draw_all(page, [stroke.tolist() for stroke in scaled(strokes_of(HAND[name]), 0.6)])
        assert not text(page, "#strange").startswith("That looks like"), name


def draw_all(page: Chrome, strokes: list[Any]) -> None:
    find(page, "#clear").click()
    for stroke in strokes:
        draw(page, stroke)


# Phones.


def test_on_a_phone_the_answer_is_in_view_while_one_draws(
    page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, *PHONE)
    find(page, "#clear").click()
    page.execute_script("scrollTo(0, document.querySelector('#pad').offsetTop - 90)")
    draw(page, ZERO, "touch", lift=False)
    assert out_of_view(page, "#pad, #answer, #verdict, #bars li") == []
    outputs = network.forward(seen(page, test)[np.newaxis])[-1][0]
    assert text(page, "#answer") == str(outputs.argmax())
    heights = page.execute_script(
        """
        return [...document.querySelectorAll("#bars li")].map((bar) =>
          parseFloat(getComputedStyle(bar, "::before").height) / bar.clientHeight);
        """
    )
    np.testing.assert_allclose(heights, outputs, atol=0.05)
    ActionBuilder(page).clear_actions()  # lifts the finger


@pytest.mark.parametrize("gallery", ["#to-load", "#mistakes"])
def test_on_a_phone_the_answer_is_in_view_after_a_tap_far_below(gallery: str, page: Chrome) -> None:
    emulate(page, *PHONE)
    sample = find_all(page, f"{gallery} button")[5]
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", sample)
    tap(page, sample)
    wanted = re.findall(r"Test image (\S+), a", sample.get_attribute("title") or "")[0]
    WebDriverWait(page, 5).until(lambda _: f"it is test image {wanted}," in text(page, "#truth"))
    WebDriverWait(page, 5).until(lambda _: not out_of_view(page, "#answer, #verdict, #bars li"))


def test_on_a_phone_the_network_follows_the_pad(page: Chrome) -> None:
    emulate(page, *PHONE)
    below = box(page, find(page, "#works"))[1] - box(page, find(page, "#hand"))[3]
    assert 0 <= below < 32


def test_on_a_phone_the_sum_of_a_tapped_neuron_is_in_view(
    page: Chrome, network: Network, test: Dataset
) -> None:
    emulate(page, *PHONE)
    layers = network.forward(seen(page, test)[np.newaxis])
    for layer in (1, 2, 3):
        button = button_of(page, layer, 3)
        page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
        tap(page, button)
        assert out_of_view(page, "#pointed, #answer") == []
        z = network.weights[layer - 1][3] @ layers[layer - 1][0] + network.biases[layer - 1][3]
        found = re.findall(r"[+−]?\d+\.\d\d", text(page, "#pointed"))
        np.testing.assert_allclose([*map(number, found)], [z, layers[layer][0, 3]], atol=0.0051)


def test_on_a_phone_on_its_side_pad_and_answer_fit_the_screen(page: Chrome) -> None:
    emulate(page, *PHONE_ON_ITS_SIDE)
    draw(page, ZERO, "touch")
    assert page.execute_script("return scrollY") == 0
    assert out_of_view(page, "#pad, #undo, #clear, #answer, #verdict, #bars li") == []


@pytest.mark.parametrize("size", [PHONE, PHONE_ON_ITS_SIDE])
def test_on_a_phone_every_target_is_large_enough(size: tuple[int, int], page: Chrome) -> None:
    emulate(page, *size)
    small = small_targets(page)
    for button in ("#lesson-tab", "#start-tour"):
        find(page, button).click()
        settle(page)
        small += small_targets(page)
    assert sorted(set(small)) == []


def test_five_layers_fit_a_phone(show: Any) -> None:
    page = show(random_network([784, 16, 16, 16, 16, 10], "relu", "cross_entropy"))
    emulate(page, *PHONE)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    wide, room = page.execute_script(
        "const { scrollWidth, clientWidth } = document.querySelector('#diagram');"
        "return [scrollWidth, clientWidth]"
    )
    assert wide <= room
    drawn = neurons(page, 5)
    assert len(drawn) == 74
    assert min(each.left for each in drawn) >= 0
    assert max(each.right for each in drawn) <= 360
    columns = [[each.middle[0] for each in drawn if each.layer == layer] for layer in range(1, 6)]
    assert np.diff([column[0] for column in columns]).min() >= 24


# Every screen, every colour.


def test_nothing_is_wider_than_the_screen(page: Chrome) -> None:
    for width in (320, 360, 768, 1440, 1920):
        emulate(page, width)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        assert find(page, "#network").size["width"] <= width
        assert crowded(page) == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("how", ["by the browser's setting", "by zooming text only"])
def test_text_of_twice_the_size_is_not_cut(how: str, width: int, page: Chrome) -> None:
    emulate(page, width, 720)
    sizes = {"standard": 32, "fixed": 26}
    if how == "by zooming text only":
        page.execute_script("document.documentElement.style.fontSize = '200%'")
        sizes = {"standard": 16, "fixed": 13}
    page.execute_cdp_cmd("Page.setFontSizes", {"fontSizes": sizes})
    try:
        settle(page)
        settle(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        assert crowded(page) == []
        assert overflowing(page, "hidden", "clip") == []
    finally:
        page.execute_cdp_cmd("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_printing_is_light_and_cuts_nothing_off(scheme: str, page: Chrome) -> None:
    emulate(page, PAPER_WIDTH, 1000, prefers_color_scheme=scheme)
    page.execute_script(
        """
        const look = () => {
          const ink = getComputedStyle(document.body).color.match(/\\d+/g).slice(0, 3).map(Number);
          const canvas = document.querySelector("#to-load canvas").getContext("2d");
          window.printed = [Math.max(...ink), canvas.getImageData(0, 0, 1, 1).data[0]];
        };
        addEventListener("beforeprint", look);
        """
    )
    assert len(page.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 50_000
    ink, paper = page.execute_script("return window.printed")
    assert ink < 60
    assert paper > 240
    settle(page)
    dark = scheme == "dark"
    assert (screenshot(page).mean() < 100) == dark  # as before


def test_nothing_is_cut_off_on_paper(page: Chrome) -> None:
    find_all(page, "#to-load button")[2].click()
    emulate(page, PAPER_WIDTH, 1000, media="print")
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    settle(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= PAPER_WIDTH
    assert overflowing(page, "hidden", "clip", "auto", "scroll") == []
    wide = page.execute_script(
        """
        const { clientWidth } = document.documentElement;
        return [...document.querySelectorAll("main *")]
          .filter((each) => each.checkVisibility() && !each.closest(".unseen, svg"))
          .filter((each) => each.getBoundingClientRect().right > clientWidth + 1)
          .map((each) => each.outerHTML.slice(0, 80));
        """
    )
    assert wide == []
    assert crowded(page) == []
    shown = [
        find(page, "#pad"),
        find(page, "#network"),
        *find_all(page, ".claims p"),
    ]
    assert all(box(page, each)[3] > box(page, each)[1] for each in shown)
    page.execute_script("dispatchEvent(new Event('afterprint'))")


def test_dark_screens_get_a_dark_page(page: Chrome) -> None:
    light = [crop(page, selector).mean() for selector in ("#pad", "#works", "#to-load")]
    emulate(page, prefers_color_scheme="dark")
    dark = [crop(page, selector).mean() for selector in ("#pad", "#works", "#to-load")]
    assert min(light) > 160
    assert max(dark) < 90


def test_forced_colours_keep_ink_apart_from_paper_and_for_apart_from_against(
    page: Chrome, network: Network, test: Dataset
) -> None:
    image = seen(page, test)
    emulate(page, forced_colors="active")
    point_at(page, button_of(page, 1, 3))
    paper = colour(page, "body", "background-color")
    for selector in ("#pad", "#to-load canvas", "#network"):
        assert abs(crop(page, selector) - paper).mean(axis=2).max() > 120, selector
    parts = network.weights[0][3] * image
    picture = crop(page, "#neuron-pixels")
    places = [
        ((np.array(divmod(i, 28)) + 0.5) * len(picture) / 28).astype(int)
        for i in (parts.argmax(), parts.argmin())
    ]
    pushed, pulled = (picture[y, x] for y, x in places)
    assert abs(pushed - pulled).max() > 60


def test_lines_against_are_dashed(show: Any) -> None:
    network = Network([784, 2, 10], "relu", "cross_entropy")
    network.parameters[:] = 0
    network.biases[0][:] = 1
    network.weights[1][0] = 2, -2
    page = show(network)
    emulate(page, 1440, 900)
    draw(page, ZERO)
    point_at(page, find(page, '[aria-label^="Output 0:"]'))
    first, _, *outputs = neurons(page, 2)
    shot = screenshot(page)
    top, bottom = (round(side) for side in box(page, find(page, "#network"))[1::2])
    between = shot[top:bottom, round(first.right) + 2 : round(outputs[0].left) - 2]
    assert is_blue(between).any(axis=0).all()
    assert 0.3 < is_red(between).any(axis=0).mean() < 0.9


def test_without_javascript_a_note_comes_first(chrome: Chrome, finished: Path) -> None:
    visit(chrome, finished / "metrics/report.html")
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chrome.get("about:blank")
        chrome.get((finished / "metrics/report.html").as_uri())
        top = box(chrome, find(chrome, "noscript"))[1]
        first = chrome.execute_script("return document.body.innerText.trim().split('\\n')[0]")
        others = chrome.execute_script(
            """
            return [...document.querySelectorAll("main *")]
              .map((each) => each.getBoundingClientRect())
              .filter(({ width, height }) => width && height).map(({ top }) => top);
            """
        )
        learned = chrome.execute_script("return document.querySelector('#learned').innerText")
    finally:
        chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "need JavaScript" in first
    assert 0 <= top < min(others)
    assert "How it learned" in learned


# Galleries, claims and curves.


def test_claims_are_a_mark_and_a_sentence_with_their_figures_folded_away(
    page: Chrome, finished: Path
) -> None:
    claims = json.loads((finished / "metrics/claims.json").read_text("utf-8"))["claims"]
    summaries = find_all(page, ".claims summary")
    verdicts = {"Holds.": "✓", "Does not hold.": "✗"}
    for summary, claim in zip(summaries, claims, strict=True):
        assert summary.text[0] == verdicts.get(claim["verdict"], "◐")
        assert summary.text.endswith(f" {claim['statement']}.")
    figures = find_all(page, ".claims p")
    assert not any(each.is_displayed() for each in figures)
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", summaries[1])
    summaries[1].click()
    shown = [each.text for each in figures if each.is_displayed()]
    assert shown == [claims[1]["verdict"], *claims[1]["measured"]]


def test_curves_say_what_they_measure(page: Chrome) -> None:
    cost, accuracy = find_all(page, ".charts figure")
    for chart in (cost, accuracy):
        assert "training: running average while it learned" in chart.text
        assert "validation: images held out" in chart.text
    ticks = find_all(accuracy, "text[text-anchor=end]")[:-1]
    assert len(ticks) > 2
    assert all(re.fullmatch(r"\d+(\.\d+)?\s%", tick.text) for tick in ticks)


def test_samples_are_in_the_order_0_to_9_with_what_they_are_read_as(
    page: Chrome, finished: Path
) -> None:
    with (finished / "metrics/predictions.csv").open(encoding="utf-8") as file:
        predictions = list(csv.reader(file))[1:]
    samples = find_all(page, "#to-load button")
    digits = []
    for sample in samples:
        found = re.fullmatch(
            r"Test image ([\d,]+), a (\d), read as (\d)", sample.get_attribute("title") or ""
        )
        if not found:
            assert sample.text == "noise"
            continue
        digits.append(int(found[2]))
        assert predictions[int(found[1].replace(",", ""))] == [found[2], found[3]]
        assert sample.text == f"read as {found[3]}"
    assert digits[:10] == list(range(10))
    assert [sample.text for sample in samples[-3:]] == ["noise"] * 3


def test_arrow_keys_move_among_the_pictures_of_a_gallery(page: Chrome) -> None:
    for gallery in ("#to-load", "#mistakes", "#cell-digits"):
        walk(page, gallery)


def walk(page: Chrome, gallery: str) -> None:
    """Go from the first picture to the second, and load it."""
    pictures = find_all(page, f"{gallery} button")
    assert len(pictures) > 1
    page.execute_script("arguments[0].focus()", pictures[0])
    press(page, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element == pictures[1]
    tab_stops = [each for each in pictures if each.get_attribute("tabindex") == "0"]
    assert tab_stops == [pictures[1]]
    press(page, Keys.ENTER)
    wanted = re.findall(r"Test image (\S+), a", pictures[1].get_attribute("title") or "")[0]
    assert f"it is test image {wanted}," in text(page, "#truth")


def test_a_cell_of_the_confusion_matrix_shows_its_digits(page: Chrome, finished: Path) -> None:
    rows = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()[1:]
    wrong = sorted({row for row in rows if row[0] != row[2]}, key=rows.count)
    for row in (wrong[0], wrong[-1], "3,3"):
        label, predicted = row.split(",")
        count = rows.count(row)
        cell = f'[data-label="{label}"][data-predicted="{predicted}"]'
        assert text(page, cell) == str(count)
        find(page, cell).click()
        digits = "1 digit" if count == 1 else f"{count} digits"
        assert text(page, "#cell-title").startswith(f"{label} read as {predicted}: {digits}")
        shown = find_all(page, "#cell-digits button")
        assert len(shown) == min(count, 4 if label == predicted else 12)
        shown[0].click()
        settle(page)
        judgement = "Right" if label == predicted else "Wrong"
        assert text(page, "#truth").startswith(f"{judgement}: it is test image")
        assert text(page, "#truth").endswith(f"a {label}.")
        assert text(page, "#answer") == predicted


def test_arrow_keys_move_among_the_cells(page: Chrome) -> None:
    page.execute_script("document.querySelector('#confusion button').focus()")
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert text(page, "#cell-title").startswith("1 read as 2:")


def test_ones_with_a_flag_are_counted_as_python_reads_them(page: Chrome, network: Network) -> None:
    script = "return flaggedOnes().map(({ strokes }) => [...frameStrokes(strokes)])"
    images = np.array(run(page, ("framing.js", "ones.js"), script), np.float32)
    read = network.forward(images)[-1].argmax(axis=1)
    words = f"Of {len(images)} ones drawn with a flag, it reads {(read == 1).sum()} as 1."
    assert text(page, "#ones-words") == words
    buttons = find_all(page, "#ones button")
    counts = [sum(length == 1) for length in np.split(read, len(buttons))]
    assert [button.text.split()[0] for button in buttons] == list(map(str, counts))
    page.execute_script("arguments[0].click()", buttons[-1])
    settle(page)
    assert (buttons[-1].get_attribute("title") or "").endswith(f"as {text(page, '#answer')}")


def test_a_network_that_is_too_large_for_the_page_shows_its_digits(
    monkeypatch: pytest.MonkeyPatch, show: Any, network: Network
) -> None:
    monkeypatch.setattr(report_page, "MAX_PARAMETERS", 1000)
    page = show(network)
    assert "it has 13,002 weights and biases, and 1,000 are the most" in text(page, "#first .card")
    assert len(find_all(page, "#mistakes canvas")) > 3
    find(page, '[data-label="3"][data-predicted="3"]').click()
    assert text(page, "#cell-title").startswith("3 read as 3:")


# Nothing is asked for.


def test_the_page_makes_no_request(page: Chrome, listener: Listener, finished: Path) -> None:
    listener.requests.clear()
    page.get_log("performance")
    visit(page, finished / "metrics/report.html")
    draw(page, ZERO)
    for button in find_all(page, "#to-load button")[:3]:
        button.click()
    kept(page)
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert urls.count((finished / "metrics/report.html").as_uri()) == 1
    allowed = ("file:", "data:", "about:")
    assert [url for url in urls if not url.startswith(allowed)] == []
    assert listener.requests == []


ATTEMPTS = """
    const [place, done] = [`http://${arguments[0]}/secret`, arguments[1]];
    const image = new Image();
    image.src = place;
    const script = document.createElement("script");
    script.src = place;
    document.body.append(script);
    fetch(place).catch(String).then((answer) => setTimeout(() => done(String(answer)), 300));
"""


def test_the_content_security_policy_blocks_requests(
    chrome: Chrome, finished: Path, listener: Listener
) -> None:
    visit(chrome, finished / "metrics/report.html")
    listener.requests.clear()
    chrome.execute_async_script(ATTEMPTS, "elsewhere.test")
    assert listener.requests == []
    assert sum("Content Security Policy" in message for message in complaints(chrome)) >= 3
    chrome.get("data:text/html,<body>without a policy")
    chrome.execute_async_script(ATTEMPTS, "elsewhere.test")
    assert any("elsewhere.test/secret" in request for request in listener.requests)
