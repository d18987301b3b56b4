"""Claim 12: accuracy rises quickly with true labels, slowly and about linearly with random ones."""

from claim import (
    BLUE,
    CONTROL,
    ORANGE,
    PREPARED,
    Finding,
    chart,
    first,
    knobs,
    report,
    save_training,
    train,
)
from command import run

import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import load_dataset


def curves() -> None:
    """Train on the same images with true and with random labels, and fit a line to the rise.

    The network and the recipe are the claim's own. The rise with random labels is about linear if
    it slows down little from its first third to its last; R², of a straight line through it, is
    large for many a bent curve too.
    """
    asked = knobs("curves")
    training = load_dataset(PREPARED, "training")
    with tempfile.TemporaryDirectory() as folder:
        save_training(Path(folder), first(training, asked["images"]))
        changes = asked["knobs"] | {"validation": 0}
        real, random = (
            [
                np.array([epoch["training_accuracy"] for epoch in trained.history])
                for trained in train(changes | {"labels": labels}, asked["seeds"], Path(folder))
            ]
            for labels in ("real", "random")
        )
    rises = [rise(curve, asked["fitted"]) for curve in random]
    ratios = [
        len(slow) / len(rise(quick, asked["fitted"]))
        for quick, slow in zip(real, rises, strict=True)
    ]
    linear = [float(stats.linregress(range(len(up)), up).rvalue ** 2) for up in rises]
    reached = [float(max(curve) >= asked["fitted"]) for curve in (*real, *random)]
    goal = f"{asked['fitted']:.0%}"
    quick, slow = f"epochs to {goal}, random ÷ true labels", f"random labels, up to {goal}"
    bend = asked["bend"]
    findings = [
        Finding("slowly", quick, ratios, ".1f", asked["times"]),
        Finding(
            "about linearly",
            f"{slow}: last third's slope ÷ first third's",
            [steepness(up[-(len(up) // 3) :]) / steepness(up[: len(up) // 3]) for up in rises],
            ".2f",
            1 / bend,
            bend,
        ),
        Finding("about linearly", f"{slow}: R² of a line", linear, ".3f"),
        Finding(CONTROL, f"share of trainings that reach {goal}", reached, ".0%", 1.0, of="runs"),
    ]
    figure, axes = chart(
        f"{asked['images']:,} images with true and with random labels",
        "epoch",
        "training accuracy (%)",
    )
    for values, colour, label in ((real, BLUE, "true"), (random, ORANGE, "random")):
        epochs = range(1, len(values[0]) + 1)
        axes.plot(epochs, 100 * np.transpose(values), color=colour, alpha=0.5)
        axes.plot([], [], color=colour, label=f"{label} labels")
    line = stats.linregress(range(1, len(rises[0]) + 1), rises[0])
    ends = np.array([1, len(rises[0])])
    axes.plot(
        ends, 100 * (line.intercept + line.slope * ends), "k--", label="line through the rise"
    )
    axes.legend(frameon=False)
    said = "With true labels accuracy rises quickly, with random ones slowly and about linearly."
    report(curves, 12, said, findings, figure)


def steepness(curve: Array) -> float:
    """Return the slope of the line through a curve, an epoch."""
    return float(stats.linregress(range(len(curve)), curve).slope)


def rise(curve: Array, goal: float) -> Array:
    """Return a curve up to where it reaches its goal, or all of it."""
    reached = np.flatnonzero(curve >= goal)
    return curve[: reached[0] + 1] if len(reached) else curve


if __name__ == "__main__":
    run(curves)
