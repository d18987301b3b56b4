"""examples/exercises can be done, and wrong answers get messages that lead to the right ones."""

import re
from pathlib import Path

import pytest

from mnist_mlp.checking.diagnosis import judge
from mnist_mlp.checking.isolation import Outcome
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.parts import PARTS, examine
from mnist_mlp.checking.trial import Trial
from mnist_mlp.course.marks import judge_parts, mark
from tests.conftest import ROOT

EXERCISES = sorted((ROOT / "examples/exercises").glob("ex*.py"))
ANSWERS = {
    "forward": [
        "np.maximum(z, 0)",
        "exponentials / exponentials.sum(axis=1, keepdims=True)",
        "activations[-1] @ w.T + b",
    ],
    "cost": ["-np.sum(targets * np.log(outputs)) / len(outputs)"],
    "backprop": [
        "(activations[-1] - targets) / len(images)",
        "delta.T @ activations[layer]",
        "delta.sum(axis=0)",
        "delta @ weights[layer] * (activations[layer] > 0)",
    ],
    "step": [
        "weights[i] - learning_rate * by_weights[i]",
        "biases[i] - learning_rate * by_biases[i]",
    ],
    "loop": [
        "np.random.permutation(len(images))",
        "order[start : start + batch_size]",
        "images[rows]",
        "targets[rows]",
        "weights, biases, by_weights, by_biases, learning_rate",
    ],
}
# The part, the blank, what is put there, and what the message has to say.
WRONG = [
    ("forward", 0, "np.max(z, 0)", "np.maximum"),
    ("forward", 0, "np.minimum(z, 0)", "above 0"),
    ("forward", 0, "z > 0", "above 0"),
    ("forward", 0, "z", "above 0"),
    ("forward", 1, "exponentials", "divided by its own sum"),
    ("forward", 1, "exponentials / exponentials.sum()", "all numbers together"),
    ("forward", 1, "exponentials / exponentials.sum(axis=0)", "axis=1"),
    ("forward", 1, "exponentials / exponentials.sum(axis=1)", "keepdims"),
    ("forward", 2, "activations[-1] @ w.T", "bias"),
    ("forward", 2, "activations[-1] @ w + b", "which product"),
    ("forward", 2, "w @ activations[-1] + b", "which product"),
    ("forward", 2, "images @ w.T + b", "which product"),
    ("cost", 0, "np.sum(targets * np.log(outputs)) / len(outputs)", "sign"),
    ("cost", 0, "-np.sum(targets * np.log(outputs))", "averaged over the examples"),
    ("cost", 0, "-np.mean(targets * np.log(outputs))", "averaged over the outputs too"),
    ("cost", 0, "-np.sum(np.log(outputs)) / len(outputs)", "multiply by y"),
    ("cost", 0, "-np.sum(outputs * np.log(targets)) / len(outputs)", "exchanged"),
    ("cost", 0, "-np.sum(targets * np.log(outputs), axis=1)", "one number"),
    ("cost", 0, "-targets * np.log(outputs)", "sum over them"),
    ("cost", 0, "1 - np.mean(targets == outputs)", "add up y ln a"),
    ("cost", 0, "np.sum((outputs - targets) ** 2) / len(outputs)", "it is squared error"),
    ("cost", 0, "-np.sum(np.log(targets * outputs)) / len(outputs)", "outputs alone"),
    (
        *("cost", 0),
        "-np.sum(np.log(outputs, out=outputs) * targets) / len(outputs)",
        "changes its arguments",
    ),
    ("cost", 0, "None", "is `return` missing"),
    ("cost", 0, "-np.sum(targets * np.ln(outputs)) / len(outputs)", "with np.log"),
    ("forward", 0, "np.maximum(z, 0, out=z)", "changes its argument"),
    ("forward", 0, "None", "relu returns nothing: is `return` missing"),
    ("forward", 2, "a @ w.T + b", "a is activations[-1]"),
    ("backprop", 0, "activations[-1] - targets / len(images)", "brackets"),
    ("step", 0, "weights[i] - 2 * learning_rate * by_weights[i]", "minus the learning rate"),
    (
        *("step", 0),
        "weights[i] - by_weights[i].__imul__(learning_rate)",
        "changes the gradients",
    ),
    ("backprop", 0, "activations[-1] - targets", "divide delta by their number"),
    ("backprop", 0, "(targets - activations[-1]) / len(images)", "a - y"),
    ("backprop", 0, "(activations[-1] - targets) ** 2 / len(images)", "delta"),
    (
        *("backprop", 0),
        "(activations[-1] - targets) * activations[-1] * (1 - activations[-1]) / len(images)",
        "slope",
    ),
    ("backprop", 1, "activations[layer].T @ delta", "shape"),
    ("backprop", 1, "delta @ activations[layer].T", "shape"),
    ("backprop", 1, "delta.T @ activations[layer] / len(images)", "weights are divided by"),
    ("backprop", 1, "delta.T @ activations[layer + 1]", "shape"),
    ("backprop", 2, "delta.sum()", "shape"),
    ("backprop", 2, "delta.sum(axis=1)", "shape"),
    ("backprop", 2, "delta", "shape"),
    ("backprop", 2, "delta.mean(axis=0)", "biases are divided by"),
    ("backprop", 3, "delta @ weights[layer]", "slope"),
    ("backprop", 3, "delta @ weights[layer] * (activations[layer] >= 0)", "slope"),
    ("backprop", 3, "delta @ weights[layer] * activations[layer]", "slope"),
    ("backprop", 3, "delta @ weights[layer].T * (activations[layer] > 0)", "shape"),
    ("backprop", 3, "delta @ weights[layer] * (activations[layer + 1] > 0)", "shape"),
    ("step", 0, "weights[i] + learning_rate * by_weights[i]", "weights go uphill"),
    ("step", 0, "weights[i] - by_weights[i]", "learning rate"),
    ("step", 0, "learning_rate * by_weights[i]", "subtract"),
    ("step", 0, "weights[i] - learning_rate * by_biases[i]", "gradient"),
    ("step", 1, "biases[i]", "biases are not changed"),
    ("step", 1, "biases[i] - learning_rate * by_weights[i]", "minus the learning rate"),
    ("loop", 0, "range(len(images))", "shuffle"),
    ("loop", 0, "np.random.default_rng(0).permutation(len(images))", "in every epoch"),
    ("loop", 0, "np.random.randint(0, len(images), len(images))", "each example once"),
    ("loop", 1, "order[:batch_size]", "each example once"),
    ("loop", 1, "order[start]", "each example once"),
    ("loop", 1, "order", "order[start:start + 4]"),
    ("loop", 1, "slice(start, start + batch_size)", "shuffle"),
    ("loop", 2, "images[start : start + batch_size]", "same rows"),
    ("loop", 3, "targets", "same examples"),
    ("loop", 4, "weights, biases, by_weights, by_biases, 0.1", "learning_rate"),
    ("loop", 4, "by_weights, by_biases, weights, biases, learning_rate", "other arguments"),
]


