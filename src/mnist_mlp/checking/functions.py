"""Functions that take the parameters and return gradients, or new parameters."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout, layouts
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import (
    FORWARD,
    GRADIENT,
    STEP,
    call,
    is_bias,
    is_weight,
    number_in,
    parameters_of,
    role_of,
    roles_of,
)
from mnist_mlp.checking.tensors import Item, items, pick
from mnist_mlp.checking.trial import RATE, SIZES, Trial, as_step, problems, supply_for

CONTAINERS = ("lists", "W", "w", "pairs", "dictionaries")

Function = Callable[..., Any]


# An adapter


def adapter_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the functions of the template answer; they use the project's own layout."""
    functions = learner.functions()
    layout = Layout("rows", False, "flat", "one-hot")
    for name, step in (("check_gradients", False), ("check_step", True)):
        for sizes in SIZES if name in functions else ():
            answers = []
            try:
                for problem in problems(sizes, layout):
                    answers.append(_adapted(functions, name, problem))
            except Exception as error:  # noqa: BLE001
                learner.errors.append(f"{name}: {describe(error)}")
                continue
            again = partial(_adapted, functions, name)
            yield Trial(name, step, layout, answers, again=again)
            break


def _adapted(functions: dict[str, Function], name: str, problem: Problem) -> Answer:
    weights, biases = ([a.copy() for a in part] for part in (problem.weights, problem.biases))
    images, labels = problem.images.copy(), problem.targets.argmax(axis=1)
    with limited():
        if name == "check_step":
            new = functions[name](weights, biases, images, labels, RATE)
            by_weights, by_biases = (
                [(old - np.asarray(array)) / RATE for old, array in zip(olds, arrays, strict=True)]
                for olds, arrays in zip((problem.weights, problem.biases), new, strict=True)
            )
            return Answer(problem, by_weights, by_biases, (), RATE)
        by_weights, by_biases = functions[name](weights, biases, images, labels)
        forward = functions.get("check_forward")
        activations = forward(weights, biases, images) if forward else ()
    return Answer(
        problem, [*map(np.asarray, by_weights)], [*map(np.asarray, by_biases)], activations
    )


# Functions that take the parameters


