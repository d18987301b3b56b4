"""The page as a file: self-contained, escaped, and the same bytes every time."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset, load_dataset, load_split
from mnist_mlp.learning.likeness import Likeness
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.learning.progress import Progress
from mnist_mlp.learning.snapshots import (
    Snapshots,
    load_snapshots,
    plan_snapshots,
    save_snapshots,
    take_snapshots,
)
from mnist_mlp.learning.training import new_network, train
from mnist_mlp.showing.charts import draw_curves, nice_steps
from mnist_mlp.showing.report_page import (
    MAX_PARAMETERS,
    choose_digits,
    find_scales,
    gather,
    pack_pixels,
    render,
)
from tests.conftest import done, start, unpacked

SETS = ("test", "training")
EVIL = "</script><script>alert(1)</script>\"'&<!--"


class Page(HTMLParser):
    """What a browser finds in the page: its elements, and the text in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.elements[-1][0] if self.elements else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]

    def text(self) -> str:
        return re.sub("[ \n]+", " ", " ".join(text for _, text in self.texts))


@pytest.fixture
def page(finished: Path) -> Page:
    return Page((finished / "metrics/report.html").read_text("utf-8"))


def data_of(page: Page) -> dict[str, Any]:
    text = next(text for tag, text in page.texts if tag == "script" and text.startswith("{"))
    data: dict[str, Any] = json.loads(text)
    return data


def made(hidden: int = 4, epochs: int = 3, **changes: Any) -> dict[str, Any]:
    """Gather a page for random weights and 200 random images."""
    random = np.random.default_rng(0)
    network = Network([784, hidden, 10], "relu", "cross_entropy")
    initialise_weights(network, "xavier", random)
    images = (random.random((200, 784)) < 0.2).astype(np.float32)
    test = Dataset(images, np.eye(10, dtype=np.float32)[random.integers(0, 10, 200)])
    curve = [1 / epoch for epoch in range(1, epochs + 1)]
    history = {
        "epoch": list(range(1, epochs + 1)),
        "training_cost": curve,
        "validation_cost": curve,
        "training_accuracy": curve,
        "validation_accuracy": curve,
    }
    given: dict[str, Any] = {
        "history": history,
        "knobs": {"hidden": [hidden]},
        "results": {"test_accuracy": 0.5},
    }
    return gather(network, test, test, images[:3], **given | changes)


def test_the_page_is_under_1_2_megabytes_and_loads_nothing(finished: Path, page: Page) -> None:
    content = (finished / "metrics/report.html").read_bytes()
    assert len(content) < 1_200_000
    for tag in ("img", "iframe", "object", "embed", "base", "form", "audio", "video"):
        assert page.all(tag) == []
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:")
    style = next(text for tag, text in page.texts if tag == "style" and text.strip())
    assert "@import" not in style
    assert b"url(" not in content
    addresses = set(re.findall(rb"https?://[^'\"\s)]+", content))
    assert addresses <= {b"http://www.w3.org/2000/svg"}  # a namespace, which is never fetched


