"""Training loops: one mini-batch is sent through the loop's own lines.

A loop may stand outside functions, in a function, or in a block. The lines before it are run first,
as far as they can be: what they would load from files is replaced.
"""

import ast
import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.absent import Absent
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import role_of
from mnist_mlp.checking.starts import make, turn_knobs
from mnist_mlp.checking.tensors import as_lists, find_places
from mnist_mlp.checking.trial import RATE, SIZES, Feed, Trial, difference, problems, supply_for

BOUND = ("images", "targets", "rate", "n", "epochs", "decay")  # roles whose variables are replaced
LENGTH = 5000  # numbers from this on count examples
DATA = ("images", "targets")
PATIENCE = 0.3  # seconds of computing for the lines before a loop, and for the loop

Loop = ast.For | ast.While
Names = dict[str, Any]


class Scope(NamedTuple):
    """A loop, what is run before it, and the names that are there at first."""

    learner: Learner
    loop: Loop
    before: Sequence[ast.stmt]
    function: ast.FunctionDef | None
    owner: Callable[[], Any] | None = None  # makes the object whose method the function is

    def names(self, supply: Names) -> Names:
        """Run what comes before the loop, and return the names that it knows then."""
        if not self.function:
            names = self.learner.names
        else:
            arguments = self.function.args
            given = [a.arg for a in (*arguments.args, *arguments.kwonlyargs)]
            names = {**self.learner.names, **_defaults(arguments), **_values(given, supply)}
            if self.owner and given:
                names[given[0]] = self.owner()
        for statement in self.before:
            if not self._run([_without_returns(statement)], names) or _is_absent(statement, names):
                names.update(_values(_stored(statement), supply))
        return names

    def _run(self, statements: list[ast.stmt], names: Names) -> bool:
        n_problems = len(self.learner.problems)
        ran = self.learner.run(statements, names, PATIENCE)
        self.learner.errors += self.learner.problems[n_problems:]
        del self.learner.problems[n_problems:]
        return ran

    def answer(self, problem: Problem, layout: Layout) -> tuple[Answer, Layout] | None:
        """Return what one round of the loop does to a problem's parameters, and its layout."""
        supply = supply_for(problem, layout, "data set")
        names = self.names(supply)
        places = find_places(names)
        if not places or places.sizes != [problem.images.shape[1], *map(len, problem.biases)]:
            return None
        places.put(problem)
        layout = places.layout._replace(data=layout.data, targets=layout.targets)
        rate, layout = self._bind(names, problem, layout)
        before, known = places.get(), set(names)
        loop = _with_length(_once(self.loop), len(problem.images))
        ran = self._run([_without_returns(loop)], names)
        after = places.get()
        for name in set(names) - known:  # the loop's own
            del names[name]
        if not ran or [a.shape for a in before[0]] != [a.shape for a in after[0]]:
            return None
        if all(map(np.array_equal, before[0], after[0])):
            return None
        return difference(problem, layout, before, after, rate), layout

    def _bind(self, names: Names, problem: Problem, layout: Layout) -> tuple[float, Layout]:
        """Give the loop's variables their values; return the learning rate, and the layout."""
        rate = RATE if self.owner else 1.0
        stored = _stored(self.loop)
        for name in sorted(_loaded(self.loop)):
            role, old = role_of(name), names.get(name)
            if role not in BOUND or callable(old) or (name in stored and name not in names):
                continue
            if role not in DATA and not isinstance(old, int | float | None):
                continue
            if old is not None and self.function and role == "n" and "batch" not in name.lower():
                continue
            if role in DATA:
                layout = _observed(role, old, problem, layout)
            value = supply_for(problem, layout, "data set")[role]
            names[name] = as_lists(value) if self.learner.plain else value
            rate = RATE if role == "rate" else rate
        return rate, layout


def loop_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the training loops outside functions answer."""
    scopes = [*_loops_of(learner, learner.tree.body, None, learner.failed)]
    for statement in learner.tree.body:
        if isinstance(statement, ast.If):
            scopes += _loops_of(learner, statement.body, None, learner.failed)
    for scope in scopes:
        yield from _trials_of(scope)


def inner_loop_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the training loops in functions answer."""
    owners = {kind.__name__: kind for kind in learner.classes()}
    methods = {
        node: owners[kind.name]
        for kind in ast.walk(learner.tree)
        if isinstance(kind, ast.ClassDef) and kind.name in owners
        for node in kind.body
    }
    for node in ast.walk(learner.tree):
        if isinstance(node, ast.FunctionDef):
            kind = methods.get(node)
            for scope in _loops_of(learner, node.body, node, []):
                yield from _trials_of(scope._replace(owner=kind and partial(_some, kind)))


def _some(kind: type) -> Any:
    """Return an object of a class, with its knobs turned; None if none can be made."""
    for sizes in (*SIZES, []):
        with contextlib.suppress(Exception):
            thing = make(kind, sizes)
            turn_knobs(thing)
            return thing
    return None


def _trials_of(scope: Scope) -> Iterator[Trial]:
    feeds: tuple[Feed, ...] = ("batch", "one")
    for feed in feeds:
        found = set[Layout]()
        for data in ("rows", "columns", "column"):  # the last: a column for each image
            for targets in ("one-hot", "labels", "label matrix"):
                trial = _try_loop(scope, feed, Layout(data, False, "flat", targets))
                if trial and trial.layout not in found:
                    found.add(trial.layout)
                    yield trial


