"""Objects that keep their parameters: of a class, or the file itself with its global variables."""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import FORWARD, GRADIENT, STEP, Function, call, roles_of
from mnist_mlp.checking.starts import starters, starts, turn_knobs
from mnist_mlp.checking.tensors import as_lists, contents, find_places, items, pick
from mnist_mlp.checking.trial import (
    RATE,
    Feed,
    Trial,
    difference,
    feeds,
    is_double,
    masks_in,
    measure_penalty,
    problems,
    settles,
    supply_for,
)
from mnist_mlp.checking.ways import read_outputs, signature

DATA = {"targets", "pairs", "batch"}


def _objects(learner: Learner) -> Iterator[tuple[Callable[[], Any], str]]:
    """Yield functions that make a new object with parameters, and what it is called.

    The file itself is one, if functions of it use its global variables.
    """
    for kind in learner.classes():
        for build, _ in starts(learner, [kind]):
            yield build, kind.__name__
    for name, value in list(learner.names.items()):
        if type(value) in learner.classes() and find_places(value):
            yield partial(copy.deepcopy, value), name
    for maker in starters(learner):
        for build, _ in starts(learner, [maker]):
            if type(build()) in learner.classes():
                yield build, maker.__name__
    if find_places(learner.names):
        yield lambda: learner.names, ""


def _methods(learner: Learner, thing: Any) -> dict[str, Function]:
    if thing is learner.names:
        return learner.functions()
    return {
        name: getattr(thing, name)
        for name in dir(type(thing))
        if not name.startswith("__") and callable(getattr(type(thing), name, None))
    }


def _procedures(methods: dict[str, Function]) -> list[tuple[str, ...]]:
    """Return what may give the gradients, in order: a method, or several in turn."""
    roles = {name: roles_of(method) for name, method in methods.items()}
    data = {name for name in methods if roles[name] & DATA}
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
        and not roles[name] & {"images", *DATA}
        and re.search(r"(?i)update|step|apply|optimi", name)
    ]
    orders = [(*forward, name) for name in gradient]
    orders += [(*forward, name, update) for name in gradient for update in updates]
    orders += [(name,) for name in steps]
    return orders


