"""Fail if a run's test accuracy is too low, or fell significantly by more than MAX_LOSS.

DVC shows the difference between two runs, but exits with 0 however far the accuracy fell.
docs/compare.md has a table of how often this is wrong.
"""

import sys
from typing import Annotated

import typer

from mnist_mlp.base.errors import InputError, in_one_line
from mnist_mlp.runs.versus import (
    ALPHA,
    PREDICTIONS,
    Comparison,
    compare_answers,
    read_answers,
)

MAX_LOSS = 0.005  # half a point; the seed alone rarely makes a larger difference


def loss(comparison: Comparison) -> float:
    """Return how far the one network's test accuracy is below the other's, from -1 to 1."""
    return (comparison.only_other - comparison.only_one) / comparison.digits


def fell(comparison: Comparison) -> bool:
    """Return whether the loss is significant and larger than MAX_LOSS."""
    return loss(comparison) > MAX_LOSS and comparison.p < ALPHA


def gate(
    run: Annotated[str, typer.Argument(help="The run to judge: its predictions.")] = PREDICTIONS,
    base: Annotated[
        str | None, typer.Option(help="The commit, or the predictions, to compare it with.")
    ] = None,
    at_least: Annotated[float, typer.Option(help="The lowest accuracy to accept.")] = 0,
) -> None:
    """Exit with 1 if the test accuracy is below a bound or fell significantly by over 0.005."""
    try:
        ours = read_answers(run)
        comparison = compare_answers(ours, ours if base is None else read_answers(base))
    except (InputError, OSError) as error:
        sys.exit(f"error: {in_one_line(error)}")
    right = sum(a == p for a, p in zip(ours.actual, ours.predicted, strict=True))
    accuracy = right / comparison.digits
    if not accuracy >= at_least:
        sys.exit(f"{run}: expected a test accuracy of at least {at_least}, found {accuracy:.4f}")
    if fell(comparison):
        sys.exit(
            f"{run}: expected no significant fall by over {MAX_LOSS} in test accuracy from {base}, "
            f"found {loss(comparison):.4f} less; {comparison.verdict}"
        )
    print(f"The test accuracy is {accuracy:.4f}: accepted.")


if __name__ == "__main__":
    typer.run(gate)
