"""What a class hands in and gets: weights as arrays, hand-ins, the leaderboard and marks."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.checking.diagnosis import Diagnosis, check
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.lines import Recipe
from mnist_mlp.checking.parts import PARTS
from mnist_mlp.course.hand_in import HandIn, Results, rank, read_hand_in, write_leaderboard
from mnist_mlp.course.marks import Mark, write_marks
from mnist_mlp.course.own_training import Way, descend, downhill, train_own, way_of
from mnist_mlp.course.spreadsheets import defuse
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.training import new_network, train
from tests.conftest import contents
from tests.test_cli import mnist_mlp, refusal
from tests.test_exercises import ANSWERS, filled

pytestmark = pytest.mark.slow

SUMMARY = (
    '{"name": "a", "knobs": {}, "results": {"data": "", "test_accuracy": %s, "parameters": 1}}'
)
FORMULA = '=HYPERLINK("http://localhost";"<b>Zoë</b>")'


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def handed_in(name: str = "Zoë", accuracy: float = 0.9, parameters: int = 100) -> HandIn:
    return HandIn(name, {"hidden": [16, 16], "epochs": 3}, Results("mnist", accuracy, parameters))


def test_a_line_of_numpy_loads_the_weights_and_computes_the_activations(
    finished: Path, tmp_path: Path
) -> None:
    assert mnist_mlp(finished, "weights", tmp_path / "w").returncode == 0
    loading = (tmp_path / "w/README.txt").read_text("utf-8")
    code = loading.replace('np.load("', f'np.load("{tmp_path}/w/').splitlines()[:2]
    names: dict[str, Any] = {"np": np}
    exec("\n".join(code), names)
    network = load_network(finished / "data/model.npz")
    layers = network.forward(names["images"])[1:]
    a = names["images"]
    for i, expected in enumerate(layers, 1):
        z = a @ names[f"W{i}"].T + names[f"b{i}"]
        a = np.maximum(z, 0) if i < len(layers) else np.exp(z) / np.exp(z).sum(1, keepdims=True)
        np.testing.assert_allclose(names[f"a{i}"], expected, atol=1e-5)
        np.testing.assert_allclose(a, expected, atol=1e-5)
    assert len(names["labels"]) == len(names["images"])


def test_weights_before_a_run_names_the_command(tmp_path: Path) -> None:
    line = refusal(mnist_mlp(tmp_path, "weights", "w", "--model", tmp_path / "none.npz"))
    assert "`make`" in line
    assert not (tmp_path / "w").exists()


def test_an_experiment_is_handed_in_and_ranked(clone: Path) -> None:
    assert mnist_mlp(clone, "hand-in", "class/a'b", "--name", FORMULA).returncode == 0
    assert mnist_mlp(clone, "hand-in", "class/bob").returncode == 0
    given_in = clone / "class/bob/report.html"
    assert given_in.read_bytes() == (clone / "metrics/report.html").read_bytes()
    result = mnist_mlp(clone, "leaderboard", "class/a'b", "class/bob")
    assert (result.returncode, result.stderr) == (0, "")
    accuracy = json.loads((clone / "metrics/accuracy.json").read_bytes())["test_accuracy"]
    table = rows(clone / "leaderboard.csv")
    assert [row[:3] for row in table[1:]] == [
        ["1", "'" + FORMULA, str(accuracy)],
        ["1", "bob", str(accuracy)],
    ]
    page = (clone / "leaderboard.html").read_text("utf-8")
    assert "<b>" not in page
    assert 'href="class/a%27b/report.html"' in page


@pytest.mark.parametrize("stale", ["metrics/report.html", "metrics/accuracy.json"])
def test_what_is_not_of_this_model_is_not_handed_in(stale: str, clone: Path) -> None:
    (clone / stale).write_text("{}", "utf-8")
    assert "`dvc repro`" in refusal(mnist_mlp(clone, "hand-in", "bob"))
    assert not (clone / "bob").exists()


def test_the_best_is_first_and_of_equals_the_smallest() -> None:
    places = rank(
        {
            "a": handed_in("a", 0.9, 200),
            "b": handed_in("b", 0.95, 300),
            "c": handed_in("c", 0.9, 100),
            "d": handed_in("d", 0.8, 1),
        }
    )
    assert [(place.rank, place.name) for place in places] == [
        (1, "b"),
        (2, "c"),
        (2, "a"),
        (4, "d"),
    ]


def test_only_changed_knobs_are_listed() -> None:
    assert rank({"a": handed_in()})[0].changes == "epochs=3"


@pytest.mark.parametrize(
    "summary",
    [
        "",
        "[]",
        "[" * 10_000,
        '{"name": 1, "knobs": {}, "results": {}}',
        SUMMARY % "7",
        SUMMARY % "NaN",
    ],
    ids=range(6),
)
def test_a_damaged_hand_in_is_refused_in_one_line(summary: str, tmp_path: Path) -> None:
    (tmp_path / "hand-in.json").write_text(summary, "utf-8")
    with pytest.raises(InputError, match=r"hand-in\.json: expected [^\n]*$"):
        read_hand_in(tmp_path)


def test_what_cannot_be_read_is_named_and_the_others_are_compared(tmp_path: Path) -> None:
    for name, summary in {"bob": SUMMARY % "0.9", "eve": "{}"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "hand-in.json").write_text(summary, "utf-8")
    result = mnist_mlp(tmp_path, "leaderboard", "eve", "none", "bob")
    assert result.returncode == 1
    assert re.fullmatch(r"error: eve/[^\n]*\nerror: none/[^\n]*\n", result.stderr)
    assert [row[2] for row in rows(tmp_path / "leaderboard.csv")[1:]] == ["0.9"]


TEXT = st.text(st.sampled_from("=+-@＝'\"<>&;,|\t\r\n \0\u2028ax1"), max_size=8)


@given(TEXT)
def test_no_text_begins_a_cell_with_a_formula_however_lines_are_split(text: str) -> None:
    for cell in re.split(r"[,;|\t\r\n]", defuse(text)):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", cell)


@given(TEXT)
def test_no_name_adds_markup_to_the_leaderboard(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    counts = set()
    for name in (text, "bob"):
        write_leaderboard(rank({"a": handed_in(name)}), folder / "l.csv", folder / "l.html")
        page = (folder / "l.html").read_text("utf-8")
        counts.add((page.count("<"), page.count(">"), page.count('"')))
    assert len(counts) == 1


def write_program(folder: Path, **answers: dict[int, str]) -> Path:
    """Write the five exercises, done, into one file; `answers` are other ones."""
    path = folder / "mine.py"
    parts = []
    for part, right in ANSWERS.items():
        parts.append(filled(part, [answers.get(part, {}).get(i, a) for i, a in enumerate(right)]))
    path.write_text("".join(parts), "utf-8")
    return path


def test_ones_own_backprop_trains_the_projects_network_and_changes_nothing_else(
    finished: Path, tmp_path: Path
) -> None:
    path, before = write_program(tmp_path), contents(finished)
    result = mnist_mlp(finished, "train", path, "--epochs", "2")
    assert (result.returncode, result.stderr) == (0, "")
    results = json.loads((tmp_path / "mine-trained/results.json").read_bytes())
    assert results["own"]["accuracy"] == pytest.approx(results["project"]["accuracy"], abs=0.01)
    assert results["own"]["accuracy"] > 0.5
    assert f"{results['own']['accuracy']:.2%} of the test digits" in result.stdout
    assert load_network(tmp_path / "mine-trained/model.npz").sizes == [784, 16, 16, 10]
    assert contents(finished) == before
    assert not list(finished.rglob("*.checkpoint"))


def test_with_the_projects_gradients_it_is_the_training_of_the_pipeline(
    finished: Path,
) -> None:
    params = Params(epochs=2)
    digits = load_dataset(finished / "data/prepared", "training")
    one, other = new_network(params), new_network(params)
    list(train(one, digits, params))

    def gradient(weights: Any, biases: Any, images: Any, targets: Any) -> Any:
        found = backprop(other, other.forward(images), targets)
        return found.weights, found.biases

    assert list(descend(other, downhill(gradient), digits, params)) == [1, 2]
    assert np.array_equal(one.parameters, other.parameters)


LAYOUT = Layout("rows", False, "flat", "one-hot")
WAY = Way(Recipe("relu", "softmax", "cross_entropy"), "backprop", LAYOUT)
ADAPTERS = {
    "check_gradients": """
