"""A trial: what a program answers to random problems, and what it is given."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import SINGLE, Layout
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.tensors import Item

SIZES = ([23, 16, 13, 10], [23, 16, 10], [23, 16, 16, 10], [23, 10, 10], [23, 10])
BATCHES, ONES = (6, 7, 5), (1, 1, 1)
LONGER = 3  # mini-batches in a longer data set
SQUARES = "Σ W²"  # the sum over all weights, those of dark pixels too, as one of the numbers
RATE, DECAY, KEEP, MOMENTUM = 0.5, 0.05, 0.75, 0.9
RANK = 1e-4  # ratio of singular values that count
TINY = 1e-9  # of a gradient: what may be rounding
Feed = Literal["batch", "one", "pairs", "data set"]  # how examples are given; pairs of single ones
MASK = re.compile(r"(?i)mask|drop|keep|^d\d*$|^u\d*$|^r\d*$")


class Trial(NamedTuple):
    """What a program answered.

    how        what was called: "backprop(x, y)"
    step       whether the gradients are differences that a step made
    layout     the layout in which it works
    answers    to each problem
    notes      what else was seen
    again      what answers another problem in the same way; only in the process of the file
    penalty    the share of Σ W² in the cost that the program returns, of the first problem; or 0
    numbers    by name, one for each problem: what the program has computed, perhaps its cost
    longer     an answer with a data set of several mini-batches, if there is one
    """

    how: str
    step: bool
    layout: Layout
    answers: list[Answer]
    notes: tuple[str, ...] = ()
    again: Callable[[Problem], Answer | None] | None = None
    penalty: float = 0.0
    numbers: Mapping[str, Sequence[float]] = {}
    longer: Sequence[Answer] = ()


@cache
def _problem(sizes: tuple[int, ...], n: int, seed: int) -> Problem:
    problem = new_problem(sizes, n, seed)
    if sizes[-1] > 1:
        return problem
    labels = np.random.default_rng(seed).integers(0, 2, (n, 1))  # a single output: yes or no
    return problem._replace(targets=labels.astype(float))


def feeds(roles: AbstractSet[str | None], *, step: bool) -> tuple[Feed, ...]:
    """Return how examples may be given to what has parameters of these roles, the likely first."""
    if "table" in roles:
        return ("one",)
    if roles & {"pairs", "batch"} and "targets" not in roles:
        return ("pairs",) if roles & {"batch", "n"} else ("pairs", "one")
    return ("batch", "one", "data set") if step else ("batch", "one")


def settles(trials: Sequence[Trial]) -> bool:
    """Tell whether no other way to give examples need be tried.

    A step may be made after each example; and if bias gradients have a column for each example, it
    may be that the program means one.
    """
    gradients = [trial for trial in trials if not trial.step]
    meant_for_one = any(
        trial.layout.data == "columns" and array is not None and array.ndim > 1
        for trial in gradients
        for array in trial.answers[0].biases
    )
    return bool(gradients) and not meant_for_one


def problems(
    sizes: Sequence[int], feed: Feed, *, biased: bool = True, decayed: bool = False
) -> Iterator[Problem]:
    """Yield the random problems that a program is tried on."""
    for seed, n in enumerate(BATCHES if feed in ("batch", "pairs") else ONES):
        problem = _problem(tuple(sizes), n, seed)._replace(decay=DECAY if decayed else 0.0)
        zeros = [np.zeros_like(bias) for bias in problem.biases]
        yield problem if biased else problem._replace(biases=zeros)


def supply_for(problem: Problem, layout: Layout, feed: Feed = "batch") -> dict[str, Any]:
    """Return a value for each role."""
    pairs = layout.data_set(problem) if layout.data in SINGLE else None
    images, targets = layout.examples(problem.images), layout.labels(problem)
    if pairs and feed == "data set":
        images, targets = map(np.array, pairs)
    together = list(zip(*pairs, strict=True)) if pairs else [(images, targets)]
    sizes = [problem.images.shape[1], *(len(bias) for bias in problem.biases)]
    hidden, labels = sizes[1:-1], problem.targets.argmax(axis=1)
    return {
        "images": images,
        "targets": targets,
        "pairs": together,
        "batch": together,
        "table": [[*x, y] for x, y in zip(problem.images, labels.tolist(), strict=True)],
        "rate": RATE,
        "epochs": 1,
        "decay": problem.decay,
        "momentum": MOMENTUM,
        "keep": KEEP,
        "dropped": 1 - KEEP,
        "n": len(problem.images),
        "sizes": sizes,
        "inputs": sizes[0],
        "outputs": sizes[-1],
        "hidden": hidden[0] if hidden else 0,
        "hidden2": hidden[-1] if hidden else 0,
        "hidden3": hidden[-1] if hidden else 0,
    }


def masks_in(found: Iterable[Item], problem: Problem, layout: Layout) -> list[Array]:
    """Return the dropout masks among arrays, of each hidden layer, or nothing.

    A mask has the shape of the layer's activations, and holds 0 and one other number. If that is 1,
    the program has still to divide by the fraction kept.
    """
    masks = []
    for bias in problem.biases[:-1]:
        shape = layout.examples(np.zeros((len(problem.images), len(bias)))).shape
        fitting = [item for item in found if item.array.shape == shape and is_mask(item.array)]
        fitting = [item for item in fitting if MASK.search(item.name)] or fitting
        if not fitting:
            return []
        mask = layout.read_examples(fitting[0].array * 1.0)
        masks.append(mask / (KEEP if mask.max() == 1 else 1))
    return masks


def is_mask(array: Array) -> bool:
    """Return whether an array holds 0 and at most one other number."""
    return len(np.unique(array)) <= 2 and array.min() == 0 < array.max()


def difference(
    problem: Problem,
    layout: Layout,
    before: tuple[Sequence[Array], Sequence[Array | None]],
    after: tuple[Sequence[Array], Sequence[Array | None]],
    rate: float,
) -> Answer:
    """Return the answer of a step, from the program's parameters before and after it.

    Raises ValueError if the weights have other shapes than before.
    """
    if [array.shape for array in before[0]] != [array.shape for array in after[0]]:
        raise ValueError("the step changes the shapes of weights")
    steps = [(a - b) / rate for a, b in zip(before[0], after[0], strict=True)]
    if layout.folded:
        parts = [layout.unfold(step) for step in steps]
        return Answer(problem, [w for w, _ in parts], [b for _, b in parts], (), rate)
    biases = [
        None if a is None or b is None else layout.read_bias((a - b) / rate, len(bias))
        for a, b, bias in zip(before[1], after[1], problem.biases, strict=True)
    ]
    return Answer(problem, [layout.weight(step) for step in steps], biases, (), rate)


def as_step(answer: Answer) -> Answer:
    """Return the answer of a program that gave new parameters instead of gradients."""
    parts = []
    for olds, news in (
        (answer.problem.weights, answer.weights),
        (answer.problem.biases, answer.biases),
    ):
        parts.append(
            [
                None if new is None else (old - new) / RATE
                for old, new in zip(olds, news, strict=True)
            ]
        )
    return answer._replace(weights=parts[0], biases=parts[1], rate=RATE)


def without_dark_pixels(answer: Answer) -> Answer:
    """Return the answer to the same problem with fewer pixels.

    Those that are 0 in all images do nothing. Those that are all equal, such as 0.01, act as one
    pixel with the sum of their weights, if the gradient is the same for each.
    """
    problem = answer.problem
    first, gradient = problem.weights[0], answer.weights[0]
    if gradient is None or gradient.shape != first.shape:
        return answer
    dark = (problem.images == problem.images.min()).all(axis=0)
    seen, level = ~dark, problem.images.min()
    if dark.sum() < 2 or (level and not np.allclose(np.ptp(gradient[:, dark], axis=1), 0)):
        return answer
    images, weights, slopes = problem.images[:, seen], first[:, seen], gradient[:, seen]
    if level:
        images = np.insert(images, 0, level, axis=1)
        weights = np.insert(weights, 0, first[:, dark].sum(axis=1), axis=1)
        slopes = np.insert(slopes, 0, gradient[:, dark].mean(axis=1), axis=1)
    smaller = problem._replace(images=images, weights=[weights, *problem.weights[1:]])
    return answer._replace(problem=smaller, weights=[slopes, *answer.weights[1:]])


def squares(answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Return Σ W² of each problem, by which weight decay in a cost is recognised."""
    return {SQUARES: [sum(float(np.sum(W**2)) for W in a.problem.weights) for a in answers]}