def test_only_the_scripts_and_styles_in_the_page_are_allowed(page: Page) -> None:
    (policy,) = (
        each["content"] or ""
        for each in page.all("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    script = next(text for tag, text in page.texts if text.startswith('"use strict"'))
    style = next(text for tag, text in page.texts if tag == "style" and text.strip())
    for rule, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    for _, attributes in page.elements:
        assert not any(name == "style" or name.startswith("on") for name in attributes)


def test_what_digits_look_like_takes_150_kilobytes_at_most_or_is_left_out() -> None:
    for n, fits in ((452, True), (700, False)):
        means = np.ones((10, n), np.float32)
        directions = np.zeros((10, 20, n), np.float32)
        described = made(likeness=Likeness(means, directions, 0.5, 0.4))["data"]["likeness"]
        assert (described is not None) is fits
        assert len(json.dumps(described)) <= 150_000


def test_same_inputs_give_the_same_bytes() -> None:
    assert render(made()) == render(made())


def test_the_stage_gives_the_same_bytes_again(clone: Path) -> None:
    before = (clone / "metrics/report.html").read_bytes()
    done(clone, "python", "stages/report.py")
    assert (clone / "metrics/report.html").read_bytes() == before


def test_the_network_in_the_page_is_the_trained_one(finished: Path, page: Page) -> None:
    network = load_network(finished / "data/model.npz")
    found = data_of(page)["network"]
    assert found["sizes"] == network.sizes
    assert (found["activation"], found["output"]) == ("relu", "softmax")
    parameters = np.frombuffer(base64.b64decode(found["parameters"]), "<f4")
    np.testing.assert_array_equal(parameters, network.parameters)


def test_knobs_and_results_are_shown(finished: Path, page: Page) -> None:
    text = page.text()
    assert "hidden [16, 16]" in text
    assert f"learning_rate {Params().learning_rate}" in text
    results = json.loads((finished / "metrics/accuracy.json").read_text("utf-8"))
    for name, value in results.items():
        assert f"{name} {value}" in text
    assert f"{100 * results['test_accuracy']:.1f}\N{NO-BREAK SPACE}%" in text


def test_confusion_counts_every_test_digit(finished: Path, page: Page) -> None:
    rows = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()
    for cell in page.all("button"):
        if "data-label" in cell:
            label, predicted = cell["data-label"], cell["data-predicted"]
            count = rows.count(f"{label},{predicted}")
            assert cell["aria-label"] == f"{label} read as {predicted}: {count}"


@pytest.mark.parametrize(
    "hostile",
    [
        {"knobs": {EVIL: EVIL}},
        {"results": {EVIL: 1}},
        {"claims": [{"statement": EVIL, "measured": [EVIL], "verdict": EVIL}]},
    ],
    ids=["knobs", "results", "claims"],
)
def test_hostile_values_stay_text(hostile: dict[str, Any]) -> None:
    html = render(made(**hostile)).decode()
    page = Page(html)
    assert len(page.all("script")) == 2
    assert EVIL in "".join(text for _, text in page.texts)
    assert "<script>alert" not in html


def test_text_in_the_data_cannot_close_its_element() -> None:
    page = made()
    page["data"]["to_load"] = [EVIL]
    assert data_of(Page(render(page).decode()))["to_load"] == [EVIL]


def test_claims_are_shown_if_there_are_any() -> None:
    claim = {"statement": "96 %", "measured": ["a 96.4 %", "b 98 %"], "verdict": "Holds."}
    text = Page(render(made(claims=[claim])).decode()).text()
    assert "claims, measured" in text
    assert "✓ holds 96 %. Holds. a 96.4 % b 98 %" in text
    assert "claims, measured" not in Page(render(made()).decode()).text()


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        ("Holds.", "✓ holds"),
        ("Does not hold.", "✗ does not hold"),
        ("Depends: holds for a; fails for b.", "◐ depends"),
        ("Undecided: a control failed.", "◐ undecided"),
    ],
)
def test_a_claim_is_a_mark_and_a_sentence_whose_figures_are_folded_away(
    verdict: str, mark: str
) -> None:
    claim = {"statement": "96 %", "measured": ["a 96.4 %"], "verdict": verdict}
    html = render(made(claims=[claim])).decode()
    (summary, rest) = re.findall(r"<summary>(.*?)</summary>(.*?)</details>", html, re.S)[0]
    assert Page(summary).text().split() == [*mark.split(), "96", "%."]
    assert Page(rest).text().split() == [*verdict.split(), "a", "96.4", "%"]
    assert [attributes for attributes in Page(html).all("details") if "open" in attributes] == []


def test_a_network_too_large_for_a_page_is_left_out_and_the_page_says_so() -> None:
    hidden = MAX_PARAMETERS // 794
    page = made(hidden)
    for name in ("network", "scales", "snapshots", "practice"):
        assert page["data"][name] is None
    assert len(render(page)) < 1_000_000
    text = Page(render(page).decode()).text()
    assert "too large for a page" in text
    assert f"{page['parameters']:,} weights and biases" in text
    assert "too large for a page" not in Page(render(made()).decode()).text()


