"""What one does on the page: compare digits, watch it learn, teach it, take the tour."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.learning.snapshots import Snapshots, load_snapshots
from tests.browser import (
    Listener,
    complaints,
    draw,
    emulate,
    find,
    find_all,
    number,
    open_browser,
    out_of_view,
    press,
    run,
    settle,
    tab_to,
    text,
    write_page,
)
from tests.conftest import unpacked
from tests.hand import drawings

pytestmark = pytest.mark.slow

COSTS = {"relu": "cross_entropy", "sigmoid": "squared_error", "tanh": "binary_cross_entropy"}
HIDDEN: list[list[int]] = [[], [16], [12, 9, 7, 5]]
ROUNDED = 0.0051  # how far a number with two decimals may be from what it shows


class Drawing(NamedTuple):
    """A drawing as the page's address keeps it, and the image that it becomes, (784,)."""

    fragment: str
    image: Array


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    listener = Listener()
    with open_browser(listener) as chrome:
        yield chrome
    listener.server.close()


@pytest.fixture
def page(chrome: Chrome) -> Iterator[Chrome]:
    chrome.get_log("browser")
    yield chrome
    assert complaints(chrome) == []


@pytest.fixture(scope="module")
def drawn(chrome: Chrome) -> dict[str, Drawing]:
    """Return all digits of tests/hand.py, framed by the page's own modules."""
    strokes = {name: [s.tolist() for s in each] for name, each in drawings("normal").items()}
    script = """
        return arguments[0].map((strokes) => {
          const letters = encodeStrokes(strokes);
          return [letters, [...frameStrokes(decodeStrokes(letters))]];
        });
    """
    found = run(chrome, ("framing.js", "address.js"), script, list(strokes.values()))
    return {
        name: Drawing(f"strokes={letters}", np.array(image))
        for name, (letters, image) in zip(strokes, found, strict=True)
    }


def show(
    chrome: Chrome, path: Path, fragment: str, width: int = 1280, height: int = 720, **media: str
) -> None:
    """Open a page at an address with this fragment, and wait until all of it is there."""
    emulate(chrome, width, height, **media)
    chrome.get("about:blank")  # with another fragment alone, the page would not be loaded again
    chrome.get(f"{path.as_uri()}#{fragment}")
    WebDriverWait(chrome, 10).until(lambda _: find_all(chrome, "#labels *"))
    settle(chrome)


class Example(NamedTuple):
    """An image, (784,), and its digit."""

    image: Array
    label: int


class Report(NamedTuple):
    """A page, the networks of its slider, the trained one last, and the digits to practise with."""

    path: Path
    networks: list[Network]
    moments: list[dict[str, float]]
    test: list[Example]
    training: list[Example]


@pytest.fixture(scope="module")
def report(finished: Path) -> Report:
    """The page of the network trained on the sample."""
    path, snapshots = finished / "metrics/report.html", load_snapshots(finished / SNAPSHOTS)
    networks = [*snapshots.networks, load_network(finished / MODEL)]
    test, training = (practice(path, which) for which in ("test", "training"))
    return Report(path, [in_float64(each) for each in networks], snapshots.moments, test, training)


MODEL, SNAPSHOTS = "data/model.npz", "data/snapshots.npz"


def practice(path: Path, which: str) -> list[Example]:
    """Return the digits that a page has to teach or to score a network."""
    html = path.read_text("utf-8")
    data = json.loads(html.partition('id="data">')[2].partition("</script>")[0])
    packed = data["practice"][which]
    halves = np.frombuffer(unpacked(base64.b64decode(packed["pixels"])), np.uint8)
    images = np.stack([halves >> 4, halves & 15], axis=1).reshape(-1, 784) / 15
    return [Example(*each) for each in zip(images, packed["labels"], strict=True)]


MakePage = Callable[..., Path]


@pytest.fixture
def make_page(finished: Path, tmp_path: Path) -> MakePage:
    """Return a function that writes a page of another network than the pipeline's."""
    test, training = (
        load_dataset(finished / "data/prepared", each) for each in ("test", "training")
    )

    def make(network: Network, snapshots: Snapshots | None = None) -> Path:
        write_page(tmp_path / "page.html", network, test, training, snapshots)
        return tmp_path / "page.html"

    return make


