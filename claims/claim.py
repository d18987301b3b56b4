"""What the claims share: settings, networks trained by the train stage, findings and charts."""

import sys

try:
    from command import PARAMS

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    sys.exit(
        f"error: a claim needs the module {error.name}; run `make claims` first, and then "
        "`PYTHONPATH=stages:claims python claims/NAME.py` for a single claim"
    )

import csv
import inspect
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import yaml

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params, check_params, load_params
from mnist_mlp.data.dataset import SIDE, Dataset, load_dataset, save_description
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network
from mnist_mlp.runs.trainings import StageError, cluster, run_stage

SCRIPTS = Path("claims")
SETTINGS = SCRIPTS / "params.yaml"
NAMED = Path("benchmarks/named.yaml")
RESULTS = Path("data/claims")
PREPARED = RESULTS / "prepared"  # a copy of its own: `dvc repro` deletes and remakes data/prepared
NETWORKS = RESULTS / "networks"
REPRO = "run `dvc --cd claims repro`"
CONTROL = "control"
RECIPES = {"videos": "the videos' recipe", "default": "the project's default"}
PART_1, PART_2 = "3Blue1Brown part 1", "3Blue1Brown part 2"
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#888888"

# The types of settings by name; all others are numbers.
Count = Annotated[int, msgspec.Meta(ge=1)]
TYPES: dict[str, Any] = {
    **dict.fromkeys(("copies", "digits", "epochs", "epochs_of_all", "expected"), Count),
    **dict.fromkeys(("images", "pairs", "points", "seeds", "steps", "weights"), Count),
    **dict.fromkeys(("sizes", "widths"), list[Count]),
    **dict.fromkeys(("angles", "images_per_parameter", "rates", "shifts"), list[float]),
    "hidden": list[list[Count]],
    "knobs": dict[str, Any],
}


class Unit(NamedTuple):
    """How values of one kind are written, and the range of those that are possible."""

    factor: int
    suffix: str
    lowest: float
    highest: float


UNITS = {
    "share": Unit(100, " %", 0, 1),
    "points": Unit(100, " points", -1, 1),  # a difference of two shares
    "distance": Unit(100, " points", 0, 1),
    "fraction": Unit(1, "", 0, 1),
    "correlation": Unit(1, "", -1, 1),
    "amount": Unit(1, "", 0, np.inf),
    "number": Unit(1, "", -np.inf, np.inf),
}


def write_value(value: float, unit: str, decimals: int) -> str:
    """Write a value in one of UNITS; a zero has no sign."""
    factor, suffix, _, _ = UNITS[unit]
    return f"{round(factor * value, decimals) + 0.0:,.{decimals}f}{suffix}"


class Finding(NamedTuple):
    """One measurement. With bounds it helps to decide the claim, without it adds information.

    case       the case of the claim that it decides; CONTROL if it decides whether the
               measurements mean anything
    measure    what was measured
    values     one for each seed, or a single one if chance plays no part
    unit       one of UNITS
    decimals   with how many decimals a value is written
    at_least, at_most   the bounds between which the claim holds
    over       what the values belong to; only those of seeds are independent draws
    """

    case: str
    measure: str
    values: list[float]
    unit: str
    decimals: int
    at_least: float | None = None
    at_most: float | None = None
    over: str = "seeds"

    def __str__(self) -> str:
        """Write the mean of the values."""
        return write_value(float(np.mean(self.values)), self.unit, self.decimals)


class Settings(dict[str, Any]):
    """A section of claims/params.yaml."""

    def __init__(self, settings: dict[str, Any], section: str) -> None:
        super().__init__(settings)
        self.section = section

    def __missing__(self, name: str) -> Any:
        """Say in one line which setting is missing, instead of raising a KeyError."""
        raise InputError(
            f"{SETTINGS}: {self.section}: {name}: missing; found only {', '.join(self)}"
        )