def test_an_activation_that_the_page_does_not_know_is_refused_and_the_page_kept(
    clone: Path,
) -> None:
    knobs = clone / "src/mnist_mlp/base/params.py"
    known = knobs.read_text("utf-8")
    assert "Activation = Literal[" in known
    changed = known.replace("Activation = Literal[", 'Activation = Literal["twice", ')
    knobs.write_text(changed, "utf-8")
    with (clone / "src/mnist_mlp/learning/network.py").open("a", encoding="utf-8") as functions:
        functions.write('ACTIVATIONS["twice"] = ACTIVATIONS["tanh"]\n')
    done(clone, "python", "-c", CHANGE, PYTHONPATH="src")
    before = (clone / "metrics/report.html").read_bytes()
    result = start(clone, "python", "stages/report.py")
    assert result.returncode == 1
    assert result.stderr == (
        "error: src/mnist_mlp/showing/page/network.js: expected twice in the table ACTIVATIONS, "
        "found only sigmoid, tanh, relu; add this function there\n"
    )
    assert (clone / "metrics/report.html").read_bytes() == before


CHANGE = """
from pathlib import Path
from mnist_mlp.learning.model import load_network, save_network
network = load_network(Path("data/model.npz"))
network.activation = "twice"
save_network(Path("data/model.npz"), network)
"""


@pytest.mark.parametrize("inked", [0, 0.01, 0.5, 0.99, 1])
def test_packed_pixels_can_be_unpacked(inked: float) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(1, 256, 3 * 784, np.uint8) * (random.random(3 * 784) < inked)
    packed = pack_pixels(pixels.astype(np.uint8))
    assert unpacked(packed) == pixels.astype(np.uint8).tobytes()


def answers(predicted: list[int], confidence: list[float]) -> Array:
    outputs = np.full((len(predicted), 10), 0.01)
    outputs[np.arange(len(predicted)), predicted] = confidence
    return outputs


def test_the_most_confident_mistakes_are_chosen_worst_first() -> None:
    labels = np.array([1, 1, 1, 1, 2])
    outputs = answers([2, 1, 3, 2, 2], [0.5, 0.9, 0.8, 0.6, 0.9])
    chosen, mistakes = choose_digits(labels, outputs)
    assert mistakes.tolist() == [2, 3, 0]
    assert chosen.tolist() == [0, 1, 2, 3, 4]


def test_a_cell_has_the_first_4_right_digits_or_the_12_most_confident_wrong_ones() -> None:
    confidence = np.random.default_rng(0).permutation(100) / 200 + 0.3
    wrong, _ = choose_digits(np.full(100, 3), answers([5] * 100, confidence.tolist()))
    assert len(wrong) == 24  # the worst mistakes of all, and the 12 among them
    chosen, _ = choose_digits(np.full(100, 3), answers([3] * 100, confidence.tolist()))
    assert chosen.tolist() == [0, 1, 2, 3]


