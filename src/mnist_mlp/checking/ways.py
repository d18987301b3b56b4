"""Ways to call a function: in which layout, and with the parameters in what."""

import copy
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import (
    FORWARD,
    GRADIENT,
    Function,
    UnclearError,
    call,
    is_bias,
    is_weight,
    number_in,
    parameters_of,
    role_of,
    roles_of,
    usual_names,
)
from mnist_mlp.checking.tensors import Item, Places, as_lists, find_places, items, pick
from mnist_mlp.checking.trial import (
    RATE,
    Feed,
    Trial,
    as_step,
    difference,
    first_number,
    masks_in,
    measure_penalty,
    problems,
    squares,
    supply_for,
)

Container = Callable[[Problem, Layout], Any]


def _named(prefix: str, weights: list[Array], biases: list[Array]) -> dict[str, Array]:
    return {
        f"{name}{i}": array
        for name, arrays in ((prefix, weights), ("b", biases))
        for i, array in enumerate(arrays, 1)
    }


def _in_turn(weights: list[Array], biases: list[Array]) -> list[Array]:
    """Return W1, b1, W2, b2 and so on."""
    pairs = zip(weights, biases, strict=True) if biases else zip(weights, strict=True)
    return [array for pair in pairs for array in pair]


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


# How the parameters of all layers are handed over as one argument.
CONTAINERS: dict[str, Callable[[list[Array], list[Array]], Any]] = {
    "lists": lambda weights, biases: weights,
    "W": partial(_named, "W"),
    "w": partial(_named, "w"),
    "in turn": _in_turn,
    "two lists": lambda weights, biases: (weights, biases),
    "pairs": lambda weights, biases: list(zip(weights, biases, strict=True)),
    "dictionaries": lambda weights, biases: [
        {"W": w, "w": w, "weights": w, "b": b, "bias": b, "biases": b}
        for w, b in zip(weights, biases, strict=True)
    ],
    "flat": lambda weights, biases: _flat(_in_turn(weights, biases)),
    "flat, biases last": lambda weights, biases: _flat([*weights, *biases]),
}
FLAT: dict[str, Callable[[list[Array], list[Array]], list[Array]]] = {
    "flat": _in_turn,
    "flat, biases last": lambda weights, biases: [*weights, *biases],
}


class UselessError(Exception):
    """A function that works, and returns nothing like gradients."""


class Taker:
    """A function that takes the parameters, and what its arguments are called.

    weights, biases   names of its own and of the file's forward functions, in order of their
                      numbers; a single name without a number stands for all layers
    roles             of its own arguments and those of the forward functions
    own_roles         of its own arguments
    is_step           whether it takes a learning rate
    decayed           whether it takes a knob for weight decay
    makes_its_own     whether it takes neither parameters nor what the forward functions return
    failures          how often each container was of another kind than it takes
    """

    def __init__(self, learner: Learner, function: Function) -> None:
        """Read the function's signature, and those of the file's forward functions."""
        self.learner, self.function = learner, function
        needed = {*usual_names(function), *(p.name for p in parameters_of(function))}
        self.forward = [
            other
            for name, other in learner.functions().items()
            if (re.fullmatch(FORWARD, name) or needed & {*learner.kept_names(other)})
            and not re.fullmatch(GRADIENT, name)
            and "images" in roles_of(other)
            and "targets" not in roles_of(other)
        ]
        self.own_roles = roles_of(function)
        self.roles = {role for taker in (*self.forward, function) for role in roles_of(taker)}
        self.is_step = "rate" in self.own_roles
        own = usual_names(function)
        together = [name for name in own if role_of(name) == "parameters"][:1]
        if any(is_weight(name) for name in own if name not in together):
            together = []
        self.weights = together or self._names(is_weight) or self._names(_is_together)[:1]
        self.biases = self._names(is_bias)
        passed = {name for other in self.forward for name in learner.returned_names(other)}
        self.makes_its_own = not (
            self.own_roles & {"parameters", "prediction", "cache"}
            or passed & needed
            or any(is_weight(name) for name in own)
        )
        self.decayed = any(role_of(name) == "decay" for name in own if name not in passed)
        self.failures = Counter[Container | str]()
        self.is_contained = len(self.weights) == 1 and number_in(self.weights[0]) is None

    def _names(self, likely: Callable[[str], bool]) -> list[str]:
        """Return likely names of parameters."""
        takers = [*self.forward, self.function]
        names = [name for taker in takers for name in usual_names(taker) if likely(name)]
        numbers = {name: number_in(name) for name in names}
        numbered = sorted(name for name in numbers if numbers[name] is not None)
        return sorted(numbered, key=lambda name: numbers[name] or 0) or list(dict.fromkeys(names))


