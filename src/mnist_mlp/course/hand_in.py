"""Work that is handed in: the knobs, results and page of experiments, and a leaderboard of them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

import msgspec
from jinja2 import Environment, StrictUndefined
from msgspec import Meta

from mnist_mlp.base.errors import InputError, printable
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params, write_value
from mnist_mlp.course.spreadsheets import write_table

SUMMARY, PAGE = "hand-in.json", "report.html"
MAX_BYTES = 1_000_000  # of a summary
Fraction = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(max_length=10_000)]


class Results(msgspec.Struct):
    """What learners are compared by, of metrics/accuracy.json."""

    data: Text
    test_accuracy: Fraction
    parameters: Annotated[int, Meta(ge=1)]


class HandIn(msgspec.Struct):
    """A summary of what a learner hands in; `check` is what was said of their own program."""

    name: Text
    knobs: Annotated[dict[Text, Any], Meta(max_length=100)]
    results: Results
    check: Annotated[list[Text], Meta(max_length=1000)] = []


def write_hand_in(
    folder: Path,
    name: str,
    *,
    knobs: Mapping[str, Any],
    results: Mapping[str, Any],
    page: Path,
    check: Sequence[str] = (),
) -> None:
    """Write a summary and the page into a folder."""
    summary = {"name": name, "knobs": knobs, "results": results, "check": check}
    with page.open("rb") as source, atomic_write(folder / PAGE) as file:
        shutil.copyfileobj(source, file)
    with atomic_write(folder / SUMMARY) as file:
        file.write(json.dumps(summary, indent=2, ensure_ascii=False).encode() + b"\n")


def read_hand_in(folder: Path) -> HandIn:
    """Read a summary. Raises InputError if it is damaged, and OSError if it cannot be read."""
    path = folder / SUMMARY
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected at most {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(path.read_bytes(), type=HandIn)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected what `mnist-mlp hand-in` writes; {error}") from None


class Place(NamedTuple):
    """A row of the leaderboard. Equal accuracies share a rank; `page` is a relative address."""

    rank: int
    name: str
    accuracy: float
    parameters: int
    data: str
    changes: str
    check: str
    page: str


def rank(hand_ins: Mapping[str, HandIn]) -> list[Place]:
    """Rank hand-ins, by folder: the highest test accuracy first, then the fewest parameters."""
    ordered = sorted(
        hand_ins.items(),
        key=lambda item: (-item[1].results.test_accuracy, item[1].results.parameters),
    )
    accuracies = [each.results.test_accuracy for _, each in ordered]
    return [
        Place(
            1 + accuracies.index(each.results.test_accuracy),
            printable(each.name),
            each.results.test_accuracy,
            each.results.parameters,
            printable(each.results.data),
            printable(_changes(each.knobs)),
            printable("; ".join(each.check)),
            quote(f"{folder}/{PAGE}"),
        )
        for folder, each in ordered
    ]


def _changes(knobs: Mapping[str, Any]) -> str:
    """Write the knobs that are not at their defaults."""
    usual = {knob: write_value(value) for knob, value in msgspec.to_builtins(Params()).items()}
    written = {knob: write_value(value) for knob, value in knobs.items()}
    return ", ".join(f"{k}={value}" for k, value in written.items() if value != usual.get(k))


def write_leaderboard(places: Sequence[Place], table: Path, page: Path) -> None:
    """Write the ranked hand-ins as a table for a spreadsheet, and as a page."""
    columns = Place._fields[:-1]
    write_table(table, columns, [place[:-1] for place in places])
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = files(__package__).joinpath("leaderboard.html").read_text("utf-8")
    with atomic_write(page) as file:
        file.write(environment.from_string(source).render(places=places).encode())
