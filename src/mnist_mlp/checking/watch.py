"""A learner's program, run as it is on a few made-up images, and watched for its first step.

What it would load is replaced, whatever loads it. Its parameters are found by their shapes, in
variables and objects, and given new values before it trains. The first change of each is the step.
"""

import ast
import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product, zip_longest
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import Learner, as_main, describe, limited, statements_of
from mnist_mlp.checking.lines import Problem, new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.mini_batches import bias_comes_first, find_masks, labels_of, mini_batches
from mnist_mlp.checking.optimizers import are_swapped, faults, goes_uphill
from mnist_mlp.checking.roles import Function, call, is_gradient, role_of, roles_in, roles_of
from mnist_mlp.checking.shortening import shortened
from mnist_mlp.checking.sources import Digits, stand_in
from mnist_mlp.checking.starts import make
from mnist_mlp.checking.tensors import (
    Item,
    Place,
    Places,
    find_places,
    items,
    numbers_in,
    pick,
)
from mnist_mlp.checking.trial import (
    BATCHES,
    LONGER,
    Trial,
    difference,
    goes_on,
    is_double,
    squares,
    supply_for,
)
from mnist_mlp.data.dataset import DIGITS, PIXELS

PATIENCE = 0.6  # seconds of computing for one run
MANY = 100  # rounds of a loop, after which only every hundredth is looked at
EXPRESSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<lambda>")
TRAINS = r"(?i).*(train|fit|run|main|build|sgd|learn|descent|optimi).*"
DROPOUT = r"(?i)drop|keep(?!_?dims)"
OPTIMIZERS = r"(?i)adam|rmsprop|adagrad|beta_?[12]|momentum"
VISIBLE = 24  # pixels that are not 0

Names = dict[str, Any]


class Step(NamedTuple):
    """A step of a program, the line in which the watched loop begins, and what else was seen.

    numbers   by name, those that it had until the step ended; one may be the cost
    """

    answer: Answer
    layout: Layout
    line: int
    notes: tuple[str, ...]
    numbers: dict[str, float]


def watched_trials(learner: Learner) -> Iterator[Trial]:
    """Yield what the program does to its parameters in its first step."""
    headers = (False, True) if "csv" in ast.unparse(learner.tree) else (False,)
    trees = [shortened(learner.tree, LONGER * BATCHES[0], n) for n in BATCHES[:2]]
    has_batches = len(set(map(ast.unparse, trees))) > 1
    speaks_of_them = has_batches or "batch" in ast.unparse(learner.tree).lower()
    for classes, header in product((DIGITS, 2), headers):
        labels = _labels(learner, classes)
        steps = []
        for seed, n in enumerate(BATCHES):
            step = _run(learner, new_digits(n, seed, labels, header), seed, n * speaks_of_them)
            if not step:
                break
            steps.append(step)
        else:
            n = BATCHES[0]
            digits = new_digits(LONGER * n, 0, labels, header)
            longer = _run(learner, digits, 0, n) if has_batches else []
            for same, other in zip_longest(zip(*steps, strict=False), longer):
                if same:
                    yield _trial(same, other)
            return


def _trial(steps: Sequence[Step], longer: Step | None) -> Trial:
    """Return the trial of which these are the steps, `longer` one with a longer data set."""
    answers = [step.answer for step in steps]
    data = "rows" if len(answers[0].problem.images) > 1 else "vector"
    layout = steps[0].layout._replace(data=data)
    how = f"the training in line {steps[0].line}"
    notes = tuple(note for note in steps[0].notes if all(note in step.notes for step in steps))
    numbers = {
        name: [step.numbers[name] for step in steps]
        for name in steps[0].numbers
        if all(name in step.numbers for step in steps)
    } | squares(answers)
    is_step = answers[0].rate > 0
    trial = Trial(how, is_step, layout, answers, notes, numbers=numbers)
    is_batch = longer and len(longer.answer.problem.images) == BATCHES[0]
    return trial._replace(longer=[longer.answer]) if longer and is_batch else trial


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
    return (sorted(compared | {0}) if max(compared, default=0) > 1 else [0, 1])[-2:]


