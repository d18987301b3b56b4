"""Shortening: a program for a data set of 60,000 images, adapted to one of a few."""

import ast
import copy
import re

from mnist_mlp.data.dataset import PIXELS

LENGTH = 100  # numbers in slices count examples from here on
FILE = 300  # and all other numbers from here on
SIZES = (PIXELS, PIXELS + 1, 512, 1024)  # which count pixels or neurons
BATCH = r"(?i).*(batch|lote|parti|paket|paquet|stapel).*|bs|lot"


def shortened(tree: ast.Module, n: int) -> ast.Module:
    """Return a program in which numbers that count examples are those of a data set of n."""
    new: ast.Module = _Shortener(n).visit(copy.deepcopy(tree))
    return ast.fix_missing_locations(new)


class _Shortener(ast.NodeTransformer):
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
        """Return the value, or the size of the data set if the name is that of a batch size."""
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
    """Return the end of a slice, or None if it counts the examples of a file."""
    if isinstance(node, ast.UnaryOp):  # [:-1000]
        return node if _end(node.operand) else None
    if isinstance(node, ast.Constant) and type(node.value) is int:
        counts = node.value >= LENGTH and node.value not in SIZES
        return None if counts else node
    return node
