"""Tables for a spreadsheet, of text that others wrote: no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mnist_mlp.base.errors import printable
from mnist_mlp.base.files import atomic_write

# A spreadsheet may also split lines at semicolons, tabs or bars, and skips spaces.
FORMULA = re.compile(r"(^|[,;|\t])(\s*)(?=[=+\-@＝＋－＠])")


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
