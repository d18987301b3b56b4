"""The museum of backprop bugs, and the matcher: every known mistake is named, nothing else is."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice, product
from typing import NamedTuple

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.diagnosis import Diagnosis, judge, own_cost
from mnist_mlp.checking.isolation import Outcome
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.lines import (
    Compute,
    Pass,
    Planted,
    Problem,
    Recipe,
    finite_difference,
    new_problem,
    run,
)
from mnist_mlp.checking.matcher import SAME, Answer, fit, match
from mnist_mlp.checking.museum import MUSEUM, ROOMS, Mistake, plant
from mnist_mlp.checking.trial import SQUARES, Trial
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import ACTIVATIONS, Network, initialise_weights

BATCHES = (6, 7, 5)
RATE = 0.5
OUTPUT = {cost: COSTS[cost].output for cost in COSTS}
RECIPES = [Recipe(hidden, OUTPUT[cost], cost) for hidden in ACTIVATIONS for cost in COSTS]
SHAPES = [[12, 9, 8, 10], [12, 9, 9, 10], [12, 9, 10], [12, 10, 10]]
SQUARE = SHAPES[1::2]  # where every mistake can be made
MUSEUM_BY_NAME = {mistake.name: mistake for mistake in MUSEUM}
LEFT_OUT = "the hidden slope left out"
SQUARED = "the cost used as its own derivative"
TOLD_BY_FACTORS = ROOMS["scale"] + ROOMS["step"]
PLANTED = [mistake for mistake in MUSEUM if mistake not in TOLD_BY_FACTORS]


class Case(NamedTuple):
    """A mistake, planted in some layers of a network."""

    mistake: Mistake
    layers: Sequence[int]
    sizes: Sequence[int]
    recipe: Recipe
    dtype: type = np.float64

    def answers(self) -> list[Answer]:
        return answers(self.sizes, self.recipe, plant([(self.mistake, self.layers)]), self.dtype)


def answers(
    sizes: Sequence[int], recipe: Recipe, planted: Planted, dtype: type = np.float64
) -> list[Answer]:
    found = []
    for seed, n in enumerate(BATCHES):
        problem = new_problem(sizes, n, 100 + seed)
        with np.errstate(all="ignore"):
            net = run(problem, recipe, planted, RATE)
        by_weights: list[Array | None] = [net.dW[i].astype(dtype) for i in net.W]
        by_biases: list[Array | None] = [net.db[i].astype(dtype) for i in net.W]
        found.append(Answer(problem, by_weights, by_biases, (), RATE))
    return found


def cases(mistake: Mistake) -> Iterator[Case]:
    """Yield the mistake wherever it can be made and changes the gradients."""
    dtypes = cycle((np.float64, np.float32))
    for (sizes, recipe), dtype in zip(product(SQUARE, RECIPES), dtypes, strict=False):
        layers = mistake.layers(Pass(new_problem(sizes, 6, 0), recipe))
        for some in [layers] * (len(layers) > 1) + [[i] for i in layers]:
            case = Case(mistake, some, sizes, recipe, dtype)
            try:
                if not alike(case.answers(), answers(sizes, recipe, {})):
                    yield case
            except ValueError:  # the shapes do not allow it
                continue


def alike(one: Sequence[Answer], other: Sequence[Answer]) -> bool:
    """Tell whether all gradients are equal up to a factor for each tensor."""
    return all(
        fit([getattr(a, kind)[i] for a in one], [getattr(a, kind)[i] for a in other], BATCHES)
        for kind in ("weights", "biases")
        for i in range(len(one[0].weights))
    )


def named(found: Sequence[Answer], recipe: Recipe) -> set[str]:
    """Return the names of all mistakes in the best readings."""
    readings = match(found, [recipe])
    best = [r for r in readings if not r.unknown and r.price < readings[0].price + SAME]
    return {m.name for r in best for finding in r.findings for m in finding.mistakes}


def class_of(case: Case) -> set[str]:
    """Return the names of the mistakes on the same line that have the same gradients."""
    planted, same = case.answers(), set()
    for other in PLANTED:
        possible = other.layers(Pass(planted[0].problem, case.recipe))
        if other.line != case.mistake.line or not set(case.layers) <= set(possible):
            continue
        try:
            if alike(case._replace(mistake=other).answers(), planted):
                same.add(other.name)
        except ValueError:  # the shapes do not allow it
            continue
    return same


def diagnosed(found: list[Answer], step: bool) -> Diagnosis:
    layout = Layout("rows", False, "flat", "one-hot")
    return judge(Outcome([Trial("mine()", step, layout, found)], "", [], []))


def test_the_museum_has_at_least_fifty_mistakes_with_names_of_their_own() -> None:
    assert len({mistake.name for mistake in MUSEUM}) == len(MUSEUM) >= 50


@pytest.mark.parametrize("recipe", RECIPES, ids="-".join)
def test_the_right_lines_give_the_gradient_of_the_project(recipe: Recipe) -> None:
    problem = new_problem([12, 9, 8, 10], 6, 1)
    network = Network([12, 9, 8, 10], recipe.hidden, recipe.cost, np.float64)
    for own, given in zip(
        network.weights + network.biases, [*problem.weights, *problem.biases], strict=True
    ):
        own[:] = given
    expected = backprop(network, network.forward(problem.images), problem.targets)
    net = run(problem, recipe, {})
    for i, (weights, biases) in enumerate(zip(expected.weights, expected.biases, strict=True), 1):
        np.testing.assert_allclose(net.dW[i], weights, rtol=1e-10)
        np.testing.assert_allclose(net.db[i], biases, rtol=1e-10)


@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.name)
def test_a_planted_mistake_is_named_with_its_whole_class(mistake: Mistake) -> None:
    every = list(islice(cases(mistake), 12))
    if not every:
        pytest.skip("only with dropout or weight decay")
    case = every[len(mistake.name) % len(every)]
    assert named(case.answers(), case.recipe) >= class_of(case)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.name)
def test_a_mistake_is_named_wherever_it_is_planted(mistake: Mistake) -> None:
    for case in cases(mistake):
        assert named(case.answers(), case.recipe) >= class_of(case), case


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [10, pytest.param(500, marks=pytest.mark.slow)])
def test_right_gradients_of_random_networks_are_never_called_wrong(dtype: type, n: int) -> None:
    random = np.random.default_rng(n)
    for _ in range(n):
        sizes = [int(size) for size in random.integers(2, 40, random.integers(2, 6))] + [10]
        hidden, cost = random.choice(list(ACTIVATIONS)), random.choice(list(COSTS))
        network = Network(sizes, str(hidden), str(cost), dtype)
        initialise_weights(network, "xavier", random)
        found = []
        for batch in BATCHES:
            images: Array = random.random((batch, sizes[0])).astype(dtype)
            targets: Array = np.eye(10, dtype=dtype)[random.integers(0, 10, batch)]
            gradient = backprop(network, network.forward(images), targets)
            problem = Problem(network.weights, network.biases, images, targets)
            found.append(Answer(problem, gradient.weights, gradient.biases))
        diagnosis = diagnosed(found, False)
        assert diagnosis.is_right, (sizes, hidden, cost)
        assert diagnosis.reading
        assert diagnosis.reading.recipe.cost in (cost, "cross_entropy" if len(sizes) == 2 else cost)


@pytest.mark.parametrize("n", [20, pytest.param(300, marks=pytest.mark.slow)])
def test_two_mistakes_in_different_tensors_are_both_named(n: int) -> None:
    random = np.random.default_rng(n)
    both = 0
    for _ in range(n):
        sizes, recipe, pair = draw_pair(random)
        names = named(answers(sizes, recipe, plant(pair)), recipe)
        both += {mistake.name for mistake, _ in pair} <= names
    assert both >= 0.95 * n


Pair = list[tuple[Mistake, Sequence[int]]]


def draw_pair(random: np.random.Generator) -> tuple[list[int], Recipe, Pair]:
    """Return two mistakes at random that change different tensors, and neither hides the other."""
    while True:
        sizes, recipe = SHAPES[random.integers(4)], RECIPES[random.integers(len(RECIPES))]
        two = [PLANTED[i] for i in random.choice(len(PLANTED), 2, replace=False)]
        net = Pass(new_problem(sizes, 6, 0), recipe)
        layers = [mistake.layers(net) for mistake in two]
        if not all(layers) or any(mistake in ROOMS["forward"] for mistake in two):
            continue
        pair: Pair = [(m, [int(random.choice(ls))]) for m, ls in zip(two, layers, strict=True)]
        right = answers(sizes, recipe, {})
        try:
            first, second = (changed(answers(sizes, recipe, plant([one])), right) for one in pair)
            together = changed(answers(sizes, recipe, plant(pair)), right)
        except ValueError:  # the shapes do not allow it
            continue
        hidden = any(
            alike(answers(sizes, recipe, plant(pair)), answers(sizes, recipe, plant([one])))
            for one in pair
        )
        if first and second and first != second and first | second == together and not hidden:
            return sizes, recipe, pair


def changed(one: Sequence[Answer], other: Sequence[Answer]) -> set[tuple[str, int]]:
    """Return the tensors that differ by more than a factor."""
    return {
        (kind, i)
        for kind in ("weights", "biases")
        for i in range(len(one[0].weights))
        if not fit(
            [getattr(a, kind)[i] for a in one], [getattr(a, kind)[i] for a in other], BATCHES
        )
    }


SCALED = {
    mistake.name: mistake
    for mistake in ROOMS["scale"]
    if mistake.name
    in {
        "average for the weights, sum for the biases",
        "average for the biases, sum for the weights",
        "a stray constant in the biases' gradient",
        "the biases' step goes uphill",
        "the step goes uphill",
        "L2 on the biases",
        "L2 with the wrong sign",
        "averaged over the batch twice",
    }
}


@pytest.mark.parametrize("recipe", RECIPES[:4], ids="-".join)
@pytest.mark.parametrize("mistake", SCALED.values(), ids=lambda mistake: mistake.name)
def test_a_wrong_scale_is_told_from_the_factors(mistake: Mistake, recipe: Recipe) -> None:
    layers = (1, 2)
    lines = {mistake.line}
    if mistake.name in ("the step goes uphill", "averaged over the batch twice"):
        lines = {"scale weights", "scale biases"}
    planted = {(line, i): scaled(mistake, line) for line in lines for i in layers}
    found = diagnosed(answers([12, 9, 10], recipe, planted), True).findings
    assert [finding.mistakes[0].name for finding in found] == [mistake.name] * len(found)
    assert {i for finding in found for i in finding.layers} == set(layers)


def scaled(mistake: Mistake, line: str) -> Compute:
    """Return the mistake's line, for weights or for biases."""
    if line == mistake.line:
        return mistake.compute
    power = 2 if "twice" in mistake.name else 1
    sign = -1 if "uphill" in mistake.name else 1
    return lambda net, i: sign * net.db[i] / net.n**power


