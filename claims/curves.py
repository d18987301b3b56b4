"""Claim 12: accuracy rises quickly with true labels, slowly and about linearly with random ones."""

from claim import (
    BLUE,
    CONTROL,
    ORANGE,
    PART_2,
    Finding,
    chart,
    first_examples,
    load_digits,
    load_settings,
    report,
    save_training,
    train_networks,
)
from command import run

import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from mnist_mlp.base.arrays import Array


def curves() -> None:
    """Train on the same images with true and with random labels, and compare the curves.

    The network and the recipe are the claim's own. The rise with random labels counts as about
    linear if its slope changes little from the first third to the last. R² of a straight line is
    given as well, but it is large for many bent curves too.
    """
    settings = load_settings("curves")
    training = load_digits("training")
    goal = settings["fitted"]
    percent = f"{100 * goal:g} %"
    with tempfile.TemporaryDirectory() as folder:
        save_training(Path(folder), first_examples(training, settings["images"]))
        changes = settings["knobs"] | {"validation": 0}
        real, random = (
            [
                np.array([epoch["training_accuracy"] for epoch in trained.history])
                for trained in train_networks(
                    changes | {"labels": labels}, settings["seeds"], Path(folder)
                )
            ]
            for labels in ("real", "random")
        )
    rises = [rise(curve, goal) for curve in random]
    ratios = [len(slow) / len(rise(quick, goal)) for quick, slow in zip(real, rises, strict=True)]
    slopes = [slope(up[-(len(up) // 3) :]) / slope(up[: len(up) // 3]) for up in rises]
    linear = [float(stats.linregress(range(len(up)), up).rvalue ** 2) for up in rises]
    reached = [float(max(curve) >= goal) for curve in (*real, *random)]
    bend = settings["bend"]
    slower = Finding(
        "“slowly”",
        f"epochs to {percent}, random ÷ true labels",
        ratios,
        "amount",
        1,
        settings["times"],
    )
    findings = [
        slower,
        Finding(
            "“about linearly”",
            f"random labels up to {percent}: slope of the last third ÷ slope of the first",
            slopes,
            "number",
            2,
            1 / bend,
            bend,
        ),
        Finding(
            "“about linearly”",
            f"random labels up to {percent}: R² of a straight line",
            linear,
            "fraction",
            3,
        ),
        Finding(
            CONTROL,
            f"fraction of trainings that reach {percent}",
            reached,
            "share",
            0,
            1.0,
            over="runs",
        ),
    ]
    figure, axes = chart(
        f"{settings['images']:,} images with true and with random labels",
        "epoch",
        "training accuracy (%)",
    )
    for values, colour, label in ((real, BLUE, "true"), (random, ORANGE, "random")):
        epochs = range(1, len(values[0]) + 1)
        axes.plot(epochs, 100 * np.transpose(values), color=colour, alpha=0.5)
        axes.plot([], [], color=colour, label=f"{label} labels")
    line = stats.linregress(range(1, len(rises[0]) + 1), rises[0])
    ends = np.array([1, len(rises[0])])
    axes.plot(ends, 100 * (line.intercept + line.slope * ends), "k--", label="straight line")
    axes.legend(frameon=False)
    report(
        curves,
        12,
        statement=(
            "Accuracy rises quickly with true labels, slowly and about linearly with random ones"
        ),
        source=PART_2,
        brief=f"Random labels take {slower} times as many epochs",
        meaning=(
            "What the network learns from an image with a true label helps with many others, so "
            "accuracy rises fast. A random label helps with no other image, so each epoch adds "
            "about as many right answers as the one before, until the network runs out of "
            "parameters."
        ),
        findings=findings,
        figure=figure,
    )


def slope(curve: Array) -> float:
    """Return the slope, per epoch, of the regression line through a curve."""
    return float(stats.linregress(range(len(curve)), curve).slope)


def rise(curve: Array, goal: float) -> Array:
    """Return a curve up to the epoch in which it reaches the goal, or all of it."""
    reached = np.flatnonzero(curve >= goal)
    return curve[: reached[0] + 1] if len(reached) else curve


if __name__ == "__main__":
    run(curves)