def measure_penalty(returned: Callable[[Problem], Any], problem: Problem) -> float:
    """Return the share of Σ W² in a cost, from what is returned with and without weight decay."""
    if not problem.decay:
        return 0.0
    with_decay, without = (
        first_number(returned(each)) for each in (problem, problem._replace(decay=0.0))
    )
    return (with_decay - without) / sum(float(np.sum(W**2)) for W in problem.weights)


def first_number(returned: Any) -> float:
    """Return the cost among returned values: the first number, or 0."""
    parts = returned if isinstance(returned, tuple | list) else (returned,)
    numbers = [p for p in parts if isinstance(p, int | float | np.number | np.ndarray)]
    return next((float(p) for p in numbers if np.size(p) == 1 and np.ndim(p) == 0), 0.0)


def is_double(one: Answer, other: Answer) -> bool:
    """Tell whether a gradient of the outputs is twice that of the call before: it was not reset.

    With weight decay that shows in the biases alone.
    """
    pairs = ((one.weights[-1], other.weights[-1]), (one.biases[-1], other.biases[-1]))
    return any(
        first is not None
        and second is not None
        and first.shape == second.shape
        and np.abs(first).max() > TINY
        and np.allclose(2 * first, second, rtol=1e-4, atol=TINY)
        for first, second in pairs
    )


def goes_on(one: Answer, other: Answer) -> bool:
    """Tell whether a gradient is that of one example, and the next the sum of it and another's.

    Such a gradient is an outer product: its rank is 1.
    """
    first, second = one.weights[-1], other.weights[-1]
    if first is None or second is None or first.shape != second.shape:
        return False
    arrays = (first, second, second - first)
    if not np.isfinite(arrays).all():
        return False
    lengths = [np.linalg.svd(array, compute_uv=False) for array in arrays]
    return [int((s > RANK * s[0]).sum()) for s in lengths] == [1, 2, 1]