@pytest.mark.parametrize("recipe", RECIPES[:4], ids="-".join)
def test_conventions_are_no_mistakes(recipe: Recipe) -> None:
    for factor in (1, 2, 0.5, -1, 0.1):
        found = [
            answer._replace(
                weights=[factor * array for array in answer.weights if array is not None],
                biases=[factor * array for array in answer.biases if array is not None],
            )
            for answer in answers([12, 9, 10], recipe, {})
        ]
        diagnosis = diagnosed(found, False)
        assert diagnosis.is_right
        assert diagnosis.conventions


def test_what_no_known_mistake_explains_is_told_with_the_tensor() -> None:
    strange = {("weights", 1): lambda net, i: net.delta[i].T @ net.a[i - 1] ** 3}
    diagnosis = diagnosed(answers([12, 9, 10], RECIPES[0], strange), False)
    assert diagnosis.reading
    assert diagnosis.reading.unknown == (("weights", 1),)
    assert not diagnosis.findings


@pytest.mark.parametrize("recipe", RECIPES, ids="-".join)
def test_a_finite_difference_is_the_right_gradient(recipe: Recipe) -> None:
    problem = new_problem([12, 9, 8, 10], 6, 3)
    net = run(problem, recipe, {})
    for i in net.W:
        weight = finite_difference(problem, recipe, "weights", i, (2, 3))
        np.testing.assert_allclose(weight, net.dW[i][2, 3], rtol=1e-4, atol=1e-8)
        bias = finite_difference(problem, recipe, "biases", i, (2,))
        np.testing.assert_allclose(bias, net.db[i][2], rtol=1e-4, atol=1e-8)


