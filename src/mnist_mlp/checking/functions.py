"""Functions that take the parameters and return gradients, or new parameters."""

import re
from collections.abc import Iterator
from functools import partial

import numpy as np

from mnist_mlp.checking.layouts import Layout, layouts, plain_layouts
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import GRADIENT, STEP, Function, UnclearError, call, roles_of
from mnist_mlp.checking.starts import filled, own_sizes, starters, starts
from mnist_mlp.checking.tensors import items, pick
from mnist_mlp.checking.trial import (
    RATE,
    SIZES,
    Feed,
    Trial,
    as_step,
    feeds,
    problems,
    settles,
    supply_for,
)
from mnist_mlp.checking.ways import CONTAINERS, FLAT, Container, Taker, UselessError, Way, signature

HOPELESS = 8  # failures, after which a container is not tried again

Option = tuple[Container | str, list[int], Layout]  # what parameters are in, sizes, layout


# An adapter


def adapter_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the functions of the template answer; they use the project's own layout."""
    functions = learner.functions()
    layout = Layout("rows", False, "flat", "one-hot")
    for name, step in (("check_gradients", False), ("check_step", True)):
        for sizes in SIZES if name in functions else ():
            answers = []
            try:
                for problem in problems(sizes, "batch"):
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
    takers = [Taker(learner, function) for function in learner.functions().values()]
    takers = [taker for taker in takers if _is_likely(taker)]
    ranks = {
        taker: next((k for k, like in enumerate((GRADIENT, STEP)) if re.fullmatch(like, name)), 2)
        for taker in takers
        for name in [taker.function.__name__]
    }
    answered = False
    for taker in sorted(takers, key=lambda taker: ranks[taker]):
        if ranks[taker] < 2 or not answered:  # any other name is tried if nothing else answers
            for trial in _trials_of(taker):
                answered = True
                yield trial


def _is_likely(taker: Taker) -> bool:
    asked = taker.own_roles & {"targets", "table"}
    return bool(asked and taker.weights) and not taker.makes_its_own


def _trials_of(taker: Taker) -> Iterator[Trial]:
    """Yield what one function answers, in each layout in which it works."""
    try:
        for feed in feeds(taker.own_roles, step=taker.is_step):
            trials = list[Trial]()
            for options in _options(taker, feed):
                trials = trials or list(_answered(taker, feed, options))
            yield from trials
            if settles(trials):
                break
    except (UnclearError, UselessError) as error:
        taker.learner.errors.append(describe(error))


def _options(taker: Taker, feed: Feed) -> Iterator[list[Option]]:
    """Yield what may be handed over, the likely first: what the file makes, then other things."""
    every = [*layouts(feed != "batch"), *layouts(feed != "batch", folded=True)]
    if taker.learner.plain:
        every = list(plain_layouts()) if feed != "batch" else []
    if taker.is_contained:
        makers: list[Function] = [*starters(taker.learner), *taker.learner.classes()]
        for build, places in starts(taker.learner, makers):
            if len(places.sizes) == 2:  # one layer, rather than a network
                continue
            container = partial(filled, build)
            suiting = places.layouts(singles=feed != "batch")
            yield [(container, places.sizes, layout) for layout in suiting]
    fixed = [sizes for sizes in own_sizes(taker.learner) if sizes not in SIZES]
    containers = list(CONTAINERS) if taker.is_contained else ["lists"]
    for sizes in (*fixed, *SIZES):
        if taker.is_contained or len(taker.weights) == len(sizes) - 1:
            yield [(container, sizes, layout) for layout in every for container in containers]


def _answered(taker: Taker, feed: Feed, options: list[Option]) -> Iterator[Trial]:
    taker.failures.clear()
    found, unsure = list[Layout](), list[tuple[Way, Trial]]()
    for container, sizes, layout in options:
        if taker.failures[container] > HOPELESS:
            continue
        if layout in found or layout._replace(targets="one-hot") in found:
            continue  # labels too, by broadcasting
        way = Way(taker, layout, feed, container)
        trial = way.trial(sizes)
        if trial and (container in FLAT or layout.folded):
            unsure.append((way, trial))
        elif trial:
            found.append(layout)
            yield trial
            square = [sizes[0]] + [10] * (len(sizes) - 1)
            yield from _update_trials(way, trial) or _update_trials(way, way.trial(square))
    if unsure and not found:
        sure = [trial for way, trial in unsure if way.is_symmetric(trial.answers[0].problem)]
        yield from sure[:1] or [trial for _, trial in unsure]


def _update_trials(way: Way, trial: Trial | None) -> list[Trial]:
    """Return what functions that apply gradients make of those that a trial returned."""
    trials = []
    functions = way.taker.learner.functions() if trial else {}
    for name, function in functions.items():
        roles = roles_of(function)
        if re.fullmatch(STEP, name) and "images" not in roles and "rate" in roles:
            try:
                answers = [_updated(way, function, answer) for answer in trial.answers]  # type: ignore[union-attr]
            except Exception:  # noqa: BLE001, S112
                continue
            done = [answer for answer in answers if answer]
            if len(done) == len(answers):
                trials.append(Trial(signature(function), True, way.layout, done))
    return trials


def _updated(way: Way, function: Function, answer: Answer) -> Answer | None:
    """Return the step that a function makes with the gradients of an answer."""
    values = way.parameters(answer.problem)
    gradients = {
        f"{prefix}{kind}{i}": lay(array)
        for kind, arrays, lay in (
            ("W", answer.weights, way.layout.weight),
            ("b", answer.biases, way.layout.biases),
        )
        for i, array in enumerate(arrays, 1)
        if array is not None
        for prefix in ("d", "grad_")
    }
    gradients |= {key.lower(): value for key, value in gradients.items()}
    together = {name: dict(gradients) for name in ("grads", "gradients", "grad")}
    with limited():
        supply = supply_for(answer.problem, way.layout)
        returned = call(function, supply, values | gradients | together)
    found = list(items(returned, "", way.taker.learner.returned_names(function)))
    weights, biases = pick(found or list(items(list(values.values()))), answer.problem, way.layout)
    if any(array is None for array in weights):
        return None
    return as_step(Answer(answer.problem, weights, biases))
