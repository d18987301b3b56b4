"""The matcher: which mistakes explain the gradients that a program returned.

Backpropagation goes from the last layer to the first, and so does the matcher. A layer's gradients
follow from its delta, and that from the layer above. So at each layer it computes the delta in the
right way and in every wrong way, and from each of these the weights' and the biases' gradients in
the right way and in every wrong way, and keeps what equals the program's up to a constant factor. A
reading is a path through the layers; its price is the number of different mistakes on it. The
cheapest reading is the answer. Mistakes with equal gradients have the same price, and are named
together. Which functions the neurons have is found in the same way, and the factors that are left
over tell sums from averages.

A mini-batch is smaller than every layer, so a delta can be computed back from the weights' gradient
that it gave. Where no mistake explains it, the layers below are read with the program's own delta.
"""

import contextlib
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from typing import Literal, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import (
    COSTS,
    FUNCTIONS,
    HIDDEN,
    LEAKS,
    LINES,
    OUTPUTS,
    Function,
    Pass,
    Problem,
    Recipe,
    forward,
    leaky,
    leaky_slope,
)
from mnist_mlp.checking.museum import BIASES, CARRIED, ROOMS, Mistake, plant

AGAIN = 0.1  # price of a mistake that was already made in another layer
UNKNOWN = 3.5  # price of a tensor that nothing explains
UNUSUAL = 0.9  # price of a cost that the output function does not usually go with
WIDTH = 12  # readings kept at each layer
TINY = 1e-3  # times the tolerance: what counts as 0
SAME = 0.05  # readings whose prices differ by less are equally good
SEVERAL = 2.0  # price from which a mistake of the forward pass is looked for
ENDS = 1e-4  # by which soft targets may differ from batch to batch
ROUNDING = 1e-5  # of the slope of a leaky ReLU
CLOSE = 1e-3  # relative error of the coefficients of a leaky ReLU
SINGULAR = 1e-9  # ratio of singular values below which examples count as dependent
FEW = 4  # if none of them explains everything so far
WORSE = 2.0  # readings that cost this much more than the best are dropped
TOO_EARLY = next(m for m in CARRIED if m.name.startswith("updated too early"))
ANOTHER_BIAS = next(m for m in BIASES if m.name.endswith("that of another layer"))


# Which lines of a tensor are tried: the right one, also with weight decay, or every wrong one too.
Lines = Literal["right", "decayed", "any"]


class Answer(NamedTuple):
    """What a program made of a problem.

    weights, biases   the gradient of each layer, in the problem's layout; None if it gave none
    activations       of each layer but the input; None, or missing, if it gave none
    rate              the learning rate, if the gradient is the difference that a step made
    """

    problem: Problem
    weights: Sequence[Array | None]
    biases: Sequence[Array | None]
    activations: Sequence[Array | None] = ()
    rate: float = 0.0


class Factor(NamedTuple):
    """The program's gradient is the right one times constant · n ** power, n the batch size."""

    constant: float
    power: int


class Finding(NamedTuple):
    """Mistakes, any one of which explains the gradients, in these layers (counted from 1)."""

    mistakes: tuple[Mistake, ...]
    layers: tuple[int, ...]


class Way(NamedTuple):
    """A way to write the delta of a layer: mistakes, and how that of the outputs is written.

    written_out   whether the slope of the outputs is computed even if it cancels
    sign          -1 if errors are y - a, or what comes back has the opposite sign
    """

    mistakes: tuple[Mistake, ...] = ()
    written_out: bool = False
    sign: int = 1


RIGHT = Way()


class Tensor(NamedTuple):
    """The "weights" or "biases" of a layer, or what is not seen: its "activations" or "delta"."""

    kind: str
    layer: int


class Reading(NamedTuple):
    """A way to read a program.

    nets       a pass for each problem, with the right lines and the mistakes of this reading
    price      how many mistakes it takes
    findings   those mistakes
    unknown    tensors that nothing explains
    factors    of every tensor that is explained
    decay      weights or biases that are part of a tensor's gradient: by how much
    scale      the constant by which the program's delta is larger than the right one
    """

    nets: list[Pass]
    price: float = 0.0
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Tensor, ...] = ()
    factors: Mapping[Tensor, Factor] = {}
    decay: Mapping[Tensor, float] = {}
    scale: float = 1.0

    @property
    def recipe(self) -> Recipe:
        """The functions and the cost of this reading."""
        return self.nets[0].recipe

    def plus(self, mistakes: Sequence[Mistake], layer: int) -> "Reading":
        """Return the reading with one more mistake: any of these, in this layer."""
        for i, finding in enumerate(self.findings):
            if both := tuple(mistake for mistake in finding.mistakes if mistake in mistakes):
                again = Finding(both, (*finding.layers, layer))
                findings = (*self.findings[:i], again, *self.findings[i + 1 :])
                return self._replace(price=self.price + AGAIN, findings=findings)
        findings = (*self.findings, Finding(tuple(mistakes), (layer,)))
        return self._replace(price=self.price + 1, findings=findings)


