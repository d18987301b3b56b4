"""How check calls programs: modules beside them, what they overwrite, and what they are given."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.trial import Trial
from tests.styles import STYLES
from tests.test_check import checked_here

pytestmark = pytest.mark.usefixtures("stand_ins")


def called(folder: Path, program: str) -> list[Trial]:
    """Return what a program answers."""
    path = folder / "mine.py"
    path.write_text(dedent(program), "utf-8")
    return list(trials(Learner(path)))


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
