"""What mistakes in backpropagation do: the accuracy after the default training with each."""

from claim import load_digits, load_settings
from command import PARAMS, run

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params, load_params
from mnist_mlp.base.randomness import generator
from mnist_mlp.checking import lines
from mnist_mlp.checking.lines import Compute, Pass, Planted, Problem, Recipe, new_problem
from mnist_mlp.checking.museum import MUSEUM, ROOMS, STOPS, Mistake, plant
from mnist_mlp.checking.stack import Member, Stack
from mnist_mlp.data.dataset import DIGITS, PIXELS, Dataset, draw_split
from mnist_mlp.learning.batches import mini_batches, shuffled
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.refinements import learning_rates
from mnist_mlp.learning.training import new_network

RESULTS = Path("metrics/mistakes.json")
TOGETHER = 16  # networks in a stack
# What is tried if a mistake cannot be made with the default recipe, or changes nothing there.
OTHERS: list[dict[str, str]] = [
    {"cost": "squared_error"},
    {"hidden": "sigmoid"},
    {"hidden": "tanh"},
    {"hidden": "leaky ReLU"},
    {"hidden": "sigmoid", "cost": "squared_error"},
]
# Mistakes in the scale of the weights' gradients, as they are made with those of the biases.
WITH_BIASES: dict[str, Compute] = {
    "the sum over the batch, no average": lambda net, i: net.db[i],
    "divided by the size of the whole file": lambda net, i: net.db[i] / 60000,
    "divided by the number of inputs instead of examples": lambda net, i: (
        net.db[i] / net.a[0].shape[1]
    ),
    "averaged over the batch twice": lambda net, i: net.db[i] / net.n**2,
    "a stray constant": lambda net, i: 3 * net.db[i] / net.n,
    "the step goes uphill": lambda net, i: -net.db[i] / net.n,
}


class Case(NamedTuple):
    """What is trained: a network with a mistake, or with none, if its name is empty."""

    name: str
    recipe: Recipe


Accuracies = dict[Case, list[float | None]]  # of each seed; None for NaN or infinite parameters


def mistakes() -> None:
    """Train the default network with each mistake of the museum, in all layers that allow it.

    Reads data/claims/prepared, params.yaml and claims/params.yaml; writes metrics/mistakes.json. A
    mistake that needs another activation or cost is trained with that. Of the refinements only the
    schedule and weight decay are those of params.yaml; momentum, dropout and others are left out.
    """
    seeds = load_settings("mistakes")["seeds"]
    load_digits("training")  # so that the hint is right if they are missing
    found = {mistake.name: choose(mistake, load_params(PARAMS)) for mistake in MUSEUM}
    cases = [Case(name, one) for name, one in found.items() if isinstance(one, Recipe)]
    cases = [Case("", recipe) for recipe in dict.fromkeys(c.recipe for c in cases)] + cases
    accuracies = train_all(cases, seeds)
    results = {
        "without": [entry(case, accuracies) for case in cases if not case.name],
        "with": {case.name: entry(case, accuracies) for case in cases if case.name},
        "not_trained": {name: why for name, why in found.items() if isinstance(why, str)},
    }
    with atomic_write(RESULTS) as file:
        file.write((json.dumps(results, indent=2, ensure_ascii=False) + "\n").encode())
    print(f"The accuracies with {len(results['with'])} mistakes are in {RESULTS}.")


def entry(case: Case, accuracies: Accuracies) -> dict[str, Any]:
    """Return a case as it is written."""
    return {**case.recipe._asdict(), "accuracies": accuracies[case]}


def choose(mistake: Mistake, params: Params) -> Recipe | str:
    """Return the first recipe with which a mistake changes anything; why, if there is none."""
    if mistake is STOPS:
        return "it stops"
    if mistake in ROOMS["step"]:
        return "only over several steps"
    default = Recipe(params.activation, COSTS[params.cost].output, params.cost)
    recipes = [default._replace(**change) for change in ({}, *OTHERS)]
    recipes = [recipe._replace(output=COSTS[recipe.cost].output) for recipe in recipes]
    problem = example(params)
    for recipe in recipes:
        changed = changes(mistake, problem, recipe)
        if changed is None:
            return "the step fails"
        if changed:
            return recipe
    masks = [2.0 * (np.indices((7, size)).sum(axis=0) % 2) for size in params.hidden]
    for refinement, other in (
        ("dropout", problem._replace(masks=masks)),
        ("weight decay", problem._replace(decay=0.1)),
    ):
        if any(changes(mistake, other, recipe) for recipe in recipes):
            return f"only with {refinement}"
    return "not with these layers"


def example(params: Params) -> Problem:
    """Return a problem for a network of the default size; 7 is the size of no layer."""
    problem = new_problem([PIXELS, *params.hidden, DIGITS], 7, 0)
    return problem._replace(decay=params.weight_decay)