def test_layers_below_an_unknown_mistake_are_read_by_themselves() -> None:
    strange = {("slope", 2): lambda net, i: net.a[i] ** 3}
    planted = {**strange, **plant([(MUSEUM_BY_NAME[LEFT_OUT], [1])])}
    diagnosis = diagnosed(answers([12, 9, 8, 10], RECIPES[0], planted), False)
    assert diagnosis.reading
    assert diagnosis.reading.unknown == (("delta", 2),)
    assert [(f.mistakes[0].name, f.layers) for f in diagnosis.findings] == [(LEFT_OUT, (1,))]


def test_a_gradient_of_another_cost_has_two_readings() -> None:
    recipe = Recipe("sigmoid", "sigmoid", "binary_cross_entropy")
    diagnosis = diagnosed(answers([12, 9, 10], recipe, {}), False)
    assert diagnosis.is_right
    assert [(r.recipe.cost, r.findings[0].mistakes[0].name) for r in diagnosis.others] == [
        ("squared_error", "the output slope left out")
    ]


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r.output == "sigmoid"][1:3], ids="-".join)
def test_soft_targets_are_no_mistake(recipe: Recipe) -> None:
    found = []
    for answer in answers([23, 16, 10], recipe, {}):
        soft = answer.problem._replace(targets=0.02 + 0.96 * answer.problem.targets)
        net = run(soft, recipe, {})
        weights, biases = ([array[i] for i in net.W] for array in (net.dW, net.db))
        found.append(answer._replace(weights=weights, biases=biases))
    diagnosis = diagnosed(found, False)
    assert diagnosis.is_right
    assert "The targets are 0.02 and 0.98 instead of 0 and 1." in diagnosis.conventions