USUAL = {  # costs and the output functions that usually go with them
    ("softmax", "cross_entropy"),
    ("sigmoid", "squared_error"),
    ("sigmoid", "binary_cross_entropy"),
    ("identity", "squared_error"),
    ("tanh", "squared_error"),
    ("relu", "squared_error"),
}
RECIPES = [
    Recipe(hidden, output, cost)
    for cost in sorted(COSTS, key="squared_error".__ne__)
    for hidden in HIDDEN
    for output in OUTPUTS
    if output in ("softmax", "sigmoid") or cost == "squared_error"  # others need no logarithm
]


def match(
    answers: Sequence[Answer], recipes: Iterable[Recipe] = RECIPES, *, thorough: bool = True
) -> list[Reading]:
    """Return the cheapest readings, the best first; if one explains all, for each cost.

    If it need not be thorough, costs that are unusual and a wrong forward pass are left out.
    """
    if len(answers[0].problem.weights) == 1:
        recipes = [recipe for recipe in recipes if recipe.hidden == HIDDEN[0]]
    recipes = list(recipes)
    usual = [recipe for recipe in recipes if (recipe.output, recipe.cost) in USUAL]
    unusual = [recipe for recipe in recipes if recipe not in usual]
    likely = [recipe for recipe in usual if recipe.output in ("softmax", "sigmoid")]
    readings: list[Reading] = []
    with np.errstate(all="ignore"):
        for some in (usual, unusual) if thorough or not usual else (usual,):
            if not readings or readings[0].unknown:
                readings += _descend(_right_forward(answers, some), answers)
                readings.sort(key=lambda reading: reading.price)
        if thorough and readings[0].price >= SEVERAL and not _has_activations(answers):
            wrong = [
                (recipe, mistake)
                for recipe in likely
                for mistake in _wrong_forward(answers[0], recipe)
                if _explains_outputs(_forward(answers[:1], recipe, [mistake]), answers)
            ]
            for of_a in (False, True):
                forwards = [_forward(answers, r, [m], of_a=of_a) for r, m in wrong]
                readings += _descend(forwards, answers)
            readings.sort(key=lambda reading: reading.price)
        last = readings[0].nets[0].last
        if Tensor("delta", last) in readings[0].unknown:
            for reading, own in _known(_right_forward(answers, usual), answers, last):
                if softer := _with_soft_targets(reading, own, answers):
                    return match(softer, recipes, thorough=thorough)
        if not readings[0].unknown:
            readings += _for_other_costs(readings[0], answers, recipes)
    return sorted(readings, key=lambda reading: reading.price)


def leaky_recipes(answers: Sequence[Answer]) -> list[Recipe]:
    """Return the recipes of a leaky ReLU with an unusual slope below 0, if the answers show one.

    The gradient of the second layer's weights is made of the hidden activations, a = max(z, 0) +
    leak · min(z, 0): of the first part with coefficients c, and of the second with leak · c.
    """
    (problem, by_weights, *_) = min(answers, key=lambda answer: len(answer.problem.images))
    if len(by_weights) < 2:
        return []
    masks = [*problem.masks, np.ones(1)]
    z = (problem.images @ problem.weights[0].T + problem.biases[0]) * masks[0]
    rows = np.concatenate((np.maximum(z, 0), np.minimum(z, 0)))
    coefficients = _coefficients(rows, by_weights[1], problem.weights[1])
    if coefficients is None or not coefficients.any():
        return []
    above, below = np.split(coefficients, 2, axis=1)
    leak = float(np.vdot(above, below) / np.vdot(above, above))
    leak = round(leak, 3) if abs(round(leak, 3) - leak) < ROUNDING else leak
    rest = below - leak * above
    usual = {LEAKS.get(name) for name in HIDDEN}
    if leak in usual or not 0 < leak < 1 or np.vdot(rest, rest) > CLOSE**2 * np.vdot(below, below):
        return []
    name = f"leaky ReLU of {leak:.3g}"
    LEAKS[name], of_z = leak, partial(leaky_slope, leak)
    FUNCTIONS[name] = Function(partial(leaky, leak), of_z, of_z)
    return [recipe._replace(hidden=name) for recipe in RECIPES if recipe.hidden == HIDDEN[0]]


