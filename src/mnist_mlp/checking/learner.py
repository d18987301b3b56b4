"""A learner's file: its definitions, without its training loops, plots and prints."""

import __future__

import ast
import signal
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

PATIENCE = 1.0  # seconds of computing for one statement or call


class Learner:
    """A learner's file, as far as it could be run.

    names      what it defines
    tree       its source
    problems   statements that failed: "line 3: ModuleNotFoundError: No module named 'pandas'"
    errors     what was raised when its functions were called
    failed     statements that failed
    plain      whether it is written in plain Python, without NumPy
    stops      the first line with np.max(0, z), which takes z for an axis and stops; 0 if none
    """

    _flags = 0  # of the compiler

    def __init__(
        self,
        path: Path,
        runs: Callable[[ast.stmt], bool] | None = None,
        patience: float = PATIENCE,
        *,
        mends: bool = False,
    ) -> None:
        """Run the file's imports, definitions and assignments, or what `runs` says.

        Each statement may compute for `patience` seconds. `mends` reads np.max(0, z) as
        np.maximum(0, z). Raises SyntaxError.
        """
        source = path.read_text("utf-8", "replace")
        self.tree = ast.parse(source, str(path))
        stopping = filter(_is_max_of_number, ast.walk(self.tree))
        self.stops: int = next((node.lineno for node in stopping), 0)  # type: ignore[attr-defined]
        if mends:
            _Maximum().visit(self.tree)
        self.module = types.ModuleType(path.stem)
        self.names: dict[str, Any] = vars(self.module)
        self.names["__file__"] = str(path)
        self.patience = patience
        sys.modules[path.stem] = self.module  # as dataclasses want it
        self.problems: list[str] = []
        self.errors: list[str] = []
        self.failed: list[ast.stmt] = []
        imports = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        if any(ast.unparse(node) == "from __future__ import annotations" for node in imports):
            self._flags = __future__.annotations.compiler_flag
        self.plain = not any("numpy" in ast.unparse(node) for node in imports)
        runs = runs or is_definition
        for statement in statements_of(self.tree):
            if runs(statement) and not self.run([statement], self.names):
                self.failed.append(statement)
        self._tell_what_arguments_are_called()

    def run(
        self, statements: list[ast.stmt], names: dict[str, Any], seconds: float | None = None
    ) -> bool:
        """Run statements of the file, and return whether they ended without an error."""
        try:
            code = compile(ast.Module(statements, []), self.names["__file__"], "exec", self._flags)
            with limited(seconds or self.patience), as_main(self.names["__file__"]):
                exec(code, names)  # noqa: S102
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001
            self.problems.append(f"line {statements[0].lineno}: {describe(error)}")
            return False
        return True

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of the file, and of those beside it that it imports."""
        return {
            name: value
            for name, value in self.names.items()
            if isinstance(value, types.FunctionType) and self._owns(value)
        }

    def own_functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions that the file itself defines."""
        return {k: f for k, f in self.functions().items() if f.__module__ == self.module.__name__}

    def classes(self) -> list[type]:
        """Return the classes of the file, and of those beside it that it imports."""
        return [
            value for value in self.names.values() if isinstance(value, type) and self._owns(value)
        ]

    def _owns(self, value: Any) -> bool:
        """Tell whether a function or class comes from the file, or from one beside it."""
        if value.__module__ == self.module.__name__:
            return True
        file = getattr(sys.modules.get(value.__module__), "__file__", None) or ""
        return Path(file).parent == Path(self.names["__file__"]).parent

    def returned_names(self, function: Callable[..., Any]) -> list[str]:
        """Return the names in the last return statement of a function, or nothing.

        What has no name there has the one under which a caller keeps it.
        """
        own = self._returns.get(getattr(function, "__name__", ""), [])
        kept = self.kept_names(function)
        if len(kept) != len(own):
            return own
        return [a if a.isidentifier() else b for a, b in zip(own, kept, strict=True)]

    def kept_names(self, function: Callable[..., Any]) -> list[str]:
        """Return the names under which a caller keeps what a function returns, or nothing."""
        return self._kept.get(getattr(function, "__name__", ""), [])

    @cached_property
    def _returns(self) -> dict[str, list[str]]:
        return {
            node.name: [ast.unparse(value) for value in _returned(node)]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef)
        }

    @cached_property
    def _kept(self) -> dict[str, list[str]]:
        return {
            last_name(node.value.func): [ast.unparse(e) for e in _elements(node.targets[0])]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        }

    def _tell_what_arguments_are_called(self) -> None:
        """Keep with each function the names of the arguments with which it is called."""
        functions = {
            **self.functions(),
            **{k: f for c in self.classes() for k, f in vars(c).items()},
        }
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call):
                continue
            function = functions.get(last_name(node.func))
            if not isinstance(function, types.FunctionType):
                continue
            names = function.__code__.co_varnames[: function.__code__.co_argcount]
            names = names[1:] if names[:1] == ("self",) else names
            given = [
                *zip(names, node.args, strict=False),
                *((k.arg, k.value) for k in node.keywords),
            ]
            called = vars(function).setdefault("called_with", {})
            for name, value in given:
                called.setdefault(name, last_name(value))


def statements_of(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a program; those under `if __name__ == "__main__":` one by one."""
    for statement in tree.body:
        if isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            yield from statement.body
        else:
            yield statement


def is_definition(statement: ast.stmt) -> bool:
    """Tell whether a statement is an import, a definition or an assignment."""
    if isinstance(statement, ast.Expr):  # network.append(Dense(784, 16))
        call = statement.value
        return (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in ("append", "add", "extend")
        )
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return isinstance(statement, (*kinds, ast.Try, ast.AugAssign))


def _returned(function: ast.FunctionDef) -> list[ast.expr]:
    values = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
    return _elements(values[-1]) if values else []


def _elements(value: ast.expr) -> list[ast.expr]:
    """Return the elements of a tuple, or the value itself."""
    return list(value.elts) if isinstance(value, ast.Tuple) else [value]


def last_name(value: ast.AST) -> str:
    """Return the name of a variable or of an attribute, or nothing."""
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""


def describe(error: BaseException) -> str:
    """Return the kind and message of an error, in one line."""
    if isinstance(error, EndlessError):
        return f"it takes longer than {error}; is there an endless loop?"
    return f"{type(error).__name__}: {error}".split("\n")[0][:200]


@contextmanager
def as_main(file: str) -> Iterator[None]:
    """Make the command line look as if the file had been started without arguments."""
    before, sys.argv = sys.argv, [file]
    try:
        yield
    finally:
        sys.argv = before


class EndlessError(BaseException):
    """A call takes too long. It is no Exception, so that no program catches it by mistake."""


@contextmanager
def limited(seconds: float = PATIENCE) -> Iterator[None]:
    """Raise EndlessError in the block if it takes too long, where the system has such alarms."""

    def stop(*_: object) -> None:
        raise EndlessError(f"{seconds:g} second{'s' if seconds > 1 else ''}")

    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _is_max_of_number(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("max", "amax")
        and len(node.args) == 2
        and isinstance(node.args[0], ast.Constant)
    )


class _Maximum(ast.NodeTransformer):
    """Puts np.maximum(0, z) in the place of np.max(0, z)."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if _is_max_of_number(node):
            node.func = ast.Attribute(node.func.value, "maximum", ast.Load())  # type: ignore[attr-defined]
        return ast.fix_missing_locations(node)