def object_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the methods of each object answer."""
    answered = set[str]()
    for maker, name in _objects(learner):
        if name not in answered:
            trials = list(_trials_of(learner, maker))
            notes = tuple({note for trial in trials for note in trial.notes})
            for trial in trials:
                answered.add(name)
                how = f"{name}.{trial.how}" if name else trial.how
                yield trial._replace(how=how, notes=notes)


def _trials_of(learner: Learner, maker: Callable[[], Any]) -> Iterator[Trial]:
    thing = maker()
    places, methods = find_places(thing), _methods(learner, thing)
    if not places:
        return
    for procedure in _procedures(methods):
        roles = {role for name in procedure for role in roles_of(methods[name])}
        step = bool(re.fullmatch(STEP, procedure[-1]))
        for feed in feeds(roles, step=step):
            found, trials = list[Layout](), list[Trial]()
            for layout in places.layouts(singles=feed != "batch"):
                if layout._replace(targets="one-hot") in found:
                    continue  # labels too, by broadcasting
                if trial := _try_object(learner, maker, procedure, layout, feed):
                    found.append(layout)
                    trials.append(trial)
            yield from trials
            if settles(trials):
                break


def _try_object(
    learner: Learner,
    maker: Callable[[], Any],
    procedure: tuple[str, ...],
    layout: Layout,
    feed: Feed,
) -> Trial | None:
    answers, notes = list[Answer](), set[str]()
    probe = Use(learner, maker(), procedure, layout, feed)
    for problem in problems(
        probe.places.sizes, feed, biased=probe.places.biased, decayed=probe.decayed
    ):
        try:
            with limited():
                use = Use(learner, maker(), procedure, layout, feed)
                answer, again = use.answer(problem), use.answer(problem)
        except Exception as error:  # noqa: BLE001
            learner.errors.append(f"{procedure[-1]}: {describe(error)}")
            return None
        if not answer or not again:
            return None
        answers.append(answer)
        if use.overwritten:
            notes.add("overwritten")
        if is_double(answer, again):
            notes.add("not reset")
    steps = {answer.rate > 0 for answer in answers}
    if len(steps) != 1:
        return None
    how = " and ".join(map(signature, probe.methods))

    def ask(problem: Problem) -> Answer | None:
        return Use(learner, maker(), procedure, layout, feed).answer(problem)

    def returned(problem: Problem) -> Any:
        use = Use(learner, maker(), procedure, layout, feed)
        use.answer(problem)
        return use.returned

    penalty = measure_penalty(returned, answers[0].problem)
    return Trial(how, steps.pop(), layout, answers, tuple(notes), ask, penalty)


class Use:
    """An object in use: its methods are called in turn on a problem, as often as is asked.

    decayed       whether it has a knob for weight decay
    overwritten   whether it has changed the images or targets that it was given
    returned      what the last method returned
    """

    def __init__(
        self,
        learner: Learner,
        thing: Any,
        procedure: Sequence[str],
        layout: Layout,
        feed: Feed,
    ) -> None:
        """Prepare. Raises ValueError if the object keeps no parameters."""
        places = find_places(thing)
        if not places:
            raise ValueError("the object keeps no parameters")
        self.learner, self.thing, self.layout, self.feed = learner, thing, layout, feed
        self.places = places._replace(layout=layout)
        methods = _methods(learner, thing)
        self.methods = [methods[name] for name in procedure]
        knobs = turn_knobs(thing)
        roles = {role for method in self.methods for role in roles_of(method)} | set(knobs)
        self.rate = RATE if "rate" in roles else 1.0
        self.decayed = "decay" in roles
        self.drops = bool(roles & {"keep", "dropped"})
        self.overwritten = False
        self.returned: Any = None

    def answer(self, problem: Problem) -> Answer | None:
        """Return the step that the methods make, or else the gradients that they give."""
        self.places.put(problem)
        before = self.places.get()
        supply = supply_for(problem, self.layout, self.feed)
        data = copy.deepcopy([supply["images"], supply["targets"]])
        returned = self._call(as_lists(supply) if self.learner.plain else supply, problem)
        self.returned = returned
        given = [supply["images"], supply["targets"]]
        self.overwritten |= not all(map(np.array_equal, given, data))
        after = self.places.get()
        kept = [*items(contents(self.thing)), *items(returned)]
        if self.drops:
            problem = problem._replace(masks=masks_in(kept, problem, self.layout))
        if not all(map(np.array_equal, before[0], after[0])):
            return difference(problem, self.layout, before, after, self.rate)
        names = self.learner.returned_names(self.methods[-1])
        named = [item for item in kept if re.match(r"(?i)_*(d|grad|nabla|delta)", item.name)]
        other = [item for item in kept if re.search(r"(?i).grad", item.name)]
        for candidates in (list(items(returned, "", names)), named + other):
            weights, biases = pick(candidates, problem, self.layout)
            if not any(array is None for array in weights):
                known = biases if self.places.biased else [None] * len(biases)
                return Answer(problem, weights, known)
        return None

    def _call(self, supply: dict[str, Any], problem: Problem) -> Any:
        """Call the methods; each may use by name what those before it returned."""
        given: dict[str, Any] = {}
        returned = None
        for method in self.methods:
            returned = call(method, supply, given)
            names = self.learner.returned_names(method)
            parts = returned if isinstance(returned, tuple) else (returned,)
            if len(names) == len(parts):
                given |= dict(zip(names, parts, strict=True))
            if method is not self.methods[-1]:
                read_outputs(returned, supply, problem, self.layout)
                supply["cache"] = returned
        return returned