def planted_in(mistake: Mistake, problem: Problem, recipe: Recipe) -> Planted:
    """Return the mistake planted in every layer whose shapes allow it."""
    planted: dict[tuple[str, int], Compute] = {}
    for i in mistake.layers(Pass(problem, recipe)):
        one = dict(plant([(mistake, [i])]))
        if mistake.name in WITH_BIASES:
            one["scale biases", i] = WITH_BIASES[mistake.name]
        try:
            with np.errstate(all="ignore"):
                lines.run(problem, recipe, one)
        except ValueError:
            continue
        planted |= one
    return planted


def changes(mistake: Mistake, problem: Problem, recipe: Recipe) -> bool | None:
    """Return whether a mistake changes activations or gradients; None if their shapes are wrong."""
    planted = planted_in(mistake, problem, recipe)
    with np.errstate(all="ignore"):
        right, wrong = (lines.run(problem, recipe, each, rate=0.1) for each in ({}, planted))
    pairs = [
        (getattr(right, name)[i], getattr(wrong, name)[i])
        for name in ("a", "dW", "db")
        for i in problem.layers
    ]
    if any(one.shape != other.shape for one, other in pairs):
        return None
    return not all(np.allclose(one, other, 1e-9, 1e-12) for one, other in pairs)


def train_all(cases: list[Case], seeds: int) -> Accuracies:
    """Return the accuracies of each case on the test digits."""
    stacks = [cases[k : k + TOGETHER] for k in range(0, len(cases), TOGETHER)]
    jobs = [(stack, seed) for seed in range(seeds) for stack in stacks]
    accuracies: Accuracies = {case: [] for case in cases}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (stack, _), found in zip(jobs, pool.map(train, *zip(*jobs, strict=True)), strict=True):
            for case, accuracy in zip(stack, found, strict=True):
                accuracies[case].append(accuracy)
    return accuracies


def train(cases: list[Case], seed: int) -> list[float | None]:
    """Train a network for each case on the same mini-batches; return their accuracies."""
    params = msgspec.structs.replace(load_params(PARAMS), seed=seed)
    by_name = {mistake.name: mistake for mistake in MUSEUM}
    problem = example(params)
    members = [
        Member(recipe, planted_in(by_name[name], problem, recipe) if name else {})
        for name, recipe in cases
    ]
    network = new_network(params)
    weights, biases = (
        [np.repeat(array[np.newaxis], len(cases), axis=0) for array in arrays]
        for arrays in (network.weights, network.biases)
    )
    accuracies: list[float | None] = [None] * len(cases)
    left = np.arange(len(cases))  # those whose parameters are finite
    with np.errstate(all="ignore"):
        for epoch in range(params.epochs):
            stack = cache(partial(Stack, weights, biases, members, params.weight_decay))
            for rate, images, targets in steps(load_digits("training"), params, epoch):
                stack(len(images)).step(images, targets, rate)
            finite = np.all([are_finite(array) for array in weights + biases], axis=0)
            weights, biases = [W[finite] for W in weights], [b[finite] for b in biases]
            members = [member for member, good in zip(members, finite, strict=True) if good]
            left = left[finite]
            if not members:
                return accuracies
        stack = cache(partial(Stack, weights, biases, members, params.weight_decay))
        for k, accuracy in zip(left, measure(stack, params.batch_size), strict=True):
            accuracies[k] = accuracy
    return accuracies


def are_finite(stacked: Array) -> NDArray[np.bool_]:
    """Return of each network's part of an array whether all its numbers are finite."""
    return np.array([np.isfinite(part).all() for part in stacked])


def steps(digits: Dataset, params: Params, epoch: int) -> Iterator[tuple[float, Array, Array]]:
    """Yield the learning rate, images and targets of each step of an epoch."""
    rows = draw_split(len(digits.images), params).training
    order = rows[shuffled(len(rows), generator(params.seed, "shuffling", epoch))]
    starts = np.arange(0, len(rows), params.batch_size)
    rates = learning_rates(params, (epoch + starts / len(rows)) / params.epochs).tolist()
    batches = mini_batches(digits, order, params.batch_size)
    for rate, (images, targets) in zip(rates, batches, strict=True):
        yield rate, images, targets


def measure(stack: Callable[[int], Stack], size: int) -> list[float]:
    """Return the accuracies on the test digits, in mini-batches, as forward mistakes may ask."""
    test = load_digits("test")
    labels = test.labels
    right = np.zeros(len(stack(size).nets), np.intp)
    for start in range(0, len(labels), size):
        images = test.images[start : start + size]
        answers = stack(len(images)).forward(images).argmax(axis=2)
        right += (answers == labels[start : start + size]).sum(axis=1)
    return [int(n) / len(labels) for n in right]


if __name__ == "__main__":
    run(mistakes)
