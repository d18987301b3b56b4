"""A learner's program, run as it is on a few made-up images, and watched for its first step.

What it would load is replaced, whatever loads it. Its parameters are found by their shapes, in
variables and objects, and given new values before it trains. The first change of each is the step.
"""

import ast
import contextlib
import copy
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner, as_main, describe, limited
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.roles import Function, call, is_gradient, role_of, roles_in, roles_of
from mnist_mlp.checking.sources import Digits, stand_in
from mnist_mlp.checking.starts import make
from mnist_mlp.checking.tensors import (
    Item,
    Neurons,
    Places,
    Slot,
    find_places,
    items,
    numbers_in,
    pick,
)
from mnist_mlp.checking.trial import BATCHES, Trial, difference, is_double, is_mask, supply_for
from mnist_mlp.data.dataset import DIGITS, PIXELS

PATIENCE = 0.6  # seconds of computing for one run
LENGTH = 100  # from this on, numbers in slices count examples of a file
FILE = 300  # from this on, all numbers do, except those of pixels and neurons
SIZES = (PIXELS, PIXELS + 1, 512, 1024)
BATCH = r"(?i).*(batch|lote|parti|paket|paquet|stapel).*|bs|lot"
MANY = 100  # rounds of a loop, from which it is not looked at in each
EXPRESSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<lambda>")
TRAINS = r"(?i).*(train|fit|run|main|build|sgd|learn|descent|optimi).*"
ALIKE = 0.99  # cosine of an image and what a program has made of it
OPTIMIZERS = r"(?i)adam|rmsprop|adagrad|beta_?[12]|momentum"
TINY = 1e-6
VISIBLE = 24  # pixels that are not 0

Names = dict[str, Any]


class Step(NamedTuple):
    """A step of a program, the line in which the watched loop begins, and what else was seen."""

    answer: Answer
    layout: Layout
    line: int
    notes: tuple[str, ...]


def watched_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the program does to its parameters in its first step."""
    headers = (False, True) if "csv" in ast.unparse(learner.tree) else (False,)
    for classes, header in product((DIGITS, 2), headers):
        steps = []
        for seed, n in enumerate(BATCHES):
            step = _run(learner, new_digits(n, seed, _labels(learner, classes), header), seed)
            if not step:
                break
            steps.append(step)
        else:
            for same in zip(*steps, strict=False):
                yield _trial(same)
            return


def _trial(steps: Sequence[Step]) -> Trial:
    """Return the trial of which these are the steps."""
    answers = [step.answer for step in steps]
    data = "rows" if len(answers[0].problem.images) > 1 else "vector"
    layout = steps[0].layout._replace(data=data)
    how = f"the training in line {steps[0].line}"
    return Trial(how, answers[0].rate > 0, layout, answers, steps[0].notes)


def _labels(learner: Learner, classes: int) -> list[int]:
    """Return the digits that the data set has: all, or the two with which labels are compared."""
    if classes == DIGITS:
        return [*range(DIGITS)]
    compared = {
        node.value
        for compare in ast.walk(learner.tree)
        if isinstance(compare, ast.Compare) and isinstance(compare.ops[0], ast.Eq | ast.In)
        for node in ast.walk(compare.comparators[0])
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value < DIGITS
    }
    return sorted(compared)[-2:] if len(compared) > 1 else [0, 1]


def new_digits(n: int, seed: int, labels: Sequence[int], header: bool) -> Digits:
    """Return n images with few pixels, all different, and some of these labels."""
    random = np.random.default_rng(seed)
    images = np.zeros((n, PIXELS))
    images[:, random.permutation(PIXELS)[:VISIBLE]] = random.integers(1, 256, (n, VISIBLE))
    given = np.array(labels)[random.permutation(-np.arange(1, n + 1) % len(labels))]
    return Digits(images, given, header)


def _run(learner: Learner, digits: Digits, seed: int) -> list[Step]:
    """Run the program until its first step is made; return what it may be."""
    tree = _Shortened(len(digits.labels)).visit(copy.deepcopy(learner.tree))
    file = learner.names["__file__"]
    watch = Watch(file, tree, digits, seed)
    names: Names = {"__name__": "__main__", "__file__": file}
    with stand_in(digits, _missing_modules(tree)), limited(PATIENCE), as_main(file):
        for statement in _statements(ast.fix_missing_locations(tree)):
            code = compile(ast.Module([statement], []), file, "exec")
            if error := _watched(watch, partial(exec, code, names)):
                learner.errors.append(f"line {statement.lineno}: {error}")
            if watch.is_done:
                break
        for call_it in _calls(names, digits) if not (watch.changed or watch.after) else ():
            _watched(watch, call_it)
            if watch.changed or watch.after:
                break
    return list(watch.steps())


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a program; those under `if __name__ == "__main__":` one by one."""
    for statement in tree.body:
        if isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            yield from statement.body
        else:
            yield statement