def _coefficients(rows: Array, gradient: Array | None, weights: Array) -> Array | None:
    """Return the coefficients, (n_out, n), with which rows add up to a gradient, but for its decay.

    Of several solutions it is the smallest. If the gradient is no such sum, the result is None.
    """
    if gradient is None or gradient.shape != weights.shape:
        return None
    inverse = np.linalg.pinv(rows, SINGULAR)
    rest, decayed = (array - array @ inverse @ rows for array in (gradient, weights))
    decay = np.vdot(rest, decayed) / max(float(np.vdot(decayed, decayed)), 1e-300)
    left = rest - decay * decayed
    if np.vdot(left, left) > tolerance([gradient]) ** 2 * np.vdot(gradient, gradient):
        return None
    coefficients: Array = (gradient - decay * weights) @ inverse
    return coefficients


def _with_soft_targets(
    reading: Reading, owns: list[Array], answers: Sequence[Answer]
) -> list[Answer]:
    """Return the answers with targets such as 0.01 and 0.99, if they alone explain the outputs."""
    last = reading.nets[0].last
    softer, ends = [], []
    for net, delta, answer in zip(reading.nets, owns, answers, strict=True):
        slope = np.ones_like(net.y) if net.cancels(last) else net.own_slope(last)
        parts = [(array * slope).ravel() for array in (net.a[last], np.ones_like(net.y), net.y)]
        columns, own = np.stack(parts, 1), delta.ravel()
        (by_a, by_one, by_y), *_ = np.linalg.lstsq(columns, own)
        rest = own - columns @ (by_a, by_one, by_y)
        low, high = -by_one / by_a, -(by_one + by_y) / by_a
        if (
            np.vdot(rest, rest) > tolerance([own]) ** 2 * np.vdot(own, own)
            or not -1 - ENDS <= low < high <= 1 + ENDS
            or max(abs(low), abs(high - 1)) < ENDS
        ):
            return []
        ends.append((low, high))
        targets = low + (high - low) * net.y
        softer.append(answer._replace(problem=answer.problem._replace(targets=targets)))
    return softer if np.ptp(ends, axis=0).max() < ENDS else []


def count_right(answers: Sequence[Answer], recipes: Iterable[Recipe] = RECIPES) -> int:
    """Return how many tensors are explained by the right lines of one of the recipes."""
    with np.errstate(all="ignore"):
        return max(_count_right(_forward(answers, recipe, ()), answers) for recipe in recipes)


def _for_other_costs(
    reading: Reading, answers: Sequence[Answer], recipes: Sequence[Recipe]
) -> list[Reading]:
    """Return readings with the same functions, and the same forward pass, for other costs."""
    hidden, output, cost = reading.recipe
    forward = [
        (finding.mistakes[0], finding.layers)
        for finding in reading.findings
        if finding.mistakes[0] in ROOMS["forward"]
    ]
    others = [r for r in recipes if (r.hidden, r.output) == (hidden, output) and r.cost != cost]
    return [r for other in others for r in _descend([_forward(answers, other, forward)], answers)]


def _count_right(reading: Reading, answers: Sequence[Answer]) -> int:
    for i in reversed(reading.nets[0].W):
        reading = _tensors(_right_delta(reading, i), answers, i, "right")
    return len(reading.factors)


def _has_activations(answers: Sequence[Answer]) -> bool:
    return any(array is not None for array in answers[0].activations)


def _descend(readings: list[Reading], answers: Sequence[Answer]) -> list[Reading]:
    """Read the layers from the last to the first; return the best readings."""
    for i in reversed(answers[0].problem.layers) if readings else ():
        readings = _read_layer(readings, answers, i)
    return sorted(readings, key=lambda reading: reading.price)


# Forward


def _right_forward(answers: Sequence[Answer], recipes: Iterable[Recipe]) -> list[Reading]:
    """Return a reading of the forward pass for each recipe that agrees with the activations."""
    recipes = list(recipes)
    right = [_forward(answers, recipe, ()) for recipe in recipes]
    if not _has_activations(answers):
        return right
    for readings in (
        right,
        [
            _forward(answers, recipe, [mistake])
            for recipe in recipes
            for mistake in _wrong_forward(answers[0], recipe)
        ],
    ):
        if agreeing := [reading for reading in readings if not _strange(reading, answers)]:
            return agreeing
    return [_with_own_activations(reading, answers) for reading in right]


