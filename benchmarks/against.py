"""Compare the speed of training with that of another commit, on one thread.

    git clone . ../before && git -C ../before checkout COMMIT
    PYTHONPATH=src python benchmarks/against.py ../before

Run it from the top of the project, after `dvc repro`. The two take turns, an epoch at a time.
Prints the median seconds per epoch, and the median and the range of their ratios, as a Markdown
table.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from speed import ROOT, Row, seconds_an_epoch, show_line, write_problem

ROWS = [
    Row([784, 16, 16, 10], "relu", 32, 0.1, (), 15),
    Row([784, 16, 16, 10], "relu", 10, 0.1, (), 15),
    Row([784, 16, 16, 10], "relu", 1, 0.01, (), 9),
    Row([784, 100, 10], "relu", 32, 0.1, (), 15),
    Row([784, 512, 256, 10], "relu", 128, 0.1, (), 9),
]


def command(clone: Path, problem: str) -> list[str | Path]:
    """Return the command that trains an epoch for each line of its input, with a clone's source."""
    source = f"PYTHONPATH={clone / 'src'}"
    contestant = clone / "benchmarks/contestants.py"
    return ["env", source, sys.executable, contestant, "project", "portable", problem]


def main(before: Annotated[Path, typer.Argument(help="A clone at the other commit.")]) -> None:
    """Print a row for each network."""
    os.environ["OMP_NUM_THREADS"] = "1"
    show_line("network, batch", "seconds", "seconds before", "ratio", "range")
    show_line(*["---"] * 5)
    for row in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            write_problem(Path(folder), row)
            commands = {str(clone): command(clone, folder) for clone in (ROOT, before.resolve())}
            ours, theirs = seconds_an_epoch(commands, row.turns).values()
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        show_line(
            f"{'-'.join(map(str, row.sizes))}, {row.batch_size}",
            *(f"{statistics.median(seconds):.3f}" for seconds in (ours, theirs, ratios)),
            f"{min(ratios):.2f} to {max(ratios):.2f}",
        )


if __name__ == "__main__":
    typer.run(main)
