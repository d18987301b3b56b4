"""Objects that keep their parameters: of a class, or the file itself with its global variables."""

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from mnist_mlp.checking.functions import Function, read_outputs, signature
from mnist_mlp.checking.layouts import Layout, layouts
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import FORWARD, GRADIENT, STEP, call, parameters_of, role_of, roles_of
from mnist_mlp.checking.tensors import find_places, items, pick
from mnist_mlp.checking.trial import (
    RATE,
    SIZES,
    Trial,
    difference,
    is_double,
    problems,
    supply_for,
)


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
            yield partial(copy.deepcopy, value), name


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
    return partial(call, kind, supply, {})


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


def object_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the methods of each object answer."""
    answered = set[str]()
    for make, name in _objects(learner):
        for trial in _trials_of(learner, make, name) if name not in answered else ():
            answered.add(name)
            yield trial


def _trials_of(learner: Learner, make: Callable[[], Any], name: str) -> Iterator[Trial]:
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
            if trial := _try_object(learner, make, methods, layout):
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
    learner: Learner, make: Callable[[], Any], methods: tuple[str, ...], layout: Layout
) -> Trial | None:
    probe = find_places(make())
    if not probe:
        return None
    answers, notes = list[Answer](), set[str]()
    for problem in problems(probe.sizes, layout, any(probe.biases)):
        try:
            with limited():
                use = Use(learner, make(), methods, problem, layout)
                answer, again = use.answer(), use.answer()
        except Exception as error:  # noqa: BLE001
            learner.errors.append(f"{methods[-1]}: {describe(error)}")
            return None
        if not answer or not again:
            return None
        answers.append(answer)
        if use.images_changed():
            notes.add("overwritten")
        if is_double(answer.weights[-1], again.weights[-1]):
            notes.add("not reset")
    steps = {answer.rate > 0 for answer in answers}
    how = " and ".join(signature(getattr(use.thing, method)) for method in methods)
    if len(steps) != 1:
        return None

    def ask(problem: Problem) -> Answer | None:
        return Use(learner, make(), methods, problem, layout).answer()

    return Trial(how, steps.pop(), layout, answers, tuple(notes), ask)


class Use:
    """An object in use: its methods are called in turn on a problem, as often as is asked."""

    def __init__(
        self,
        learner: Learner,
        thing: Any,
        methods: tuple[str, ...],
        problem: Problem,
        layout: Layout,
    ) -> None:
        """Prepare. Raises ValueError if the object keeps no parameters."""
        places = find_places(thing)
        if not places:
            raise ValueError("the object keeps no parameters")
        self.learner, self.thing, self.places = learner, thing, places
        self.methods = [getattr(thing, method) for method in methods]
        self.problem, self.layout = problem, layout
        self.supply = supply_for(problem, layout)
        kept_rate = _set_rates(thing)
        takes_rate = any("rate" in roles_of(method) for method in self.methods)
        self.rate = RATE if takes_rate else kept_rate

    def images_changed(self) -> bool:
        """Return whether the program has overwritten the images that it was given."""
        return not np.array_equal(self.supply["images"], self.layout.examples(self.problem.images))

    def answer(self) -> Answer | None:
        """Return the step that the methods make, or else the gradients that they give."""
        self.places.put(self.problem)
        before = self.places.get()
        returned = self._call()
        after = self.places.get()
        if not all(map(np.array_equal, before[0], after[0])):
            return difference(self.problem, self.layout, before, after, self.rate)
        names = self.learner.returned_names(self.methods[-1])
        kept = list(items(vars(self.thing)))
        named = [item for item in kept if re.match(r"(?i)_*(d|grad|nabla|delta)", item.name)]
        other = [item for item in kept if re.search(r"(?i).grad", item.name)]
        for candidates in (list(items(returned, "", names)), named + other):
            weights, biases = pick(candidates, self.problem, self.layout)
            if not any(array is None for array in weights):
                seen = zip(biases, self.places.biases, strict=True)
                return Answer(self.problem, weights, [b if place else None for b, place in seen])
        return None

    def _call(self) -> Any:
        """Call the methods; each may use by name what those before it returned."""
        given: dict[str, Any] = {}
        returned = None
        for method in self.methods:
            returned = call(method, self.supply, given)
            names = self.learner.returned_names(method)
            parts = returned if isinstance(returned, tuple) else (returned,)
            if len(names) == len(parts):
                given |= dict(zip(names, parts, strict=True))
            if method is not self.methods[-1]:
                found = list(items(returned, "", names))
                read_outputs(found, self.supply, self.problem, self.layout)
                self.supply["cache"] = returned
        return returned
