"""Objects that keep their parameters: of a class, or the file itself with its global variables."""

import copy
import re
from collections.abc import Callable, Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

from mnist_mlp.checking.functions import Function, read_outputs, signature
from mnist_mlp.checking.layouts import Layout, layouts
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import FORWARD, GRADIENT, STEP, call, parameters_of, role_of, roles_of
from mnist_mlp.checking.tensors import Places, find_places, items, pick
from mnist_mlp.checking.trial import RATE, SIZES, Trial, difference, problems, supply_for


def _objects(learner: Learner) -> Iterator[tuple[Callable[[], Any], str]]:
    """Yield functions that make a new object with parameters, and what it is called."""
    for kind in learner.classes():
        for sizes, hidden_list in product(SIZES, (False, True)):
            supply = supply_for(new_problem(sizes, 6, 0), Layout("rows", False, "flat", "one-hot"))
            supply |= {"n": 6, "epochs": 1, "hidden": sizes[1:-1] if hidden_list else sizes[1]}
            if make := _maker(kind, supply, sizes):
                yield make, kind.__name__
    for name, value in list(learner.names.items()):
        if type(value) in learner.classes() and find_places(value):
            yield lambda value=value: copy.deepcopy(value), name


def _maker(kind: type, supply: dict[str, Any], sizes: list[int]) -> Callable[[], Any] | None:
    """Return a function that makes an object with layers of these sizes, if the class can."""
    try:
        with limited():
            places = find_places(call(kind, supply, {}))
    except Exception:  # noqa: BLE001
        return None
    fixed = not any(p.default is p.empty for p in parameters_of(kind))
    if not places or (places.sizes != sizes and not fixed):
        return None
    return lambda: call(kind, supply, {})


def _methods(thing: Any) -> dict[str, Function]:
    return {
        name: getattr(thing, name)
        for name in dir(thing)
        if not name.startswith("__") and callable(getattr(thing, name, None))
    }


def _procedures(methods: dict[str, Function]) -> list[tuple[str, ...]]:
    """Return what may give the gradients, in order: a method, or several in turn."""
    roles = {name: roles_of(method) for name, method in methods.items()}
    data = {name for name in methods if roles[name] & {"targets", "pairs"}}
    forward = [
        name
        for name in methods
        if re.fullmatch(FORWARD, name) and "images" in roles[name] and name not in data
    ][:1]
    gradient = [name for name in sorted(data) if re.fullmatch(GRADIENT, name)]
    steps = [name for name in sorted(data) if re.fullmatch(STEP, name) and name not in gradient]
    updates = [
        name
        for name in methods
        if re.fullmatch(STEP, name)
        and not roles[name] & {"images", "targets", "pairs"}
        and re.search(r"(?i)update|step|apply|optimi", name)
    ]
    orders = [(*forward, name) for name in gradient]
    orders += [(*forward, name, update) for name in gradient for update in updates]
    orders += [(name,) for name in steps]
    return orders


def object_trials(learner: Learner, errors: list[str]) -> Iterator[Trial]:
    """Yield what the methods of each object answer."""
    answered = set[str]()
    for make, name in _objects(learner):
        for trial in _trials_of(learner, make, name, errors) if name not in answered else ():
            answered.add(name)
            yield trial


def _trials_of(
    learner: Learner, make: Callable[[], Any], name: str, errors: list[str]
) -> Iterator[Trial]:
    places = find_places(make())
    if not places:
        return
    for methods, singles in product(_procedures(_methods(make())), (False, True)):
        found: list[Layout] = []
        for layout in layouts(singles):
            if (layout.inputs, layout.bias) != (places.layout.inputs, places.layout.bias):
                continue
            if layout._replace(targets="one-hot") in found:
                continue  # labels too, by broadcasting
            if trial := _try_object(learner, make, methods, layout, errors):
                found.append(layout)
                yield trial._replace(how=f"{name}.{trial.how}")


def _set_rates(thing: Any) -> float:
    """Set the learning rate that an object keeps; return it, or 1 if it keeps none."""
    found = [
        key
        for key, value in vars(thing).items()
        if role_of(key) == "rate" and isinstance(value, int | float)
    ]
    for key in found:
        setattr(thing, key, RATE)
    return RATE if found else 1.0


def _try_object(
    learner: Learner,
    make: Callable[[], Any],
    methods: tuple[str, ...],
    layout: Layout,
    errors: list[str],
) -> Trial | None:
    answers, notes, steps = [], set[str](), set[bool]()
    probe = find_places(make())
    if not probe:
        return None
    biased = any(probe.biases)
    for problem in problems(probe.sizes, layout, biased):
        try:
            with limited():
                thing = make()
                places = find_places(thing)
                if not places or places.sizes != probe.sizes:
                    return None
                answer, step, note = _use(learner, thing, places, methods, problem, layout)
        except Exception as error:  # noqa: BLE001
            errors.append(f"{methods[-1]}: {describe(error)}")
            return None
        if answer is None:
            return None
        answers.append(answer)
        steps.add(step)
        notes |= note
    if len(steps) != 1:
        return None
    how = " and ".join(signature(getattr(thing, method)) for method in methods)
    return Trial(how, steps.pop(), layout, answers, tuple(notes))


def _use(
    learner: Learner,
    thing: Any,
    places: Places,
    methods: tuple[str, ...],
    problem: Problem,
    layout: Layout,
) -> tuple[Answer | None, bool, set[str]]:
    """Call an object's methods in turn; return the answer, and whether it made a step."""
    places.put(problem)
    before = places.get()
    supply, given = supply_for(problem, layout), dict[str, Any]()
    kept_rate = _set_rates(thing)
    taken = any("rate" in roles_of(getattr(thing, method)) for method in methods)
    rate = RATE if taken else kept_rate
    returned = None
    for method in methods:
        function = getattr(thing, method)
        returned = call(function, supply, given)
        names = learner.returned_names(function)
        parts = returned if isinstance(returned, tuple) else (returned,)
        if len(names) == len(parts):
            given |= dict(zip(names, parts, strict=True))
        if method is not methods[-1]:
            read_outputs(list(items(returned, "", names)), supply, problem, layout)
            supply["cache"] = returned
    after = places.get()
    if not all(map(np.array_equal, before[0], after[0])):
        return difference(problem, layout, before, after, rate), True, set()
    found = list(items(returned, "", learner.returned_names(getattr(thing, methods[-1]))))
    own = [
        item for item in items(vars(thing)) if re.match(r"(?i)_*(d|grad|nabla|delta)", item.name)
    ]
    own += [
        item for item in items(vars(thing)) if re.search(r"(?i)grad", item.name) and item not in own
    ]
    for candidates in (found, own):
        by_weights, by_biases = pick(candidates, problem, layout)
        if not any(array is None for array in by_weights):
            by_biases = [
                b if place else None for b, place in zip(by_biases, places.biases, strict=True)
            ]
            return Answer(problem, by_weights, by_biases), False, set()
    return None, False, set()
