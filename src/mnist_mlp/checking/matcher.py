"""The matcher: which mistakes explain the gradients that a program returned.

Backpropagation goes from the last layer to the first, and so does the matcher. A layer's gradients
follow from its delta, and that from the layer above. So at each layer it computes the delta in the
right way and in every wrong way, and from each of these the weights' and the biases' gradients in
the right way and in every wrong way, and keeps what equals the program's up to a constant factor. A
reading is a path through the layers; its price is the number of different mistakes on it. The
cheapest reading is the answer. Mistakes with equal gradients have the same price, and are named
together. Which functions the neurons have is found in the same way, and the factors that are left
over tell sums from averages.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import (
    COSTS,
    HIDDEN,
    LINES,
    OUTPUTS,
    Compute,
    Pass,
    Problem,
    Recipe,
    forward,
)
from mnist_mlp.checking.museum import ROOMS, Mistake, plant

AGAIN = 0.1  # price of a mistake that was already made in another layer
UNKNOWN = 3.0  # price of a tensor that nothing explains
UNUSUAL = 0.9  # price of a cost that the output function does not usually go with
WIDTH = 12  # readings kept at each layer
TINY = 1e-3  # times the tolerance: what counts as 0
SAME = 0.05  # readings whose prices differ by less are equally good
FEW = 4  # if none of them explains everything so far
WORSE = 2.0  # readings that cost this much more than the best are dropped


# What a wrong slope of the outputs is multiplied by: a - y, or ∂C/∂a.
FACTORS: tuple[Callable[[Pass], Array], ...] = (lambda net: net.error, lambda net: net.cost_slope)


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


class Tensor(NamedTuple):
    """The weights or the biases of a layer."""

    kind: str
    layer: int


class Reading(NamedTuple):
    """A way to read a program.

    nets       a pass for each problem, with the right lines and the mistakes of this reading
    price      how many mistakes it takes
    findings   those mistakes
    unknown    tensors that nothing explains; ("activations", layer) if the forward pass is strange
    factors    of every tensor that is explained, unless it is 0
    decay      weights or biases that are part of a tensor's gradient: by how much
    """

    nets: list[Pass]
    price: float = 0.0
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Tensor, ...] = ()
    factors: Mapping[Tensor, Factor] = {}
    decay: Mapping[Tensor, float] = {}

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
    for cost in COSTS
    for hidden in HIDDEN
    for output in OUTPUTS
    if output in ("softmax", "sigmoid") or cost == "squared_error"  # others need no logarithm
]


def match(answers: Sequence[Answer], recipes: Iterable[Recipe] = RECIPES) -> list[Reading]:
    """Return the cheapest readings, the best first; if one explains all, for each cost."""
    recipes = list(recipes)
    usual = [recipe for recipe in recipes if (recipe.output, recipe.cost) in USUAL]
    unusual = [recipe for recipe in recipes if recipe not in usual]
    likely = [recipe for recipe in recipes if recipe.output in ("softmax", "sigmoid")]
    readings: list[Reading] = []
    with np.errstate(all="ignore"):
        for some in (usual, unusual):
            if not readings or readings[0].unknown:
                readings += _descend(_right_forward(answers, some), answers)
                readings.sort(key=lambda reading: reading.price)
        if readings[0].unknown and not _has_activations(answers):
            wrong = [reading for recipe in likely for reading in _wrong_forward(answers, recipe)]
            wrong = [reading for reading in wrong if _explains_outputs(reading, answers)]
            readings += _descend(wrong, answers)
        elif not readings[0].unknown:
            readings += _for_other_costs(readings[0], answers, recipes)
    return sorted(readings, key=lambda reading: reading.price)


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
    right = [_forward(answers, recipe, ()) for recipe in recipes]
    if not _has_activations(answers):
        return right
    for readings in (
        right,
        [wrong for reading in right for wrong in _wrong_forward(answers, reading.recipe)],
    ):
        if agreeing := [reading for reading in readings if not _strange(reading, answers)]:
            return agreeing
    return [_with_own_activations(reading, answers) for reading in right]


def _forward(
    answers: Sequence[Answer], recipe: Recipe, mistakes: Sequence[tuple[Mistake, Sequence[int]]]
) -> Reading:
    nets = [Pass(answer.problem, recipe, answer.rate) for answer in answers]
    for net in nets:
        forward(net, plant(mistakes))
    findings = tuple(Finding((mistake,), tuple(layers)) for mistake, layers in mistakes)
    odd = 0.0 if (recipe.output, recipe.cost) in USUAL else UNUSUAL
    return Reading(nets, len(findings) + odd, findings)


def _wrong_forward(answers: Sequence[Answer], recipe: Recipe) -> Iterator[Reading]:
    """Yield a reading for each mistake of the forward pass, in one layer and in all."""
    net = Pass(answers[0].problem, recipe)
    for mistake in ROOMS["forward"]:
        layers = mistake.layers(net)
        for some in [layers] * (len(layers) > 1) + [[i] for i in layers]:
            try:
                yield _forward(answers, recipe, [(mistake, some)])
            except ValueError:  # the shapes do not allow it
                continue


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
    """Tell whether the last layer's weights follow from one of the usual deltas."""
    last = reading.nets[0].last
    usual = [LINES["output"].compute] + [mistake.compute for mistake in ROOMS["output"][:2]]
    found = [answer.weights[last - 1] for answer in answers]
    for compute in usual:
        nets = [copy.copy(net) for net in reading.nets]
        for net in nets:
            net.delta = {last: compute(net, last)}
        if fit([LINES["weights"].compute(net, last) for net in nets], found, _sizes(nets)):
            return True
    return False


