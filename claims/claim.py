"""What the claims share: networks trained by the train stage, findings, and pictures."""

import sys

try:
    from command import PARAMS

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    sys.exit(
        f"error: a claim needs the module {error.name}; run `make claims`, or, once it has run, "
        "`PYTHONPATH=stages python claims/NAME.py`"
    )

import csv
import inspect
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import yaml

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.base.params import Params, check_params, load_params
from mnist_mlp.data.dataset import SIDE, Dataset
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.network import Network
from mnist_mlp.runs.trainings import StageError, cluster, run_stage

KNOBS = Path("claims/params.yaml")
RESULTS = Path("data/claims")
PREPARED = RESULTS / "prepared"  # their own: `dvc repro` deletes data/prepared before it is renewed
NETWORKS = RESULTS / "networks"
CONTROL = "control"
RECIPES = {"literal": "the literal recipe", "default": "the project's default"}
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#888888"


class Finding(NamedTuple):
    """One measurement that speaks for or against a claim, or, without bounds, beside it.

    case       the case of the claim that it decides; CONTROL, where it decides whether the
               measurements mean anything
    measure    what was measured
    values     one for each seed, or a single one where there is no chance in it
    unit       how a value is written: ".2%", ".3f", ",.0f"
    at_least, at_most   between which bounds the claim holds
    of         what the values are of, where they are not independent draws: pairs, images
    """

    case: str
    measure: str
    values: list[float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    of: str = "seeds"


class Knobs(dict[str, Any]):
    """Knobs by their names; one that is missing is the reader's mistake."""

    def __missing__(self, name: str) -> Any:
        """Refuse in one line, in place of a KeyError."""
        raise InputError(f"{KNOBS}: expected {name}, found only {', '.join(self)}")


def knobs(name: str) -> Knobs:
    """Return what claims/params.yaml says under a name."""
    try:
        return Knobs(Knobs(yaml.safe_load(KNOBS.read_text(encoding="utf-8")))[name])
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise InputError(f"{KNOBS}: expected knobs; {' '.join(str(error).split())}") from None


@contextmanager
def changed(changes: dict[str, Any]) -> Iterator[Path]:
    """Write params.yaml with some knobs changed to a file, which is there until the block ends."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".yaml") as file:
        yaml.safe_dump(yaml.safe_load(PARAMS.read_text(encoding="utf-8")) | changes, file)
        file.flush()
        yield Path(file.name)


def recipe(family: str, seed: int) -> Params:
    """Return the knobs that a network of this family and seed is trained with."""
    ours = msgspec.structs.asdict(load_params(PARAMS))
    return check_params(ours | knobs("networks")[family]["knobs"] | {"seed": seed}, KNOBS)


class Trained(NamedTuple):
    """A trained network, and its history: a dictionary for each row of metrics/history.csv."""

    network: Network
    history: list[dict[str, float]]


def train(
    changes: dict[str, Any], seeds: int, prepared: Path = PREPARED, keep: Path | None = None
) -> list[Trained]:
    """Run the train stage with some knobs of params.yaml changed, for the seeds 0, 1, 2, ...

    As many trainings as there are processors run at a time. `keep` is a folder for the networks.
    """
    with tempfile.TemporaryDirectory() as temporary, cluster() as client:
        folder = keep or Path(temporary)
        jobs = [
            client.submit(
                _train, changes | {"seed": seed}, prepared, folder / f"{seed:03}.npz", pure=False
            )
            for seed in range(seeds)
        ]
        trained: list[Trained] = client.gather(jobs)
        return trained


def _train(changes: dict[str, Any], prepared: Path, model: Path) -> Trained:
    history = model.with_suffix(".csv")
    with changed(changes) as params:
        try:
            paths = {"params": params, "prepared": prepared, "model": model, "history": history}
            run_stage("train", **paths, validation=model.with_suffix(".npy"))
        except StageError as error:
            raise InputError(
                f"{KNOBS}: the train stage refused the knobs {changes}: {error}"
            ) from None
    return Trained(load_network(model), load_history(history))


def load_history(path: Path) -> list[dict[str, float]]:
    """Read a history.csv, but for the hash of the parameters."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: float(v) for k, v in row.items() if k != "parameters_hash"} for row in rows]


def load_trained(family: str, seeds: int | None = None) -> list[Trained]:
    """Read the networks of a family: of all its seeds, or of the first ones."""
    paths = sorted((NETWORKS / family).glob("*.npz"))
    if len(paths) < (seeds or 1):
        raise InputError(
            f"{KNOBS}: networks: {family}: seeds: expected at least {seeds or 1}, for that many "
            f"are asked about, found {len(paths)}"
        )
    return [
        Trained(load_network(path), load_history(path.with_suffix(".csv")))
        for path in paths[:seeds]
    ]


def share_right(network: Network, dataset: Dataset) -> float:
    """Return the network's accuracy on a data set."""
    return accuracy(answer(network, dataset.images), dataset.labels)


def exact(network: Network) -> Network:
    """Copy a network to one of float64, for differences that float32 would round away."""
    copy = Network(network.sizes, network.activation, network.cost, np.float64)
    copy.parameters[:] = network.parameters
    return copy


def first(dataset: Dataset, n: int) -> Dataset:
    """Return the first n examples."""
    return Dataset(*(array[:n] for array in dataset))


def save_training(folder: Path, training: Dataset) -> Path:
    """Write a training set for the train stage to read; return the folder."""
    for part, array in zip(Dataset._fields, training, strict=True):
        with whole_file(folder / f"training_{part}.npy", durable=False) as file:
            np.save(file, np.ascontiguousarray(array))
    return folder


def chart(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """Begin a picture of one chart."""
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
    said: str,
    findings: Sequence[Finding],
    figure: Figure | None = None,
) -> None:
    """Write what was found of a claim to data/claims/NAME, with its picture.

    NAME is that of the function that measured it, whose docstring tells the reader how.
    """
    name = measure.__name__
    result = {
        "name": name,
        "number": number,
        "said": said,
        "how": inspect.getdoc(measure),
        "findings": [f._asdict() for f in findings],
    }
    with whole_file(RESULTS / name / "findings.json") as file:
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        file.write((text + "\n").encode())
    if figure:
        with whole_file(RESULTS / name / "picture.png") as file:
            figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
