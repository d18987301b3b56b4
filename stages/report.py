"""Stage 6, report: a page to draw digits on and see how the network reads them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import (
    MODEL,
    PARAMS,
    PREPARED,
    SNAPSHOTS,
    VALIDATION,
    ModelFile,
    ParamsFile,
    PreparedFolder,
    SnapshotsFile,
    ValidationFile,
    run,
)

import csv
import math
from typing import Annotated, TypeVar

import msgspec
import numpy as np
import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import load_params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import PIXELS, Dataset, load_dataset, load_split, relabelled
from mnist_mlp.learning.likeness import likeness_file, load_likeness
from mnist_mlp.learning.model import load_network, reads_straightened
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.snapshots import Snapshots, load_snapshots
from mnist_mlp.showing.report_page import TRAINING_DIGITS, gather, render

ACCURACY = Path("metrics/accuracy.json")
HISTORY = Path("metrics/history.csv")
PAGE = Path("metrics/report.html")
CLAIMS = Path("metrics/claims.json")
NOISE_IMAGES = 3
MAX_COST = 1e40  # more than training in float32 can reach

T = TypeVar("T")


class Claim(msgspec.Struct):
    """What the page shows of a claim."""

    statement: str
    measured: list[str]
    verdict: str


class Claims(msgspec.Struct):
    """The form of metrics/claims.json."""

    claims: list[Claim] = []


def report(
    *,
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    snapshots: SnapshotsFile = SNAPSHOTS,
    validation: ValidationFile = VALIDATION,
    metrics: Annotated[Path, typer.Option("--accuracy", help="The results.")] = ACCURACY,
    history: Annotated[Path, typer.Option(help="Cost and accuracy of each epoch.")] = HISTORY,
    claims: Annotated[Path, typer.Option(help="The claims, if there are any.")] = CLAIMS,
    page: Annotated[Path, typer.Option(help="The page.")] = PAGE,
) -> None:
    """Make a page to draw digits on and see how the network reads them.

    Reads data/model.npz, data/model.likeness.npz beside it if it exists, data/prepared,
    data/snapshots.npz, data/validation.npy, metrics/accuracy.json, metrics/history.csv, all knobs
    but dataset and refuse, metrics/claims.json if it exists, and the parts of the page in
    src/mnist_mlp/showing/page; writes metrics/report.html, one file that opens without a network.
    """
    params = load_params(params_file)
    network = load_network(model)
    test = load_dataset(prepared, "test")
    training = load_dataset(prepared, "training")
    split = load_split(validation, len(training.images))
    rows = split.training[:TRAINING_DIGITS]
    learned = Dataset(*(array[rows] for array in relabelled(training, split, params)))
    knobs = msgspec.json.decode(msgspec.json.encode(params))
    del knobs["dataset"], knobs["refuse"]  # which change nothing on the page
    noise = generator(params.seed, "noise").random((NOISE_IMAGES, PIXELS), dtype=np.float32)
    content = render(
        gather(
            network,
            test,
            learned,
            noise,
            history=_read_history(history),
            knobs=knobs,
            results=_read_results(metrics),
            claims=_read(claims, Claims, "make claims").claims if claims.exists() else [],
            snapshots=_read_snapshots(snapshots, network),
            likeness=load_likeness(likeness_file(model), network),
            straightened=reads_straightened(model),
        )
    )
    with atomic_write(page) as file:
        file.write(content)
    print(f"Open {page} in a browser, and draw a digit.")


def _read_snapshots(path: Path, network: Network) -> Snapshots:
    """Read what train wrote beside the network."""
    snapshots = load_snapshots(path)
    if snapshots.settings.sizes != network.sizes:
        raise InputError(
            f"{path}: expected snapshots of layers of {network.sizes}, found "
            f"{snapshots.settings.sizes}; run `dvc repro -f train`"
        )
    return snapshots


def _read_history(path: Path) -> dict[str, list[float]]:
    """Read the numbers that train wrote: a list for each column, with a value for each epoch."""
    highest = {"cost": MAX_COST, "accuracy": 1.0}
    figures = [f"{kind}_{what}" for kind in ("training", "validation") for what in highest]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = {
            name: [round(float(row[name]), 6) for row in rows] for name in ("epoch", *figures)
        }
        if not rows or columns["epoch"] != list(range(1, len(rows) + 1)):
            raise ValueError("found no rows for epochs 1, 2, ...")
        for name in figures:
            kind, what = name.split("_")
            for value in columns[name]:
                unknown = kind == "validation" and math.isnan(value)
                if not (unknown or 0 <= value <= highest[what]):
                    raise ValueError(f"found a {name} of {value:g}")
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected numbers for each epoch; {error}; run `dvc repro -f train`"
        ) from None
    return columns


def _read_results(path: Path) -> dict[str, int | float | str]:
    """Read what evaluate wrote: numbers, and the name of the data."""
    results = _read(path, dict[str, int | float | str], "dvc repro -f evaluate")
    texts = {name for name, value in results.items() if isinstance(value, str)}
    if texts - {"data"}:
        raise InputError(
            f"{path}: expected numbers, found text as {', '.join(sorted(texts))}; "
            "run `dvc repro -f evaluate`"
        )
    return results


def _read(path: Path, kind: type[T], command: str) -> T:
    """Read a JSON file, which a command writes. Raises InputError if it has another form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: expected what `{command}` writes; {error}; run it again"
        ) from None


if __name__ == "__main__":
    run(report)