def function_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what functions that take targets and parameters answer."""
    functions = learner.functions()
    takers = {
        name: function
        for name, function in functions.items()
        if "targets" in roles_of(function)
        and _weight_names(learner, function)
        and (re.fullmatch(GRADIENT, name) or re.fullmatch(STEP, name))
    }
    for name in sorted(takers, key=lambda name: not re.fullmatch(GRADIENT, name)):
        for singles, sizes in product((False, True), SIZES):
            found: list[Layout] = []
            contained = _is_contained(_weight_names(learner, takers[name]))
            containers = CONTAINERS if contained else ("lists",)
            for layout, container in product(layouts(singles), containers):
                if layout._replace(targets="one-hot") in found:
                    continue  # labels too, by broadcasting
                trial = _try_function(learner, takers[name], sizes, layout, container)
                if trial:
                    found.append(layout)
                    yield trial
                    if steps := list(_update_trials(learner, trial, container)):
                        yield from steps
                    elif square := _try_function(
                        learner,
                        takers[name],
                        [sizes[0]] + [10] * (len(sizes) - 1),
                        layout,
                        container,
                    ):
                        yield from _update_trials(learner, square, container)
            if found:
                break


def _forward_functions(learner: Learner) -> list[Function]:
    return [
        function
        for name, function in learner.functions().items()
        if re.fullmatch(FORWARD, name)
        and not re.fullmatch(GRADIENT, name)
        and "images" in roles_of(function)
        and "targets" not in roles_of(function)
    ]


def _all_names(learner: Learner, function: Function, likely: Callable[[str], bool]) -> list[str]:
    """Return the parameters that are weights, or biases: of a function and of the forward ones.

    If they are numbered they are in the order of their numbers. A single name without a number
    stands for all layers.
    """
    takers = [*_forward_functions(learner), function]
    names = [p.name for taker in takers for p in parameters_of(taker) if likely(p.name)]
    numbers = {name: number_in(name) for name in names}
    numbered = sorted(name for name in numbers if numbers[name] is not None)
    return sorted(numbered, key=lambda name: numbers[name] or 0) or list(dict.fromkeys(names))


def _weight_names(learner: Learner, function: Function) -> list[str]:
    names = _all_names(learner, function, is_weight)
    return names or _all_names(learner, function, lambda name: role_of(name) == "parameters")[:1]


def _is_contained(names: list[str]) -> bool:
    return len(names) == 1 and number_in(names[0]) is None


def _parameter_values(
    learner: Learner, function: Function, problem: Problem, layout: Layout, container: str
) -> dict[str, Any]:
    """Return the weights and biases under the names by which functions take them."""
    weights = [layout.weight(array) for array in problem.weights]
    biases = [layout.biases(array) for array in problem.biases]
    names = _weight_names(learner, function)
    bias_names = _all_names(learner, function, is_bias)
    if _is_contained(names):
        values = dict.fromkeys(bias_names, biases)
        return values | {names[0]: _contained(weights, biases, container)}
    return dict(zip(names, weights, strict=False)) | dict(zip(bias_names, biases, strict=False))


def _contained(weights: list[Array], biases: list[Array], container: str) -> Any:
    pairs = list(zip(weights, biases, strict=True))
    if container in ("W", "w"):
        pairs_of_names = {f"{container}{i}": w for i, w in enumerate(weights, 1)}
        return pairs_of_names | {f"b{i}": b for i, b in enumerate(biases, 1)}
    if container == "pairs":
        return pairs
    if container == "dictionaries":
        return [{"W": w, "w": w, "weights": w, "b": b, "bias": b, "biases": b} for w, b in pairs]
    return weights


def _try_function(
    learner: Learner,
    function: Function,
    sizes: list[int],
    layout: Layout,
    container: str,
    *,
    asked: Iterable[Problem] = (),
) -> Trial | None:
    names = _weight_names(learner, function)
    if not _is_contained(names) and len(names) != len(sizes) - 1:
        return None
    answers, notes = [], set[str]()
    step = "rate" in roles_of(function)
    for problem in asked or problems(sizes, layout):
        supply, given = supply_for(problem, layout), {}
        try:
            with limited():
                given = _parameter_values(learner, function, problem, layout, container)
                _run_forward(learner, supply, given, problem, layout)
                before = [item.array.copy() for item in items(list(given.values()))]
                old = copy.deepcopy((supply["images"], supply["targets"]))
                returned = call(function, supply, given)
        except Exception as error:  # noqa: BLE001
            learner.errors.append(f"{getattr(function, '__name__', '')}: {describe(error)}")
            return None
        found = list(items(returned, "", learner.returned_names(function)))
        by_weights, by_biases = pick(found, problem, layout)
        if any(array is None for array in by_weights):
            return None
        if not all(
            np.array_equal(a, b)
            for a, b in zip(old, (supply["images"], supply["targets"]), strict=True)
        ):
            notes.add("overwritten")
        after = [item.array for item in items(list(given.values()))]
        if not step and not all(np.array_equal(a, b) for a, b in zip(before, after, strict=False)):
            notes.add("overwritten")
        answer = Answer(problem, by_weights, by_biases)
        answers.append(as_step(answer) if step else answer)

    def again(problem: Problem) -> Answer | None:
        arguments = (learner, function, sizes, layout, container)
        trial = _try_function(*arguments, asked=[problem])
        return trial.answers[0] if trial else None

    return Trial(signature(function), step, layout, answers, tuple(notes), again)


def _run_forward(
    learner: Learner,
    supply: dict[str, Any],
    given: dict[str, Any],
    problem: Problem,
    layout: Layout,
) -> None:
    """Call the file's forward function, if any; add what it returns to `supply` and `given`.

    `given` has the parameters under all their names.
    """
    for function in _forward_functions(learner):
        try:
            returned = call(function, supply, given)
        except Exception:  # noqa: BLE001, S112
            continue
        names = learner.returned_names(function)
        parts = returned if isinstance(returned, tuple) else (returned,)
        if len(names) == len(parts):
            given.update({n: part for n, part in zip(names, parts, strict=True) if n not in given})
        kept = [part for part in parts if isinstance(part, dict | list)]
        for part in kept:
            if isinstance(part, dict):
                given.update({key: value for key, value in part.items() if key not in given})
        if kept or isinstance(returned, tuple):
            supply["cache"] = kept[0] if kept else returned
        read_outputs(list(items(returned, "", names)), supply, problem, layout)
        return


def read_outputs(
    found: list[Item], supply: dict[str, Any], problem: Problem, layout: Layout
) -> None:
    """Add the last layer's activations to `supply`, if they are among arrays."""
    shape = layout.examples(problem.targets).shape
    outputs = [item.array for item in found if item.array.shape == shape]
    if outputs:
        supply["prediction"] = outputs[-1]


def signature(function: Function) -> str:
    """Return how a function is called: "backprop(x, y)"."""
    names = [p.name for p in parameters_of(function) if p.default is p.empty]
    return f"{getattr(function, '__name__', 'it')}({', '.join(names)})"


def _update_trials(learner: Learner, trial: Trial, container: str) -> Iterator[Trial]:
    """Yield what a function that applies gradients makes of those that the trial returned."""
    for name, function in learner.functions().items():
        roles = roles_of(function)
        if not re.fullmatch(STEP, name) or "images" in roles or "rate" not in roles:
            continue
        answers = []
        for answer in trial.answers:
            values = _parameter_values(learner, function, answer.problem, trial.layout, container)
            gradients = {
                f"{prefix}{kind}{i}": lay(array)
                for kind, arrays, lay in (
                    ("W", answer.weights, trial.layout.weight),
                    ("b", answer.biases, trial.layout.biases),
                )
                for i, array in enumerate(arrays, 1)
                if array is not None
                for prefix in ("d", "grad_")
            }
            gradients |= {key.lower(): value for key, value in gradients.items()}
            together = {name: dict(gradients) for name in ("grads", "gradients", "grad")}
            try:
                with limited():
                    returned = call(
                        function,
                        supply_for(answer.problem, trial.layout),
                        values | gradients | together,
                    )
            except Exception:  # noqa: BLE001
                return
            found = list(items(returned, "", learner.returned_names(function)))
            found = found or list(items(list(values.values())))
            weights, biases = pick(found, answer.problem, trial.layout)
            if any(array is None for array in weights):
                return
            answers.append(as_step(Answer(answer.problem, weights, biases)))
        yield Trial(signature(function), True, trial.layout, answers)
