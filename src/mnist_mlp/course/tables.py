"""Tables for a spreadsheet, of text that others wrote: no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_mlp.base.errors import printable
from mnist_mlp.base.files import atomic_write

PARTS = ("forward", "cost", "backprop", "step", "loop")  # of a learner's program
# A spreadsheet may also split lines at semicolons, tabs or bars, and skips spaces.
FORMULA = re.compile(r"(^|[,;|\t])(\s*)(?=[=+\-@＝＋－＠])")


class Mark(NamedTuple):
    """What a learner's program gets.

    name       of the learner, or of the file
    right      whether each of PARTS is right; parts that the program lacks are missing or None
    findings   what is wrong, in words
    accuracy   of the network that it trained, from 0 to 1, if it trained one
    """

    name: str
    right: Mapping[str, bool | None]
    findings: Sequence[str] = ()
    accuracy: float | None = None


def write_marks(path: Path, marks: Iterable[Mark]) -> None:
    """Write a table with a row for each learner."""
    words = {True: "right", False: "wrong", None: ""}
    rows = [
        [
            mark.name,
            *(words[mark.right.get(part)] for part in PARTS),
            sum(mark.right.get(part) is True for part in PARTS),
            "; ".join(mark.findings),
            "" if mark.accuracy is None else mark.accuracy,
        ]
        for mark in marks
    ]
    write_table(path, ["name", *PARTS, "right", "findings", "accuracy"], rows)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, in UTF-8 with the mark by which a spreadsheet knows it."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([[_cell(value) for value in row] for row in (header, *rows)])
    with atomic_write(path) as file:
        file.write(table.getvalue().encode("utf-8-sig"))


def _cell(value: object) -> object:
    return defuse(value) if isinstance(value, str) else value


def defuse(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, in one line.

    An apostrophe goes before what may begin one: = + - or @ at the start of a cell.
    """
    return FORMULA.sub(r"\1\2'", printable(text))