def in_float64(network: Network) -> Network:
    exact = Network(network.sizes, network.activation, network.cost, np.float64)
    exact.parameters[:] = network.parameters
    return exact


def random_network(hidden: list[int], activation: str) -> Network:
    """Return a float64 network of float32 numbers, whose outputs differ."""
    random = np.random.default_rng(3)
    network = Network([784, *hidden, 10], activation, COSTS[activation], np.float64)
    initialise_weights(network, "xavier", random)
    network.parameters *= 2
    for biases in network.biases:
        biases[:] = random.normal(0, 0.3, len(biases))
    network.parameters[:] = network.parameters.astype(np.float32)
    return network


def z_of(network: Network, images: Array) -> Array:
    """Return the weighted sums of the outputs, (n, 10)."""
    return network.forward(images)[-2] @ network.weights[-1].T + network.biases[-1]


def values(chrome: Chrome) -> NDArray[np.float64]:
    """Return the activations that the neurons' names end with, layer by layer."""
    names = chrome.execute_script(
        "return [...document.querySelectorAll('.neuron')].map((each) => each.ariaLabel)"
    )
    return np.array([number(name.rpartition(": ")[2]) for name in names])


def bars(chrome: Chrome) -> list[float]:
    """Return the ten outputs that a small screen has as bars, unrounded."""
    found: list[float] = chrome.execute_script(
        "return [...document.querySelectorAll('#bars li')].map("
        "(each) => Number(getComputedStyle(each).getPropertyValue('--output')))"
    )
    return found


def layers_of(network: Network, image: Array) -> Array:
    """Return the activations of all layers after the image, in one array."""
    return np.concatenate([layer[0] for layer in network.forward(image[np.newaxis])[1:]])


def answer_of(network: Network, image: Array) -> int:
    return int(layers_of(network, image)[-10:].argmax())


def output(chrome: Chrome, digit: int) -> WebElement:
    return find(chrome, f'[aria-label^="Output {digit}:"]')


def pixels(chrome: Chrome, selector: str) -> NDArray[np.int_]:
    """Return a canvas's colours, (height, width, 3)."""
    address = chrome.execute_script("return arguments[0].toDataURL()", find(chrome, selector))
    png = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)


