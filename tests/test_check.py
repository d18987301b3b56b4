"""mnist-mlp check: programs in many styles, with and without mistakes, and hostile ones."""

from itertools import islice
from pathlib import Path
from textwrap import dedent

import pytest

from mnist_mlp.checking.diagnosis import Diagnosis, check, judge
from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.isolation import Outcome
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.words import report
from tests import programs, styles
from tests.conftest import CLI, ROOT, start

pytestmark = pytest.mark.usefixtures("stand_ins")
PROGRAMS = {**programs.PROGRAMS, **styles.STYLES}
MISTAKES = [*programs.MISTAKES, *styles.MISTAKES]


def checked_here(folder: Path, program: str) -> Diagnosis:
    """Check a program in this process, which is faster."""
    path = folder / "mine.py"
    path.write_text(dedent(program), "utf-8")
    learner = Learner(path)
    found = list(islice(trials(learner), 12))
    return judge(Outcome(found, "", learner.errors, []))


def names_in(diagnosis: Diagnosis) -> str:
    """Return all names in a diagnosis, for the likely cost and the others."""
    others = [finding for reading in diagnosis.others for finding in reading.findings]
    return "; ".join(m.name for f in [*diagnosis.findings, *others] for m in f.mistakes)


RARE = [pytest.param(style, marks=pytest.mark.slow) for style in styles.STYLES]


@pytest.mark.parametrize("style", [*programs.PROGRAMS, *RARE])
def test_a_right_program_is_called_right(style: str, tmp_path: Path) -> None:
    diagnosis = checked_here(tmp_path, PROGRAMS[style])
    assert diagnosis.is_right, report(diagnosis, "mine.py")


@pytest.mark.slow
@pytest.mark.parametrize(("style", "right", "wrong", "name"), MISTAKES)
def test_a_mistake_in_a_program_is_named(
    style: str, right: str, wrong: str, name: str, tmp_path: Path
) -> None:
    assert right in PROGRAMS[style]
    diagnosis = checked_here(tmp_path, PROGRAMS[style].replace(right, wrong))
    assert name in names_in(diagnosis), report(diagnosis, "mine.py")


def test_the_cost_that_a_function_returns_with_weight_decay_is_the_one_meant(
    tmp_path: Path,
) -> None:
    program = PROGRAMS["one vector with biases in the weights"]
    diagnosis = checked_here(tmp_path, program.replace("d3 = h - Y", "d3 = (h - Y) * h * (1 - h)"))
    assert diagnosis.reading
    assert diagnosis.reading.recipe.cost == "binary_cross_entropy"
    assert "the output slope kept" in "; ".join(f.mistakes[0].name for f in diagnosis.findings)


def test_gradients_that_are_never_reset_are_told(tmp_path: Path) -> None:
    program = PROGRAMS["layers that keep gradients"]
    program = program.replace("self.dweights = ", "self.dweights = getattr(self, 'dweights', 0) + ")
    assert "gradients not reset" in names_in(checked_here(tmp_path, program))


DROPPED = """
    import numpy as np
    def forward(X, p, keep_prob):
        c = {"A0": X}
        for k in (1, 2):
            c[f"Z{k}"] = p[f"W{k}"] @ c[f"A{k - 1}"] + p[f"b{k}"]
            c[f"D{k}"] = np.random.rand(*c[f"Z{k}"].shape) < keep_prob
            c[f"A{k}"] = np.maximum(c[f"Z{k}"], 0) * c[f"D{k}"] / keep_prob
        e = np.exp(p["W3"] @ c["A2"] + p["b3"])
        c["A3"] = e / e.sum(axis=0)
        return c
    def backward(c, p, Y, keep_prob):
        grads, dZ = {}, (c["A3"] - Y) / Y.shape[1]
        for k in (3, 2, 1):
            grads[f"dW{k}"] = dZ @ c[f"A{k - 1}"].T
            grads[f"db{k}"] = dZ.sum(axis=1, keepdims=True)
            if k > 1:
                dZ = p[f"W{k}"].T @ dZ * (c[f"Z{k - 1}"] > 0) * c[f"D{k - 1}"] / keep_prob
        return grads
"""


def test_a_mask_that_is_not_divided_is_told_in_each_layer(tmp_path: Path) -> None:
    assert checked_here(tmp_path, DROPPED).is_right
    wrong = DROPPED.replace('c[f"D{k - 1}"] / keep_prob', 'c[f"D{k - 1}"]')
    (finding,) = checked_here(tmp_path, wrong).findings
    assert finding.mistakes[0].name == "the dropout mask without its division"
    assert set(finding.layers) == {1, 2}


