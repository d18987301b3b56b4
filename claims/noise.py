"""Claim 8: the network is confident on noise."""

from claim import BLUE, GREEN, ORANGE, Finding, chart, knobs, load_trained, report
from command import PREPARED, run

import numpy as np

from mnist_mlp.costs import Array
from mnist_mlp.dataset import DIGITS, PIXELS, Labels, load_dataset
from mnist_mlp.evaluation import answer
from mnist_mlp.randomness import generator

FAMILIES = {
    "default": ("cross-entropy", BLUE),
    "squared_error": ("squared error", ORANGE),
    "literal": ("the literal recipe", GREEN),
}


def noise() -> None:
    """Show uniform noise to networks of several recipes, and reject it by a threshold."""
    asked = knobs("noise")
    validation, test = (load_dataset(PREPARED, name) for name in ("validation", "test"))
    findings = []
    figure, axes = chart(
        "The largest output for images of uniform noise", "largest output", "share of images (%)"
    )
    for family, (recipe, colour) in FAMILIES.items():
        measured = []
        largest = []
        for seed, trained in enumerate(load_trained(family)):
            random = generator(seed, "claim", 8)
            images = random.random((asked["images"], PIXELS), dtype=np.float32)
            outputs = answer(trained.network, images)
            known = answer(trained.network, validation.images)
            threshold = lowest_threshold(known, validation.labels, asked["validation_accuracy"])
            accepted = answer(trained.network, test.images)
            passed = accepted.max(axis=1) >= threshold
            top = outputs.max(axis=1)
            largest.append(top)
            right = accepted.argmax(axis=1) == test.labels
            measured.append(
                {
                    "share of noise with an output over 0.5": np.mean(top > 0.5),
                    "share of noise with an output over 0.9": np.mean(top > 0.9),
                    "share of noise that is read as one digit": np.bincount(
                        outputs.argmax(axis=1), minlength=DIGITS
                    ).max()
                    / len(images),
                    "threshold that validation chose": threshold,
                    "share of noise below the threshold": np.mean(top < threshold),
                    "share of test digits above it": np.mean(passed),
                    "accuracy on these": np.mean(right[passed]),
                }
            )
        for name in measured[0]:
            bound = asked["confident"] if name.endswith("0.5") else None
            unit = ".3f" if name.startswith("threshold") else ".1%"
            values = [float(row[name]) for row in measured]
            findings.append(Finding(recipe, name, values, unit, at_least=bound))
        share = 100 / np.size(largest)
        bins = np.linspace(0, 1, 51)
        counts, _ = np.histogram(np.concatenate(largest), bins)
        axes.stairs(share * counts, bins, color=colour, label=recipe, linewidth=2)
    axes.legend(frameon=False)
    report("noise", 8, "It is confident on noise.", findings, figure)


def lowest_threshold(outputs: Array, labels: Labels, accuracy: float) -> float:
    """Return the lowest largest output above which this share of the answers is right.

    Where no threshold gives that, it is just above the largest output of all.
    """
    top = outputs.max(axis=1)
    order = np.argsort(-top)
    right = (outputs.argmax(axis=1) == labels)[order]
    enough = np.flatnonzero(np.cumsum(right) >= accuracy * np.arange(1, len(right) + 1))
    return float(top[order[enough[-1]]]) if len(enough) else float(np.nextafter(top.max(), 2))


if __name__ == "__main__":
    run(noise)
