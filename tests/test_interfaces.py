"""How check calls programs: a right program of each style, mistakes in it, and what it is given."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from mnist_mlp.checking.diagnosis import Diagnosis
from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.trial import Trial
from mnist_mlp.checking.words import report
from tests.styles import STYLES
from tests.test_check import checked_here, names_in

pytestmark = pytest.mark.usefixtures("stand_ins")

# Style, the right line, the wrong one, and what it must be called.
MISTAKES = [
    ("one vector of parameters", "(1 - h ** 2)", "(1 - h)", "a square forgotten"),
    (
        "one vector with biases in the weights",
        "(d3 @ theta2)[:, 1:]",
        "(d3 @ theta2)[:, :-1]",
        "the wrong column taken for the bias",
    ),
    ("global arrays", "(o - y) * o * (1 - o)", "o - y", "the output slope left out"),
    ("a loop in main", " * (z1 > 0)", "", "the hidden slope left out"),
    ("a loop under if main", "b1 = b1 - 0.5", "b1 = b1 + 0.5", "the biases' step goes uphill"),
    (
        "a train method with two hidden layers",
        "(t - o) * o * (1 - o)",
        "(t - o) * o",
        "the error times the output",
    ),
    (
        "a batch of pairs",
        "sum_w[i] += by_w[i]",
        "sum_w[i] = by_w[i]",
        "the last example only",
    ),
    (
        "a batch of pairs",
        "sum_b, sum_w = [0 * b for b in self.b], [0 * w for w in self.w]\n                for",
        "sum_b, sum_w = list(self.sum_b), list(self.sum_w)\n                for",
        "gradients not reset",
    ),
    (
        "a class without NumPy",
        "biases[k] -= lr * d\n",
        "biases[k] -= lr * sum(deltas)\n",
        "one number for all biases of a layer",
    ),
    (
        "lists of neurons with the bias last",
        "c * h * (1 - h)",
        "c * h",
        "the function used as its own derivative",
    ),
    (
        "neurons as dictionaries",
        "step * value",
        "step",
        "the input left out",
    ),
    ("neurons as objects", "error * a * (1 - a)", "error", "the hidden slope left out"),
    (
        "a class with dropout",
        "self.W2.T * self.mask",
        "self.W2.T",
        "the dropout mask not applied backward",
    ),
    (
        "dropout with a cache",
        "dA1 * D1 / keep_prob",
        "dA1",
        "the dropout mask not applied backward",
    ),
    ("labels as a row", "dZ1 @ X.T", "0 * dZ1 @ X.T", "the weights are never updated"),
    ("a list of pairs", " * (1 - a ** 2)", "", "the hidden slope left out"),
    ("layers in an object", "self.out * (1 - self.out)", "self.out", "its own derivative"),
    (
        "a class with biases in the weights",
        "[:, :-1] * h * (1 - h)",
        "[:, :-1]",
        "the hidden slope left out",
    ),
    (
        "a fit method that makes the weights",
        "xb.T @ d1",
        "xb.T @ d1 / len(xb)",
        "averaged over the batch twice",
    ),
    ("two inputs and one output", "-(y - y_hat)", "(y - y_hat) ** 2", "its own derivative"),
    (
        "weight decay as an attribute",
        "+ self.reg",
        "- self.reg",
        "L2 with the wrong sign",
    ),
    (
        "a function that trains what it is given",
        "d2 @ W2.T * h",
        "(o - y) @ W2.T * h",
        "the raw error carried back",
    ),
]


def called(folder: Path, program: str) -> list[Trial]:
    """Return what a program answers."""
    path = folder / "mine.py"
    path.write_text(dedent(program), "utf-8")
    return list(trials(Learner(path)))


@pytest.mark.parametrize("style", STYLES)
def test_a_right_program_is_called_right(style: str, tmp_path: Path) -> None:
    diagnosis = checked_here(tmp_path, STYLES[style])
    assert diagnosis.is_right, report(diagnosis, "mine.py")


@pytest.mark.slow
@pytest.mark.parametrize(("style", "right", "wrong", "name"), MISTAKES)
def test_a_mistake_in_a_program_is_named(
    style: str, right: str, wrong: str, name: str, tmp_path: Path
) -> None:
    assert right in STYLES[style]
    diagnosis: Diagnosis = checked_here(tmp_path, STYLES[style].replace(right, wrong))
    assert name in names_in(diagnosis), report(diagnosis, "mine.py")


def test_modules_beside_the_file_belong_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = dedent(STYLES["layers in an object"])
    layers, _, rest = program.partition("class Sequential")
    (tmp_path / "own_layers.py").write_text(layers, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_layers", raising=False)
    beside = f"from own_layers import Linear, Sigmoid\nclass Sequential{rest}"
    assert checked_here(tmp_path, beside).is_right


def test_only_what_the_program_overwrites_is_told(tmp_path: Path) -> None:
    program = STYLES["a function that trains what it is given"]
    assert all(trial.notes == () for trial in called(tmp_path, program))
    wrong = program.replace("h = sigmoid", "X -= X.mean(); h = sigmoid")
    assert all("overwritten" in trial.notes for trial in called(tmp_path, wrong))


def test_weight_decay_and_dropout_are_part_of_the_problem(tmp_path: Path) -> None:
    trial = called(tmp_path, STYLES["weight decay as an attribute"])[0]
    assert trial.answers[0].problem.decay > 0
    trial = called(tmp_path, STYLES["a class with dropout"])[0]
    (mask,) = trial.answers[0].problem.masks
    assert set(mask.ravel().round(6)) == {0, round(1 / 0.75, 6)}