def decoded(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_page_has_the_snapshots_and_the_digits_to_practise_with(
    finished: Path, page: Page
) -> None:
    data = data_of(page)
    snapshots = load_snapshots(finished / "data/snapshots.npz")
    assert data["snapshots"]["measured_on"] == "validation"
    for name, kind in (("weights", "i1"), ("scales", "<f4"), ("biases", "<f4")):
        found = decoded(data["snapshots"][name], kind).reshape(len(snapshots.steps) - 1, -1)
        np.testing.assert_array_equal(found, snapshots.arrays[name])
    for found, moment in zip(data["snapshots"]["moments"], snapshots.moments, strict=True):
        assert found == pytest.approx(moment, abs=1e-6)
    test, training = (load_dataset(finished / "data/prepared", name) for name in SETS)
    split = load_split(finished / "data/validation.npy", len(training.images))
    expected: dict[str, tuple[Dataset, Any]] = {
        "test": (test, slice(500)),
        "training": (training, split.training[:300]),
    }
    for name, (digits, rows) in expected.items():
        found = data["practice"][name]
        packed = np.frombuffer(unpacked(base64.b64decode(found["pixels"])), np.uint8)
        images = np.stack([packed >> 4, packed & 15], axis=1).reshape(-1, 784) / 15
        assert np.abs(images - digits.images[rows]).max() <= 1 / 30 + 1e-6
        assert found["labels"] == digits.labels[rows].tolist()
    assert data["network"]["cost"] == "cross_entropy"
    assert data["scales"] == find_scales(load_network(finished / "data/model.npz"), test.images)


def taken(digits: Dataset, **changes: Any) -> tuple[Network, Snapshots]:
    params = Params(**{"hidden": [4], "epochs": 2, **changes})
    network = new_network(params)
    progress = Progress(network, digits, params)
    snapshots = plan_snapshots(progress)
    moments = train(network, digits, params, progress, snapshots.early)
    list(take_snapshots(moments, progress, snapshots))
    return network, snapshots


@pytest.fixture(scope="module")
def digits() -> Dataset:
    random = np.random.default_rng(2)
    images = random.random((100, 784), dtype=np.float32)
    return Dataset(images, np.eye(10, dtype=np.float32)[random.integers(0, 10, 100)])


def test_figures_that_were_not_measured_are_null_on_the_page(digits: Dataset) -> None:
    _, snapshots = taken(digits, validation=0)
    text = render(made(snapshots=snapshots)).decode()
    found = data_of(Page(text))["snapshots"]
    assert found["measured_on"] == "training"
    first = found["moments"][0]
    assert first == {"step": 0, "epoch": 0, "cost": None, "accuracy": None}
    assert None not in found["moments"][1].values()


def test_the_page_has_no_snapshots_if_only_the_last_moment_is_left(digits: Dataset) -> None:
    _, snapshots = taken(digits, hidden=[2000], epochs=1)
    assert len(snapshots.steps) == 1
    assert made(snapshots=snapshots)["data"]["snapshots"] is None


def test_snapshots_of_another_network_are_refused_and_the_page_kept(
    digits: Dataset, clone: Path
) -> None:
    before = (clone / "metrics/report.html").read_bytes()
    save_snapshots(clone / "data/snapshots.npz", taken(digits)[1])
    result = start(clone, "python", "stages/report.py")
    assert result.returncode == 1
    assert result.stderr == (
        "error: data/snapshots.npz: expected snapshots of layers of [784, 16, 16, 10], "
        "found [784, 4, 10]; run `dvc repro -f train`\n"
    )
    assert (clone / "metrics/report.html").read_bytes() == before


@pytest.mark.parametrize("hidden", [[], [5], [6, 5, 4, 3]])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_scales_are_the_99th_percentiles_of_activations_and_lines(
    hidden: list[int], activation: str, digits: Dataset
) -> None:
    network = Network([784, *hidden, 10], activation, "squared_error")
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    images = np.maximum(digits.images, 0.5) - 0.5
    layers = network.forward(images)
    found = find_scales(network, images)
    relu = [np.percentile(layer, 99) for layer in layers[1:-1]]
    bounded = [1] * len(hidden)
    expected = relu if activation == "relu" else bounded
    assert found["activations"] == pytest.approx([*expected, 1], rel=1e-3)
    lines = []
    for activations, weights in zip(layers, network.weights, strict=False):
        strengths = np.abs(activations[:, np.newaxis, :] * weights[np.newaxis]).ravel()
        lines.append(np.percentile(strengths[strengths != 0], 99))
    assert found["lines"] == pytest.approx(lines, rel=1e-3)


def test_scales_of_a_dead_network_are_1(digits: Dataset) -> None:
    dead = Network([784, 5, 10], "relu", "cross_entropy")
    assert find_scales(dead, digits.images) == {"activations": [1, 1], "lines": [1, 1]}


def test_curves_without_validation_are_left_out(clone: Path) -> None:
    history = clone / "metrics/history.csv"
    lines = history.read_text("utf-8").splitlines()
    blanked = [",".join([*line.split(",")[:4], "nan", "nan", line.split(",")[6]]) for line in lines]
    history.write_text("\n".join([lines[0], *blanked[1:]]) + "\n", "utf-8")
    done(clone, "python", "stages/report.py")
    page = Page((clone / "metrics/report.html").read_text("utf-8"))
    assert {line["class"] for line in page.all("polyline")} == {"training"}


def test_a_single_epoch_is_a_dot() -> None:
    assert len(Page(render(made(epochs=1)).decode()).all("circle")) == 4


def test_a_long_history_does_not_make_a_long_page() -> None:
    assert len(render(made(epochs=100_000))) < len(render(made(epochs=400))) + 10_000


@pytest.mark.parametrize(("low", "high"), [(0, 0.53), (0.857, 0.98), (1, 30), (0.5, 0.5), (1, 1e6)])
def test_axes_have_a_few_round_numbers_around_the_values(low: float, high: float) -> None:
    steps = nice_steps(low, high)
    assert 2 <= len(steps) <= 7
    assert steps[0] <= low <= high <= steps[-1]
    step = steps[1] - steps[0]
    assert f"{step:.0e}"[0] in "125"
    assert step == pytest.approx(float(f"{step:.0e}"))


def test_the_epochs_start_at_0_and_accuracy_is_in_per_cent() -> None:
    page = made(epochs=4)
    for chart in page["charts"]:
        ends = {name: x for x, name in chart["x_ticks"]}
        place = page["data"]["chart"]
        assert place["last"] == 4
        assert float(ends["0"]) == place["left"]
        assert float(ends["4"]) == place["right"]
        first, *_ = chart["lines"][0]["points"]
        share = (float(first[0]) - place["left"]) / (place["right"] - place["left"])
        assert share == pytest.approx(1 / 4, abs=1e-3)
    cost, accuracy = ([name for _, name in chart["y_ticks"]] for chart in page["charts"])
    assert not any("%" in name for name in cost)
    assert accuracy == ["20 %", "40 %", "60 %", "80 %", "100 %"]


def test_per_cent_have_as_many_decimals_as_they_need() -> None:
    chart = draw_curves("accuracy", [1, 2], {"training": [0.976, 0.981]}, percent=True)
    heights = {name: float(y) for y, name in chart["y_ticks"]}
    assert list(heights)[:2] == ["97.6 %", "97.8 %"]
    assert min(heights, key=lambda name: heights[name]) == list(heights)[-1]


def test_the_charts_say_what_the_curves_are() -> None:
    text = Page(render(made()).decode()).text()
    assert text.count("training: running average while it learned") == 2
    assert text.count("validation: images held out") == 2


HEAD = "epoch,training_cost,training_accuracy,validation_cost,validation_accuracy,parameters"


@pytest.mark.parametrize(
    ("file", "content", "command"),
    [
        ("history.csv", "epoch,training_cost\n1,<b>\n", "run `dvc repro -f train`"),
        ("history.csv", "epoch\n", "run `dvc repro -f train`"),
        ("history.csv", "\0", "run `dvc repro -f train`"),
        ("history.csv", f"{HEAD}\n1,0.4,nan,nan,nan,x\n", "run `dvc repro -f train`"),
        ("history.csv", f"{HEAD}\n1,0.4,-1e308,nan,1e308,x\n", "run `dvc repro -f train`"),
        ("history.csv", f"{HEAD}\n1,1e300,0.5,nan,nan,x\n", "run `dvc repro -f train`"),
        ("history.csv", f"{HEAD}\n3,0.4,0.5,nan,nan,x\n", "run `dvc repro -f train`"),
        ("accuracy.json", "[]", "run it again"),
        ("accuracy.json", '{"test_accuracy": "<b>"}', "run `dvc repro -f evaluate`"),
        ("accuracy.json", '{"test_accuracy": ["<b>"]}', "run it again"),
        ("accuracy.json", "{", "run it again"),
        ("accuracy.json", "[" * 100_000, "run it again"),
        ("accuracy.json", '{"\udc80": 1}', "run it again"),
        ("claims.json", "{", "run it again"),
        ("claims.json", '{"claims": [{"statement": 1}]}', "run it again"),
    ],
)
def test_damaged_results_are_refused_in_one_line(
    file: str, content: str, command: str, clone: Path
) -> None:
    before = (clone / "metrics/report.html").read_bytes()
    (clone / "metrics" / file).write_text(content, "utf-8", "surrogateescape")
    result = start(clone, "python", "stages/report.py")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: metrics/{file}: expected ")
    assert result.stderr.endswith(f"; {command}\n")
    assert result.stderr.count("\n") == 1
    assert (clone / "metrics/report.html").read_bytes() == before