def _forward(
    answers: Sequence[Answer],
    recipe: Recipe,
    mistakes: Sequence[tuple[Mistake, Sequence[int]]],
    *,
    of_a: bool = False,
) -> Reading:
    nets = [Pass(answer.problem, recipe, answer.rate) for answer in answers]
    for net in nets:
        net.of_a = of_a
        forward(net, plant(mistakes))
    findings = tuple(Finding((mistake,), tuple(layers)) for mistake, layers in mistakes)
    odd = 0.0 if (recipe.output, recipe.cost) in USUAL else UNUSUAL
    return Reading(nets, len(findings) + odd, findings)


def _wrong_forward(answer: Answer, recipe: Recipe) -> Iterator[tuple[Mistake, list[int]]]:
    """Yield each mistake of the forward pass, in all layers where it can be and in one."""
    net = Pass(answer.problem, recipe)
    for mistake in ROOMS["forward"]:
        layers = mistake.layers(net)
        for some in [layers] * (len(layers) > 1) + [[i] for i in layers]:
            with contextlib.suppress(ValueError):  # the shapes do not allow it
                forward(net, plant([(mistake, some)]))
                yield mistake, some


def _strange(reading: Reading, answers: Sequence[Answer]) -> list[int]:
    """Return the layers whose activations are not those of the program."""
    return [
        i
        for i in reading.nets[0].W
        if not all(
            _equal(net.a[i], answer.activations[i - 1])
            for net, answer in zip(reading.nets, answers, strict=True)
            if i <= len(answer.activations)
        )
    ]


def _equal(value: Array, found: Array | None) -> bool:
    if found is None:
        return True
    return value.shape == found.shape and bool(
        np.abs(value - found).max() <= tolerance([found]) * np.abs(found).max()
    )


def _with_own_activations(reading: Reading, answers: Sequence[Answer]) -> Reading:
    """Return the reading with the program's activations, which nothing explains."""
    strange = _strange(reading, answers)
    for net, answer in zip(reading.nets, answers, strict=True):
        for i, found in enumerate(answer.activations, 1):
            if found is not None and found.shape == net.a[i].shape:
                net.a[i] = found
    unknown = tuple(Tensor("activations", i) for i in strange)
    return reading._replace(price=reading.price + UNKNOWN * len(unknown), unknown=unknown)


def _explains_outputs(reading: Reading, answers: Sequence[Answer]) -> bool:
    """Tell whether the last layer's weights follow from its delta with one mistake at most."""
    i = reading.nets[0].last
    if not np.any(answers[0].weights[i - 1]):
        return False  # there is nothing to explain
    if known := _known([reading], answers[:1], i):
        ways = (RIGHT, *_ways(reading, i, 1))
        return any(_leads_to(known[0][1], reading, i, way) for way in ways)
    odd = _known(_odd_inputs([reading], i), answers[:1], i)
    return any(_leads_to(own, each, i, RIGHT) for each, own in odd)


# Backward


def _read_layer(readings: Sequence[Reading], answers: Sequence[Answer], i: int) -> list[Reading]:
    """Return the best readings that go on with layer i; if all its lines are right, only those."""
    efforts: tuple[Lines, ...] = ("right", "decayed")
    for lines in efforts:
        rights = (_tensors(_right_delta(reading, i), answers, i, lines) for reading in readings)
        if right := _explained(rights, i):
            return sorted(right, key=lambda reading: reading.price)[:WIDTH]
    if not np.any(answers[0].weights[i - 1]):  # tells nothing of the layers above
        return [_without_gradient(reading, answers, i) for reading in readings]
    if known := _known(readings, answers, i):
        found = _follow(known, answers, i)
    else:
        found = _guess(readings, answers, i)
        if not _explained(found, i) and (known := _known(_odd_inputs(readings, i), answers, i)):
            found += _follow(known, answers, i)
    found.sort(key=lambda reading: reading.price)
    width = FEW if found[0].unknown else WIDTH
    return [reading for reading in found[:width] if reading.price <= found[0].price + WORSE]


def _without_gradient(reading: Reading, answers: Sequence[Answer], i: int) -> Reading:
    """Return the cheapest reading of a layer whose weights' gradient is 0."""
    deltas = [_right_delta(reading, i)]
    if not np.any(answers[0].biases[i - 1]):
        deltas += [delta for delta in _deltas(reading, i) if not delta.nets[0].delta[i].any()]
    return _merged([_tensors(delta, answers, i) for delta in deltas], i)[0]