def check_gradients(weights, biases, images, labels):
    return backprop(weights, biases, images, np.eye(10)[labels])
""",
    "check_step": """
def check_step(weights, biases, images, labels, rate):
    by_weights, by_biases = backprop(weights, biases, images, np.eye(10)[labels])
    step(weights, biases, by_weights, by_biases, rate)
    return weights, biases
""",
}


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_trains_the_same_network(adapter: str, finished: Path, tmp_path: Path) -> None:
    path = write_program(tmp_path)
    other = tmp_path / "mine_check.py"
    imports = "import numpy as np\nfrom mine import backprop, step\n"
    other.write_text(imports + ADAPTERS[adapter], "utf-8")
    prepared = finished / "data/prepared"
    results = [
        train_own(file, way_of(check(file)) or WAY, prepared, epochs=1, seconds=60, model=None)
        for file in (path, other)
    ]
    assert results[0].accuracy == pytest.approx(results[1].accuracy, abs=0.01)


NIELSEN = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Network:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, m) for m, n in zip(sizes, sizes[1:])]

    def backprop(self, x, y):
        activations = [x]
        for b, w in zip(self.biases, self.weights):
            activations.append(sigmoid(w @ activations[-1] + b))
        delta = activations[-1] - y
        nabla_w, nabla_b = [delta @ activations[-2].T], [delta]
        for i in range(2, len(activations)):
            a = activations[-i]
            delta = self.weights[1 - i].T @ delta * a * (1 - a)
            nabla_w.insert(0, delta @ activations[-i - 1].T)
            nabla_b.insert(0, delta)
        return nabla_b, nabla_w
"""


