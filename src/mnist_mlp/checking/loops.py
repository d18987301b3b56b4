"""Training loops outside functions: one mini-batch is sent through the loop's own lines."""

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist_mlp.checking.layouts import Layout, layouts
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import role_of
from mnist_mlp.checking.tensors import Places, find_places
from mnist_mlp.checking.trial import RATE, Trial, difference, problems, supply_for

BOUND = ("images", "targets", "rate", "n", "epochs", "decay")  # roles whose variables are replaced


def loop_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the training loops of the file answer."""
    places = find_places(learner.names)
    if not places:
        return
    outer = [s for s in learner.tree.body if isinstance(s, ast.For | ast.While | ast.If)]
    for statement in outer:
        for singles in (False, True):
            for layout in layouts(singles):
                if (layout.inputs, layout.bias) != (places.layout.inputs, places.layout.bias):
                    continue
                if trial := _try_loop(learner, places, statement, layout):
                    yield trial


def _try_loop(
    learner: Learner, places: Places, statement: ast.stmt, layout: Layout
) -> Trial | None:
    answers: list[Answer] = []
    for problem in problems(places.sizes, layout, any(places.biases)):
        places.put(problem)
        before = places.get()
        rate = _bind(learner, statement, supply_for(problem, _as_data(layout)))
        n_problems = len(learner.problems)
        ran = learner.run(_once(statement))
        learner.errors += learner.problems[n_problems:]
        del learner.problems[n_problems:]
        after = places.get()
        if not ran or all(map(np.array_equal, before[0], after[0])):
            return None
        answers.append(difference(problem, layout, before, after, rate))
    return Trial(f"the loop in line {statement.lineno}", True, layout, answers)


def _as_data(layout: Layout) -> Layout:
    """Return the layout of a whole data set: a loop takes single examples from its rows."""
    return layout._replace(data="rows") if layout.data == "vector" else layout


def _once(statement: ast.stmt) -> list[ast.stmt]:
    """Return the statements of one round: an epoch, or the whole data set."""
    if isinstance(statement, ast.If):
        return [
            s
            for part in statement.body
            for s in (_once(part) if isinstance(part, ast.For) else [part])
        ]
    if isinstance(statement, ast.For) and not _over_data(statement):
        zero = ast.copy_location(ast.Assign([statement.target], ast.Constant(0)), statement.target)
        return [ast.fix_missing_locations(zero), *statement.body]
    return statement.body if isinstance(statement, ast.While) else [statement]


def _over_data(loop: ast.For) -> bool:
    """Tell whether a loop goes over examples, not over epochs."""
    names = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
    return any(role_of(name) in ("images", "targets") for name in names)


def _bind(learner: Learner, statement: ast.stmt, supply: dict[str, Any]) -> float:
    """Give the loop's variables their values; return the learning rate."""
    loads = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    stored = {node.id for node in loads if isinstance(node.ctx, ast.Store)}
    rate = 1.0
    for name in {node.id for node in loads} - stored:
        role = role_of(name)
        if role in BOUND and not callable(learner.names.get(name)):
            learner.names[name] = supply[role]
            rate = RATE if role == "rate" else rate
    return rate