def _is_structural(error: Exception) -> bool:
    """Tell whether an error comes from the kinds of values, not from the shapes of arrays."""
    kinds = isinstance(error, KeyError | TypeError | AttributeError)
    return kinds or "only integers, slices" in str(error) or "unpack" in str(error)


def _is_together(name: str) -> bool:
    return role_of(name) == "parameters"


class Call(NamedTuple):
    """What came of a call: the gradients, what a program returned, and what else was seen."""

    answer: Answer | None
    returned: Any
    overwritten: bool


class Way(NamedTuple):
    """A way to call a function: in which layout, and in what the parameters are handed over."""

    taker: Taker
    layout: Layout
    feed: Feed
    container: str | Container

    def trial(self, sizes: Sequence[int]) -> Trial | None:
        """Return what the function answers to problems with layers of these sizes, if it can."""
        taker = self.taker
        if self.layout.folded and taker.biases:
            return None
        biased = self.layout.folded or taker.is_contained or bool(taker.biases)
        calls = []
        for problem in problems(sizes, self.feed, biased=biased, decayed=taker.decayed):
            try:
                calls.append(self.call(problem))
            except (UnclearError, UselessError):
                raise
            except Exception as error:  # noqa: BLE001
                taker.learner.errors.append(f"{taker.function.__name__}: {describe(error)}")
                taker.failures[self.container] += _is_structural(error)
                return None
            if not calls[-1].answer:
                return None
        answers = [call.answer for call in calls if call.answer]
        notes = ("overwritten",) * any(call.overwritten for call in calls)
        how = signature(taker.function)
        penalty = measure_penalty(lambda problem: self.call(problem).returned, answers[0].problem)
        numbers = {"cost": [first_number(call.returned) for call in calls], **squares(answers)}
        again = self.again
        return Trial(how, taker.is_step, self.layout, answers, notes, again, penalty, numbers)

    def again(self, problem: Problem) -> Answer | None:
        """Return the answer to another problem."""
        return self.call(problem).answer

    def call(self, problem: Problem) -> Call:
        """Call the forward function, and then the function. Raises whatever they raise."""
        supply = supply_for(problem, self.layout, self.feed)
        given = self.parameters(problem)
        if self.taker.learner.plain:
            supply, given = as_lists(supply), as_lists(given)
        places = self._places(given)
        start = places.get() if places else None
        with limited():
            ran = _run_forward(self.taker, supply, given, problem, self.layout)
            data = copy.deepcopy([supply["images"], supply["targets"]])
            before = [item.array.copy() for item in items(list(given.values()))]
            try:
                returned = call(self.taker.function, supply, given)
            except UnclearError as error:
                if ran:
                    raise
                raise ValueError(error) from None  # another layout may give the forward values
        changed = not _same(data, [supply["images"], supply["targets"]])
        if not self.taker.is_step:
            after = [item.array for item in items(list(given.values()))]
            changed = changed or not _same(before, after)
        if self.taker.roles & {"keep", "dropped"}:
            kept = list(items([given, supply.get("cache"), returned]))
            problem = problem._replace(masks=masks_in(kept, problem, self.layout))
        answer = self._answer(returned, problem)
        if self.taker.is_step and not answer:
            if places and start:
                moved = not _same(start[0], places.get()[0])
                step = difference(problem, self.layout, start, places.get(), RATE)
                return Call(step if moved else None, returned, changed)
            answer = self._answer(list(given.values()), problem)
        elif not answer and not any(item.array.size > 1 for item in items(returned)):
            raise UselessError(f"{self.taker.function.__name__} returns no gradients")
        return Call(answer, returned, changed)

    def _places(self, given: dict[str, Any]) -> Places | None:
        """Return where the parameters are kept in what the file's own code has made of them."""
        made = None if isinstance(self.container, str) else given[self.taker.weights[0]]
        places = find_places(made)
        return places._replace(layout=self.layout) if places else None

    def _answer(self, value: Any, problem: Problem) -> Answer | None:
        """Return the gradients in a value, or the step to new parameters; None if not all."""
        weights, biases = self.gradients(value, problem)
        if any(array is None for array in weights):
            return None
        answer = Answer(problem, weights, biases)
        return as_step(answer) if self.taker.is_step else answer

    def parameters(self, problem: Problem) -> dict[str, Any]:
        """Return the weights and biases under the names by which functions take them."""
        taker = self.taker
        weights, biases = self.layout.parameters(problem.weights, problem.biases)
        if not taker.is_contained:
            values = dict(zip(taker.weights, weights, strict=False))
            return values | dict(zip(taker.biases, biases, strict=False))
        container = self.container
        if isinstance(container, str):
            value = CONTAINERS[container](weights, biases)
        else:
            value = container(problem, self.layout)
        return dict.fromkeys(taker.biases, biases) | {taker.weights[0]: value}

    def gradients(
        self, value: Any, problem: Problem
    ) -> tuple[list[Array | None], list[Array | None]]:
        """Return the gradients, or new parameters, in a value."""
        found = list(items(value, "", self.taker.learner.returned_names(self.taker.function)))
        if isinstance(self.container, str) and self.container in FLAT:
            laid = self.layout.parameters(problem.weights, problem.biases)
            parts: list[Array] = FLAT[self.container](*laid)
            found = _unflattened(found, parts)
        return pick(found, problem, self.layout)

    def is_symmetric(self, problem: Problem) -> bool:
        """Tell whether the order of pixels and of hidden neurons does not matter.

        If it does, the parameters are not where the program takes them to be. The cost shows it,
        or else the sizes of the gradient's entries.
        """
        try:
            one, other = (self.call(p) for p in (problem, _shuffled(problem)))
        except Exception:  # noqa: BLE001
            return False
        cost, same = (_numbers_in(call) for call in (one, other))
        return cost.shape == same.shape and np.allclose(cost, same, rtol=1e-5, atol=1e-9)


