"""A trial: what a program answers to random problems, and what it is given."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import SINGLE, Layout
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer

SIZES = ([23, 16, 13, 10], [23, 16, 10], [23, 16, 16, 10], [23, 10, 10], [23, 10])
BATCHES, ONES = (6, 7, 5), (1, 1, 1)
RATE = 0.5


class Trial(NamedTuple):
    """What a program answered.

    how        what was called: "backprop(x, y)"
    step       whether the gradients are differences that a step made
    layout     the layout in which it works
    answers    to each problem
    notes      what else was seen
    again      what answers another problem in the same way; only in the process of the file
    """

    how: str
    step: bool
    layout: Layout
    answers: list[Answer]
    notes: tuple[str, ...] = ()
    again: Callable[[Problem], Answer | None] | None = None


@cache
def _problem(sizes: tuple[int, ...], n: int, seed: int) -> Problem:
    return new_problem(sizes, n, seed)


def problems(sizes: Sequence[int], layout: Layout, biased: bool = True) -> Iterator[Problem]:
    """Yield the random problems that a program is tried on."""
    for seed, n in enumerate(ONES if layout.data in SINGLE else BATCHES):
        problem = _problem(tuple(sizes), n, seed)
        zeros = [np.zeros_like(bias) for bias in problem.biases]
        yield problem if biased else problem._replace(biases=zeros)


def supply_for(problem: Problem, layout: Layout) -> dict[str, Any]:
    """Return a value for each role."""
    images, targets = layout.examples(problem.images), layout.labels(problem)
    sizes = [problem.images.shape[1], *(len(bias) for bias in problem.biases)]
    hidden = sizes[1:-1]
    return {
        "images": images,
        "targets": targets,
        "pairs": [(images, targets)],
        "rate": RATE,
        "epochs": 1,
        "decay": 0.0,
        "n": len(problem.images),
        "sizes": sizes,
        "inputs": sizes[0],
        "outputs": sizes[-1],
        "hidden": hidden[0] if hidden else 0,
        "hidden2": hidden[-1] if hidden else 0,
    }


def difference(
    problem: Problem,
    layout: Layout,
    before: tuple[Sequence[Array], Sequence[Array | None]],
    after: tuple[Sequence[Array], Sequence[Array | None]],
    rate: float,
) -> Answer:
    """Return the answer of a step, from the program's parameters before and after it."""
    weights = [layout.weight((a - b) / rate) for a, b in zip(before[0], after[0], strict=True)]
    biases = [
        None if a is None or b is None else layout.read_bias((a - b) / rate, len(bias))
        for a, b, bias in zip(before[1], after[1], problem.biases, strict=True)
    ]
    return Answer(problem, weights, biases, (), rate)


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
    """Return the answer to the same problem without pixels that are 0 in all images."""
    problem = answer.problem
    seen = problem.images.any(axis=0)
    first, gradient = problem.weights[0], answer.weights[0]
    if seen.all() or gradient is None or gradient.shape != first.shape:
        return answer
    smaller = problem._replace(
        images=problem.images[:, seen], weights=[first[:, seen], *problem.weights[1:]]
    )
    return answer._replace(problem=smaller, weights=[gradient[:, seen], *answer.weights[1:]])


def is_double(one: Array | None, other: Array | None) -> bool:
    """Tell whether one gradient is twice the other: that of the call before was not reset."""
    if one is None or other is None or not one.any():
        return False
    return one.shape == other.shape and np.allclose(2 * one, other, rtol=1e-4, atol=1e-9)
