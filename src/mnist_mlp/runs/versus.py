"""Compare two networks on the same test digits: whether they differ, or it may be luck."""

import math
import re
from pathlib import Path
from typing import NamedTuple

from mnist_mlp.base.errors import InputError
from mnist_mlp.runs.compare import committed

PREDICTIONS = "metrics/predictions.csv"
ALPHA = 0.05  # significance level: how often equal networks are said to differ


class Answers(NamedTuple):
    """A network's predictions: the digits of the test images, and what it reads, each from 0 to 9.

    `source` names the file or commit that they are from.
    """

    source: str
    actual: list[int]
    predicted: list[int]


class Comparison(NamedTuple):
    """How many test digits there are, and how many of them only one of two networks reads right."""

    digits: int
    only_one: int
    only_other: int

    @property
    def p(self) -> float:
        """The p-value of McNemar's exact test, two-sided, from 0 to 1.

        It is 0 only if it is too small for a float.
        """
        n = self.only_one + self.only_other
        tail = sum(math.comb(n, k) for k in range(min(self.only_one, self.only_other) + 1))
        return min(1.0, 2 * tail / (1 << n))

    @property
    def verdict(self) -> str:
        """The p-value, and whether it is below ALPHA, in words."""
        p = f"p = {self.p:.4f}" if self.p >= 0.0001 else "p < 0.0001"
        words = "these networks differ" if self.p < ALPHA else "no difference seen"
        return f"{p} by McNemar's exact test: {words} (alpha {ALPHA})."


def read_answers(source: str) -> Answers:
    """Read a predictions.csv: a file whose name ends in .csv, or that of a commit.

    Raises InputError if it is not what `evaluate` writes or the commit has none, and OSError if the
    file cannot be read.
    """
    if source.endswith(".csv"):
        text = Path(source).read_text(encoding="utf-8", errors="replace")
    else:
        text = committed(source, PREDICTIONS)
    header, *rows = text.splitlines() or [""]
    if header != "actual,predicted" or not rows:
        raise InputError(f"{source}: expected the predictions that `dvc repro` writes")
    for line, row in enumerate(rows, 2):
        if not re.fullmatch("[0-9],[0-9]", row):
            raise InputError(f"{source}: line {line}: expected two digits, as in 7,7")
    return Answers(source, [int(row[0]) for row in rows], [int(row[2]) for row in rows])


def compare_answers(one: Answers, other: Answers) -> Comparison:
    """Count what two networks read correctly. Raises InputError if their test digits differ."""
    if one.actual != other.actual:
        raise InputError(
            f"{other.source}: expected the same test digits as in {one.source}, found others; "
            "compare two runs on MNIST, or two on the sample"
        )
    right = [
        (ours == actual, theirs == actual)
        for actual, ours, theirs in zip(one.actual, one.predicted, other.predicted, strict=True)
    ]
    return Comparison(len(right), right.count((True, False)), right.count((False, True)))
