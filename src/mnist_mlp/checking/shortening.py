"""Shortening: a program for a data set of 60,000 images, adapted to one of a few."""

import ast
import copy
import re
from collections.abc import Iterator

from mnist_mlp.checking.learner import last_name
from mnist_mlp.checking.roles import role_of
from mnist_mlp.checking.trial import BATCHES
from mnist_mlp.data.dataset import PIXELS, SIDE

LENGTH = 100  # numbers in slices count examples from here on
FILE = 300  # and all other numbers from here on
PICTURE = (SIDE, PIXELS, PIXELS + 1)
SIZES = (*PICTURE, 512, 1024)  # which count pixels or neurons
COLOURED = {32 * 32 * 3, 64 * 64, 64 * 64 * 3}  # pixels of other pictures, or their colours
FEW = min(BATCHES)
BATCH = r"(?i).*(batch|lote|parti|paket|paquet|stapel).*|bs|lot"


def shortened(tree: ast.Module, n: int, batch: int) -> ast.Module:
    """Return a program in which numbers that count examples are those of a data set of n.

    Those that count a mini-batch become `batch`, and the pixels of other pictures 784.
    """
    limits = list(_limits(tree))
    names = {last_name(node) for node in limits if not role_of(last_name(node))} - {""}
    places = {(node.lineno, node.col_offset) for node in limits}
    new: ast.Module = _Shortener(n, batch, names, places).visit(copy.deepcopy(tree))
    return ast.fix_missing_locations(new)


def _limits(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what examples are counted up to: the step of a range, and what a counter reaches.

    A mini-batch may also be what lies between a counter, or a multiple of it, and the next.
    """
    counters = set(_counters(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in ("range", "arange"):
            yield from node.args[2:3]
        if isinstance(node, ast.Slice) and node.lower and node.upper:
            ends = [end for end in (node.lower, node.upper) if isinstance(end, ast.BinOp)]
            if counters & {_name(part) for part in ast.walk(node.lower)}:
                yield from (end.right for end in ends)
        for test in ast.walk(node.test) if isinstance(node, ast.If) else ():
            if isinstance(test, ast.BinOp) and isinstance(test.op, ast.Mod):
                count, limit = test.left, test.right
            elif isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.GtE):
                count, limit = test.left, test.comparators[0]
            else:
                continue
            if counters & {_name(part) for part in ast.walk(count)}:
                yield limit


def _counters(tree: ast.Module) -> Iterator[str]:
    """Yield what counts: n in n += 1, in loops over a range or enumerate(...), and len(...)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and ast.unparse(node.value) == "1":
            yield _name(node.target)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Call):
            if last_name(node.iter.func) in ("range", "enumerate"):
                yield _name(_parts(node.target)[0])
        elif isinstance(node, ast.Call) and last_name(node.func) == "len":
            yield _name(node)


def _name(node: ast.AST) -> str:
    """Return the name of a variable or attribute, or else what is written."""
    return last_name(node) or ast.unparse(node)


class _Shortener(ast.NodeTransformer):
    def __init__(self, n: int, batch: int, names: set[str], places: set[tuple[int, int]]) -> None:
        """Prepare. Variables of these names, and numbers at these places, count a batch."""
        self.n, self.batch, self.names, self.places = n, batch, names, places

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        is_batch = self._is_limit(node)
        if type(node.value) is not int or node.value in SIZES:
            return node
        if node.value in COLOURED:
            return ast.copy_location(ast.Constant(PIXELS), node)
        if node.value < (FEW + 1 if is_batch else FILE):
            return node
        return ast.copy_location(ast.Constant(self.batch if is_batch else self.n), node)

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
        """Return the value, or the size of the data set if the name is that of a batch size."""
        own, number = last_name(name), getattr(value, "value", None)
        if type(number) is not int or number in PICTURE:
            return value
        counts = number > 1 if re.fullmatch(BATCH, own) else number > FEW and own in self.names
        return ast.copy_location(ast.Constant(self.batch), value) if counts else value

    def _is_limit(self, node: ast.expr) -> bool:
        return (node.lineno, node.col_offset) in self.places

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        for end in (node.lower, node.upper):
            if isinstance(end, ast.BinOp) and self._is_limit(end.right):
                end.right = self.visit(end.right)
        lower, upper = map(_end, (node.lower, node.upper))
        return ast.copy_location(ast.Slice(lower=lower, upper=upper, step=node.step), node)


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the elements of a tuple, or the expression itself."""
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _end(node: ast.expr | None) -> ast.expr | None:
    """Return the end of a slice, or None if it counts the examples of a file."""
    if isinstance(node, ast.UnaryOp):  # [:-1000]
        return node if _end(node.operand) else None
    if isinstance(node, ast.Constant) and type(node.value) is int:
        counts = node.value >= LENGTH and node.value not in SIZES
        return None if counts else node
    return node
