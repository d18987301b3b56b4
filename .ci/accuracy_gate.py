"""Fail unless a run's test accuracy is a number, and no lower than it may be.

DVC shows the difference between two runs, but exits with 0 even where the accuracy fell, is
not a number or is missing. Here each of these ends in one line and exit code 1.
"""

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

TOLERANCE = 0.005  # the accuracy may fall by half a point: seeds alone differ by less


def read_accuracy(path: Path) -> float:
    """Return the test accuracy in a metrics file; exit where it has none."""
    try:
        accuracy = json.loads(path.read_text(encoding="utf-8"))["test_accuracy"]
        if type(accuracy) in (int, float) and math.isfinite(accuracy):
            return float(accuracy)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: expected a test_accuracy; {type(error).__name__}: {error}")
    sys.exit(f"{path}: expected a number as test_accuracy, found {accuracy!r}")


def gate(
    metrics: Annotated[Path, typer.Argument(help="The run to judge.")],
    base: Annotated[Path | None, typer.Option(help="The run that it is held against.")] = None,
    at_least: Annotated[float, typer.Option(help="The lowest accuracy to accept.")] = 0,
) -> None:
    """Exit with 1 if the test accuracy is below a bound, or fell by more than 0.005."""
    accuracy = read_accuracy(metrics)
    lowest = max(at_least, read_accuracy(base) - TOLERANCE if base else 0)
    if accuracy < lowest:
        sys.exit(f"{metrics}: expected a test accuracy of {lowest:.4f}, found {accuracy:.4f}")
    print(f"The test accuracy is {accuracy:.4f}; the lowest to accept is {lowest:.4f}.")


if __name__ == "__main__":
    typer.run(gate)
