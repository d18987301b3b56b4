"""Claim 8: the network is confident on noise."""

from claim import (
    BLUE,
    GREEN,
    ORANGE,
    PREPARED,
    RECIPES,
    Finding,
    chart,
    knobs,
    load_trained,
    recipe,
    report,
)
from command import PARAMS, run

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS, Labels, draw_split, load_dataset
from mnist_mlp.learning.evaluation import answer

MEASURES = (
    ("share of noise with an output over 0.5", ".1%"),
    ("share of noise with an output over 0.9", ".1%"),
    ("share of noise below the threshold that validation chose", ".1%"),
    ("share of test digits at or above that threshold", ".1%"),
    ("share of noise that is read as one digit", ".1%"),
    ("that threshold", ".3f"),
    ("accuracy on the test digits that pass", ".1%"),
)
FAMILIES = {
    "default": ("cross-entropy", BLUE),
    "squared_error": ("squared error", ORANGE),
    "literal": (RECIPES["literal"], GREEN),
}


def noise() -> None:
    """Show uniform noise to networks, and reject it by a threshold for the largest output.

    The threshold is chosen on validation digits alone: the lowest from which on the network reads
    the asked share of them right. Recipes: the project's default, whose cost is the cross-entropy;
    the same with squared error; and the literal one.
    """
    asked = knobs("noise")
    training, test = (load_dataset(PREPARED, name) for name in ("training", "test"))
    labels = training.labels
    findings = []
    figure, axes = chart(
        "The largest output for images of uniform noise", "largest output", "share of images (%)"
    )
    for family, (name, colour) in FAMILIES.items():
        largest = []
        rows = []
        for seed, trained in enumerate(load_trained(family)):
            random = generator(seed, "claim", 8)
            images = random.random((asked["images"], PIXELS), dtype=np.float32)
            outputs = answer(trained.network, images)
            top = outputs.max(axis=1)
            largest.append(top)
            digits = np.bincount(outputs.argmax(axis=1), minlength=DIGITS)
            held_out = draw_split(len(labels), recipe(family, seed)).validation
            if not len(held_out):
                raise InputError(
                    f"{PARAMS}: validation: expected a fraction that holds images out, to choose "
                    "a threshold with, found 0; `git restore params.yaml`"
                )
            known = answer(trained.network, training.images, held_out)
            threshold = lowest_threshold(known, labels[held_out], asked["validation_accuracy"])
            unseen = answer(trained.network, test.images)
            passed = unseen.max(axis=1) >= threshold
            right = (unseen.argmax(axis=1) == test.labels)[passed]
            shares = [top > 0.5, top > 0.9, top < threshold, passed]
            rows.append([*map(np.mean, shares), digits.max() / len(images), threshold])
            rows[-1].append(right.mean() if len(right) else 1.0)
        for (measure, unit), values in zip(MEASURES, np.transpose(rows).tolist(), strict=True):
            bound = asked["confident"] if measure == MEASURES[0][0] else None
            findings.append(Finding(name, measure, values, unit, at_least=bound))
        share = 100 / np.size(largest)
        bins = np.linspace(0, 1, 51)
        counts, _ = np.histogram(np.concatenate(largest), bins)
        axes.stairs(share * counts, bins, color=colour, label=name, linewidth=2)
    axes.legend(frameon=False)
    report(noise, 8, "It is confident on noise.", findings, figure)


def lowest_threshold(outputs: Array, labels: Labels, accuracy: float) -> float:
    """Return the lowest largest output from which on this share of the answers is right.

    Where no threshold gives that, it is just above the largest output of all.
    """
    top = outputs.max(axis=1)
    order = np.argsort(-top)
    right = np.cumsum((outputs.argmax(axis=1) == labels)[order])
    last = np.append(np.diff(top[order]) != 0, True)  # of answers that are equally sure
    enough = np.flatnonzero(last & (right >= accuracy * np.arange(1, len(right) + 1)))
    return float(top[order[enough[-1]]]) if len(enough) else float(np.nextafter(top.max(), 2))


if __name__ == "__main__":
    run(noise)