def test_a_class_that_takes_one_example_at_a_time_trains_too(
    finished: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(NIELSEN, "utf-8")
    result = mnist_mlp(finished, "train", path, "--epochs", "2")
    assert (result.returncode, result.stderr) == (0, "")
    results = json.loads((tmp_path / "mine-trained/results.json").read_bytes())
    assert results["own"]["accuracy"] == pytest.approx(results["project"]["accuracy"], abs=0.01)
    assert load_network(tmp_path / "mine-trained/model.npz").activation == "sigmoid"


def test_a_program_that_cannot_be_called_is_told_of_adapters(
    tmp_path: Path, finished: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def learn(x, y): pass\n", "utf-8")
    with pytest.raises(InputError, match="check --new"):
        train_own(path, WAY, finished / "data/prepared", epochs=1, seconds=60, model=None)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("delta.sum(axis=0) / 0", "NaN or infinite"),
        ("open('/nowhere/x')", "FileNotFoundError"),
        ("[None for _ in iter(int, 1)]", "1 seconds"),
        ("print('x' * 10**7)", "megabyte"),
        ("__import__('os')._exit(3)", "exit code 3"),
        ("delta", "ValueError"),
    ],
)
def test_a_program_that_fails_while_it_trains_is_a_line(
    answer: str, words: str, finished: Path, tmp_path: Path
) -> None:
    path = write_program(tmp_path, backprop={2: answer})
    prepared = finished / "data/prepared"
    seconds = 1 if words == "1 seconds" else 60
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*({words})") as caught:
        train_own(path, WAY, prepared, epochs=1, seconds=seconds, model=tmp_path / "model.npz")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model.npz").exists()


def test_a_class_is_checked_trained_and_put_into_a_table(finished: Path, tmp_path: Path) -> None:
    path = write_program(tmp_path, cost={0: "np.mean(outputs)"})
    shutil.copy(path, tmp_path / "@SUM(A1).py")
    (tmp_path / "bob.py").write_text("def f(x): return x\n", "utf-8")
    files = [tmp_path / name for name in ("@SUM(A1).py", "bob.py")]
    table = tmp_path / "marks.csv"
    result = mnist_mlp(finished, "check", *files, "--table", table, "--train", "1")
    assert result.returncode == 1
    _, eve, bob = rows(table)
    assert eve[:7] == ["'@SUM(A1)", "right", "wrong", "right", "right", "right", "4"]
    assert 0 < float(eve[8]) < 1
    assert bob[:7] == ["bob", *[""] * 5, "0"]
    assert bob[7]


def test_what_the_check_says_is_handed_in(finished: Path, tmp_path: Path) -> None:
    path = write_program(tmp_path)
    result = mnist_mlp(finished, "hand-in", tmp_path / "ann", "--program", path)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads((tmp_path / "ann/hand-in.json").read_bytes())
    assert found["check"] == [f"{part}: right" for part in PARTS]


def test_marks_say_which_parts_are_right(tmp_path: Path) -> None:
    parts: dict[str, list[str]] = {
        "forward": [],
        "cost": ["-y ln a", "no minus"],
        "backprop": [],
        "step": [],
    }
    nothing = Diagnosis(None, None, [], [], [], "=1", [])
    marks = [Mark("+Ann", parts, nothing, 0.96), Mark("Bob", {}, nothing)]
    write_marks(tmp_path / "marks.csv", marks)
    header, ann, bob = rows(tmp_path / "marks.csv")
    assert header == ["name", *PARTS, "right", "findings", "accuracy"]
    assert ann == [
        "'+Ann",
        "right",
        "wrong",
        "right",
        "right",
        "",
        "3",
        "cost: -y ln a; no minus",
        "0.96",
    ]
    assert bob == ["Bob", *[""] * 5, "0", "'=1", ""]