@pytest.mark.parametrize("recipe", RECIPES, ids="-".join)
def test_a_wrong_input_does_not_hide_a_wrong_delta_of_the_same_layer(recipe: Recipe) -> None:
    pair = [(MUSEUM_BY_NAME["z instead of a"], [2]), (MUSEUM_BY_NAME[SQUARED], [2])]
    names = named(answers([12, 9, 10], recipe, plant(pair)), recipe)
    assert {mistake.name for mistake, _ in pair} <= names


def test_a_network_of_another_kind_is_not_called_wrong() -> None:
    random = np.random.default_rng(0)
    found = [
        answer._replace(
            weights=[random.normal(size=W.shape) for W in answer.problem.weights],
            biases=[random.normal(size=b.shape) for b in answer.problem.biases],
        )
        for answer in answers([12, 9, 8, 10], RECIPES[0], {})
    ]
    diagnosis = diagnosed(found, False)
    assert "resembles no network" in diagnosis.problem
    assert not diagnosis.findings


@pytest.mark.parametrize(("factor", "wrong"), [(1.0, False), (2.0, True)])
def test_the_factor_of_weight_decay_is_compared_with_the_cost(factor: float, wrong: bool) -> None:
    decay = 0.05
    found = []
    for answer in answers([12, 9, 10], RECIPES[0], {}):
        problem = answer.problem._replace(decay=decay)
        pairs = zip(answer.weights, problem.weights, strict=True)
        weights = [dW + factor * decay * W for dW, W in pairs if dW is not None]
        found.append(answer._replace(problem=problem, weights=weights))
    trial = Trial("mine()", False, Layout("rows", False, "flat", "one-hot"), found)
    diagnosis = judge(Outcome([trial._replace(penalty=decay / 2)], "", [], []))
    names = [finding.mistakes[0].name for finding in diagnosis.findings]
    assert names == ["L2 with the wrong factor"] * wrong


def test_what_is_carried_back_wrongly_and_through_new_weights_is_named_as_both() -> None:
    wrong, early = (
        MUSEUM_BY_NAME["only the last neuron of the next layer carried back"],
        MUSEUM_BY_NAME["updated too early: delta goes back through new weights"],
    )

    def carried(net: Pass, i: int) -> Array:
        after = Pass(Problem([], [], net.a[0], net.y), net.recipe)
        after.delta = net.delta
        after.W = {i + 1: net.W[i + 1] - RATE * net.dW[i + 1]}
        return wrong.compute(after, i)

    found = answers([12, 9, 10], RECIPES[1], {("carried", 1): carried})
    assert {wrong.name, early.name} <= named(found, RECIPES[1])


