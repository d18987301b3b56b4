"""Grid search: networks with every combination of some knobs, each with several seeds."""

import itertools
import math
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params, check_params, load_params, read_values, write_value
from mnist_mlp.data.dataset import draw_split

MAX_NETWORKS = 100_000
ENOUGH = 5  # seeds to tell a difference from luck


class Task(NamedTuple):
    """One network of a sweep.

    changes   its values for the knobs of the grid
    knobs     all its knobs
    is_own    whether these are the knobs of params.yaml, but for the seed
    """

    changes: dict[str, Any]
    knobs: dict[str, Any]
    is_own: bool

    def options(self) -> str:
        """Write the changes as options of `dvc exp run`."""
        return " ".join(
            f"-S {shlex.quote(f'{k}={write_value(v)}')}" for k, v in self.changes.items()
        )


def read_grid(grid: list[str]) -> dict[str, list[Any]]:
    """Read knobs and their values, as in hidden=16,32; `expand` checks the values.

    Raises InputError if the text has another form.
    """
    knobs: dict[str, list[Any]] = {}
    for text in grid:
        knob, equals, values = text.partition("=")
        if not equals or knob in knobs:
            raise InputError(
                f"grid: expected each knob once, as in hidden=16,32, found {text!r}; see --help"
            )
        if knob == "seed":
            raise InputError(f"grid: expected --seeds to say how many, found {text!r}")
        if knob == "dataset":
            raise InputError(f"grid: expected one data set, that of data/raw, found {text!r}")
        knobs[knob] = read_values(values, f"grid: {knob}")
        if not knobs[knob]:
            raise InputError(f"grid: {knob}: expected at least one value, found none")
    return knobs


def expand(grid: Mapping[str, list[Any]], seeds: int, params_file: Path, images: int) -> list[Task]:
    """Return all networks, the seed changing fastest, then the last knob.

    `params_file` has the other knobs, and `images` is the number of images to train and validate
    with. With ENOUGH seeds its own knobs come last, unless the grid has them or they cannot be
    validated. Raises InputError for the first network of the grid that cannot be trained.
    """
    n = seeds * math.prod(len(values) for values in grid.values())
    if n > MAX_NETWORKS:
        raise InputError(f"grid: expected at most {MAX_NETWORKS:,} networks, found {n:,}")
    own = load_params(params_file)
    ours = msgspec.structs.asdict(own)
    place = f"{params_file} with the grid"
    tasks: list[Task] = []
    seen: set[Params] = set()
    for values in itertools.product(*grid.values()):
        changes = dict(zip(grid, values, strict=True))
        params = _check(ours | changes, place, images)
        if params in seen:
            raise InputError(f"grid: expected each combination once, found {changes} twice")
        seen.add(params)
        tasks += _with_seeds(changes, params, seeds, params == own)
    if seeds >= ENOUGH and own not in seen:
        with suppress(InputError):
            _check(ours, params_file, images)
            tasks += _with_seeds({knob: ours[knob] for knob in grid}, own, seeds, is_own=True)
    return tasks


def _check(knobs: dict[str, Any], place: object, images: int) -> Params:
    """Return the knobs of a network that can be trained and validated."""
    params = check_params(knobs, place)
    try:
        split = draw_split(images, params)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    if not len(split.validation):
        raise InputError(
            f"{place}: validation: expected a fraction that sets images aside, to compare by, "
            f"found {params.validation}"
        )
    return params


def _with_seeds(changes: dict[str, Any], params: Params, seeds: int, is_own: bool) -> list[Task]:
    knobs = msgspec.to_builtins(params)
    return [Task(changes, knobs | {"seed": seed}, is_own) for seed in range(seeds)]