# Backward


def _read_layer(readings: Sequence[Reading], answers: Sequence[Answer], i: int) -> list[Reading]:
    """Return the best readings that go on with layer i, from simple explanations to others.

    If all lines are right, nothing else is tried; if the lines that follow from some delta are
    right, no others are.
    """
    efforts: tuple[Lines, ...] = ("right", "decayed")
    for lines in efforts:
        rights = (_tensors(_right_delta(reading, i), answers, i, lines) for reading in readings)
        if right := _explained(rights, i):
            return sorted(right, key=lambda reading: reading.price)[:WIDTH]
    deltas = {k: list(_deltas(reading, i)) for k, reading in enumerate(readings)}
    found: list[Reading] = []
    for options in deltas.values():
        plain = _explained((_tensors(delta, answers, i, "right") for delta in options), i)
        if plain:
            found += _merged([*plain, _tensors(options[0], answers, i)], i)
    if not found:
        for options in deltas.values():
            first, *wrong = (_tensors(delta, answers, i) for delta in options)
            found += _merged([first, *(r for r in wrong if len(_new(r, i)) < 2)], i)
    if not _explained(found, i):
        pairs = [pair for reading in readings if not reading.unknown for pair in _pairs(reading, i)]
        found += _merged(_explained((_tensors(pair, answers, i, "right") for pair in pairs), i), i)
    found.sort(key=lambda reading: reading.price)
    width = FEW if found[0].unknown else WIDTH
    return [reading for reading in found[:width] if reading.price <= found[0].price + WORSE]


def _explained(readings: Iterable[Reading], i: int) -> list[Reading]:
    return [reading for reading in readings if not _new(reading, i)]


def _new(reading: Reading, i: int) -> list[Tensor]:
    return [tensor for tensor in reading.unknown if tensor == (tensor.kind, i)]


def _right_delta(reading: Reading, i: int) -> Reading:
    return reading._replace(nets=[_with_delta(net, i) for net in reading.nets])


def _deltas(reading: Reading, i: int) -> Iterator[Reading]:
    """Yield the reading with delta of layer i: the right one, then every wrong one."""
    rooms = ["output", "slope"] if i == reading.nets[0].last else ["carried", "slope"]
    yield _right_delta(reading, i)
    for mistake in [mistake for room in rooms for mistake in ROOMS[room]]:
        yield from _planted(reading, i, [mistake])


def _pairs(reading: Reading, i: int) -> Iterator[Reading]:
    """Yield the reading with both a wrong `carried` and a wrong slope."""
    if i < reading.nets[0].last:
        for pair in product(ROOMS["carried"], ROOMS["slope"]):
            yield from _planted(reading, i, pair)


def _planted(reading: Reading, i: int, mistakes: Sequence[Mistake]) -> Iterator[Reading]:
    """Yield the reading with these mistakes in delta of layer i, if they can be made there."""
    if not all(i in mistake.layers(reading.nets[0]) for mistake in mistakes):
        return
    lines = {mistake.line: mistake for mistake in mistakes}
    before = reading
    for mistake in mistakes:
        reading = reading.plus([mistake], i)
    at_outputs = i == reading.nets[0].last and "slope" in lines
    for factor in FACTORS if at_outputs else FACTORS[:1]:
        try:
            nets = [_with_delta(net, i, lines, factor) for net in before.nets]
        except ValueError:  # the shapes do not allow it
            return
        yield reading._replace(nets=nets)


