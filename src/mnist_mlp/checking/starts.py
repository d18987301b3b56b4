"""Starts: the parameters with which a learner's program begins, as its own code makes them."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner, describe, limited
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.roles import FORWARD, STEP, call, parameters_of, role_of, roles_of
from mnist_mlp.checking.tensors import Places, contents, find_places, items
from mnist_mlp.checking.trial import DECAY, KEEP, RATE, SIZES, supply_for

KNOBS = {"rate": RATE, "decay": DECAY, "keep": KEEP, "dropped": 1 - KEEP}
NUMBERS = {"rate", "epochs", "decay", "momentum", "keep", "dropped", "n", "sizes"}
DATA_ROLES = {"images", "targets", "pairs", "batch"}


def make(maker: Callable[..., Any], sizes: Sequence[int], *, listed: bool = False) -> Any:
    """Call a class or a function that makes a network with layers of these sizes.

    `listed` gives it the sizes of the hidden layers as a list. If it needs as many numbers as there
    are layers, or needs nothing and can take as many, they are the sizes in order, whatever their
    names. Without sizes it makes its own.
    """
    if not sizes or _takes_any(maker):
        with limited():
            return maker(*sizes)
    supply = supply_for(new_problem(sizes, 6, 0), Layout("rows", False, "flat", "one-hot"))
    supply = {role: value for role, value in supply.items() if role not in DATA_ROLES}
    supply["n"] = 64  # more than a mini-batch has
    if listed:
        supply["hidden"] = list(sizes[1:-1])
    asked = _needed(maker) or [p for p in parameters_of(maker) if type(p.default) is int]
    numbers = [p.name for p in asked if role_of(p.name) not in NUMBERS]
    ordered = len(numbers) == len(sizes) and not listed
    with limited():
        return call(maker, supply, dict(zip(numbers, sizes, strict=True)) if ordered else {})


def _needed(maker: Callable[..., Any]) -> list[inspect.Parameter]:
    return [p for p in parameters_of(maker) if p.default is p.empty]


def _takes_any(maker: Callable[..., Any]) -> bool:
    """Tell whether a maker takes as many numbers as one likes: Network(784, 30, 10)."""
    try:
        parameters = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)


def starters(learner: Learner) -> Iterator[Callable[..., Any]]:
    """Yield the file's functions that may make parameters, or a network."""
    for name, function in learner.functions().items():
        takes_data = roles_of(function) & (DATA_ROLES | {"parameters", "prediction"})
        works = re.fullmatch(FORWARD, name) or re.fullmatch(STEP, name)
        if learner.returned_names(function) and not takes_data and not works:
            yield function


def starts(
    learner: Learner, makers: Sequence[Callable[..., Any]]
) -> Iterator[tuple[Callable[[], Any], Places]]:
    """Yield functions that make new parameters, and where these are kept."""
    for maker in makers:
        for build, sizes in _builds(learner, maker):
            try:
                places = find_places(build())
            except Exception as error:  # noqa: BLE001
                learner.errors.append(f"{maker.__name__}: {describe(error)}")
                continue
            if places and sizes in (None, places.sizes):
                yield build, places


def _builds(
    learner: Learner, maker: Callable[..., Any]
) -> Iterator[tuple[Callable[[], Any], list[int] | None]]:
    """Yield ways to call a maker, and the sizes that it is given, if it is given any."""
    for sizes, listed in product(SIZES, (False, True)):
        yield partial(make, maker, sizes, listed=listed), sizes
    if not _needed(maker):
        yield partial(make, maker, []), None
    elif len(_needed(maker)) == 1:
        for value in learner.names.values():
            if isinstance(value, list | tuple) and value:
                yield partial(maker, value), None


def filled(build: Callable[[], Any], problem: Problem, layout: Layout) -> Any:
    """Return what a function makes, with the parameters of a problem. Raises ValueError."""
    sizes = [problem.images.shape[1], *map(len, problem.biases)]
    if isinstance(build, partial) and build.func is make and build.args[1]:
        build = partial(make, build.args[0], sizes, **build.keywords)
    value = build()
    places = find_places(value)
    if not places or places.sizes != sizes or not places.suit(layout):
        raise ValueError("not a network of this layout")
    places._replace(layout=layout).put(problem)
    return value


def turn_knobs(thing: Any) -> dict[str | None, float]:
    """Set the learning rate, the weight decay and so on that an object keeps; return them."""
    kept = contents(thing)
    found = {
        name: KNOBS[role_of(name) or ""]
        for name, value in kept.items()
        if role_of(name) in KNOBS and isinstance(value, int | float)
    }
    for name, value in found.items():
        kept[name] = value
    return {role_of(name): value for name, value in found.items()}


def own_sizes(learner: Learner) -> list[list[int]]:
    """Return the sizes of layers that the file itself sets."""
    found = []
    for function in starters(learner):
        if _needed(function):
            continue
        try:
            with limited():
                start = function()
        except Exception:  # noqa: BLE001, S112
            continue
        values = [start]
        for unpack in learner.functions().values() if _is_flat(start) else ():
            if len(parameters_of(unpack)) == 1:
                try:
                    with limited():
                        values.append(unpack(start))
                except Exception:  # noqa: BLE001, S112
                    continue
        found += [places.sizes for places in map(find_places, values) if places]
    numbers = {role_of(k): v for k, v in learner.names.items() if type(v) is int}
    named = [numbers.get(role) for role in ("inputs", "hidden", "hidden2", "outputs")]
    sizes = [size for size in named if size]
    return [*found, sizes] if len(sizes) > 1 else found


def _is_flat(value: Any) -> bool:
    arrays = [item.array for item in items(value)]
    return len(arrays) == 1 and arrays[0].ndim == 1 and arrays[0].dtype == np.float64
