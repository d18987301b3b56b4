"""Networks that learn with mistakes, a stack at a time, and the words for what that does."""

from collections.abc import Iterator

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking import measured
from mnist_mlp.checking.lines import Pass, Planted, Problem, Recipe, new_problem, run
from mnist_mlp.checking.museum import MUSEUM, plant
from mnist_mlp.checking.stack import Member, Stack
from mnist_mlp.checking.tables import museum_table
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import Network, initialise_weights
from tests.conftest import ROOT

DEFAULT = Recipe("relu", "softmax", "cross_entropy")
OTHER = Recipe("sigmoid", "sigmoid", "squared_error")
SIZES = [12, 10, 10, 10]
RATE, DECAY = 0.1, 0.01


def problem_with_decay() -> Problem:
    return new_problem(SIZES, 6, 0)._replace(decay=DECAY)


def members(problem: Problem) -> Iterator[tuple[str, Member]]:
    """Yield a network for each mistake and recipe that allow a step."""
    shapes = [array.shape for array in (*problem.weights, *problem.biases)]
    for recipe in (DEFAULT, OTHER):
        yield "", Member(recipe, {})
        for mistake in MUSEUM:
            planted = plant([(mistake, mistake.layers(Pass(problem, recipe)))])
            with np.errstate(all="ignore"):
                try:
                    net = run(problem, recipe, planted, RATE)
                except ValueError:
                    continue
            gradients = [net.dW[i] for i in net.W] + [net.db[i] for i in net.W]
            if [array.shape for array in gradients] == shapes:
                yield mistake.name, Member(recipe, planted)


def stack(problem: Problem, nets: list[Member]) -> tuple[Stack, list[Array]]:
    """Return a stack of networks with the problem's parameters, and these as arrays."""
    weights, biases = (
        [np.repeat(array[np.newaxis].astype(np.float32), len(nets), axis=0) for array in arrays]
        for arrays in (problem.weights, problem.biases)
    )
    return Stack(weights, biases, nets, DECAY, len(problem.images)), weights + biases


def stepped(problem: Problem, recipe: Recipe, planted: Planted) -> list[Array]:
    """Return the parameters after a step, one line after the other."""
    net = run(problem, recipe, planted, RATE)
    weights = [W - RATE * net.dW[i] for i, W in enumerate(problem.weights, 1)]
    return weights + [b - RATE * net.db[i] for i, b in enumerate(problem.biases, 1)]


def test_each_network_of_a_stack_steps_as_it_would_alone() -> None:
    problem = problem_with_decay()
    names, nets = zip(*members(problem), strict=True)
    assert len(names) > 200
    with np.errstate(all="ignore"):
        made, arrays = stack(problem, list(nets))
        made.step(problem.images, problem.targets, RATE)
        for k, (name, net) in enumerate(zip(names, nets, strict=True)):
            for found, expected in zip(arrays, stepped(problem, *net), strict=True):
                assert np.allclose(found[k], expected, 1e-3, 1e-4, equal_nan=True), name


def test_a_stack_without_mistakes_learns_as_the_project_does() -> None:
    network = Network(SIZES, "relu", "cross_entropy")
    initialise_weights(network, "xavier", np.random.default_rng(0))
    problem = Problem(
        [W.copy() for W in network.weights],
        [b.copy() for b in network.biases],
        np.random.default_rng(1).random((6, 12), np.float32),
        np.eye(10, dtype=np.float32)[[0, 3, 9, 1, 1, 7]],
    )
    made, arrays = stack(problem, [Member(DEFAULT, {}), Member(OTHER, {})])
    for _ in range(20):
        gradient = backprop(network, network.forward(problem.images), problem.targets)
        for weights in network.weights:
            np.multiply(weights, 1 - RATE * DECAY, out=weights)
        network.parameters -= RATE * gradient.vector
        made.step(problem.images, problem.targets, RATE)
    for found, expected in zip(arrays, network.weights + network.biases, strict=True):
        assert np.allclose(found[0], expected, atol=1e-6)
    assert not np.allclose(arrays[0][0], arrays[0][1], atol=1e-3)


RECORD = {
    "without": [
        {
            "hidden": "relu",
            "output": "softmax",
            "cost": "cross_entropy",
            "accuracies": [0.95, 0.97],
        },
        {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "accuracies": [0.9]},
    ],
    "with": {
        "harmless": {"hidden": "relu", "cost": "cross_entropy", "accuracies": [0.94, 0.96]},
        "another": {"hidden": "tanh", "cost": "cross_entropy", "accuracies": [0.123]},
        "fatal": {"hidden": "relu", "cost": "cross_entropy", "accuracies": [0.9, None]},
    },
    "not_trained": {"hidden in dropout": "only with dropout"},
}


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        ("harmless", "95.0 %", "it reads 95.0 % of the test digits; without it, 96.0 %."),
        ("another", "12.3 % (tanh: 90.0 % without)", "with tanh neurons and cross-entropy"),
        ("fatal", "NaN", "it ends in NaN or infinity; without it, 96.0 %."),
        ("hidden in dropout", "only with dropout", ""),
        ("unheard of", "", ""),
    ],
)
def test_what_a_mistake_does_is_said_in_the_table_and_in_the_report(
    name: str, cell: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "load_measured", lambda: RECORD)
    assert measured.in_table(name) == cell
    assert words in measured.in_report(name)
    assert bool(words) is bool(measured.in_report(name))


def test_the_page_has_the_figures_that_were_measured() -> None:
    page = (ROOT / "docs/check.md").read_text("utf-8")
    assert "\n".join(museum_table()) in page


def test_every_cost_has_its_usual_outputs_in_a_stack() -> None:
    problem = problem_with_decay()
    recipes = [Recipe("tanh", COSTS[cost].output, cost) for cost in COSTS]
    made, arrays = stack(problem, [Member(recipe, {}) for recipe in recipes])
    made.step(problem.images, problem.targets, RATE)
    for k, recipe in enumerate(recipes):
        for found, expected in zip(arrays, stepped(problem, recipe, {}), strict=True):
            assert np.allclose(found[k], expected, atol=1e-5)