def _same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(map(np.array_equal, some, others))


def _unflattened(found: Sequence[Item], parts: Sequence[Array]) -> list[Item]:
    """Return the parts of the one vector of parameters among arrays."""
    ends = np.cumsum([part.size for part in parts])
    flat = [item.array.ravel() for item in found if item.array.size == ends[-1]]
    arrays = np.split(flat[0], ends[:-1]) if flat else []
    return [
        Item("", None, array.reshape(part.shape))
        for array, part in zip(arrays, parts, strict=bool(flat))
    ]


def _shuffled(problem: Problem) -> Problem:
    """Return a problem with the same cost: its pixels and hidden neurons have another order."""
    random = np.random.default_rng(0)
    orders = [random.permutation(array.shape[1]) for array in problem.weights]
    outputs = np.arange(len(problem.biases[-1]))
    after = [*orders[1:], outputs]
    return problem._replace(
        weights=[w[np.ix_(q, p)] for w, p, q in zip(problem.weights, orders, after, strict=True)],
        biases=[b[q] for b, q in zip(problem.biases, after, strict=True)],
        images=problem.images[:, orders[0]],
    )


def _numbers_in(made: Call) -> Array:
    """Return the costs that a program has returned, or else its gradients in order of size."""
    costs = [item.array.ravel() for item in items(made.returned) if item.array.size == 1]
    arrays = [*made.answer.weights, *made.answer.biases] if made.answer else []
    sizes = [np.sort(np.abs(array), axis=None) for array in arrays if array is not None]
    return np.concatenate(costs or sizes or [np.zeros(0)])


def _run_forward(
    taker: Taker,
    supply: dict[str, Any],
    given: dict[str, Any],
    problem: Problem,
    layout: Layout,
) -> bool:
    """Call the file's forward function, if any; add what it returns to `supply` and `given`.

    Returns whether it could be called. `given` has the parameters under all their names.
    """
    for function in taker.forward:
        try:
            returned = call(function, supply, given)
        except Exception:  # noqa: BLE001, S112
            continue
        parts = returned if isinstance(returned, tuple) else (returned,)
        for names in (taker.learner.returned_names(function), taker.learner.kept_names(function)):
            if len(names) == len(parts):
                given.update({n: p for n, p in zip(names, parts, strict=True) if n not in given})
        kept = [part for part in parts if isinstance(part, dict | list)]
        for part in kept:
            if isinstance(part, dict):
                given.update({key: value for key, value in part.items() if key not in given})
        if kept or isinstance(returned, tuple):
            supply["cache"] = kept[0] if kept else returned
        read_outputs(returned, supply, problem, layout)
        return True
    return not taker.forward


def read_outputs(returned: Any, supply: dict[str, Any], problem: Problem, layout: Layout) -> None:
    """Add the last layer's activations to `supply`, if a forward function has returned them.

    They are the last array of their shape, and rather one returned directly than one in a cache.
    """
    shape = layout.examples(problem.targets).shape
    parts = returned if isinstance(returned, tuple) else (returned,)
    direct = [part for part in parts if isinstance(part, np.ndarray)]
    for arrays in (direct, [item.array for item in items(returned)]):
        if outputs := [array for array in arrays if array.shape == shape]:
            supply["prediction"] = outputs[-1]
            return


def signature(function: Function) -> str:
    """Return how a function is called: "backprop(x, y)"."""
    names = [p.name for p in parameters_of(function) if p.default is p.empty]
    return f"{getattr(function, '__name__', 'it')}({', '.join(names)})"