def load_settings(section: str) -> Settings:
    """Read a section of claims/params.yaml: one for each script here, and the networks' recipes.

    Raises InputError if a section is missing or unknown, or a setting has the wrong type.
    """
    try:
        document = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
        sections = msgspec.convert(document, dict[str, Any])
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"{SETTINGS}: expected sections of settings; {problem}") from None
    expected = {script.stem for script in SCRIPTS.glob("*.py")} - {"claim"}
    for problem, names in (
        ("missing", expected - sections.keys()),
        ("unknown", sections.keys() - expected),
    ):
        if names:
            raise InputError(f"{SETTINGS}: {problem} sections: {', '.join(sorted(names))}")
    return _check(sections[section], section)


def load_recipe(name: str) -> Settings:
    """Read the seeds and knobs of a recipe under `networks` in claims/params.yaml."""
    return _check(load_settings("networks")[name], f"networks: {name}")


def load_named(name: str) -> dict[str, Any]:
    """Read the knobs of a named run."""
    document = yaml.safe_load(NAMED.read_text(encoding="utf-8"))
    knobs: dict[str, Any] = document["runs"][name]
    return knobs


def _check(settings: Any, section: str) -> Settings:
    if not isinstance(settings, dict):
        raise InputError(f"{SETTINGS}: {section}: expected settings, found {settings!r}")
    for name, value in settings.items() if section != "networks" else ():
        try:
            msgspec.convert(value, TYPES.get(name, float))
        except msgspec.ValidationError as error:
            expected = str(error).lower().partition(", got")[0]
            raise InputError(
                f"{SETTINGS}: {section}: {name}: {expected}, found {value!r}"
            ) from None
    return Settings(settings, section)


@contextmanager
def changed_params(changes: dict[str, Any]) -> Iterator[Path]:
    """Write params.yaml with some knobs changed to a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS.name
        knobs = yaml.safe_load(PARAMS.read_text(encoding="utf-8")) | changes
        path.write_text(yaml.safe_dump(knobs), encoding="utf-8")
        yield path


def params_of(recipe: str, seed: int) -> Params:
    """Return the knobs with which the network of a recipe and a seed is trained."""
    ours = msgspec.structs.asdict(load_params(PARAMS))
    return check_params(ours | load_recipe(recipe)["knobs"] | {"seed": seed}, SETTINGS)


class Trained(NamedTuple):
    """A trained network, and its history: a dictionary for each row of metrics/history.csv."""

    network: Network
    history: list[dict[str, float]]


def train_networks(
    changes: dict[str, Any], seeds: int, prepared: Path = PREPARED, keep: Path | None = None
) -> list[Trained]:
    """Run the train stage with some knobs of params.yaml changed, for the seeds 0, 1, 2, ...

    Each processor trains one network at a time. `keep` is the folder that the networks are kept in.
    """
    with tempfile.TemporaryDirectory() as temporary, cluster() as client:
        folder = keep or Path(temporary)
        jobs = [
            client.submit(
                _train_one,
                changes | {"seed": seed},
                prepared,
                folder / f"{seed:03}.npz",
                pure=False,
            )
            for seed in range(seeds)
        ]
        trained: list[Trained] = client.gather(jobs)
        return trained


def _train_one(changes: dict[str, Any], prepared: Path, model: Path) -> Trained:
    history = model.with_suffix(".csv")
    with changed_params(changes) as params:
        try:
            paths = {"params": params, "prepared": prepared, "model": model, "history": history}
            paths |= {"validation": model.with_suffix(".npy")}
            run_stage("train", **paths, snapshots=model.with_suffix(".snapshots"))
        except StageError as error:
            raise InputError(
                f"{SETTINGS}: the train stage refused the knobs {changes}: {error}"
            ) from None
    return Trained(load_network(model), load_history(history))


def load_history(path: Path) -> list[dict[str, float]]:
    """Read a history.csv without its last column, the hash of the parameters."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: float(v) for k, v in row.items() if k != "parameters_hash"} for row in rows]


