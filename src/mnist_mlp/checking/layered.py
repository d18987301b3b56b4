"""Layers with `forward` and `backward`: in a list of the file's, or put together here."""

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import Any

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import SINGLE, Layout, layouts
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import call, parameters_of, role_of, roles_of
from mnist_mlp.checking.starts import starters, starts
from mnist_mlp.checking.tensors import Places, find_places, items, pick
from mnist_mlp.checking.trial import RATE, SIZES, Trial, difference, is_double, problems, supply_for

Loss = Callable[[Array, Any], Array]  # outputs, targets → ∂C/∂a, or ∂C/∂z


def layer_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what layers answer when they are called one after the other."""
    answered = set[tuple[int, ...]]()
    for make in _networks(learner):
        places = find_places(make())
        if not places or answered - {tuple(places.sizes)}:
            continue
        found = 0
        for singles in (False, True):
            for layout in layouts(singles):
                if (layout.inputs, layout.bias) != (places.layout.inputs, places.layout.bias):
                    continue
                trial = _try_layers(learner, make, layout)
                if trial:
                    yield trial
                    found += 1
        if found:
            answered.add(tuple(places.sizes))


def _networks(learner: Learner) -> Iterator[Callable[[], list[Any]]]:
    """Yield functions that make a list of layers."""
    for value in list(learner.names.values()):
        if layers := _layers_in(value):
            yield partial(copy.deepcopy, layers)
    for build, _ in starts(learner, list(starters(learner))):
        if _layers_in(build()):
            yield partial(_built, build)
    classes = [k for k in learner.classes() if _is_layer(k) and not k.__subclasses__()]
    dense = [kind for kind in classes if len(_needed(kind)) >= 2]
    plain = [kind for kind in classes if not _needed(kind) and not _is_loss(kind)]
    hidden = [kind for kind in plain if "softmax" not in kind.__name__.lower()]
    output = [kind for kind in plain if "softmax" in kind.__name__.lower()]
    for sizes, last, kind in product(SIZES, (output, [], hidden), reversed(dense)):
        yield partial(_assemble, kind, hidden[:1], last[:1], sizes)


def _built(build: Callable[[], Any]) -> list[Any]:
    return _layers_in(build())


def _layers_in(value: Any) -> list[Any]:
    """Return the layers in a list, or in a list that an object keeps; else nothing."""
    for some in (value, *getattr(value, "__dict__", {}).values()):
        if isinstance(some, list | tuple) and some and all(map(_is_layer, some)):
            return list(some)
    return []


def _assemble(dense: type, hidden: list[type], last: list[type], sizes: list[int]) -> list[Any]:
    layers: list[Any] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        functions = last if i == len(sizes) - 1 else hidden
        layers += [dense(n_in, n_out), *(kind() for kind in functions)]
    return layers


def _is_layer(thing: Any) -> bool:
    return callable(getattr(thing, "forward", None)) and callable(getattr(thing, "backward", None))


def _is_loss(kind: type) -> bool:
    forward: Any = kind.forward  # type: ignore[attr-defined]
    return "targets" in roles_of(forward) or "loss" in kind.__name__.lower()


def _needed(kind: Callable[..., Any]) -> list[str]:
    return [p.name for p in parameters_of(kind) if p.default is p.empty]


def _losses(learner: Learner) -> Iterator[tuple[str, Loss]]:
    """Yield what gives the gradient of the cost, where the layers' backward begins."""
    for kind in learner.classes():
        if _is_layer(kind) and _is_loss(kind) and not _needed(kind):
            yield kind.__name__, partial(_loss_object, kind)
    for name, function in learner.functions().items():
        slope = re.search(r"(?i)prime|deriv|grad|delta|_d$|^d_?|backward", name)
        if slope and len(_needed(function)) == 2 and "targets" in roles_of(function):
            yield name, partial(_call_any, function)


def _loss_object(kind: type, a: Array, y: Any) -> Array:
    loss: Any = kind()
    _call_any(loss.forward, a, y)
    outputs = getattr(loss, "output", a)
    returned = _call_any(loss.backward, outputs, y)
    return _gradient_of(loss) if returned is None else returned


def _call_any(function: Callable[..., Any], a: Array, y: Any) -> Any:
    """Call a method with outputs and targets, or with as few of them as it takes."""
    names = [p for p in parameters_of(function) if p.default is p.empty]
    given = {p.name: y if role_of(p.name) == "targets" else a for p in names}
    return function(**given)


def _gradient_of(layer: Any) -> Array:
    """Return the gradient that a layer keeps for the one before it."""
    for name, value in vars(layer).items():
        if re.fullmatch(r"(?i)(d_?(inputs?|x|a|z)|grad_?(inputs?|x)|inputs?_grad(ient)?)", name):
            return np.asarray(value)
    raise ValueError(f"{type(layer).__name__}.backward returns nothing")


def _try_layers(learner: Learner, make: Callable[[], list[Any]], layout: Layout) -> Trial | None:
    for name, loss in _losses(learner):
        answers: list[Answer] = []
        steps, notes = set[bool](), set[str]()
        try:
            with limited():
                sizes = _sizes_of(make())
                for problem in problems(sizes, "one" if layout.data in SINGLE else "batch"):
                    layers = make()
                    places = find_places(layers)
                    answer, step = _run_layers(layers, places, loss, problem, layout)  # type: ignore[arg-type]
                    again, _ = _run_layers(layers, places, loss, problem, layout)  # type: ignore[arg-type]
                    answers.append(answer)
                    steps.add(step)
                    if is_double(answer, again):
                        notes.add("not reset")
        except Exception as error:  # noqa: BLE001
            learner.errors.append(f"layers: {describe(error)}")
            continue
        if len(steps) == 1:
            how = f"the layers' forward and backward, from {name}"
            ask = partial(_ask_layers, make, loss, layout)
            return Trial(how, steps.pop(), layout, answers, tuple(notes), ask)
    return None


def _ask_layers(
    make: Callable[[], list[Any]], loss: Loss, layout: Layout, problem: Problem
) -> Answer | None:
    layers = make()
    places = find_places(layers)
    return _run_layers(layers, places, loss, problem, layout)[0] if places else None


def _sizes_of(layers: list[Any]) -> list[int]:
    places = find_places(layers)
    return places.sizes if places else []


def _run_layers(
    layers: list[Any], places: Places, loss: Loss, problem: Problem, layout: Layout
) -> tuple[Answer, bool]:
    places.put(problem)
    before = places.get()
    supply = supply_for(problem, layout)
    a = supply["images"]
    for layer in layers:
        returned = layer.forward(a)
        a = layer.output if returned is None else returned
    gradient = loss(a, supply["targets"])
    for layer in reversed(layers):
        others = {k: v for k, v in supply.items() if k in ("rate", "n", "decay")}
        first = next(p.name for p in parameters_of(layer.backward))
        returned = call(layer.backward, others, {first: gradient})
        gradient = _gradient_of(layer) if returned is None else returned
    after = places.get()
    if not all(map(np.array_equal, before[0], after[0])):
        return difference(problem, layout, before, after, RATE), True
    found = [
        item
        for item in items([vars(layer) for layer in layers])
        if re.match(r"(?i)_*(d|grad|nabla)|.*grad", item.name)
    ]
    weights, biases = pick(found, problem, layout)
    if any(array is None for array in weights):
        raise ValueError("no gradients of the weights' shapes")
    return Answer(problem, weights, biases), False