def _watched(watch: "Watch", run: Callable[[], Any]) -> str:
    """Run a part of a program; return the error that it raises, or nothing."""
    before = sys.gettrace()
    try:
        sys.settrace(watch.trace)
        run()
    except Seen:
        watch.is_done = True
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        return describe(error)
    finally:
        sys.settrace(before)
    return ""


def _calls(names: Names, digits: Digits) -> Iterator[Callable[[], Any]]:
    """Yield calls of the functions and methods with loops, which the program does not make."""
    images = digits.images / 255
    sizes = [PIXELS, 16, DIGITS]
    problem = new_problem(sizes, len(images), 0)._replace(images=images)
    problem = problem._replace(targets=np.eye(DIGITS)[digits.labels])
    functions: list[Function] = []
    for value in names.values():
        if isinstance(value, FunctionType):
            functions.append(value)
        elif isinstance(value, type) and value.__module__ == "__main__":
            with contextlib.suppress(Exception):
                thing = make(value, sizes)
                functions += [getattr(thing, k) for k, f in vars(value).items() if callable(f)]
    for function in functions:
        roles = roles_of(function)
        if re.fullmatch(TRAINS, function.__name__) or {"images", "targets"} <= roles:
            named = any("label" in name for name in roles_in(function))
            kinds = ("labels", "one-hot") if named else ("one-hot", "labels")
            for data, targets in product(("rows", "columns"), kinds):
                supply = supply_for(problem, Layout(data, False, "flat", targets))
                yield partial(call, function, supply, {})