def load_trained(recipe: str, seeds: int = 0) -> list[Trained]:
    """Read the trained networks of a recipe: those of its first seeds, or of all with 0."""
    paths = sorted((NETWORKS / recipe).glob("*.npz"))
    if not paths:
        raise InputError(f"{NETWORKS / recipe}: expected trained networks, found none; {REPRO}")
    if len(paths) < seeds:
        raise InputError(
            f"{SETTINGS}: networks: {recipe}: seeds: expected at least {seeds}, because a claim "
            f"uses as many, found {len(paths)}"
        )
    return [
        Trained(load_network(path), load_history(path.with_suffix(".csv")))
        for path in paths[: seeds or None]
    ]


def load_digits(name: str) -> Dataset:
    """Read the `training` or `test` digits that the claims' own pipeline prepares."""
    try:
        return load_dataset(PREPARED, name)
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not found; {REPRO}") from None


def accuracy_on(network: Network, dataset: Dataset) -> float:
    """Return the network's accuracy, from 0 to 1, on a data set."""
    return accuracy(answer(network, dataset.images), dataset.labels)


def to_float64(network: Network) -> Network:
    """Copy a network to float64, for differences that are too small for float32."""
    copy = Network(network.sizes, network.activation, network.cost, np.float64)
    copy.parameters[:] = network.parameters
    return copy


def first_examples(dataset: Dataset, n: int) -> Dataset:
    """Return the first n examples of a data set."""
    return Dataset(*(array[:n] for array in dataset))


@contextmanager
def straightened_digits() -> Iterator[Path]:
    """Prepare the digits with the knob straighten, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder, changed_params({"straighten": True}) as params:
        run_stage("preprocess", params=params, prepared=folder)
        yield Path(folder)


def save_training(folder: Path, training: Dataset) -> Path:
    """Write a training set for the train stage to read; return the folder."""
    save_description(folder, "mnist", straightened=False)
    for part, array in zip(Dataset._fields, training, strict=True):
        with atomic_write(folder / f"training_{part}.npy", durable=False) as file:
            np.save(file, np.ascontiguousarray(array))
    return folder


def chart(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """Return a figure with one empty chart."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    axes.set_title(title, loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    return figure, axes


def show_image(axes: Axes, pixels: Array, title: str = "", limit: float | None = None) -> None:
    """Show 784 pixels from 0, white, to 1, black, or weights from -limit, red, to limit, blue."""
    colours, lowest, highest = ("Greys", 0.0, 1.0) if limit is None else ("RdBu", -limit, limit)
    axes.imshow(pixels.reshape(SIDE, SIDE), colours, vmin=lowest, vmax=highest)
    axes.set_title(title, fontsize=10)
    axes.set(xticks=[], yticks=[])


def report(
    measure: Callable[[], None],
    number: int,
    *,
    statement: str,
    source: str,
    brief: str,
    meaning: str,
    findings: Sequence[Finding],
    figure: Figure | None = None,
) -> None:
    """Write the findings on a claim, and its picture, to data/claims/NAME.

    NAME is that of the function that measured them, whose docstring says how. `statement` is the
    claim, without a full stop, and `source` where it is made; `brief` gives the result in half a
    sentence, with figures that were measured; `meaning` explains it, whatever the verdict is.
    """
    name = measure.__name__
    result = {
        "name": name,
        "number": number,
        "statement": statement,
        "source": source,
        "brief": brief,
        "how": inspect.getdoc(measure),
        "meaning": meaning,
        "findings": [finding._asdict() for finding in findings],
    }
    with atomic_write(RESULTS / name / "findings.json") as file:
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        file.write((text + "\n").encode())
    if figure:
        with atomic_write(RESULTS / name / "picture.png") as file:
            figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