Known = list[tuple[Reading, list[Array]]]  # readings with the program's own delta


def _known(readings: Iterable[Reading], answers: Sequence[Answer], i: int) -> Known:
    """Return the readings in which the program's own delta of layer i can be computed."""
    owns = ((reading, _own_delta(reading, answers, i)) for reading in readings)
    return [(reading, own) for reading, own in owns if own]


def _odd_inputs(readings: Iterable[Reading], i: int) -> Iterator[Reading]:
    """Yield the readings with each wrong input of the weights of layer i."""
    for reading in readings:
        for mistake in ROOMS["weights"]:
            if mistake.line == "input" and i in mistake.layers(reading.nets[0]):
                with contextlib.suppress(ValueError):  # the shapes do not allow it
                    nets = [_with_input(net, i, mistake) for net in reading.nets]
                    yield reading.plus([mistake], i)._replace(nets=nets)


def _with_input(net: Pass, i: int, mistake: Mistake) -> Pass:
    mistake.compute(net, i)
    after = copy.copy(net)
    after.odd_input = {**net.odd_input, i: mistake.compute}
    return after


def _inputs(net: Pass, i: int) -> Array:
    """Return what the weights of layer i are multiplied by in this reading."""
    return net.odd_input.get(i, LINES["input"].compute)(net, i)


def _own_delta(reading: Reading, answers: Sequence[Answer], i: int) -> list[Array]:
    """Return the program's own delta of layer i for each problem, (n, n_out), up to a factor.

    It is that of which the weights' gradient is made, delta.T @ a_prev, perhaps with weight decay;
    the smallest, if the examples are not independent. Nothing if that is made otherwise.
    """
    deltas = []
    for net, answer in zip(reading.nets, answers, strict=True):
        coefficients = _coefficients(_inputs(net, i), answer.weights[i - 1], net.W[i])
        if coefficients is None:
            return []
        deltas.append(coefficients.T)
    return deltas


def _follow(known: Known, answers: Sequence[Answer], i: int) -> list[Reading]:
    """Return readings of a layer whose weights' gradient follows from its delta, as `known` says.

    First come single mistakes in delta, and other mistakes with the right one; then pairs in delta;
    then mistakes both in delta and in the weights' line.
    """
    readings = [reading for reading, _ in known]
    right = (_tensors(_right_delta(reading, i), answers, i) for reading in readings)
    found = [reading for reading in right if Tensor("weights", i) not in reading.unknown]
    for n in (1, 2):
        cheapest = min((reading.price for reading in found), default=np.inf)
        if n == 1 or cheapest >= readings[0].price + SEVERAL:
            for reading, own in known:
                found += _merged(_explaining(reading, own, answers, i, n), i)
    if not _explained(found, i) and i not in readings[0].nets[0].odd_input:
        deltas = (delta for reading in readings for delta in _deltas(reading, i))
        found += _merged(_explained((_tensors(delta, answers, i) for delta in deltas), i), i)
    return found or [_with_own_delta(reading, own, answers, i) for reading, own in known]


def _explaining(
    reading: Reading, own: list[Array], answers: Sequence[Answer], i: int, n: int
) -> list[Reading]:
    """Return readings with n mistakes in delta of layer i, from which its weights follow."""
    first = reading._replace(nets=reading.nets[:1])
    likely = [way for way in _ways(reading, i, n) if _leads_to(own[:1], first, i, way)]
    deltas = [_planted(reading, i, way) for way in likely]
    read = (_tensors(delta, answers, i) for delta in deltas if delta)
    return [reading for reading in read if Tensor("weights", i) not in reading.unknown]


def _leads_to(own: list[Array], reading: Reading, i: int, way: Way) -> bool:
    """Tell whether a way to write delta gives the weights' gradient that the program's own does."""
    found = [delta.T @ _inputs(net, i) for delta, net in zip(own, reading.nets, strict=True)]
    planted = _planted(reading, i, way)
    return planted is not None and _fits(planted.nets, "weights", i, found) is not None


def _guess(readings: Sequence[Reading], answers: Sequence[Answer], i: int) -> list[Reading]:
    """Return readings of a layer whose weights' gradient does not follow from its delta.

    First come mistakes with the right delta, then those with a wrong one that fits the biases.
    """
    right = [_tensors(_right_delta(reading, i), answers, i) for reading in readings]
    if found := _explained(right, i):
        return found
    biases = [answer.biases[i - 1] for answer in answers]
    some = readings[:FEW] if biases[0] is None else readings
    wrong = [
        _tensors(delta, answers, i)
        for reading in some
        for delta in _deltas(reading, i)
        if biases[0] is None or _fits(delta.nets, "biases", i, biases)
    ]
    return right + _merged([reading for reading in wrong if len(_new(reading, i)) < 2], i)