def filled(part: str, answers: list[str]) -> str:
    """Return an exercise with its blanks filled; those in its text are left."""
    (path,) = (path for path in EXERCISES if path.stem.endswith(part))
    _, text, code = path.read_text("utf-8").split('"""', 2)
    left = iter(answers)
    code = re.sub(r"\.\.\.", lambda _: next(left), code)
    assert not list(left)
    return f'"""{text}"""{code}'


def said(path: Path) -> dict[str, list[str]]:
    """Check a file in this process, which is quicker."""
    examination = examine(Learner(path))
    layout = Layout("rows", False, "flat", "one-hot")
    answers = examination.answers.get("backprop", [])
    trials = [Trial("backprop", False, layout, answers)] if answers else []
    forward = examination.answers.get("forward", [])
    outcome = Outcome(trials, "", [], [], examination.findings, forward, examination.complete)
    return judge_parts(outcome, judge(outcome))


@pytest.mark.parametrize("part", PARTS)
def test_an_exercise_is_not_done_before_its_blanks_are_filled(part: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(filled(part, ["..."] * len(ANSWERS[part])), "utf-8")
    (found,) = said(path).values()
    assert found
    assert all(re.fullmatch(r"line \d+: there is still a blank", line) for line in found)


@pytest.mark.parametrize("part", PARTS)
def test_the_text_of_an_exercise_says_what_the_check_will(part: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = filled(part, ANSWERS[part])
    path.write_text(text, "utf-8")
    assert said(path) == {part: []}
    assert f"it says: {part}: right." in text


@pytest.mark.parametrize("part", PARTS)
def test_a_function_of_another_name_is_asked_for(part: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(filled(part, ANSWERS[part]).replace(f"def {part}(", "def mine("), "utf-8")
    assert said(path) == {part: [f"expected a function {part}({', '.join(PARTS[part])})"]}


def test_a_gradient_that_changes_the_weights_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = filled("backprop", ANSWERS["backprop"])
    path.write_text(
        text.replace("        if layer > 0", "        weights[layer] *= 2\n        if layer > 0"),
        "utf-8",
    )
    assert "what `step` is for" in said(path)["backprop"][0]


@pytest.mark.parametrize("epochs", ["epochs - 1", "1, epochs", "epochs + 1"])
def test_epochs_that_are_miscounted_are_told(epochs: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = filled("loop", ANSWERS["loop"])
    path.write_text(text.replace("range(epochs)", f"range({epochs})"), "utf-8")
    assert said(path)["loop"][0].startswith("expected 3 epochs, found ")


def test_the_five_in_one_file_are_right(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("".join(filled(part, ANSWERS[part]) for part in PARTS), "utf-8")
    assert mark(path).lines == [f"{part}: right" for part in PARTS]


@pytest.mark.parametrize(("part", "blank", "wrong", "words"), WRONG)
def test_a_wrong_answer_gets_a_message_that_leads_to_the_right_one(
    part: str, blank: int, wrong: str, words: str, tmp_path: Path
) -> None:
    answers = ANSWERS[part].copy()
    answers[blank] = wrong
    path = tmp_path / "mine.py"
    path.write_text(filled(part, answers), "utf-8")
    found = said(path)[part]
    assert words in found[0]
    assert len(found) <= 2
    assert "\n" not in "".join(found)


@pytest.mark.parametrize(("part", "blank", "wrong"), [w[:3] for w in WRONG[::7]])
def test_a_mistake_in_one_part_is_not_held_against_another(
    part: str, blank: int, wrong: str, tmp_path: Path
) -> None:
    answers = {name: list(given) for name, given in ANSWERS.items()}
    answers[part][blank] = wrong
    path = tmp_path / "mine.py"
    path.write_text("".join(filled(name, answers[name]) for name in PARTS), "utf-8")
    assert [name for name, found in said(path).items() if found] == [part]


COLUMNS = """
import numpy as np

def forward(weights, biases, images):
    activations = [images]
    for w, b in zip(weights, biases):
        activations.append(np.tanh(w @ activations[-1] + b))
    return activations

def cost(outputs, targets):
    return np.sum((outputs - targets) ** 2) / 2 / targets.shape[1]

def backprop(weights, biases, images, targets):
    a = forward(weights, biases, images)
    delta = (a[-1] - targets) * (1 - a[-1] ** 2) / images.shape[1]
    dW, db = [None] * len(weights), [None] * len(weights)
    for i in reversed(range(len(weights))):
        dW[i], db[i] = delta @ a[i].T, delta.sum(axis=1, keepdims=True)
        if i:
            delta = weights[i].T @ delta * (1 - a[i] ** 2)
    return dW, db
"""


def test_a_program_of_ones_own_with_the_same_names_may_have_columns(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(COLUMNS, "utf-8")
    found = mark(path)
    assert found.is_right
    assert not found.parts
