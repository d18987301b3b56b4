"""How check calls programs: modules beside them, what they overwrite, and what they are given."""

import sys
import weakref
from pathlib import Path
from textwrap import dedent

import pytest

from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.roles import roles_of
from mnist_mlp.checking.starts import make
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


LAYERS = """
    import numpy as np
    class Schicht:
        def forward(self, x):
            raise NotImplementedError
        def backward(self, g, rate):
            raise NotImplementedError
    class Voll(Schicht):
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))
        def forward(self, x):
            self.x = x
            return self.W @ x + self.b
        def backward(self, g, rate):
            before = self.W.T @ g
            self.W -= rate * g @ self.x.T
            self.b -= rate * g
            return before
    class Tanh(Schicht):
        def forward(self, x):
            self.a = np.tanh(x)
            return self.a
        def backward(self, g, rate):
            return g * (1 - self.a ** 2)
    def mse_prime(y, a):
        return 2 * (a - y)
"""


def test_layers_are_put_together_without_the_class_that_they_share(tmp_path: Path) -> None:
    assert {len(trial.answers[0].weights) for trial in called(tmp_path, LAYERS)} == {3}


def test_a_network_made_under_if_main_is_the_one_that_is_called(tmp_path: Path) -> None:
    made = """
    if __name__ == "__main__":
        netz = [Voll(30, 20), Tanh(), Voll(20, 10), Tanh()]
    """
    diagnosis = checked_here(tmp_path, LAYERS + made)
    assert diagnosis.is_right
    assert diagnosis.reading
    assert diagnosis.reading.recipe.output == "tanh"
    assert len(diagnosis.reading.nets[0].W) == 2


def test_a_network_without_its_layers_sizes_can_be_given_others() -> None:
    def build(n_in: int = 784, n1: int = 128, n2: int = 64, n_out: int = 10) -> list[int]:
        return [n_in, n1, n2, n_out]

    assert make(build, [23, 16, 13, 10]) == [23, 16, 13, 10]


def test_what_is_known_of_a_method_does_not_keep_its_object() -> None:
    class Network:
        def train(self, x: object, y: object) -> None: ...

    network = Network()
    assert roles_of(network.train) == {"images", "targets"}
    kept = weakref.ref(network)
    del network
    assert kept() is None


def test_what_functions_are_given_elsewhere_tells_what_they_take(tmp_path: Path) -> None:
    program = STYLES["arguments that are called something else"]
    shown = program.replace("fwd(i,", "fwd(X,").replace("h = np.maximum(0, i @", "h = (X @")
    shown = shown.replace("fwd(X, W1, b1, W2, b2)", "fwd(test_x, W1, b1, W2, b2)")
    unusual = shown.replace("test_x", "flattened")
    assert called(tmp_path, shown)
    assert called(tmp_path, unusual)