def _with_own_delta(
    reading: Reading, own: list[Array], answers: Sequence[Answer], i: int
) -> Reading:
    """Return the reading with the program's own delta, which nothing explains."""
    unknown = (*reading.unknown, Tensor("delta", i))
    reading = _right_delta(reading, i)._replace(price=reading.price + UNKNOWN, unknown=unknown)
    for net, delta in zip(reading.nets, own, strict=True):
        net.delta[i] = delta * net.n
    return _tensors(reading, answers, i)


def _explained(readings: Iterable[Reading], i: int) -> list[Reading]:
    return [reading for reading in readings if not _new(reading, i)]


def _new(reading: Reading, i: int) -> list[Tensor]:
    return [tensor for tensor in reading.unknown if tensor == (tensor.kind, i)]


def _wrong_lines(reading: Reading, i: int) -> list[Mistake]:
    """Return the mistakes that can be made in delta of layer i."""
    mistakes = ROOMS["output"] + ROOMS["slope"] + ROOMS["carried"]
    return [mistake for mistake in mistakes if i in mistake.layers(reading.nets[0])]


def _ways(reading: Reading, i: int, n: int) -> Iterator[Way]:
    """Yield the ways to write delta of layer i with n mistakes, in different lines."""
    written = (False, True) if reading.nets[0].cancels(i) else (False,)
    signs = (1, -1) if n == 1 else (1,)
    for mistakes in combinations(_wrong_lines(reading, i), n):
        if len({mistake.line for mistake in mistakes}) == n or _both_early(mistakes):
            yield from (Way(mistakes, *both) for both in product(written, signs))


def _both_early(mistakes: Sequence[Mistake]) -> bool:
    """Tell whether these are one mistake in what is carried back, and the weights' early update."""
    return TOO_EARLY in mistakes and {mistake.line for mistake in mistakes} == {"carried"}


def _deltas(reading: Reading, i: int) -> Iterator[Reading]:
    """Yield the reading with delta of layer i: the right one, then every wrong one."""
    yield _right_delta(reading, i)
    for way in _ways(reading, i, 1):
        if delta := _planted(reading, i, way):
            yield delta


def _planted(reading: Reading, i: int, way: Way) -> Reading | None:
    """Return the reading with delta of layer i written in a way, if shapes allow it."""
    try:
        nets = [_with_delta(net, i, way) for net in reading.nets]
    except ValueError:
        return None
    for mistake in way.mistakes:
        reading = reading.plus([mistake], i)
    return reading._replace(nets=nets)


def _right_delta(reading: Reading, i: int) -> Reading:
    return reading._replace(nets=[_with_delta(net, i, RIGHT) for net in reading.nets])


def _with_delta(net: Pass, i: int, way: Way) -> Pass:
    mistakes = {m.line: m for m in sorted(way.mistakes, key=TOO_EARLY.__ne__)}

    def compute(line: str) -> Array:
        return mistakes.get(line, LINES[line]).compute(after, i)

    after = copy.copy(net)
    if i == net.last:
        after.written_out, after.sign = way.written_out, way.sign
    else:
        after.turned = way.sign
    for name in ("carried", "slope", "delta", "input", "dW", "db"):
        setattr(after, name, dict(getattr(net, name)))
    if len(way.mistakes) > 1 and _both_early(way.mistakes):
        after.W = {**net.W, i + 1: net.W[i + 1] - net.rate * net.dW[i + 1]}
    after.carried[i] = compute("cost" if i == net.last else "carried")
    after.W = net.W
    after.slope[i] = compute("slope")
    after.delta[i] = compute("delta")
    return after


def _tensors(reading: Reading, answers: Sequence[Answer], i: int, lines: Lines = "any") -> Reading:
    """Return the reading with what explains both tensors of layer i, given its delta."""
    for kind in ("weights", "biases"):
        found = [getattr(answer, kind)[i - 1] for answer in answers]
        if found[0] is not None:
            reading = _explain(reading, Tensor(kind, i), answers, found, lines)
    for net, answer in zip(reading.nets, answers, strict=True):
        own = answer.weights[i - 1]
        net.dW[i] = gradient(net, "weights", i) if own is None else own
    factor = reading.factors.get(Tensor("weights", i))
    if not factor:
        return reading
    return _scaled(reading, i, factor.constant / reading.scale * reading.nets[0].sign)