def new_digits(n: int, seed: int, labels: Sequence[int], header: bool) -> Digits:
    """Return n images with few pixels, all different, and some of these labels."""
    random = np.random.default_rng(seed)
    images = np.zeros((n, PIXELS))
    images[:, random.permutation(PIXELS)[:VISIBLE]] = random.integers(1, 256, (n, VISIBLE))
    given = np.array(labels)[random.permutation(-np.arange(1, n + 1) % len(labels))]
    return Digits(images, given, header)


def _run(learner: Learner, digits: Digits, seed: int, n: int) -> list[Step]:
    """Run the program, with mini-batches of n if it has some; return what its first step may be."""
    tree = shortened(learner.tree, len(digits.labels), n)
    file = learner.names["__file__"]
    watch = Watch(file, tree, digits, seed, n)
    names: Names = {"__name__": "__main__", "__file__": file}
    with stand_in(digits, _missing_modules(tree)), limited(PATIENCE), as_main(file):
        for statement in statements_of(tree):
            code = compile(ast.Module([statement], []), file, "exec")
            error = _watched(watch, partial(exec, code, names))
            if isinstance(error, Seen):
                break
            if error:
                learner.errors.append(f"line {statement.lineno}: {describe(error)}")
        for call_it in _calls(names, digits) if not watch.has_begun else ():
            _watched(watch, call_it)
            if watch.has_begun:
                break
    return list(watch.steps())


def _watched(watch: "Watch", run: Callable[[], Any]) -> BaseException | None:
    """Run a part of a program; return what it raises, or None."""
    before = sys.gettrace()
    try:
        sys.settrace(watch.trace)
        run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        return error
    finally:
        sys.settrace(before)
    return None


def _calls(names: Names, digits: Digits) -> Iterator[Callable[[], Any]]:
    """Yield calls of functions and methods that train, for a program that calls none of them."""
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
    """Ends a program whose step has been seen. `except Exception` does not catch it."""