def test_a_bias_that_stays_is_told_beside_one_whose_gradient_is_0(tmp_path: Path) -> None:
    program = """
        import numpy as np
        def forward(W1, b1, W2, b2, X):
            Z1 = W1 @ X + b1
            A1 = np.maximum(Z1, 0)
            e = np.exp(W2 @ A1 + b2)
            return Z1, A1, e / e.sum(axis=0)
        def backward(Z1, A1, A2, W2, X, Y):
            dZ2 = (A2 - Y) / Y.shape[1]
            dZ1 = W2.T @ dZ2 * (Z1 > 0)
            return dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True), dZ2 @ A1.T, dZ2.sum()
        def update(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha):
            db1 = b1 - alpha * db1
            return W1 - alpha * dW1, b1, W2 - alpha * dW2, b2 - alpha * db2
        def train(X, Y):
            Z1, A1, A2 = forward(W1, b1, W2, b2, X)
            dW1, db1, dW2, db2 = backward(Z1, A1, A2, W2, X, Y)
            W1, b1, W2, b2 = update(W1, b1, W2, b2, dW1, db1, dW2, db2, 0.1)
    """
    findings = checked_here(tmp_path, program).findings
    assert [(finding.mistakes[0].name, finding.layers) for finding in findings] == [
        ("one number for all biases of a layer", (2,)),
        ("the biases are never updated", (1,)),
    ]


def test_a_line_that_only_stops_is_named_with_the_other_mistakes(tmp_path: Path) -> None:
    program = PROGRAMS["arguments that are called something else"].replace(" * (v > 0)", "")
    path = tmp_path / "mine.py"
    path.write_text(dedent(program.replace("np.maximum", "np.max")), "utf-8")
    names = names_in(check(path))
    assert "max used like maximum" in names
    assert "the hidden slope left out" in names


def test_a_line_that_only_stops_is_told_where_nothing_can_be_called(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\n\ndef relu(z):\n    return np.max(0, z)\n", "utf-8")
    assert "line 4: a = np.max(0, z): write a = np.maximum(0, z)" in report(check(path), "mine.py")


def test_the_report_gives_both_formulas_and_the_equation(tmp_path: Path) -> None:
    program = PROGRAMS["functions of columns"].replace("* (Z1 > 0)", "")
    text = report(checked_here(tmp_path, program), "mine.py")
    assert "The hidden slope left out (layer 1)" in text
    assert "delta = (delta_next @ W_next) * f′(z)" in text
    assert "BP2" in text
    assert "ReLU tested by >= 0" in text


def test_an_adapter_is_checked(tmp_path: Path) -> None:
    program = """
        import numpy as np

        def check_gradients(weights, biases, images, labels):
            a = 1 / (1 + np.exp(-(images @ weights[0].T + biases[0])))
            b = 1 / (1 + np.exp(-(a @ weights[1].T + biases[1])))
            d2 = b - np.eye(10)[labels]
            d1 = d2 @ weights[1] * a
            return [d1.T @ images, d2.T @ a], [d1.sum(axis=0), d2.sum(axis=0)]
    """
    assert "the function used as its own derivative" in names_in(checked_here(tmp_path, program))


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        ("def backprop(weights, biases, x, y):\n    while True: pass\n", "endless loop"),
        ("def backprop(weights, biases, x, y:\n", "line 1"),
        ("import os\nx = os._exit(3)\n", "exit code 3"),
        ("import nowhere\n\ndef backprop(weights, biases, x, y):\n    nowhere.f()\n", "nowhere"),
        ("def backprop(weights, biases, x, y):\n    while True: print('x' * 9999)\n", "prints"),
        ("x = 1\n", "defines no function"),
        (dedent(PROGRAMS["a function of lists"]).replace("/ len(x)", "/ 0 * 0"), "NaN"),
    ],
)
def test_a_broken_program_is_one_line(program: str, finding: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(program, "utf-8")
    diagnosis = check(path)
    assert not diagnosis.is_right
    text = report(diagnosis, "mine.py")
    assert finding in text
    assert "Traceback" not in text


def test_the_command_exits_with_1_if_something_is_wrong(tmp_path: Path) -> None:
    for right, code in ((True, 0), (False, 1)):
        program = dedent(PROGRAMS["a cost with its gradient"])
        (tmp_path / "mine.py").write_text(program if right else program.replace("A2 - Y", "Y"))
        result = start(ROOT, *CLI, "check", str(tmp_path / "mine.py"))
        assert result.returncode == code, result.stderr
        assert result.stderr == ""


def test_the_template_is_written_once_and_can_be_checked(tmp_path: Path) -> None:
    path = str(tmp_path / "mine_check.py")
    assert start(ROOT, *CLI, "check", "--new", path).returncode == 0
    again = start(ROOT, *CLI, "check", "--new", path)
    assert again.stderr == f"error: {path}: exists already\n"
    assert "check_gradients: NameError" in start(ROOT, *CLI, "check", path).stdout
