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

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.showing.charts import nice_steps
from mnist_mlp.showing.report_page import (
    MAX_PARAMETERS,
    choose_digits,
    gather,
    pack_pixels,
    render,
)
from tests.conftest import done, start

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


def test_the_page_is_under_a_megabyte_and_loads_nothing(finished: Path, page: Page) -> None:
    content = (finished / "metrics/report.html").read_bytes()
    assert len(content) < 1_000_000
    for tag in ("img", "iframe", "object", "embed", "base", "form", "audio", "video"):
        assert page.all(tag) == []
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert b"@import" not in content
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
    assert f"{100 * results['test_accuracy']:.2f}\N{NO-BREAK SPACE}%" in text


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


def test_a_network_too_large_for_a_page_is_left_out_and_the_page_says_so() -> None:
    hidden = MAX_PARAMETERS // 794
    page = made(hidden)
    assert page["data"]["network"] is None
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


def unpacked(packed: bytes) -> bytes:
    content = b""
    while packed:
        zeros, others = packed[:2]
        content += bytes(zeros) + packed[2 : 2 + others]
        packed = packed[2 + others :]
    return content


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
