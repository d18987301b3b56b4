"""Parts of a learner's program: the five functions of examples/exercises, each judged by itself.

This runs in the process of the learner's file. A part that calls others gets right ones to call, so
that a mistake is found once.
"""

import ast
import linecache
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.learner import EndlessError, Learner, describe, limited
from mnist_mlp.checking.lines import Problem, Recipe, new_problem, run
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import parameters_of
from mnist_mlp.learning.network import softmax as softmax_of

PARTS = {
    "forward": ("weights", "biases", "images"),
    "cost": ("outputs", "targets"),
    "backprop": ("weights", "biases", "images", "targets"),
    "step": ("weights", "biases", "by_weights", "by_biases", "learning_rate"),
    "loop": (
        *("weights", "biases", "images", "targets"),
        *("epochs", "batch_size", "learning_rate"),
    ),
}
HINTS = {
    "relu": "ReLU keeps each number that is above 0, and makes 0 of the others: the shape stays",
    "softmax": "each row is divided by its own sum, along axis=1; keepdims=True keeps it a column",
    "forward": (
        "a is activations[-1], (n, inputs), and w is (neurons, inputs): which product is (n, "
        "neurons)?"
    ),
    "cost": (
        "for each example, add up y ln a, with np.log; then turn the sign and take the mean of the "
        "examples"
    ),
    "backprop": "a gradient has the shape of its weights or biases, and delta that of z",
    "step": "new weights are old ones minus the learning rate times their gradient",
    "loop": "each row comes once in an epoch: the next are order[start : start + batch_size]",
}
MARK = re.compile("Exercise ([1-5]) of 5")  # in the text of each
SIZES = (12, 7, 5, 10)
BATCHES = (6, 9, 8)
USUAL = Recipe("relu", "softmax", "cross_entropy")


class NothingError(Exception):
    """A function that ought to return something returned None."""


class Examination(NamedTuple):
    """What can be said of a file's parts by running them.

    findings   what is wrong with each part; of `forward` and `backprop` only blanks and errors
    answers    what `forward` and `backprop` answered to random problems, if they could
    complete   whether nothing is left of the file to look at
    """

    findings: dict[str, list[str]]
    answers: dict[str, list[Answer]]
    complete: bool


def exercises_in(text: str) -> list[str]:
    """Return the parts that a text asks for, if it is that of exercises."""
    return [[*PARTS][int(number) - 1] for number in MARK.findall(text)]


def examine(learner: Learner) -> Examination:
    """Run the parts of a file that was made of the exercises: functions with their parameters."""
    functions = learner.own_functions()
    parts = {
        name: functions[name]
        for name, parameters in PARTS.items()
        if name in functions and tuple(p.name for p in parameters_of(functions[name])) == parameters
    }
    asked = exercises_in(ast.unparse(learner.tree))
    if not (asked or {"step", "loop"} & set(parts)):
        return Examination({}, {}, False)  # another program, which may lay out arrays otherwise
    used = {name: _used(learner, name, parts) for name in parts}
    findings = {name: _blanks(learner, used[name]) for name in parts}
    for name in set(asked) - set(parts):
        findings[name] = [f"expected a function {name}({', '.join(PARTS[name])})"]
    complete = any(findings.values()) or not set(functions) - set().union(*used.values())
    answers: dict[str, list[Answer]] = {}
    checks: dict[str, Callable[..., Iterator[str]]] = {
        "forward": partial(_ask_forward, answers),
        "cost": partial(_check_cost, any_cost="cost" not in asked),
        "backprop": partial(_ask_backprop, answers),
        "step": _check_step,
        "loop": _check_loop,
    }
    for helper, check in HELPERS.items():
        if helper in functions and "forward" in parts and not findings["forward"]:
            findings["forward"] += _try(learner, helper, check, functions[helper])
    if "backprop" in parts:
        learner.names.setdefault("forward", _forward)
    own = learner.names.get("forward")
    for name, part in parts.items():
        if name == "backprop" and findings.get("forward"):
            learner.names["forward"] = _forward
        if not findings[name]:
            findings[name] += _try(learner, name, checks[name], part)
    if own:
        learner.names["forward"] = own
    return Examination(findings, answers, complete or "backprop" in answers)