def _scaled(reading: Reading, i: int, constant: float) -> Reading:
    """Return the reading with a delta of layer i that is larger by a constant, as the program's."""
    if not constant or not np.isfinite(constant):
        return reading
    for net in reading.nets:
        net.delta[i] = net.delta[i] * constant
        net.carried[i] = net.carried[i] * constant
    return reading._replace(scale=reading.scale * constant)


def gradient(net: Pass, kind: str, i: int, mistake: Mistake | None = None) -> Array:
    """Return the gradient of the weights or biases of layer i, perhaps with a mistake."""
    line = mistake.line if mistake else kind
    net.input[i] = mistake.compute(net, i) if mistake and line == "input" else _inputs(net, i)
    return (mistake if mistake and line == kind else LINES[kind]).compute(net, i)


def _fits(
    nets: Sequence[Pass],
    kind: str,
    i: int,
    found: Sequence[Array | None],
    mistake: Mistake | None = None,
) -> Factor | None:
    """Return the factor from the gradient of layer i, perhaps with a mistake, to the program's."""
    if mistake and i not in mistake.layers(nets[0]):
        return None
    try:
        return fit((gradient(net, kind, i, mistake) for net in nets), found, _sizes(nets))
    except ValueError:  # the shapes do not allow it
        return None


def _explain(
    reading: Reading, tensor: Tensor, answers: Sequence[Answer], found: list[Array], lines: Lines
) -> Reading:
    """Return the reading with what explains a tensor: the right line, mistakes, or nothing."""
    kind, i = tensor
    if factor := _fits(reading.nets, kind, i, found):
        return _explained_by(reading, tensor, factor)
    unexplained = reading._replace(
        price=reading.price + UNKNOWN, unknown=(*reading.unknown, tensor)
    )
    if lines == "right":
        return unexplained
    right = [gradient(net, kind, i) for net in reading.nets]
    parameters = [(net.W if kind == "weights" else net.b)[i] for net in reading.nets]
    if decayed := fit_decay(right, parameters, found, _sizes(reading.nets)):
        factor, decay = decayed
        reading = reading._replace(decay={**reading.decay, tensor: decay})
        return _explained_by(reading, tensor, factor)
    if lines == "decayed":
        return unexplained
    fitting = {m: f for m in ROOMS[kind] if (f := _fits(reading.nets, kind, i, found, m))}
    if fitting:
        return _explained_by(reading.plus(list(fitting), i), tensor, next(iter(fitting.values())))
    is_anothers = kind == "biases" and _is_another_layers(answers, i)
    return reading.plus([ANOTHER_BIAS], i) if is_anothers else unexplained


def _is_another_layers(answers: Sequence[Answer], i: int) -> bool:
    """Tell whether the program gives the biases of layer i the gradient of another layer's."""
    own = [answer.biases[i - 1] for answer in answers]
    return any(
        all(
            a is not None and b is not None and a.any() and b.size in (1, a.size) and (a == b).all()
            for a, b in zip(own, others, strict=True)
        )
        for j, others in enumerate(zip(*(answer.biases for answer in answers), strict=True), 1)
        if j != i
    )


def _explained_by(reading: Reading, tensor: Tensor, factor: Factor) -> Reading:
    sign = reading.nets[0].sign
    factor = factor._replace(constant=factor.constant * reading.scale * sign)
    return reading._replace(factors={**reading.factors, tensor: factor})


def nearest(
    reading: Reading, answers: Sequence[Answer], tensor: Tensor, most: int = 3
) -> list[Mistake]:
    """Return the mistakes whose gradients, or deltas, are most parallel to an unknown one."""
    kind, i = tensor
    ranked: dict[Mistake, float] = {}
    with np.errstate(all="ignore"):
        if kind == "delta":
            found = [net.delta[i] for net in reading.nets]
        else:
            found = [getattr(answer, kind)[i - 1] for answer in answers]
        for option in _deltas(reading, i):
            own = [f.mistakes[0] for f in option.findings if f not in reading.findings]
            values = [
                net.delta[i] if kind == "delta" else gradient(net, kind, i) for net in option.nets
            ]
            if own:
                ranked[own[0]] = max(_cosine(values, found), ranked.get(own[0], 0.0))
        for mistake in ROOMS.get(kind, []):
            if i in mistake.layers(reading.nets[0]):
                with contextlib.suppress(ValueError):  # the shapes do not allow it
                    values = [gradient(net, kind, i, mistake) for net in reading.nets]
                    ranked[mistake] = _cosine(values, found)
    return sorted(ranked, key=lambda mistake: -ranked[mistake])[:most]


