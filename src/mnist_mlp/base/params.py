"""The knobs: every hyperparameter, typed, and loaded from params.yaml with each value checked."""

import json
import re
import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
import yaml
from msgspec import Meta
from yaml import MarkedYAMLError

from mnist_mlp.base.errors import InputError

MAX_LAYERS = 100
MAX_BYTES = 100_000  # of params.yaml
REMOVED = ("label_smoothing", "patience")  # knobs that an older params.yaml may have
BelowOne = Annotated[float, Meta(ge=0, lt=1, description="a fraction from 0 to below 1")]
UpToOne = Annotated[float, Meta(ge=0, le=1, description="a fraction from 0 to 1")]
Count = Annotated[int, Meta(ge=1, le=10**6, description="a whole number from 1 to 1000000")]
Layers = Annotated[
    tuple[Count, ...],
    Meta(
        max_length=MAX_LAYERS,
        description="a number of neurons from 1 to 1000000, or a list like [16, 16]",
    ),
]
Activation = Literal["sigmoid", "relu", "tanh"]
CostName = Literal["squared_error", "cross_entropy", "binary_cross_entropy"]


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """All knobs of one run. params.yaml says what each does, and docs/knobs.md says more.

    The defaults are those of params.yaml. Raises InputError for a value that makes no sense.
    """

    dataset: Literal["auto", "mnist", "sample"] = "auto"
    validation: BelowOne = 0.1
    straighten: bool = False
    hidden: Layers = (16, 16)
    activation: Activation = "relu"
    cost: CostName = "cross_entropy"
    initial_weights: Literal["uniform", "gaussian", "xavier", "he"] = "xavier"
    learning_rate: Annotated[
        float, Meta(gt=0, le=1000, description="a number above 0, at most 1000")
    ] = 0.1
    momentum: BelowOne = 0.0
    nesterov: bool = False
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: Annotated[float, Meta(ge=0, le=1000, description="a number from 0 to 1000")] = (
        0.0005
    )
    batch_size: Count = 10
    epochs: Count = 15
    labels: Literal["real", "random"] = "real"
    augment: Literal["none", "shift", "deform"] = "none"
    final_strength: UpToOne = 1.0
    dropout: BelowOne = 0.0
    averaging: UpToOne = 0.0
    refuse: BelowOne = 0.005
    seed: Annotated[int, Meta(ge=0, description="a whole number of at least 0")] = 0
    kernels: Literal["portable", "fastest"] = "portable"

    def __post_init__(self) -> None:
        """Check every knob, and give it its type: 32 hidden neurons become (32,), and 1 is 1.0."""
        for knob, kind in _kinds().items():
            found = getattr(self, knob)
            found = found.tolist() if hasattr(found, "tolist") else found  # NumPy's numbers
            value = [found] if knob == "hidden" and not isinstance(found, list | tuple) else found
            try:
                msgspec.structs.force_setattr(self, knob, msgspec.convert(value, kind))
            except ValueError:
                raise InputError(
                    f"{knob}: expected {_describe(kind)}, found {_show(found)}"
                ) from None


@cache
def _kinds() -> dict[str, Any]:
    return get_type_hints(Params, include_extras=True)


def load_params(path: Path) -> Params:
    """Read and check every knob in a YAML file.

    Raises InputError, with the file, the knob, what was expected and what was found, for the
    first thing that is wrong, and OSError if the file cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: not found; run this at the top of the project")
    with restorable():
        return check_params(_read_mapping(path), path)


def check_params(knobs: Mapping[Any, Any], source: object) -> Params:
    """Check every knob of a run, as load_params does; errors name `source` instead of a file."""
    kinds = _kinds()
    for knob in knobs:
        if knob in REMOVED:
            raise InputError(f"{source}: {knob}: no longer a knob; delete it")
        if knob not in kinds:
            expected = ", ".join(kinds)
            raise InputError(f"{source}: unknown knob {_show(knob)}; expected only {expected}")
    for knob, kind in kinds.items():
        if knob not in knobs:
            raise InputError(f"{source}: {knob}: missing; expected {_describe(kind)}")
    try:
        return Params(**knobs)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


@contextmanager
def restorable(path: Path | None = None) -> Iterator[None]:
    """Add the file, and how to restore it, to an InputError about knobs."""
    try:
        yield
    except InputError as error:
        place = f"{path}: " if path else ""
        raise InputError(
            f"{place}{error}; to go back to the committed knobs: `git restore params.yaml`"
        ) from None


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader for plain values, by the rules of YAML 1.2, which DVC writes.

    1e-05 is a number here, and `no` and `1:30` are text. What knobs never need is refused: anchors,
    aliases, tags, and a knob that is set twice.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if event.anchor or getattr(event, "tag", None):
            raise MarkedYAMLError(None, None, "found an anchor, alias or tag", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                problem = f"found {_show(key.value)} a second time"
                raise MarkedYAMLError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?$", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$", list("-+.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_values(text: str, source: str) -> list[Any]:
    """Read values between commas as params.yaml would, without checking them.

    Raises InputError, with their source, if they are not YAML.
    """
    values: list[Any] = _parse(f"[{text}]", source)
    return values


def write_value(value: Any) -> str:
    """Write the value of a knob as `dvc exp run -S` takes it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _parse(text: str, source: object) -> Any:
    try:
        return _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = str(error)
        if isinstance(error, MarkedYAMLError) and error.problem_mark:
            problem = f"{error.problem} in line {error.problem_mark.line + 1}"
        raise InputError(f"{source}: expected YAML; {' '.join(problem.split())}") from None


def _read_mapping(path: Path) -> dict[Any, Any]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path}: expected at most {MAX_BYTES} bytes, found {size}")
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise InputError(f"{path}: expected YAML; {error}") from None
    knobs = _parse(text, path)
    if not isinstance(knobs, dict):
        raise InputError(f"{path}: expected one `knob: value` a line, found {_show(knobs)}")
    return knobs


def _describe(kind: Any) -> str:
    for note in getattr(kind, "__metadata__", ()):
        return str(note.description)
    if kind is bool:
        return "true or false"
    return "one of " + ", ".join(get_args(kind))


def _show(value: object) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else reprlib.repr(value)