def _used(learner: Learner, name: str, parts: Iterable[str]) -> set[str]:
    """Return the functions that a part consists of: itself, and those it calls."""
    functions = _functions(learner)
    names = {n.id for n in ast.walk(functions[name]) if isinstance(n, ast.Name)}
    return {name} | (names & set(functions)) - set(parts)


def _functions(learner: Learner) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in learner.tree.body if isinstance(node, ast.FunctionDef)}


def _blanks(learner: Learner, names: Iterable[str]) -> list[str]:
    """Say where there is a blank, `...`, in functions."""
    lines = set()
    for name in names:
        nodes = list(ast.walk(_functions(learner)[name]))
        indices = {id(e) for n in nodes if isinstance(n, ast.Tuple) for e in n.elts}  # a[..., 0]
        lines |= {
            node.lineno
            for node in nodes
            if isinstance(node, ast.Constant) and node.value is ... and id(node) not in indices
        }
    return [f"line {line}: there is still a blank" for line in sorted(lines)]


def _try(
    learner: Learner, part: str, check: Callable[..., Iterable[str]], function: Callable[..., Any]
) -> list[str]:
    """Return what the check of a function yields, or what was raised, where, and a hint."""

    def answered(*given: Any) -> Any:
        found = function(*given)
        if found is None:
            raise NothingError
        return found

    try:
        with limited(), np.errstate(all="ignore"):
            return list(check(function if part in ("step", "loop") else answered))
    except NothingError:
        return [f"{part} returns nothing: is `return` missing?"]
    except (Exception, EndlessError, SystemExit) as error:  # noqa: BLE001
        file = learner.names["__file__"]
        frames = [
            (frame, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename == file
        ]
        names = [frame.f_code.co_name for frame, _ in frames]
        hint = next((HINTS[name] for name in reversed(names) if name in HINTS), HINTS[part])
        said = re.sub(
            r"matmul: .*\(size (\d+) .* (\d+)\)", r"sizes \1 and \2 do not fit", describe(error)
        )
        return [f"{_where(*frames[-1])}{said}; {hint}" if frames else f"{said}; {hint}"]


def _where(frame: FrameType, line: int) -> str:
    """Say which line of a file this is, and what shapes the arrays have there."""
    names = set(re.findall(r"\w+", linecache.getline(frame.f_code.co_filename, line)))
    shapes = [
        f"{name} is {value.shape}"
        for name, value in frame.f_locals.items()
        if name in names and isinstance(value, np.ndarray)
    ]
    return f"line {line}, where {', '.join(shapes)}: " if shapes else f"line {line}: "


def _problems() -> list[Problem]:
    return [new_problem(SIZES, n, seed) for seed, n in enumerate(BATCHES)]


def _forward(weights: list[Array], biases: list[Array], images: Array) -> list[Array]:
    net = run(Problem(weights, biases, images, np.zeros((len(images), len(biases[-1])))), USUAL, {})
    return [net.a[i] for i in range(len(weights) + 1)]


def _copies(problem: Problem) -> list[Any]:
    return [[array.copy() for array in part] for part in (problem.weights, problem.biases)]


def _check_relu(relu: Callable[..., Any]) -> Iterator[str]:
    z = np.random.default_rng(0).normal(size=(6, 10))
    given = z.copy()
    found = relu(given)
    if not np.array_equal(given, z):
        yield "relu: it changes its argument, which is needed later: return a new array"
    elif np.shape(found) != z.shape:
        yield (
            "relu: np.max is the largest of many numbers, np.maximum compares two, element by "
            f"element; {HINTS['relu']}"
        )
    elif not np.array_equal(found, np.maximum(z, 0)):
        yield f"relu: {HINTS['relu']}"


def _check_softmax(softmax: Callable[..., Any]) -> Iterator[str]:
    z = np.random.default_rng(0).normal(size=(6, 10))
    found = np.asarray(softmax(z.copy()), float)
    if found.shape != z.shape:
        yield f"softmax: expected shape {z.shape}, found {found.shape}; {HINTS['softmax']}"
    elif np.isclose(found.sum(), 1):
        yield f"softmax: all numbers together add up to 1; {HINTS['softmax']}"
    elif np.allclose(found.sum(axis=0), 1):
        yield f"softmax: the columns add up to 1; {HINTS['softmax']}"
    elif not np.allclose(found, softmax_of(z)):
        yield f"softmax: the rows do not add up to 1; {HINTS['softmax']}"


def _ask_forward(answers: dict[str, list[Answer]], forward: Callable[..., Any]) -> Iterator[str]:
    found = []
    for problem in _problems():
        layers = forward(*_copies(problem), problem.images.copy())
        shapes = [(len(problem.images), size) for size in SIZES]
        if wrong := _misshapen(layers, shapes, "the activations of all layers, the images first"):
            yield f"{wrong}; {HINTS['forward']}"
            return
        nothing = [None] * len(problem.weights)
        activations = [np.asarray(a, float) for a in layers[1:]]
        found.append(Answer(problem, nothing, nothing, activations))
    answers["forward"] = found


def _ask_backprop(answers: dict[str, list[Answer]], backprop: Callable[..., Any]) -> Iterator[str]:
    found = []
    for problem in _problems():
        weights, biases = _copies(problem)
        both = backprop(weights, biases, problem.images.copy(), problem.targets.copy())
        if not _alike([*weights, *biases], [*problem.weights, *problem.biases]):
            yield "it changes the weights or the biases: that is what `step` is for"
            return
        if not isinstance(both, list | tuple) or len(both) != 2:
            yield f"expected two lists, of weights and of biases, found {_show(both)}"
            return
        for arrays, olds, kind in zip(
            both, (problem.weights, problem.biases), ("weights", "biases"), strict=True
        ):
            shapes = [old.shape for old in olds]
            if wrong := _misshapen(arrays, shapes, f"the gradients of the {kind}"):
                yield f"{wrong}; {HINTS['backprop']}"
                return
        weights, biases = ([np.asarray(a, float) for a in part] for part in both)
        found.append(Answer(problem, weights, biases))
    answers["backprop"] = found


def _misshapen(arrays: Any, shapes: Sequence[tuple[int, ...]], what: str) -> str:
    """Say which array has another shape than expected, or nothing."""
    if not isinstance(arrays, list | tuple) or len(arrays) != len(shapes):
        return f"expected {what}, a list of {len(shapes)} arrays, found {_show(arrays)}"
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if np.shape(array) != shape:
            return f"{what}: expected an array of shape {shape} at [{i}], found {_show(array)}"
    return ""


def _alike(found: Sequence[Any], expected: Sequence[Array]) -> bool:
    """Tell whether arrays are equal to others, one by one."""
    return len(found) == len(expected) and all(map(np.array_equal, found, expected))


def _show(value: object) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return f"one of shape {value.shape}" if value.shape else "a number"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__


# Cost. Each of them is given outputs a and targets y.
MEAN_COSTS: dict[str, Callable[[Array, Array], Any]] = {
    "": lambda a, y: -np.sum(y * np.log(a)) / len(a),
    "squared error": lambda a, y: np.sum((a - y) ** 2) / len(a),
    "half the squared error": lambda a, y: np.sum((a - y) ** 2) / len(a) / 2,
    "binary cross-entropy": lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(a),
}
WRONG_COSTS: dict[str, Callable[[Array, Array], Any]] = {
    "the sign is missing: a logarithm of a probability is below 0, and a cost is above": (
        lambda a, y: np.sum(y * np.log(a)) / len(a)
    ),
    "it is not averaged over the examples: divide by their number": (
        lambda a, y: -np.sum(y * np.log(a))
    ),
    "it is averaged over the outputs too: sum over them, and average over the examples": (
        lambda a, y: -np.mean(y * np.log(a))
    ),
    "it is summed over the examples and averaged over the outputs: do it the other way round": (
        lambda a, y: -np.sum(y * np.log(a)) / a.shape[1]
    ),
    "it is the logarithm to base 10; np.log is the natural one": (
        lambda a, y: -np.sum(y * np.log10(a)) / len(a)
    ),
    "it is the logarithm to base 2; np.log is the natural one": (
        lambda a, y: -np.sum(y * np.log2(a)) / len(a)
    ),
    "the logarithm is of all outputs; only that of the right digit counts, so multiply by y": (
        lambda a, y: -np.sum(np.log(a)) / len(a)
    ),
    "the logarithm is missing": lambda a, y: -np.sum(y * a) / len(a),
    "the differences are not squared": lambda a, y: np.sum(a - y) / len(a),
    "it is squared error averaged over the outputs too: sum over them": (
        lambda a, y: np.mean((a - y) ** 2)
    ),
    "y and a are exchanged, or both are in the logarithm, which is of the outputs alone": (
        lambda a, y: -np.sum(a * np.log(y)) / len(a)
    ),
    "each example has its own cost: the mean of them is one number": (
        lambda a, y: -np.sum(y * np.log(a), axis=1)
    ),
    "it is summed over the wrong axis: axis=1 is that of the outputs": (
        lambda a, y: -np.sum(y * np.log(a), axis=0)
    ),
    "each output has its own cost: sum over them, and average over the examples": (
        lambda a, y: -y * np.log(a)
    ),
}


def _check_cost(cost: Callable[..., Any], *, any_cost: bool) -> Iterator[str]:
    data = [(_forward([*p.weights], [*p.biases], p.images)[-1], p.targets) for p in _problems()]
    given = [(a.copy(), y.copy()) for a, y in data]
    found = [cost(a, y) for a, y in given]
    if not all(map(_alike, given, data)):
        yield "it changes its arguments: make new arrays"
        return

    def fits(function: Callable[[Array, Array], Any]) -> bool:
        expected = [np.asarray(function(a, y)) for a, y in data]
        return all(
            e.shape == np.shape(f) and np.allclose(e, np.asarray(f, float), equal_nan=True)
            for e, f in zip(expected, found, strict=True)
        )

    if right := [name for name, function in MEAN_COSTS.items() if fits(function)]:
        if right[0] and not any_cost:
            yield f"it is {right[0]}, expected cross-entropy; {HINTS['cost']}"
    elif names := [name for name, function in WRONG_COSTS.items() if fits(function)]:
        yield names[0]
    elif np.shape(found[0]):
        yield f"expected one number, found an array of shape {np.shape(found[0])}; {HINTS['cost']}"
    else:
        expected = MEAN_COSTS[""](*data[0])
        yield (
            f"expected {expected:.4f} for {BATCHES[0]} images, found {float(found[0]):.4f}; "
            f"{HINTS['cost']}"
        )


# Step. Each of them is given the weights w, their gradient g and the learning rate r.
RIGHT_STEP = "right"
STEPS: dict[str, Callable[[Array, Array, float], Array]] = {
    RIGHT_STEP: lambda w, g, r: w - r * g,
    "are not changed: assign to the list's elements": lambda w, g, r: w,
    "go uphill: subtract": lambda w, g, r: w + r * g,
    "change by the whole gradient: multiply it by the learning rate": lambda w, g, r: w - g,
    "are replaced by the change: subtract it from the old ones": lambda w, g, r: r * g,
    "are replaced by the change: subtract it from what was there": lambda w, g, r: -r * g,
    "shrink: the gradient is not used": lambda w, g, r: w - r * w,
    "are subtracted from the change: exchange the two": lambda w, g, r: r * g - w,
    "change by the gradient divided by the learning rate: multiply": lambda w, g, r: w - g / r,
}


def _check_step(step: Callable[..., Any]) -> Iterator[str]:
    problem, other = new_problem(SIZES, 6, 0), new_problem(SIZES, 6, 1)
    rate = 0.3
    lists, gradient = _copies(problem), _copies(other)
    step(*lists, *gradient, rate)
    if not all(map(_alike, gradient, (other.weights, other.biases))):
        yield "it changes the gradients: leave them as they are"
        return
    for name, olds, slopes, news in zip(
        ("weights", "biases"),
        (problem.weights, problem.biases),
        (other.weights, other.biases),
        lists,
        strict=True,
    ):
        found = {
            _name_step(old, slope, new, rate)
            for old, slope, new in zip(olds, slopes, news, strict=True)
        }
        if found != {RIGHT_STEP}:
            wrong = sorted(found - {RIGHT_STEP})[0]
            some = "some of " if RIGHT_STEP in found else ""
            yield f"{some}the {name} {wrong}"


def _name_step(old: Array, slope: Array, new: Any, rate: float) -> str:
    if np.shape(new) != old.shape:
        return f"have another shape: {np.shape(new)} instead of {old.shape}"
    names = (name for name, f in STEPS.items() if np.allclose(f(old, slope, rate), new))
    return next(names, f"are not as expected; {HINTS['step']}")


# Loop


class Batch(NamedTuple):
    """A mini-batch that a loop asked the gradient of: the examples, as numbers."""

    images: list[int]
    targets: list[int]


def _check_loop(loop: Callable[..., Any]) -> Iterator[str]:
    """Run the loop on 10 examples, in mini-batches of 4, for 3 epochs, and watch what it does."""
    n, size, epochs, rate = 10, 4, 3, 0.25
    weights, biases = [np.ones((10, 3))], [np.ones(10)]
    gradient = [np.full((10, 3), 2.0)], [np.full(10, 3.0)]
    batches: list[Batch] = []
    steps: list[tuple[Any, ...]] = []

    def backprop(_: Any, __: Any, images: Array, targets: Array) -> Any:
        rows = np.atleast_2d(images)[:, 0], np.atleast_2d(targets).argmax(axis=1)
        batches.append(Batch(*([int(k) for k in row] for row in rows)))
        return gradient

    names = loop.__globals__
    before = dict(names)
    names |= {"backprop": backprop, "step": lambda *given: steps.append(given)}
    try:
        images = np.arange(n)[:, np.newaxis] * np.ones(3)
        loop(weights, biases, images, np.eye(n), epochs, size, rate)
    finally:
        names.clear()
        names.update(before)
    yield from _read_batches(batches, n, size, epochs)
    if len(steps) != len(batches):
        yield f"{len(batches)} gradients gave {len(steps)} steps: make one after each"
    elif steps and not (
        len(steps[0]) == len(PARTS["step"])
        and all(a is b for a, b in zip(steps[0], (weights, biases, *gradient), strict=False))
        and steps[0][-1] == rate
    ):
        yield f"expected step({', '.join(PARTS['step'])}), found other arguments"


def _read_batches(batches: list[Batch], n: int, size: int, epochs: int) -> Iterator[str]:
    """Yield the first thing that is wrong with the mini-batches, if anything is."""
    per_epoch = -(-n // size)
    counted, left = divmod(len(batches), per_epoch)
    if counted != epochs and not left:
        yield f"expected {epochs} epochs, found {counted}"
        return
    if left:
        yield (
            f"{n} examples in mini-batches of {size} need {per_epoch} gradients an epoch, "
            f"found {len(batches)} in {epochs} epochs"
        )
        return
    orders = [
        [k for batch in batches[i : i + per_epoch] for k in batch.images]
        for i in range(0, len(batches), per_epoch)
    ]
    if any(len(batch.images) > size for batch in batches):
        yield f"a mini-batch has more than batch_size examples: take order[start:start + {size}]"
    elif any(batch.images != batch.targets for batch in batches):
        yield "images and targets are not of the same examples: take the same rows of both"
    elif any(sorted(order) != list(range(n)) for order in orders):
        yield f"an epoch does not show each example once; {HINTS['loop']}"
    elif list(range(n)) in orders:
        yield "the order is that of the file: shuffle"
    elif orders[0] in orders[1:]:
        yield "the order is the same in every epoch: shuffle anew in each"


HELPERS = {"relu": _check_relu, "softmax": _check_softmax}  # of `forward`