def _cosine(values: Sequence[Array], found: Sequence[Array]) -> float:
    if any(value.shape != array.shape for value, array in zip(values, found, strict=True)):
        return 0.0
    a, b = (np.concatenate([array.ravel() for array in arrays]) for arrays in (values, found))
    return float(np.nan_to_num(abs(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))))


def _merged(readings: Sequence[Reading], i: int) -> list[Reading]:
    """Merge readings whose deltas of layer i are equal: their mistakes form a class."""
    merged: list[Reading] = []
    for reading in sorted(readings, key=lambda reading: reading.price):
        for k, other in enumerate(merged):
            if both := _class_of(other, reading, i):
                merged[k] = both
                break
        else:
            merged.append(reading)
    return merged


def _class_of(one: Reading, other: Reading, i: int) -> Reading | None:
    """Return one reading for both, if they differ in one mistake of equal effect, or not at all."""
    if one.unknown != other.unknown or one.recipe != other.recipe:
        return None
    own, theirs = ([net.delta[i] for net in reading.nets] for reading in (one, other))
    if not fit(own, theirs, _sizes(one.nets)):
        return None
    if abs(one.price - other.price) > SAME or len(one.findings) != len(other.findings):
        return one  # the other takes more mistakes to the same end
    different = [
        k for k, (a, b) in enumerate(zip(one.findings, other.findings, strict=True)) if a != b
    ]
    if len(different) > 1:
        return None
    for k in different:
        a, b = one.findings[k], other.findings[k]
        if a.layers != b.layers:
            return None
        both = Finding(tuple(dict.fromkeys(a.mistakes + b.mistakes)), a.layers)
        one = one._replace(findings=(*one.findings[:k], both, *one.findings[k + 1 :]))
    return one


# Numbers


def _sizes(nets: Iterable[Pass]) -> list[int]:
    return [net.n for net in nets]


def tolerance(arrays: Iterable[Array]) -> float:
    """Return the relative error that rounding explains."""
    return 1e-5 if all(array.dtype == np.float64 for array in arrays) else 5e-4


def fit(
    values: Iterable[Array], found: Sequence[Array | None], sizes: Sequence[int]
) -> Factor | None:
    """Return the factor from one gradient to another, over problems with these batch sizes.

    None if there is none. If both gradients are 0, it is 0.
    """
    factors, ns = [], []
    for value, array, n in zip(values, found, sizes, strict=True):
        if array is None or value.shape != array.shape:
            return None
        allowed = tolerance([array])
        length, target = float(np.vdot(value, value)), float(np.vdot(array, array))
        if min(length, target) < (TINY * allowed) ** 2:
            if max(length, target) >= (TINY * allowed) ** 2:
                return None
            continue
        factor = float(np.vdot(value, array)) / length
        rest = array - factor * value
        if not np.vdot(rest, rest) <= allowed**2 * target:
            return None
        factors.append(factor)
        ns.append(n)
    return _law(np.array(factors), np.array(ns, float))


def _law(factors: Array, sizes: Array) -> Factor | None:
    """Return how factors depend on the batch size: constant · n ** power."""
    if not len(factors):
        return Factor(0.0, 0)
    for power in (0, 1, -1, -2):
        constants = factors / sizes**power
        if np.ptp(constants) <= 1e-3 * abs(constants[0]):
            return Factor(float(constants[0]), power)
    return None


def fit_decay(
    values: Sequence[Array],
    parameters: Sequence[Array],
    found: Sequence[Array | None],
    sizes: Sequence[int],
) -> tuple[Factor, float] | None:
    """Return the factors of a gradient and of the parameters themselves, if the sum is `found`."""
    factors, decays = [], []
    for value, parameter, array in zip(values, parameters, found, strict=True):
        if array is None or value.shape != array.shape or not array.any():
            return None
        columns = np.stack((value.ravel(), parameter.ravel()))
        gram = columns @ columns.T
        if not np.linalg.det(gram) > 1e-9 * gram[0, 0] * gram[1, 1]:
            return None
        factor, decay = np.linalg.solve(gram, columns @ array.ravel())
        rest = array.ravel() - (factor, decay) @ columns
        if not np.vdot(rest, rest) <= tolerance([array]) ** 2 * np.vdot(array, array):
            return None
        factors.append(factor)
        decays.append(decay)
    law = _law(np.array(factors), np.array(sizes, float))
    return (law, float(decays[0])) if law else None