def _with_delta(
    net: Pass,
    i: int,
    mistakes: Mapping[str, Mistake] = {},
    factor: Callable[[Pass], Array] = lambda net: net.error,
) -> Pass:
    def compute(line: str) -> Array:
        return mistakes.get(line, LINES[line]).compute(after, i)

    after = copy.copy(net)
    after.delta, after.carried, after.slope = map(dict, (net.delta, net.carried, net.slope))
    after.dW, after.db = dict(net.dW), dict(net.db)
    if i == net.last and "slope" in mistakes:
        after.delta[i] = factor(net) * compute("slope")
    elif i == net.last:
        after.delta[i] = compute("output")
    else:
        after.carried[i] = compute("carried")
        after.slope[i] = compute("slope")
        after.delta[i] = compute("delta")
    return after


def _tensors(reading: Reading, answers: Sequence[Answer], i: int, lines: Lines = "any") -> Reading:
    """Return the reading with what explains both tensors of layer i, given its delta."""
    for kind in ("weights", "biases"):
        found = [getattr(answer, kind)[i - 1] for answer in answers]
        if found[0] is not None:
            reading = _explain(reading, Tensor(kind, i), found, lines)
    for net, answer in zip(reading.nets, answers, strict=True):
        own = answer.weights[i - 1]
        net.dW[i] = LINES["weights"].compute(net, i) if own is None else own
    return reading


def _explain(reading: Reading, tensor: Tensor, found: list[Array], lines: Lines) -> Reading:
    """Return the reading with what explains a tensor: the right line, mistakes, or nothing."""
    kind, i = tensor
    right = [LINES[kind].compute(net, i) for net in reading.nets]
    if factor := fit(right, found, _sizes(reading.nets)):
        return reading._replace(factors={**reading.factors, tensor: factor})
    unexplained = reading._replace(
        price=reading.price + UNKNOWN, unknown=(*reading.unknown, tensor)
    )
    if lines == "right":
        return unexplained
    parameters = [(net.W if kind == "weights" else net.b)[i] for net in reading.nets]
    if decayed := fit_decay(right, parameters, found, _sizes(reading.nets)):
        factor, decay = decayed
        return reading._replace(
            factors={**reading.factors, tensor: factor}, decay={**reading.decay, tensor: decay}
        )
    if lines == "decayed":
        return unexplained
    fitting = {m: f for m in ROOMS[kind] if (f := _fit_mistake(reading.nets, m, i, found))}
    if fitting:
        factors = {**reading.factors, tensor: next(iter(fitting.values()))}
        return reading.plus(list(fitting), i)._replace(factors=factors)
    return unexplained


def _fit_mistake(nets: list[Pass], mistake: Mistake, i: int, found: list[Array]) -> Factor | None:
    if i not in mistake.layers(nets[0]):
        return None
    try:
        return fit((mistake.compute(net, i) for net in nets), found, _sizes(nets))
    except ValueError:  # the shapes do not allow it
        return None


def nearest(
    reading: Reading, answers: Sequence[Answer], tensor: Tensor, most: int = 3
) -> list[Mistake]:
    """Return the mistakes whose gradients are most parallel to an unknown one."""
    kind, i = tensor
    found = [getattr(answer, kind)[i - 1] for answer in answers]
    with np.errstate(all="ignore"):
        options = [(LINES[kind].compute, delta) for delta in _deltas(reading, i)]
        options += [(m.compute, reading) for m in ROOMS[kind] if i in m.layers(reading.nets[0])]
        ranked: dict[Mistake, float] = {}
        for compute, option in options:
            own = [f.mistakes[0] for f in option.findings if f not in reading.findings]
            mistake = (
                own[0] if own else next((m for m in ROOMS[kind] if m.compute is compute), None)
            )
            if mistake:
                ranked[mistake] = _cosine(option.nets, compute, i, found)
    return sorted(ranked, key=lambda mistake: -ranked[mistake])[:most]


def _cosine(nets: Sequence[Pass], compute: Compute, i: int, found: Sequence[Array]) -> float:
    try:
        values = [compute(net, i) for net in nets]
    except ValueError:  # the shapes do not allow it
        return 0.0
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