class Watch:
    """Looks at a program's variables while it runs.

    places      where its parameters are, once they are found
    before      their values at first, which it was given
    after       their values after the first step, when it has ended
    last        their values when they were last looked at
    changed     those that have changed in this step
    updating    code of the functions in which they have changed
    seen        arrays and lists that were there before the step: one of them is the mini-batch
    kept        arrays that were there during the step, with the variables that hold them
    numbers     numbers until the first step has ended: variables, and what functions returned
    """

    def __init__(self, file: str, tree: ast.Module, digits: Digits, seed: int, n: int) -> None:
        """Prepare to watch a program with mini-batches of n, or none if n is 0.

        Each loop is looked at when one of its rounds begins.
        """
        self.file, self.tree, self.digits, self.seed, self.n = file, tree, digits, seed, n
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]
        self.rounds = {loop.lineno: 0 for loop in loops}
        self.frame: FrameType | None = None
        self.names: Names = {}
        self.globals: Names = {}
        self.places: Places | None = None
        self.size = (0, 0)
        self.line = 0
        self.before: list[Any] = []
        self.after: list[Any] = []
        self.last: list[Any] = []
        self.changed: set[int] = set()
        self.updating: set[CodeType] = set()
        self.seen: dict[int, tuple[str, Any]] = {}
        self.kept: list[tuple[str, Item]] = []
        self.rate = 1.0
        self.numbers: dict[str, float] = {}

    @property
    def has_begun(self) -> bool:
        """Whether the program has begun to train."""
        return bool(self.changed or self.after)

    @property
    def has_ended(self) -> bool:
        """Whether two whole steps were seen."""
        n_all = sum(value is not None for value in self.before)
        return bool(self.after) and len(self.changed) == n_all

    def trace(self, frame: FrameType, event: str, given: Any) -> Callable[..., Any] | None:
        """Be told of each line, call and return, as sys.settrace does."""
        if frame.f_code.co_filename != self.file or frame.f_code.co_name in EXPRESSIONS:
            return None
        if event == "return" and self.places:
            parts = given if isinstance(given, tuple) else (given,)
            self._count({f"{frame.f_code.co_name}() {k}": part for k, part in enumerate(parts)})
            self._count(frame.f_locals)
        if event == "line" and self._begins_round(frame.f_lineno):
            if not self.has_begun:
                self._collect(_names_in(frame))
                if not (self.places and self.frame and self.places.are_whole):
                    self._find(frame)
            self._compare(frame)
        elif event in ("call", "return") and not _is_of_numbers(frame):
            self._compare(frame, is_loop=False)
            if event == "return" and frame is self.frame:
                self.frame = None
        return self.trace

    def _begins_round(self, line: int) -> bool:
        """Return whether a round of a loop begins here; after many rounds, only for some."""
        if line not in self.rounds:
            return False
        self.rounds[line] += 1
        return self.rounds[line] < MANY or self.rounds[line] % MANY == 0

    def _find(self, frame: FrameType) -> None:
        """Find the parameters, and give them new values, if there are more than were known.

        They are found again if the function in which they were found has returned.
        """
        names = {k: v for k, v in _names_in(frame).items() if not self._is_data(v)}
        places = find_places(names)
        if not places or _size(places) < self.size or (_size(places) == self.size and self.frame):
            return
        self.size = _size(places)
        binary = len(set(self.digits.labels)) == 2
        if places.sizes[0] == PIXELS and (places.sizes[-1] < 3) != binary:
            self.places = None
            if not binary and places.are_complete:
                raise Seen  # it needs other labels
            return
        self.places, self.frame, self.names, self.line = places, frame, names, frame.f_lineno
        self.globals = frame.f_globals
        places.put(new_problem(places.sizes, 1, self.seed))
        self.before = [_copy(value) for value in self._values()]
        self.last = [*self.before]

    def _is_data(self, value: Any) -> bool:
        """Return whether a value has the shape of all images or targets, or holds some images."""
        array = value if isinstance(value, np.ndarray) else numbers_in(value)
        if array is None or array.ndim != 2:
            return False
        if len(self.digits.labels) in array.shape and {PIXELS, PIXELS + 1, DIGITS} & {*array.shape}:
            return True
        return array.shape[1] == PIXELS and labels_of(array, self.digits) is not None

    @property
    def _slots(self) -> list[Place | None]:
        return [*self.places.weights, *self.places.biases] if self.places else []

    def _values(self) -> list[Any]:
        """Return the weights and then the biases, as they are now."""
        known = {**self.globals, **(self.frame.f_locals if self.frame else {})}
        for name in {slot.path[0] for slot in self._slots if slot}:
            self.names[name] = known.get(name, self.names[name])
        return [slot and slot.array for slot in self._slots]

    def _compare(self, frame: FrameType, *, is_loop: bool = True) -> None:
        """Note which parameters have changed, in the first step and in the second.

        A step ends when all have changed and a function begins or returns, or when a number changes
        again. After the first step all get their old values back, so that the second is the same if
        nothing is carried over from step to step.
        """
        if not self.places:
            return
        if not self.has_begun:
            for each in self._frames(frame):
                self._collect(each.f_locals)
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
            if not self.has_begun:
                self._keep(frame)
            self.changed |= changed
            self.updating.add(frame.f_code)
            self.last = [_copy(now[k]) if k in changed else a for k, a in enumerate(self.last)]
        elif not is_loop and self._is_complete(frame):
            self._end_step()

    def _is_complete(self, frame: FrameType) -> bool:
        """Return whether all have changed, and this function does not update the next neuron."""
        n_all = sum(value is not None for value in self.before)
        is_next = self.places and self.places.are_neurons and frame.f_code in self.updating
        return len(self.changed) == n_all and not is_next

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

    def _collect(self, names: Mapping[str, Any]) -> None:
        """Add to what is seen, and look for the learning rate."""
        for name, value in names.items():
            for own, inner in ((name, value), *_attributes(value)):
                if isinstance(inner, np.ndarray | list):
                    self.seen[id(inner)] = own, inner
                elif isinstance(inner, float) and role_of(own) == "rate":
                    self.rate = inner

    def _count(self, names: Mapping[str, Any]) -> None:
        """Remember the numbers among values, those of a program's cost among them."""
        for name, value in names.items():
            if isinstance(value, float | np.floating) or (
                isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "f"
            ):
                self.numbers[name + " later" * bool(self.after)] = float(np.ravel(value)[0])

    def _keep(self, frame: FrameType) -> None:
        names = {k: v for each in self._frames(frame) for k, v in _names_in(each).items()}
        self._count(names)
        self.kept = [(name, item) for name, value in names.items() for item in items(value, name)]

    def steps(self) -> Iterator[Step]:
        """Yield the step that was seen, if any, with each mini-batch that it may be of."""
        if not self.places or not self.has_begun:
            return
        loaded = ("", self.digits.images / 255)  # a program may scale them one by one
        seen, source = [loaded, *self.seen.values()], ast.unparse(self.tree)
        sizes, layout, n = self.places.sizes, self.places.layout, len(self.places.weights)
        if layout.folded:
            layout = layout._replace(bias="first" if bias_comes_first(seen, sizes[0]) else "last")
        before, after, again = (
            (arrays[:n], arrays[n:]) for arrays in (self.before, self.after or self.last, self.last)
        )
        problem = new_problem(sizes, 1, self.seed)
        weights, biases = _unfolded(before, layout, problem)
        problem = problem._replace(weights=weights, biases=biases)
        answer = difference(problem, layout, before, after, self.rate)
        second = difference(problem, layout, before, again, self.rate)
        carried_over = is_double(answer, second) or goes_on(answer, second)
        notes: tuple[str, ...] = ("not reset",) * carried_over
        if re.search(OPTIMIZERS, source):
            gradients = [i for name, i in self.kept if is_gradient(name) or is_gradient(i.name)]
            given = Answer(problem, *pick(gradients, problem, layout))
            given = answer if any(array is None for array in given.weights) else given
            kept = [layout.weight(i.array) for _, i in self.kept if i.array.ndim == 2]
            swapped = ("betas swapped",) * are_swapped(given.weights, kept)
            if not self.has_ended:
                second = second._replace(weights=[None] * n)
            notes += (*faults(given, answer, second, self._knobs(), source), *swapped)
            answer = answer if goes_uphill(given, answer) else given
        drops = bool(re.search(DROPOUT, source))
        for images, targets in mini_batches(seen, self.digits, problem, answer.weights[0]):
            used = problem._replace(images=images, targets=targets)
            arrays = (item for _, item in self.kept)
            for masks in find_masks(arrays, used, self.tree, named=drops):
                step = answer._replace(problem=used._replace(masks=masks))
                yield Step(step, layout, self.line, notes, self.numbers)
            if len(images) == 1 < self.n:  # its step may be a share of that of the mini-batch
                share = difference(used, layout, before, after, self.rate / self.n)
                yield Step(share, layout, self.line, notes, self.numbers)

    def _knobs(self) -> dict[str, float]:
        """Return the numbers that the program and its objects keep."""
        numbers = {item.name: item.array for _, item in self.kept if item.array.size == 1}
        return {**{k: float(np.ravel(v)[0]) for k, v in numbers.items()}, **self.numbers}


def _names_in(frame: FrameType) -> Names:
    """Return the variables that a frame knows."""
    names = {**frame.f_globals, **frame.f_locals}
    return {
        name: value
        for name, value in names.items()
        if not name.startswith("__") and not isinstance(value, type | ModuleType | FunctionType)
    }


def _is_of_numbers(frame: FrameType) -> bool:
    """Return whether a function takes nothing but numbers, as that of a single neuron's slope."""
    known = frame.f_locals.values()
    return bool(known) and all(isinstance(value, int | float | np.number) for value in known)


def _size(places: Places) -> tuple[int, int]:
    return len(places.sizes), sum(slot is not None for slot in places.biases)


def _copy(array: Array | None) -> Array | None:
    return None if array is None else array.copy()


def _differ(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and not np.array_equal(one, other)


def _attributes(value: Any) -> list[tuple[str, Any]]:
    return list(vars(value).items()) if hasattr(value, "__dict__") else []


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
