"""The page in a real browser: it reads digits as Python does, and makes no request."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, load_dataset
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.showing.report_page import gather, render
from tests.browser import (
    Listener,
    complaints,
    draw,
    emulate,
    find,
    open_browser,
    press,
    settle,
    text,
    visit,
)
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

# Fractions of the pad's width and height.
ZERO = [(0.5, 0.2), (0.38, 0.3), (0.33, 0.5), (0.38, 0.7), (0.5, 0.8)]
ZERO += [(0.62, 0.7), (0.67, 0.5), (0.62, 0.3), (0.5, 0.2)]
ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]


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


def seen(chrome: Chrome) -> NDArray[np.float32]:
    """Return the 28×28 picture that the network sees, as (784,) in [0, 1]."""
    strokes = "frameStrokes(state.strokes)"
    script = f"return [...state.digit === null ? {strokes} : digits[state.digit].image]"
    return np.array(chrome.execute_script(script), np.float32)


def in_the_page(chrome: Chrome, images: Array) -> NDArray[np.float64]:
    """Send images through the page's own network; return all activations after the first."""
    pixels = np.rint(images * 255).astype(np.uint8)
    found = chrome.execute_script(
        """
        const pixels = decodeBytes(arguments[0]);
        const found = [];
        for (let start = 0; start < pixels.length; start += 784) {
          const image = Float32Array.from(pixels.subarray(start, start + 784), (p) => p / 255);
          for (const layer of forward(network, image).activations.slice(1)) found.push(...layer);
        }
        const bytes = new Uint8Array(Float64Array.from(found).buffer);
        let letters = "";
        for (const byte of bytes) letters += String.fromCharCode(byte);
        return btoa(letters);
        """,
        base64.b64encode(pixels.tobytes()).decode(),
    )
    return np.frombuffer(base64.b64decode(found)).reshape(len(images), -1)


def write_page(path: Path, network: Network, test: Dataset) -> None:
    names = (
        f"{kind}_{what}" for kind in ("training", "validation") for what in ("cost", "accuracy")
    )
    history = {"epoch": [1.0], **{name: [0.5] for name in names}}
    noise = np.random.default_rng(0).random((3, 784), np.float32)
    page = gather(network, test, test, noise, history=history, knobs={}, results={})
    path.write_bytes(render(page))


def random_network(sizes: list[int], activation: str, cost: str) -> Network:
    network = Network(sizes, activation, cost)
    initialise_weights(network, "xavier", np.random.default_rng(0))
    for biases in network.biases:
        biases[:] = 0.1
    return network


@pytest.mark.parametrize(
    "network",
    [
        random_network([784, 10], "relu", "cross_entropy"),
        random_network([784, 5, 10], "tanh", "squared_error"),
        random_network([784, 120, 30, 7, 10], "sigmoid", "binary_cross_entropy"),
        random_network([784, *[4] * 100, 10], "tanh", "cross_entropy"),
    ],
    ids=lambda network: "-".join(map(str, network.sizes[:5])),
)
def test_every_kind_of_network_is_computed_as_in_python(
    network: Network, chrome: Chrome, finished: Path, tmp_path: Path
) -> None:
    test = load_dataset(finished / "data/prepared", "test")
    write_page(tmp_path / "page.html", network, test)
    visit(chrome, tmp_path / "page.html")
    expected = np.concatenate(network.forward(test.images)[1:], axis=1)
    np.testing.assert_allclose(in_the_page(chrome, test.images), expected, atol=1e-5)
    neurons = chrome.find_elements(By.CSS_SELECTOR, ".neuron")
    assert len(neurons) == sum(min(size, 24) for size in network.sizes[1:-1]) + 10
    weights = chrome.find_elements(By.CSS_SELECTOR, "#weights canvas")
    assert len(weights) == min(network.sizes[1], 64)
    assert text(chrome, "#weights-note") == (
        "These are the 64 of 120 with the largest weights." if network.sizes[1] == 120 else ""
    )
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= 1280
    assert complaints(chrome) == []


def test_all_test_images_are_read_as_in_python(page: Chrome, finished: Path) -> None:
    compare(page, finished)


def test_all_10000_test_images_are_read_as_in_python(chrome: Chrome, tmp_path: Path) -> None:
    if not (ROOT / "data/model.npz").exists() or not (ROOT / "data/prepared").exists():
        pytest.skip("there is no network trained on MNIST; run `make` first")
    test = load_dataset(ROOT / "data/prepared", "test")
    write_page(tmp_path / "page.html", load_network(ROOT / "data/model.npz"), test)
    visit(chrome, tmp_path / "page.html")
    compare(chrome, ROOT)