def blueness(colours: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return how blue colours are; below 0 is red."""
    return colours[..., 2] - colours[..., 0]


# Why one digit and not another


def parts_of_lead(network: Network, image: Array, a: int, b: int) -> Array:
    """Return slope × pixel of z_a - z_b, the slope by differences of two forward passes."""
    moves = 1e-5 * np.eye(784)
    up, down = z_of(network, image + moves), z_of(network, image - moves)
    slope = (up - down) / 2e-5
    parts: Array = (slope[:, a] - slope[:, b]) * image
    return parts


def check_comparison(chrome: Chrome, network: Network, image: Array, a: int, b: int) -> None:
    assert text(chrome, "#why-title") == f"Why {a} and not {b}?"
    z = z_of(network, image[np.newaxis])[0]
    lead, parts = z[a] - z[b], parts_of_lead(network, image, a, b)
    up, down = parts[parts > 0].sum(), parts[parts < 0].sum()
    shown = re.fullmatch(rf"{a} leads {b} by (\d+\.\d\d):", text(chrome, "#why-lead"))
    assert shown
    sums = [number(shown[1]), *(number(text(chrome, f"#why-{name}")) for name in SUMS)]
    np.testing.assert_allclose(sums, [lead, up, down, lead - up - down], atol=ROUNDED)
    blue = blueness(pixels(chrome, "#why-picture")).ravel()
    strong = np.abs(parts) > 0.1 * np.abs(parts).max()
    np.testing.assert_array_equal(blue[strong] > 0, parts[strong] > 0)
    assert (blue[image == 0] == 0).all()


SUMS = ("for", "against", "rest")


@pytest.mark.parametrize("hidden", HIDDEN, ids=len)
@pytest.mark.parametrize("activation", COSTS)
def test_the_answer_is_compared_with_the_output_that_was_clicked_or_else_the_runner_up(
    activation: str,
    hidden: list[int],
    page: Chrome,
    make_page: MakePage,
    drawn: dict[str, Drawing],
) -> None:
    network, (fragment, image) = random_network(hidden, activation), drawn["4 open"]
    show(page, make_page(network), fragment)
    answer, runner_up, *others = np.argsort(-z_of(network, image[np.newaxis])[0]).tolist()
    check_comparison(page, network, image, answer, runner_up)
    is_exact = activation == "relu" or not hidden
    assert ("the whole lead" in text(page, "#why-exact")) == is_exact
    assert ("Approximate" in text(page, "#why-exact")) != is_exact
    for rival in (others[-1], others[0]):
        output(page, rival).click()
        settle(page)
        check_comparison(page, network, image, answer, rival)
        shown = ", ".join(f"#why-{what}" for what in ("title", "picture", "lead", *SUMS))
        assert out_of_view(page, shown) == []
    press(page, Keys.ESCAPE)
    assert text(page, "#why-title") == f"Why {answer} and not {runner_up}?"


def test_an_output_is_chosen_by_keyboard(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    fragment, image = drawn["7"]
    show(page, report.path, fragment)
    answer = answer_of(report.networks[-1], image)
    rival = 9 if answer != 9 else 8
    page.execute_script("document.querySelector('.neuron').focus()")
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, *[Keys.ARROW_DOWN] * rival, Keys.ENTER)
    check_comparison(page, report.networks[-1], image, answer, rival)


@pytest.mark.parametrize("width", [1024, 1180, 1280, 1440])
def test_a_diagram_of_many_layers_is_still(
    width: int, page: Chrome, make_page: MakePage, drawn: dict[str, Drawing]
) -> None:
    network = random_network([12, 9, 7, 5], "relu")
    show(page, make_page(network), drawn["2"].fragment, width)
    changes = page.execute_async_script(
        """
        const [done] = arguments;
        let changes = 0;
        const watcher = new MutationObserver((found) => (changes += found.length));
        watcher.observe(document.getElementById("network"), { attributes: true });
        setTimeout(() => done(changes), 500);
        """
    )
    assert changes == 0


# Watch it learn


def slide(chrome: Chrome, moment: int) -> None:
    """Move the slider to a moment by its keys."""
    find(chrome, "#moment").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * moment)
    settle(chrome)


def place(chrome: Chrome) -> int:
    return int(find(chrome, "#moment").get_property("value"))  # type: ignore[arg-type]


def check_words(words: str, moment: dict[str, float], where: str) -> None:
    """Check that words give the step, the whole epochs, and the figures of a moment."""
    step, epoch = int(moment["step"]), moment["epoch"]
    when = f"After {step:,} step{'s' * (step != 1)}" if step else "Untrained"
    if step and epoch == int(epoch):
        when += f" ({epoch:g} epoch{'s' * (epoch != 1)})"
    shown = re.fullmatch(
        rf"{re.escape(when)}: it reads (\d+\.\d) % of {where}, cost (\d+\.\d\d)\.", words
    )
    assert shown, words
    assert float(shown[1]) == pytest.approx(100 * moment["accuracy"], abs=0.051)
    assert float(shown[2]) == pytest.approx(moment["cost"], abs=ROUNDED)


def check_markers(chrome: Chrome, epoch: float, epochs: int) -> None:
    """Check that a marker crosses each of the charts at an epoch of its curve."""
    charts = chrome.execute_script(
        """
        const box = (element) => element.getBoundingClientRect().toJSON();
        return [...document.querySelectorAll(".charts svg[role=img]")].map((chart) =>
          [chart, ...chart.querySelectorAll(".marker, polyline.training")].map(box));
        """
    )
    assert len(charts) == 2
    for chart, curve, marker in charts:
        an_epoch = (curve["right"] - curve["left"]) / (epochs - 1)
        assert marker["left"] == pytest.approx(curve["left"] + (epoch - 1) * an_epoch, abs=0.5)
        assert marker["height"] > 0.7 * chart["height"]


def strip(chrome: Chrome) -> list[int]:
    return [int(each.text) for each in find_all(chrome, "#strip b")]


def test_every_moment_is_shown_as_it_was(
    page: Chrome,
    report: Report,
    drawn: dict[str, Drawing],
) -> None:
    fragment, image = drawn["2 looped"]
    show(page, report.path, fragment)
    moments = report.moments
    assert place(page) == len(moments) - 1
    slide(page, 0)
    for k, (network, moment) in enumerate(zip(report.networks, moments, strict=True)):
        assert place(page) == k
        np.testing.assert_allclose(values(page), layers_of(network, image), atol=ROUNDED)
        assert text(page, "#answer") == str(answer_of(network, image))
        check_words(text(page, "#when"), moment, "images held out")
        spoken = find(page, "#moment").get_attribute("aria-valuetext") or ""
        check_words(spoken.replace("\N{NO-BREAK SPACE}", " "), moment, "images held out")
        check_markers(page, moment["epoch"], 5)
        chosen = find_all(page, "#strip li")[k]
        assert chosen.get_attribute("class") == "now"
        weights = network.weights[0][3]
        blue = blueness(pixels(page, "#weights li:nth-child(4) canvas")).ravel()
        strong = np.abs(weights) > 0.2 * np.abs(weights).max()
        np.testing.assert_array_equal(blue[strong] > 0, weights[strong] > 0)
        find(page, "#moment").send_keys(Keys.ARROW_RIGHT)
        settle(page)
    assert place(page) == len(moments) - 1


def test_the_strip_shows_as_what_a_drawing_was_read_at_every_moment(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    seen = []
    for name in ("4 like a sail", "9 hooked", "1 long flag"):
        fragment, image = drawn[name]
        show(page, report.path, fragment)
        assert strip(page) == [answer_of(network, image) for network in report.networks]
        slide(page, 2)  # whatever is shown
        assert strip(page) == [answer_of(network, image) for network in report.networks]
        seen.append(tuple(strip(page)))
    assert len(set(seen)) == 3
    assert all(len(set(answers)) > 1 for answers in seen)


def test_a_click_on_the_strip_shows_its_moment(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    fragment, image = drawn["3"]
    show(page, report.path, fragment)
    find_all(page, "#strip li")[4].click()
    settle(page)
    assert place(page) == 4
    np.testing.assert_allclose(values(page), layers_of(report.networks[4], image), atol=ROUNDED)


def test_playing_goes_on_by_itself_and_stops_at_the_end(page: Chrome, report: Report) -> None:
    show(page, report.path, "")
    play, last = find(page, "#play"), place(page)
    slide(page, last - 2)
    play.click()
    assert play.text == "⏸ Pause"
    WebDriverWait(page, 10).until(lambda _: place(page) == last)
    assert play.text == "▶ Play"
    play.click()
    assert place(page) == 0  # from the end, it starts again
    WebDriverWait(page, 10, 0.1).until(lambda _: place(page) == 1)
    play.click()
    assert play.text == "▶ Play"
    stopped = place(page)
    page.execute_async_script("setTimeout(arguments[0], 1000)")
    assert place(page) == stopped
    play.click()
    find(page, "#moment").send_keys(Keys.ARROW_RIGHT)
    assert play.text == "▶ Play"


def test_a_network_without_snapshots_has_no_slider_and_can_be_taught(
    page: Chrome, make_page: MakePage, drawn: dict[str, Drawing]
) -> None:
    network, (fragment, image) = random_network([16], "relu"), drawn["5"]
    path = make_page(network)
    show(page, path, fragment)
    assert not any(find(page, each).is_displayed() for each in ("#time-tab", "#time", "#moment"))
    choose_label(page, 5)
    find(page, "#one-step").click()
    settle(page)
    learned = step_of(network, [Example(image, 5)], 0.1)
    np.testing.assert_allclose(bars(page), layers_of(learned, image)[-10:], atol=1e-5)
    show(page, path, "tour=1")
    assert text(page, "#tour-count") == "1 of 5"


def test_figures_of_training_images_are_called_so(
    page: Chrome, finished: Path, make_page: MakePage
) -> None:
    held_out = load_snapshots(finished / SNAPSHOTS)
    unknown = np.where(held_out.steps == 0, np.nan, held_out.costs)
    snapshots = held_out._replace(measured_on="training", costs=unknown, accuracies=unknown % 1)
    show(page, make_page(load_network(finished / MODEL), snapshots), "")
    check_words(text(page, "#when"), snapshots.moments[-1], "its training images")
    slide(page, 0)
    assert text(page, "#when") == "Untrained."


# Teach it


def step_of(network: Network, examples: Sequence[Example], learning_rate: float) -> Network:
    """Return the network after a step of gradient descent on one mini-batch."""
    images = np.stack([image for image, _ in examples])
    targets = np.eye(10)[[label for _, label in examples]]
    gradient = backprop(network, network.forward(images), targets)
    learned = in_float64(network)
    learned.parameters -= learning_rate * gradient.vector
    return learned


def score(network: Network, examples: Sequence[Example]) -> float:
    return float(np.mean([answer_of(network, image) == label for image, label in examples]))


def choose_label(chrome: Chrome, digit: int) -> None:
    find(chrome, "#lesson-tab").click()
    find_all(chrome, "#labels button")[digit].click()
    settle(chrome)


def teach(chrome: Chrome, button: str) -> None:
    find(chrome, button).click()
    settle(chrome)


def company(examples: list[Example], n_steps: int) -> list[list[Example]]:
    """Return the training digits that join in each of the first steps: 31, from the second on."""
    places = np.arange(1, 31 * n_steps + 1).reshape(-1, 31) % len(examples)
    return [[examples[i] for i in row] for row in places]


@pytest.mark.parametrize("learning_rate", [0.01, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "in company"])
def test_a_step_is_that_of_python(
    alone: bool,
    learning_rate: float,
    page: Chrome,
    report: Report,
    drawn: dict[str, Drawing],
) -> None:
    network, (fragment, image) = report.networks[-1], drawn["7 barred"]
    show(page, report.path, fragment)
    choose_label(page, 2)
    Select(find(page, "#rate")).select_by_visible_text(str(learning_rate))
    if not alone:
        find(page, "#company").click()
    teach(page, "#one-step")
    others = [] if alone else company(report.training, 1)[0]
    learned = step_of(network, [Example(image, 2), *others], learning_rate)
    expected = layers_of(learned, image)
    np.testing.assert_allclose(bars(page), expected[-10:], atol=1e-5)
    np.testing.assert_allclose(values(page), expected, atol=ROUNDED)
    assert text(page, "#answer") == str(answer_of(learned, image))
    check_score(text(page, "#taught"), 1, (network, learned), image, report.test)


def check_score(
    words: str, steps: int, networks: tuple[Network, Network], image: Array, test: list[Example]
) -> None:
    """Check what is said of a drawing and of other digits, before and after some steps."""
    before, after = networks
    digit, outputs = answer_of(after, image), layers_of(after, image)[-10:]
    shown = re.fullmatch(
        rf"After {steps} steps?, your digit: {answer_of(before, image)} → {digit} \((.*) %\); "
        rf"{len(test)} others: (\d+\.\d) % → (\d+\.\d) %\.",
        words,
    )
    assert shown, words
    limits = {">99": (0.99, 1), "<1": (0, 0.01)}
    low, high = limits.get(shown[1]) or (float(shown[1]) / 100 + end for end in (-0.0051, 0.0051))
    assert low <= outputs[digit] <= high
    accuracies = [100 * score(network, test) for network in networks]
    np.testing.assert_allclose([float(shown[2]), float(shown[3])], accuracies, atol=0.051)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "in company"])
def test_ten_steps_are_ten_times_one(
    alone: bool,
    page: Chrome,
    report: Report,
    drawn: dict[str, Drawing],
) -> None:
    fragment, image = drawn["1 leaning"]
    found = []
    for clicks in (["#one-step"] * 10, ["#ten-steps"]):
        show(page, report.path, fragment)
        choose_label(page, 4)
        if not alone:
            find(page, "#company").click()
        for button in clicks:
            teach(page, button)
        found.append(bars(page))
    assert found[0] == found[1]
    learned = report.networks[-1]
    for others in company(report.training, 10):
        learned = step_of(learned, [Example(image, 4), *([] if alone else others)], 0.1)
    np.testing.assert_allclose(found[0], layers_of(learned, image)[-10:], atol=1e-4)
    check_score(text(page, "#taught"), 10, (report.networks[-1], learned), image, report.test)


def test_forgetting_restores_the_network(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    show(page, report.path, drawn["6"].fragment)
    choose_label(page, 8)
    before, shown = bars(page), text(page, "#verdict")
    assert not find(page, "#forget").is_enabled()
    teach(page, "#one-step")
    teach(page, "#ten-steps")
    assert bars(page) != before
    teach(page, "#forget")
    assert bars(page) == before
    assert text(page, "#verdict") == shown
    assert text(page, "#taught") == ""
    assert not find(page, "#forget").is_enabled()


def test_an_early_network_can_be_taught_and_the_slider_forgets_it(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    fragment, image = drawn["3 flat"]
    show(page, report.path, fragment)
    slide(page, 5)
    choose_label(page, 3)
    teach(page, "#one-step")
    learned = step_of(report.networks[5], [Example(image, 3)], 0.1)
    np.testing.assert_allclose(bars(page), layers_of(learned, image)[-10:], atol=1e-5)
    check_score(text(page, "#taught"), 1, (report.networks[5], learned), image, report.test)
    find(page, "#time-tab").click()
    find(page, "#moment").send_keys(Keys.ARROW_RIGHT)
    settle(page)
    np.testing.assert_allclose(values(page), layers_of(report.networks[6], image), atol=ROUNDED)
    find(page, "#lesson-tab").click()
    assert text(page, "#taught") == ""
    assert not find(page, "#forget").is_enabled()


def test_a_lesson_is_compared_with_the_network_before_its_first_step(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    fragment, image = drawn["7"]
    show(page, report.path, fragment)
    choose_label(page, 2)
    learned = report.networks[-1]
    for _ in range(2):
        teach(page, "#one-step")
        learned = step_of(learned, [Example(image, 2)], 0.1)
    check_score(text(page, "#taught"), 2, (report.networks[-1], learned), image, report.test)


def test_a_lesson_is_not_forgotten_because_the_slider_was_playing(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    show(page, report.path, drawn["5"].fragment)
    find(page, "#play").click()
    choose_label(page, 3)
    teach(page, "#one-step")
    words = text(page, "#taught")
    page.execute_async_script("setTimeout(arguments[0], 1600)")
    assert words.startswith("After 1 step")
    assert text(page, "#taught") == words


def test_there_is_nothing_to_teach_without_a_digit_and_its_label(
    page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    show(page, report.path, drawn["0"].fragment)
    find(page, "#lesson-tab").click()
    assert not find(page, "#one-step").is_enabled()
    assert text(page, "#wish").startswith("Choose what it is")
    choose_label(page, 0)
    assert find(page, "#one-step").is_enabled()
    find(page, "#clear").click()
    settle(page)
    assert not find(page, "#one-step").is_enabled()
    assert text(page, "#wish") == "Draw a digit first."


@pytest.mark.parametrize(
    ("hidden", "activation"), [([], "relu"), ([16], "relu"), ([12, 9], "tanh"), ([9, 7], "sigmoid")]
)
def test_a_lesson_shows_what_every_neuron_should_do(
    hidden: list[int],
    activation: str,
    page: Chrome,
    make_page: MakePage,
    drawn: dict[str, Drawing],
) -> None:
    network, (fragment, image) = random_network(hidden, activation), drawn["8"]
    show(page, make_page(network), fragment, prefers_reduced_motion="reduce")
    label = int(layers_of(network, image)[-10:].argmin())
    choose_label(page, label)
    assert f"output {label} wants to grow, the others to shrink" in text(page, "#wish")
    gradient = backprop(network, network.forward(image[np.newaxis]), np.eye(10)[[label]])
    diagram = blueness(pixels(page, "#network"))
    places = places_of_neurons(page)
    start = 0
    for delta in gradient.biases:  # ∂C/∂b = δ (BP3)
        layer = places[start : start + len(delta)]
        start += len(delta)
        blue = np.array([diagram[round(y - 0.65 * r), round(x)] for x, y, r in layer])
        strong = np.abs(delta) > 0.4 * np.abs(delta).max()
        np.testing.assert_array_equal(np.sign(blue[strong]), np.sign(-delta[strong]))
    arrows = np.array([diagram[round(y), round(x - r - 9)] for x, y, r in places[-10:]])
    np.testing.assert_array_equal(arrows > 0, np.arange(10) == label)
    assert (np.abs(arrows) > 60).all()


def places_of_neurons(chrome: Chrome) -> list[tuple[float, float, float]]:
    """Return where the diagram has each neuron: its middle and radius."""
    found: list[tuple[float, float, float]] = chrome.execute_script(
        """
        const from = document.getElementById("network").getBoundingClientRect();
        return [...document.querySelectorAll(".neuron")].map((each) => {
          const { left, top, width } = each.getBoundingClientRect();
          return [left - from.left + width / 2, top - from.top + width / 2, width / 2 - 2];
        });
        """
    )
    return found


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_lesson_goes_back_layer_by_layer_unless_motion_is_unwelcome(
    motion: str, page: Chrome, report: Report, drawn: dict[str, Drawing]
) -> None:
    show(page, report.path, drawn["4 closed"].fragment, prefers_reduced_motion=motion)
    choose_label(page, 0)
    Select(find(page, "#rate")).select_by_visible_text("0.01")
    teach(page, "#one-step")
    first = pixels(page, "#network")
    page.execute_async_script("setTimeout(arguments[0], 1500)")
    assert np.array_equal(pixels(page, "#network"), first) == (motion == "reduce")


# The tour

STEPS = 6
# What each of the steps asks to use, and what one is to see then.
NEEDED = (
    "#pad",
    "#pad",
    '[aria-label^="Hidden layer 1, neuron 0:"]',
    '[aria-label^="Output 1:"]',
    "#moment",
    "#one-step",
)
RESULTS = ("#answer", "#answer", "#sum-z", "#why-picture", "#strip", "#taught")
SMALL = [(0.7, 0.75), (0.75, 0.75), (0.72, 0.85)]
LINE = [(0.3, 0.2), (0.5, 0.25), (0.4, 0.6), (0.5, 0.9)]


def act(chrome: Chrome, step: int) -> None:
    """Do what a step of the tour asks for."""
    if step == 1:
        draw(chrome, LINE)
    elif step == 2:
        find(chrome, "#clear").click()
        draw(chrome, SMALL)
    elif step == 3:
        neuron = find(chrome, '[aria-label^="Hidden layer 1, neuron 5:"]')
        ActionChains(chrome).move_to_element(neuron).perform()
    elif step == 4:
        rival = (int(text(chrome, "#answer")) + 3) % 10
        output(chrome, rival).click()
    elif step == 5:
        find(chrome, "#moment").send_keys(Keys.ARROW_LEFT)
    else:
        find_all(chrome, "#labels button")[5].click()
        find(chrome, "#one-step").click()
    settle(chrome)


def test_each_step_of_the_tour_waits_for_what_it_asks_for(page: Chrome, report: Report) -> None:
    show(page, report.path, "", prefers_reduced_motion="reduce")
    find(page, "#start-tour").click()
    for step in range(1, STEPS + 1):
        settle(page)
        assert text(page, "#tour-count") == f"{step} of {STEPS}"
        ask = text(page, "#tour-words")
        assert not find(page, "#tour-next").is_enabled()
        act(page, step)
        outcome = text(page, "#tour-words")
        assert outcome.startswith("✓ ")
        assert len(f"{ask} {outcome[2:]}".split()) <= 40
        assert find(page, "#tour-next").text == ("Done" if step == STEPS else "Next")
        find(page, "#tour-next").click()
    assert not find(page, "#tour").is_displayed()
    WebDriverWait(page, 5).until(lambda _: "tour" not in page.current_url)


def test_nothing_else_finishes_a_step(page: Chrome, report: Report) -> None:
    for step, others in {1: (3, 4), 3: (1, 5), 4: (1, 3), 5: (1, 3, 4), 6: (1, 3, 4)}.items():
        show(page, report.path, f"tour={step}", prefers_reduced_motion="reduce")
        for other in others:
            act(page, other)
            assert not find(page, "#tour-next").is_enabled(), (step, other)


def test_a_step_can_be_skipped_and_the_tour_ended(page: Chrome, report: Report) -> None:
    show(page, report.path, "")
    assert not find(page, "#tour").is_displayed()
    find(page, "#start-tour").click()
    for step in range(2, STEPS + 1):
        find(page, "#tour-skip").click()
        assert text(page, "#tour-count") == f"{step} of {STEPS}"
    find(page, "#tour-end").click()
    assert not find(page, "#tour").is_displayed()
    assert page.switch_to.active_element.get_attribute("id") == "start-tour"
    assert find_all(page, ".shown") == []


def test_an_address_leads_to_a_step_and_reload_stays_there(page: Chrome, report: Report) -> None:
    show(page, report.path, "tour=3")
    assert text(page, "#tour-count") == "3 of 6"
    find(page, "#tour-skip").click()
    WebDriverWait(page, 5).until(lambda _: page.current_url.endswith("tour=4"))
    page.refresh()
    settle(page)
    assert text(page, "#tour-count") == "4 of 6"
    page.execute_script("location.hash = 'tour=1'")
    WebDriverWait(page, 5).until(lambda _: text(page, "#tour-count") == "1 of 6")
    for nonsense in ("tour=0", "tour=7", "tour=x", "tour="):
        show(page, report.path, nonsense)
        assert not find(page, "#tour").is_displayed()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (360, 740), (844, 390)])
def test_what_a_step_is_about_is_at_hand_beside_the_tour(
    width: int, height: int, page: Chrome, report: Report
) -> None:
    for step, (needed, result) in enumerate(zip(NEEDED, RESULTS, strict=True), 1):
        show(page, report.path, f"tour={step}", width, height, prefers_reduced_motion="reduce")
        assert out_of_view(page, f"#tour, {needed}") == [], step
        if width >= 1280:
            act(page, step)
            assert out_of_view(page, result) == [], step


def test_the_tour_is_no_dialog(page: Chrome, report: Report) -> None:
    show(page, report.path, "tour=1")
    assert find_all(page, "dialog, [aria-modal], [inert]") == []
    assert out_of_view(page, '#clear, #play, [aria-label^="Output 3:"]') == []


def test_the_tour_can_be_taken_by_keyboard_alone(page: Chrome, report: Report) -> None:
    show(page, report.path, "", prefers_reduced_motion="reduce")
    tab_to(page, "#start-tour")
    press(page, Keys.ENTER)
    acts = [
        {"#pad": [Keys.DELETE, " ", *[Keys.ARROW_DOWN] * 9, " "]},
        {"#pad": [" ", *[Keys.ARROW_RIGHT] * 3, " "]},
        {".neuron": [Keys.ARROW_DOWN]},
        {".neuron": [*[Keys.ARROW_RIGHT] * 2, Keys.ENTER]},
        {"#moment": [Keys.HOME]},
        {"#labels button": [Keys.ARROW_RIGHT, Keys.ENTER], "#one-step": [Keys.ENTER]},
    ]
    for step, keys in enumerate(acts, 1):
        assert text(page, "#tour-count") == f"{step} of {STEPS}"
        for selector, pressed in keys.items():
            tab_to(page, selector, back=selector != "#one-step")
            press(page, *pressed)
        tab_to(page, "#tour-next")
        press(page, Keys.ENTER)
    assert not find(page, "#tour").is_displayed()


def test_motion_is_left_out_of_the_tour_if_it_is_unwelcome(page: Chrome, report: Report) -> None:
    show(page, report.path, "tour=5", 360, 740, prefers_reduced_motion="reduce")
    there = page.execute_script("return scrollY")
    assert there > 0
    page.execute_async_script("setTimeout(arguments[0], 700)")
    assert page.execute_script("return scrollY") == there