def _missing_modules(tree: ast.Module) -> set[str]:
    """Return the modules that the program imports, and that cannot be found."""
    roots = {
        name.split(".")[0]
        for node in tree.body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return {name for name in roots if name and not importlib.util.find_spec(name)}


class Seen(BaseException):
    """The step is made. It is no Exception, so that no program catches it by mistake."""


class Watch:
    """Looks at a program's variables, line by line."""

    def __init__(self, file: str, tree: ast.Module, digits: Digits, seed: int) -> None:
        self.digits = digits
        self.is_done = False
        self.drops = bool(re.search(r"(?i)drop|keep", ast.unparse(tree)))
        self.optimizes = bool(re.search(OPTIMIZERS, ast.unparse(tree)))
        self.kept: list[Item] = []
        self.gradients: list[Item] = []
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]
        self.heads = {loop.lineno: 0 for loop in loops}  # how often they were met
        self.file, self.seed = file, seed
        self.frame: FrameType | None = None
        self.names: Names = {}
        self.globals: Names = {}
        self.places: Places | None = None
        self.size = (0, 0)
        self.line = 0
        self.before: list[Any] = []
        self.after: list[Any] = []  # the first step
        self.last: list[Any] = []  # now
        self.changed: set[int] = set()
        self.seen: dict[int, tuple[str, Any]] = {}
        self.rate = 1.0

    def trace(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        """Be told of each line that is run."""
        if frame.f_code.co_filename != self.file or frame.f_code.co_name in EXPRESSIONS:
            return None
        if event == "line" and self._is_head(frame.f_lineno):
            if not (self.changed or self.after):
                self._keep(_names_in(frame))
                self._find(frame)
            self._compare(frame)
        elif event in ("call", "return"):
            self._compare(frame, is_loop=False)
            if event == "return" and frame is self.frame:
                self.frame = None
        return self.trace

    def _is_head(self, line: int) -> bool:
        """Tell whether a loop begins here, or its next round; of many rounds some are told."""
        if line not in self.heads:
            return False
        self.heads[line] += 1
        return self.heads[line] < MANY or self.heads[line] % MANY == 0

    def _find(self, frame: FrameType) -> None:
        """Find the parameters, and give them new values, if there are more than were known."""
        names = {k: v for k, v in _names_in(frame).items() if not self._is_data(v)}
        places = find_places(names)
        if not places or _size(places) <= self.size:
            return
        self.size = _size(places)
        binary = len(set(self.digits.labels)) == 2
        if places.sizes[0] == PIXELS and (places.sizes[-1] < 3) != binary:
            self.places = None
            if not binary:
                raise Seen
            return
        self.places, self.frame, self.names, self.line = places, frame, names, frame.f_lineno
        self.globals = frame.f_globals
        places.put(new_problem(places.sizes, 1, self.seed))
        self.before = [_copy(value) for value in self._values()]
        self.last = [*self.before]

    def _is_data(self, value: Any) -> bool:
        """Tell whether an array has the shape of all images, or of all targets."""
        shape = value.shape if isinstance(value, np.ndarray) else ()
        n = len(self.digits.labels)
        return len(shape) == 2 and n in shape and bool({PIXELS, PIXELS + 1, DIGITS} & {*shape})

    def _values(self) -> list[Any]:
        """Return the weights and then the biases, as they are now."""
        known = {**self.globals, **(self.frame.f_locals if self.frame else {})}
        for name in {slot.path[0] for slot in self._slots if slot}:
            self.names[name] = known.get(name, self.names[name])
        return [slot and slot.array for slot in self._slots]

    @property
    def _slots(self) -> list[Slot | Neurons | None]:
        return [*self.places.weights, *self.places.biases] if self.places else []

    def _compare(self, frame: FrameType, *, is_loop: bool = True) -> None:
        """Note which parameters have changed, in the first step and in the second.

        A step ends when all have changed and a function ends or begins, or when a number changes
        again. After the first all get their old values, so that the second is equal if nothing is
        kept from step to step.
        """
        if not self.places:
            return
        self._collect(frame)
        now = self._values()
        for k, value in enumerate(now):
            if np.shape(value) != np.shape(self.last[k]):  # it was no parameter
                self.before[k] = self.last[k] = None
        if any(value is None for value in self.before[: len(self.places.weights)]):
            self.places, self.size = None, (0, 0)
            return
        changed = {k for k, pair in enumerate(zip(self.last, now, strict=True)) if _differ(*pair)}
        if any(
            ((now[k] != self.last[k]) & (self.last[k] != self.before[k])).any() for k in changed
        ):
            raise Seen
        if changed:
            if not (self.changed or self.after):
                self._keep_all(frame)
            self.changed |= changed
            self.last = [_copy(now[k]) if k in changed else a for k, a in enumerate(self.last)]
        elif not is_loop and len(self.changed) == sum(value is not None for value in self.before):
            self._end_step()

    def _keep_all(self, frame: FrameType) -> None:
        """Keep all arrays that the program knows now, and those of gradients."""
        found = {k: v for each in self._frames(frame) for k, v in _names_in(each).items()}
        for name, value in found.items():
            inner = list(items(value, name))
            self.kept += inner
            self.gradients += [i for i in inner if is_gradient(name) or is_gradient(i.name)]

    def _end_step(self) -> None:
        if self.after:
            raise Seen
        self.after, self.last, self.changed = self.last, [*self.before], set()
        for slot, old in zip(self._slots, self.before, strict=True):
            if slot and old is not None:
                slot.put(old)

    def _frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """Yield a frame of the program and those of its callers."""
        while frame and frame.f_code.co_filename == self.file:
            yield frame
            frame = frame.f_back

    def _collect(self, frame: FrameType) -> None:
        """Keep what may be a mini-batch, and knobs: in the variables and objects of all callers."""
        if self.changed or self.after:
            return
        for each in self._frames(frame):
            self._keep(each.f_locals)

    def _keep(self, names: Mapping[str, Any]) -> None:
        for name, value in names.items():
            for own, inner in ((name, value), *_attributes(value)):
                if isinstance(inner, np.ndarray | list):
                    self.seen[id(inner)] = own, inner
                elif isinstance(inner, float) and role_of(own) == "rate":
                    self.rate = inner

    def steps(self) -> Iterator[Step]:
        """Yield the step that was seen, if any, with each mini-batch that it may be of."""
        if not self.places or not (self.changed or self.after):
            return
        n = len(self.places.weights)
        before, after, again = (
            (arrays[:n], arrays[n:]) for arrays in (self.before, self.after or self.last, self.last)
        )
        layout = self.places.layout
        if layout.folded:
            layout = layout._replace(bias=_place_of_ones(self._arrays, self.places.sizes[0]))
        problem = new_problem(self.places.sizes, 1, self.seed)
        weights, biases = _unfolded(before, layout, problem)
        problem = problem._replace(weights=weights, biases=biases)
        answer = difference(problem, layout, before, after, self.rate)
        second = difference(problem, layout, before, again, self.rate)
        notes = ("not reset",) if is_double(answer, second) else ()
        if self.optimizes:
            picked = Answer(problem, *pick(self.gradients, problem, layout))
            if not any(array is None for array in picked.weights):
                answer = picked
        for images, targets in self._examples(answer.weights[0], weights[0]):
            problem = problem._replace(images=images, targets=targets)
            if self.drops:
                problem = problem._replace(masks=self._masks(problem))
            yield Step(answer._replace(problem=problem), layout, self.line, notes)

    @property
    def _arrays(self) -> list[Any]:
        return [value for _, value in self.seen.values()]

    def _examples(self, gradient: Array | None, weights: Array) -> Iterator[tuple[Array, Array]]:
        """Yield the images and targets of the step.

        They are the fewest rows that span the gradient; but it may also be that a single one is
        used of a whole mini-batch.
        """
        width, n_out = self.places.sizes[0], self.places.sizes[-1]  # type: ignore[union-attr]
        named = sorted(self.seen.values(), key=lambda pair: role_of(pair[0]) == "images")
        batches = [rows for _, value in named if (rows := _rows(value, width)) is not None]
        batches = [rows for rows in batches if rows.shape != weights.shape]
        if not batches or gradient is None:
            return
        spanning = [rows for rows in batches if _spans(rows, gradient, weights)]
        likely = min(spanning[::-1], key=len) if spanning else batches[-1]
        pairs = [rows for rows in spanning if len(likely) == 1 < len(rows)]
        for images in (likely, *pairs[-1:]):
            targets = self._targets(len(images), n_out, self._labels(images))
            if targets is not None:
                yield images, targets

    def _labels(self, images: Array) -> Array | None:
        """Return the labels of images, (n, 784), if they are those of the data set."""
        if images.shape[1] != PIXELS:
            return None
        true, given = (rows - rows.mean(1, keepdims=True) for rows in (self.digits.images, images))
        cosines = given @ true.T / np.linalg.norm(true, axis=1)
        cosines /= np.linalg.norm(given, axis=1)[:, np.newaxis]
        alike = bool((cosines.max(axis=1) > ALIKE).all())
        return self.digits.labels[cosines.argmax(axis=1)] if alike else None

    def _targets(self, n: int, n_out: int, labels: Array | None) -> Array | None:
        """Return the program's targets, (n, n_out), or those of the labels."""
        found = [
            (name, rows)
            for name, value in self.seen.values()
            if (rows := _as_rows(value, n_out, 1)) is not None
            and len(rows) == n
            and len(np.unique(rows)) == 2
        ]
        if labels is None:
            named = [rows for name, rows in found if role_of(name) == "targets"]
            return named[-1] if named else self._from_labels(n, n_out)
        groups = [labels == label for label in (self.digits.labels.min(), self.digits.labels.max())]
        one_hot: NDArray[np.bool_] = np.eye(DIGITS)[labels] == 1
        for _, rows in found:
            is_high = rows == rows.max()
            if n_out == DIGITS and np.array_equal(is_high, one_hot):
                return rows
            if n_out == 1 and any(np.array_equal(is_high[:, 0], group) for group in groups):
                return rows
        chosen = one_hot[:, :n_out] if n_out > 1 else groups[1][:, np.newaxis]
        return chosen.astype(float)

    def _from_labels(self, n: int, n_out: int) -> Array | None:
        """Return one-hot targets of the labels that the program keeps, if it does."""
        for name, value in self.seen.values():
            if (
                role_of(name) == "targets"
                and isinstance(value, np.ndarray)
                and value.dtype.kind in "iu"
                and value.size == n
                and value.max() < n_out
            ):
                return np.eye(n_out)[value.ravel()]
        return None

    def _masks(self, problem: Problem) -> list[Array]:
        """Return the dropout masks of the hidden layers, or nothing."""
        keeps = [
            float(item.array) if role_of(item.name) == "keep" else 1 - float(item.array)
            for item in self.kept
            if item.array.size == 1 and role_of(item.name) in ("keep", "dropped")
        ]
        masks = []
        for bias in problem.biases[:-1]:
            shape = (len(problem.images), len(bias))
            fitting = [
                item.array if item.array.shape == shape else item.array.T
                for item in self.kept
                if item.array.shape in (shape, shape[::-1]) and is_mask(item.array)
            ]
            mask = fitting[0] * 1.0 if fitting else np.ones(shape)
            masks.append(mask / (keeps[0] if keeps and mask.max() == 1 and not mask.all() else 1))
        return masks if any(not mask.all() for mask in masks) else []


def _names_in(frame: FrameType) -> Names:
    """Return the variables that a frame knows."""
    names = {**frame.f_globals, **frame.f_locals}
    return {
        name: value
        for name, value in names.items()
        if not name.startswith("__") and not isinstance(value, type | ModuleType | FunctionType)
    }


def _size(places: Places) -> tuple[int, int]:
    return len(places.sizes), sum(slot is not None for slot in places.biases)


def _copy(array: Array | None) -> Array | None:
    return None if array is None else array.copy()


def _differ(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and not np.array_equal(one, other)


def _attributes(value: Any) -> list[tuple[str, Any]]:
    return list(vars(value).items()) if hasattr(value, "__dict__") else []


def _rows(value: Any, width: int) -> Array | None:
    """Return what may be a mini-batch as rows, (n, width), without a column of ones."""
    rows = _as_rows(value, width, 0)
    if rows is None and (wider := _as_rows(value, width + 1, 0)) is not None:
        rows = wider[:, 1:] if (wider[:, 0] == 1).all() else wider[:, :-1]
    return rows if rows is not None and rows.any() else None


def _as_rows(value: Any, width: int, part: int) -> Array | None:
    """Return an array, a list of arrays, or a part of each of a list of pairs, as (n, width)."""
    if isinstance(value, list):
        if (array := numbers_in(value)) is not None:
            return _as_rows(array, width, part)
        parts = [each[part] if isinstance(each, tuple) and each else each for each in value]
        if not value or not all(isinstance(p, np.ndarray) and p.size == width for p in parts):
            return None
        return np.array([each.ravel() for each in parts], float)
    if width == 1 and value.ndim == 1:
        value = value[:, np.newaxis]
    if value.ndim == 3 and 1 in value.shape:
        value = value.reshape(len(value), -1)
    if value.ndim not in (1, 2) or value.dtype.kind not in "iufb" or width not in value.shape:
        return None
    rows = np.atleast_2d(value)
    return np.asarray(rows if rows.shape[1] == width else rows.T, float)


def _place_of_ones(arrays: Iterable[Any], width: int) -> str:
    """Return "first" if inputs begin with a 1, else "last"."""
    batches = [each for each in arrays if isinstance(each, np.ndarray) and each.size]
    wide = [_as_rows(each, width + 1, 0) for each in batches]
    return "first" if any(rows is not None and (rows[:, 0] == 1).all() for rows in wide) else "last"


def _unfolded(
    before: tuple[list[Any], list[Any]], layout: Layout, problem: Problem
) -> tuple[list[Array], list[Array]]:
    """Return the weights and biases in the layout of problems."""
    if layout.folded:
        parts = [layout.unfold(joint) for joint in before[0]]
        return [w for w, _ in parts], [b for _, b in parts]
    biases = [
        np.zeros_like(zero) if b is None else layout.read_bias(b, len(zero))
        for b, zero in zip(before[1], problem.biases, strict=True)
    ]
    return [layout.weight(w) for w in before[0]], biases


def _spans(rows: Array, gradient: Array, weights: Array) -> bool:
    """Tell whether a gradient consists of images, and of weights that decay."""
    inverse = np.linalg.pinv(rows)
    rest, decayed = (array - array @ inverse @ rows for array in (gradient, weights))
    rest -= np.vdot(rest, decayed) / max(float(np.vdot(decayed, decayed)), TINY) * decayed
    return float(np.vdot(rest, rest)) <= TINY * float(np.vdot(gradient, gradient))


class _Shortened(ast.NodeTransformer):
    """Adapts a program to a data set of few examples."""

    def __init__(self, n: int) -> None:
        self.n = n

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        is_length = type(node.value) is int and node.value >= FILE and node.value not in SIZES
        return ast.copy_location(ast.Constant(self.n), node) if is_length else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node.left = self.visit(node.left)
        if not isinstance(node.op, ast.Div):  # a wrong average stays wrong
            node.right = self.visit(node.right)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        targets, values = _parts(node.targets[0]), _parts(node.value)
        if len(targets) == len(values):
            new = [self._size(*pair) for pair in zip(targets, values, strict=True)]
            node.value = ast.Tuple(new, ast.Load()) if len(new) > 1 else new[0]
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        self.generic_visit(node)
        named = [ast.Name(a.arg) for a in node.args[len(node.args) - len(node.defaults) :]]
        node.defaults = [*map(self._size, named, node.defaults)]
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        self.generic_visit(node)
        node.value = self._size(ast.Name(node.arg or ""), node.value)
        return node

    def _size(self, name: ast.expr, value: ast.expr) -> ast.expr:
        """Return a value, but that of a batch size as small as the data set."""
        is_size = isinstance(value, ast.Constant) and type(value.value) is int and value.value > 1
        named = re.fullmatch(BATCH, ast.unparse(name).split(".")[-1])
        return ast.copy_location(ast.Constant(self.n), value) if named and is_size else value

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        lower, upper = map(_end, (node.lower, node.upper))
        return ast.copy_location(ast.Slice(lower=lower, upper=upper, step=node.step), node)


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the elements of a tuple, or the expression itself."""
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _end(node: ast.expr | None) -> ast.expr | None:
    """Return the end of a slice, but none that counts examples of a file."""
    if isinstance(node, ast.UnaryOp):  # [:-1000]
        return node if _end(node.operand) else None
    if isinstance(node, ast.Constant) and type(node.value) is int:
        counts = node.value >= LENGTH and node.value not in SIZES
        return None if counts else node
    return node