def compare(chrome: Chrome, folder: Path) -> None:
    network = load_network(folder / "data/model.npz")
    test = load_dataset(folder / "data/prepared", "test")
    expected = np.concatenate(network.forward(test.images)[1:], axis=1)
    found = in_the_page(chrome, test.images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    digits = found[:, -10:].argmax(axis=1)
    np.testing.assert_array_equal(digits, expected[:, -10:].argmax(axis=1))


@pytest.mark.parametrize("kind", ["mouse", "touch", "pen"])
def test_a_drawn_digit_is_read(kind: str, page: Chrome, finished: Path) -> None:
    find(page, "#clear").click()
    draw(page, ZERO, kind)
    image = seen(page)
    outputs = load_network(finished / "data/model.npz").forward(image[np.newaxis])[-1][0]
    assert text(page, "#answer") == "0" == str(outputs.argmax())
    assert 60 < image.sum() < 180  # like MNIST's zeros
    assert text(page, "#truth") == ""


def test_the_first_stroke_replaces_a_loaded_digit(page: Chrome) -> None:
    assert "test image" in text(page, "#truth")
    draw(page, ONE)
    assert page.execute_script("return [state.digit, state.strokes.length]") == [None, 1]


def test_undo_removes_one_stroke_and_clear_removes_all(page: Chrome) -> None:
    draw(page, ZERO)
    one_stroke = seen(page)
    draw(page, [(0.2, 0.2), (0.8, 0.8)])
    assert not np.array_equal(seen(page), one_stroke)
    find(page, "#undo").click()
    np.testing.assert_array_equal(seen(page), one_stroke)
    draw(page, ONE)
    find(page, "#clear").click()
    settle(page)
    assert not seen(page).any()
    assert text(page, "#verdict") == "Draw a digit."
    assert not find(page, "#undo").is_enabled()


def test_a_digit_can_be_drawn_by_keyboard_alone(page: Chrome) -> None:
    page.execute_script("document.activeElement.blur()")
    press(page, Keys.TAB)
    assert page.switch_to.active_element.get_attribute("id") == "pad"
    press(page, *[Keys.ARROW_UP] * 15, " ", *[Keys.ARROW_DOWN] * 30, " ", Keys.ARROW_RIGHT)
    image = seen(page).reshape(28, 28)
    assert np.flatnonzero(image.any(axis=1)).size == 20
    assert np.flatnonzero(image.any(axis=0)).size <= 4
    press(page, Keys.BACKSPACE)
    assert not seen(page).any()
    press(page, Keys.TAB, Keys.ENTER)  # past undo and clear, which are disabled
    assert "test image" in text(page, "#truth")
    ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    press(page, Keys.ENTER)
    assert text(page, "#verdict") == "Draw a digit."
    assert page.switch_to.active_element.get_attribute("id") == "pad"


def test_one_click_loads_a_test_digit(page: Chrome, finished: Path) -> None:
    test = load_dataset(finished / "data/prepared", "test")
    button = page.find_elements(By.CSS_SELECTOR, "#to-load button")[1]
    button.click()
    settle(page)
    index = page.execute_script("return digits[state.digit].testImage")
    np.testing.assert_allclose(seen(page), test.images[index], atol=1e-7)
    assert f"it is test image {index:,}, a {test.labels[index]}." in text(page, "#truth")


def test_noise_is_called_noise(page: Chrome) -> None:
    page.find_elements(By.CSS_SELECTOR, "#to-load button")[-1].click()
    settle(page)
    assert text(page, "#truth") == "In truth it is noise, and no digit at all."


@pytest.mark.parametrize(
    ("output", "outputs", "words"),
    [
        ("softmax", {4: 0.7, 9: 0.3}, "It is not sure: 4 (70 %) or 9 (30 %)."),
        ("softmax", {4: 0.8, 9: 0.2}, "It reads 4 (80 %)."),
        ("softmax", {4: 0.997, 9: 0.001}, "It reads 4 (over 99 %)."),
        ("sigmoid", {4: 0.9, 9: 0.8}, "It is not sure: 4 (0.90) or 9 (0.80)."),
        ("sigmoid", {4: 0.9, 9: 0.1}, "It reads 4 (0.90)."),
    ],
)
def test_the_answer_says_how_sure_it_is(
    output: str, outputs: dict[int, float], words: str, page: Chrome
) -> None:
    ten = [outputs.get(digit, 0) for digit in range(10)]
    script = "data.output = arguments[0]; return verdict(arguments[1]).words"
    found = page.execute_script(script, output, ten)
    assert found.replace("\N{NO-BREAK SPACE}", " ") == words


def test_screen_readers_hear_the_answer_once_it_is_final(page: Chrome) -> None:
    find(page, "#clear").click()
    draw(page, ZERO)
    status = find(page, "[role=status]")
    spoken = text(page, "#verdict")
    WebDriverWait(page, 5).until(
        lambda _: (status.get_attribute("textContent") or "").replace("\xa0", " ") == spoken
    )


@pytest.mark.parametrize("way", ["mouse", "keyboard", "tap"])
def test_a_neuron_shows_its_sum(way: str, page: Chrome, finished: Path) -> None:
    network = load_network(finished / "data/model.npz")
    image = seen(page)
    neuron = find(page, '[aria-label^="Hidden layer 1, neuron 3:"]')
    if way == "mouse":
        actions = ActionBuilder(page, mouse=PointerInput("mouse", "mouse"), duration=5)
        actions.pointer_action.move_to(neuron)
        actions.perform()
    elif way == "tap":
        actions = ActionBuilder(page, mouse=PointerInput("touch", "touch"), duration=5)
        actions.pointer_action.move_to(neuron).pointer_down().pointer_up()
        actions.perform()
    else:
        page.execute_script("document.querySelector('.neuron').focus()")
        press(page, *[Keys.ARROW_DOWN] * 3)
    settle(page)
    assert text(page, "#neuron-title") == "Hidden layer 1, neuron 3"
    parts = network.weights[0][3] * image
    expected = {
        "#sum-for": parts[parts > 0].sum(),
        "#sum-against": parts[parts < 0].sum(),
        "#sum-bias": network.biases[0][3],
        "#sum-z": parts.sum() + network.biases[0][3],
        "#sum-activation": max(0, parts.sum() + network.biases[0][3]),
    }
    for selector, value in expected.items():
        assert float(text(page, selector).replace("−", "-")) == pytest.approx(value, abs=0.006)
    assert find(page, "#neuron-weights").is_displayed()


def test_a_neuron_of_a_later_layer_lists_the_contributions_of_the_layer_before(
    page: Chrome,
) -> None:
    page.execute_script("document.querySelector('.neuron').focus()")
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert text(page, "#neuron-title") == "Hidden layer 2, neuron 1"
    parts = page.find_elements(By.CSS_SELECTOR, "#neuron-parts .part")
    listed = sum(float(part.text.replace("−", "-")) for part in parts)
    z = float(text(page, "#sum-z").replace("−", "-"))
    bias = float(text(page, "#sum-bias").replace("−", "-"))
    assert listed + bias == pytest.approx(z, abs=0.1)
    press(page, Keys.ESCAPE)
    assert text(page, "#neuron-title").startswith("Output ")


def test_a_cell_of_the_confusion_matrix_shows_its_digits(page: Chrome, finished: Path) -> None:
    rows = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()[1:]
    label, predicted = max({row for row in rows if row[0] != row[2]}, key=rows.count).split(",")
    count = rows.count(f"{label},{predicted}")
    cell = f'[data-label="{label}"][data-predicted="{predicted}"]'
    assert text(page, cell) == str(count)
    find(page, cell).click()
    assert text(page, "#cell-title").startswith(f"{label} read as {predicted}: {count} digits")
    shown = page.find_elements(By.CSS_SELECTOR, "#cell-digits button")
    assert len(shown) == min(count, 12)
    shown[0].click()
    settle(page)
    assert text(page, "#truth").startswith("Wrong: it is test image")
    assert text(page, "#truth").endswith(f"a {label}.")
    assert text(page, "#answer") == predicted


def test_arrow_keys_move_among_the_cells(page: Chrome) -> None:
    page.execute_script("document.querySelector('#confusion button').focus()")
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert text(page, "#cell-title").startswith("1 read as 2:")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_is_wider_than_the_screen(width: int, page: Chrome) -> None:
    emulate(page, width)
    settle(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert find(page, "#network").size["width"] <= width


def test_dark_screens_get_a_dark_page(page: Chrome) -> None:
    brightness = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"
    paper = "return colours.paper"
    light = int(page.execute_script(brightness)), page.execute_script(paper)[0]
    emulate(page, prefers_color_scheme="dark")
    settle(page)
    dark = int(page.execute_script(brightness)), page.execute_script(paper)[0]
    assert min(light) > 200
    assert max(dark) < 60


def test_the_page_makes_no_request(page: Chrome, listener: Listener, finished: Path) -> None:
    listener.requests.clear()
    page.get_log("performance")
    visit(page, finished / "metrics/report.html")
    draw(page, ZERO)
    for button in page.find_elements(By.CSS_SELECTOR, "#to-load button")[:3]:
        button.click()
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert urls.count((finished / "metrics/report.html").as_uri()) == 1
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
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


def described(chrome: Chrome) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chrome.execute_script(
        """
        return [...document.querySelectorAll("button, canvas, svg, input, a")].map((element) => ({
          html: element.outerHTML.slice(0, 90),
          name: element.getAttribute("aria-label") ?? element.textContent.trim(),
          hidden: element.getAttribute("aria-hidden") === "true",
        }));
        """
    )
    return found


def test_every_control_and_picture_has_an_accessible_name(page: Chrome) -> None:
    nameless = [each["html"] for each in described(page) if not (each["name"] or each["hidden"])]
    assert nameless == []