def test_biases_that_get_the_gradient_of_another_layer_are_told_whatever_that_is() -> None:
    planted: Planted = {("biases", 1): lambda net, i: np.full(9, net.delta[i].sum())}
    found = [
        answer._replace(biases=[answer.biases[0], *[answer.biases[0]] * 2])
        for answer in answers([12, 9, 9, 9], RECIPES[0], planted)
    ]
    names = [f.mistakes[0].name for f in diagnosed(found, True).findings]
    assert "the bias gradient is that of another layer" in names


def test_one_tensor_averaged_once_more_is_the_one_that_is_blamed() -> None:
    planted: Planted = {
        ("scale weights", 1): lambda net, i: net.dW[i],
        ("scale weights", 2): lambda net, i: net.dW[i],
        ("scale biases", 1): lambda net, i: net.db[i],
    }
    found = diagnosed(answers([12, 9, 10], RECIPES[0], planted), False).findings
    twice = "the biases' gradient averaged over the batch twice"
    assert [(f.mistakes[0].name, f.layers) for f in found] == [(twice, (2,))]


def test_a_layer_without_average_does_not_make_the_layers_below_wrong() -> None:
    planted: Planted = {
        ("scale weights", 2): lambda net, i: net.dW[i],
        ("scale biases", 2): lambda net, i: net.db[i],
    }
    found = diagnosed(answers([12, 9, 10], RECIPES[0], planted), False).findings
    assert [f.layers for f in found] == [(2,)]


def leaky_answers(leak: float, leak_of_slope: float) -> list[Answer]:
    """Return the gradients of a network with leaky ReLU and softmax, and weight decay."""
    found = []
    for seed, n in enumerate(BATCHES):
        problem = new_problem([12, 16, 10], n, seed)
        (v, w), (b, c) = problem.weights, problem.biases
        z = problem.images @ v.T + b
        a = np.where(z > 0, z, leak * z)
        exponentials = np.exp(a @ w.T + c)
        delta = (exponentials / exponentials.sum(axis=1, keepdims=True) - problem.targets) / n
        below = delta @ w * np.where(z > 0, 1, leak_of_slope)
        by_weights: list[Array | None] = [below.T @ problem.images + 0.1 * v, delta.T @ a + 0.1 * w]
        found.append(Answer(problem, by_weights, [below.sum(axis=0), delta.sum(axis=0)]))
    return found


@pytest.mark.parametrize("leak", [0.05, 0.003, 1 / 3])
def test_a_leaky_relu_may_have_any_slope_below_0(leak: float) -> None:
    assert diagnosed(leaky_answers(leak, leak), step=False).is_right
    diagnosis = diagnosed(leaky_answers(leak, 0), step=False)
    assert [touched.layers for touched in diagnosis.findings] == [(1,)]
    assert diagnosis.reading
    assert not diagnosis.reading.unknown


def test_the_cost_may_contain_weight_decay_of_dark_pixels_too() -> None:
    found = answers([12, 9, 10], Recipe("tanh", "sigmoid", "squared_error"), {})
    readings, squares = match(found), [300.0, 500.0, 450.0]
    costs = [
        COSTS["binary_cross_entropy"].mean(net.a[net.last], net.y) + 0.05 * square
        for net, square in zip(readings[0].nets, squares, strict=True)
    ]
    trial = Trial("mine()", True, Layout("rows", False, "flat", "one-hot"), found)
    numbers = {SQUARES: squares, "cost": costs}
    assert own_cost(trial._replace(numbers=numbers), readings) == "binary_cross_entropy"


def test_a_step_may_average_what_the_gradients_sum() -> None:
    layout = Layout("rows", False, "flat", "one-hot")
    right = answers([12, 9, 10], Recipe("tanh", "softmax", "cross_entropy"), {})
    gradients = [
        answer._replace(
            weights=[w * len(answer.problem.images) for w in answer.weights if w is not None],
            rate=0.0,
        )
        for answer in right
    ]
    trials = [Trial("mine()", step, layout, a) for step, a in ((False, gradients), (True, right))]
    assert not judge(Outcome(trials[:1], "", [], [])).is_right
    assert judge(Outcome(trials, "", [], [])).is_right