def _loops_of(
    learner: Learner,
    body: Sequence[ast.stmt],
    function: ast.FunctionDef | None,
    failed: Sequence[ast.stmt],
) -> Iterator[Scope]:
    for k, statement in enumerate(body):
        before = [*failed, *body[:k]] if body is not learner.tree.body else failed
        if isinstance(statement, Loop):
            yield Scope(learner, statement, before, function)
        elif isinstance(statement, ast.With | ast.Try):
            yield from _loops_of(learner, statement.body, function, before)


def _try_loop(scope: Scope, feed: Feed, layout: Layout) -> Trial | None:
    places = find_places(
        scope.names(supply_for(next(problems(SIZES[0], feed)), layout, "data set"))
    )
    if not places:
        return None
    answers: list[Answer] = []
    seen = layout
    for problem in problems(places.sizes, feed, biased=places.biased):
        answered = scope.answer(problem, layout)
        if not answered:
            return None
        answers.append(answered[0])
        seen = answered[1]._replace(data="vector") if feed == "one" else answered[1]
    return Trial(f"the loop in line {scope.loop.lineno}", True, seen, answers)


# Values


def _defaults(arguments: ast.arguments) -> Names:
    """Return the parameters of a function that have a default, if it is written as a value."""
    positional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [
        *zip(positional, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {a.arg: d.value for a, d in pairs if isinstance(d, ast.Constant)}


def _values(names: Iterable[str], supply: Names) -> Names:
    return {name: supply[role] for name in names if (role := role_of(name)) in supply}


def _observed(role: str, old: Any, problem: Problem, layout: Layout) -> Layout:
    """Return the layout in which the program keeps its images or targets, if it is known."""
    if not isinstance(old, np.ndarray) or old.ndim not in (1, 2):
        return layout
    if role == "images":
        return _data(old, problem.images.shape[1], layout)
    if old.ndim == 1:
        return layout._replace(targets="labels")
    if 1 in old.shape and len(problem.biases[-1]) > 1 and len(problem.images) > 1:
        return layout._replace(targets="label matrix")
    return layout._replace(targets="one-hot")


def _data(old: Array, width: int, layout: Layout) -> Layout:
    if old.ndim == 2 and old.shape[0] != old.shape[1] and width in old.shape:
        return layout._replace(data="rows" if old.shape[1] == width else "columns")
    return layout


# Lines


def _stored(statement: ast.stmt) -> set[str]:
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _loaded(statement: ast.AST) -> set[str]:
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _is_absent(statement: ast.stmt, names: Names) -> bool:
    """Tell whether a statement's names stand for what a stand-in has loaded."""
    return any(isinstance(names.get(name), Absent) for name in _stored(statement))


class _NoReturns(ast.NodeTransformer):
    """Takes out return statements, but not those of functions inside."""

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return node


def _without_returns(statement: ast.stmt) -> ast.stmt:
    new: ast.stmt = _NoReturns().visit(copy.deepcopy(statement))
    return ast.fix_missing_locations(new)


def _once(loop: Loop) -> ast.stmt:
    """Return a loop that does one round: of an epoch, or of the whole data set."""
    loop = copy.deepcopy(loop)
    body = [_once(s) if isinstance(s, Loop) and _goes_over_batches(s) else s for s in loop.body]
    if isinstance(loop, ast.While):
        target: ast.expr = ast.Name("_", ast.Store())
        return ast.copy_location(ast.For(target, _list_of(ast.Constant(0)), body, []), loop)
    loop.body = body
    if (numbers := _range(loop)) and not _goes_over_examples(loop):
        loop.iter = _list_of(numbers[0] if len(numbers) > 1 else ast.Constant(0))
    return loop


class _Lengths(ast.NodeTransformer):
    """Puts the number of examples in the place of that of a file, such as 60000."""

    def __init__(self, length: int) -> None:
        self.length = length

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        is_length = type(node.value) is int and node.value >= LENGTH
        return ast.copy_location(ast.Constant(self.length), node) if is_length else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if not isinstance(node.op, ast.Div):  # a wrong average stays wrong
            self.generic_visit(node)
        return node


def _with_length(statement: ast.stmt, length: int) -> ast.stmt:
    new: ast.stmt = _Lengths(length).visit(statement)
    return new


def _list_of(element: ast.expr) -> ast.List:
    return ast.List([element], ast.Load())


def _range(loop: ast.For) -> list[ast.expr]:
    """Return the arguments of range, if a loop goes over numbers."""
    for node in ast.walk(loop.iter):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("range", "trange", "xrange"):
            return node.args
    return []


def _goes_over_examples(loop: ast.For) -> bool:
    """Tell whether a loop goes from 0 to the number of examples, one by one."""
    numbers = _range(loop)
    roles = {role_of(name) for number in numbers[-1:] for name in _loaded(number)}
    return len(numbers) < 3 and bool(roles & {"images", "targets", "n"}) and _indexes_data(loop)


def _goes_over_batches(loop: Loop) -> bool:
    """Tell whether a loop in another takes parts of the data."""
    return isinstance(loop, ast.While) or _indexes_data(loop) or "batch" in ast.unparse(loop.iter)


def _indexes_data(loop: ast.For) -> bool:
    """Tell whether a loop's own number picks examples from the data."""
    own = _stored(ast.Assign([loop.target], ast.Constant(0)))
    return any(
        isinstance(node, ast.Subscript)
        and own & _loaded(node.slice)
        and {role_of(name) for name in _loaded(node.value)} & {"images", "targets"}
        for statement in loop.body
        for node in ast.walk(statement)
    )
