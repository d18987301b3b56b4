"""Claim 8: the network is confident on noise."""

from claim import (
    BLUE,
    GREEN,
    ORANGE,
    PART_2,
    RECIPES,
    Finding,
    chart,
    load_digits,
    load_settings,
    load_trained,
    params_of,
    report,
)
from command import PARAMS, run

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS, Labels, draw_split
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.likeness import measure_likeness

MEASURES = (
    ("fraction of noise with an output over 0.5", "share", 1),
    ("fraction of noise with an output over 0.9", "share", 1),
    ("fraction of noise rejected by the threshold", "share", 1),
    ("fraction of test digits that pass the threshold", "share", 1),
    ("fraction of noise read as the most frequent answer", "share", 1),
    ("the threshold", "fraction", 3),
    ("accuracy on the test digits that pass", "share", 1),
    ("fraction of noise that does not look like a digit", "share", 1),
    ("fraction of test digits that do not look like a digit", "share", 1),
)
CASES = {
    "default": ("cross-entropy", BLUE),
    "squared_error": ("squared error", ORANGE),
    "videos": (RECIPES["videos"], GREEN),
}


def noise() -> None:
    """Show networks uniform noise, and try to reject it by a threshold for the largest output.

    The threshold is chosen on validation digits: it is the lowest one at which the wanted fraction
    of those that pass are read correctly. What does not look like a digit is too far from the
    training digits, in its pixels and the last hidden layer, as `mnist-mlp predict` measures it;
    that limit comes from validation digits too. The recipes are the project's default, with
    cross-entropy; the same with squared error; and the videos'.
    """
    settings = load_settings("noise")
    training, test = load_digits("training"), load_digits("test")
    labels = training.labels
    findings: list[Finding] = []
    figure, axes = chart(
        "The largest output for images of uniform noise", "largest output", "fraction of images (%)"
    )
    for recipe, (name, colour) in CASES.items():
        largest = []
        rows = []
        for seed, trained in enumerate(load_trained(recipe)):
            random = generator(seed, "claim", 8)
            images = random.random((settings["images"], PIXELS), dtype=np.float32)
            outputs = answer(trained.network, images)
            top = outputs.max(axis=1)
            largest.append(top)
            digits = np.bincount(outputs.argmax(axis=1), minlength=DIGITS)
            params = params_of(recipe, seed)
            split = draw_split(len(labels), params)
            held_out = split.validation
            if not len(held_out):
                raise InputError(
                    f"{PARAMS}: validation: expected a fraction above 0, because a threshold is "
                    "chosen on validation images, found 0; `git restore params.yaml`"
                )
            known = answer(trained.network, training.images, held_out)
            threshold = lowest_threshold(known, labels[held_out], settings["validation_accuracy"])
            unseen = answer(trained.network, test.images)
            passed = unseen.max(axis=1) >= threshold
            right = (unseen.argmax(axis=1) == test.labels)[passed]
            shares = [top > 0.5, top > 0.9, top < threshold, passed]
            rows.append([*map(np.mean, shares), digits.max() / len(images), threshold])
            rows[-1].append(right.mean() if len(right) else 1.0)
            likeness = measure_likeness(trained.network, training, split, params.refuse)
            for shown in (images, test.images):
                rows[-1].append(likeness.refuses(trained.network, shown).mean())
        for measure, values in zip(MEASURES, np.transpose(rows).tolist(), strict=True):
            what, unit, decimals = measure
            bound = settings["confident"] if measure == MEASURES[0] else None
            findings.append(Finding(name, what, values, unit, decimals, at_least=bound))
        percent = 100 / np.size(largest)
        bins = np.linspace(0, 1, 51)
        counts, _ = np.histogram(np.concatenate(largest), bins)
        axes.stairs(percent * counts, bins, color=colour, label=name, linewidth=2)
    axes.legend(frameon=False)
    confident, squared = findings[0], findings[len(MEASURES)]
    report(
        noise,
        8,
        statement="The network is confident on noise",
        source=PART_2,
        brief=f"{confident} of noise images get an output over 0.5, {squared} with squared error",
        meaning=(
            "The network has seen only digits in training, and no output means “none of these”. A "
            "threshold rejects some of the noise, but only at the price of rejecting real digits "
            "too. How far an image is from the training digits tells more than the outputs: that "
            "rejects all of the noise, and hardly a digit."
        ),
        findings=findings,
        figure=figure,
    )


def lowest_threshold(outputs: Array, labels: Labels, accuracy: float) -> float:
    """Return the lowest threshold for the largest output that gives the answers this accuracy.

    `outputs` is (n, 10), `labels` (n,). If no threshold does, the result is just above the
    largest output.
    """
    top = outputs.max(axis=1)
    order = np.argsort(-top)
    right = np.cumsum((outputs.argmax(axis=1) == labels)[order])
    last = np.append(np.diff(top[order]) != 0, True)  # of answers with the same output
    enough = np.flatnonzero(last & (right >= accuracy * np.arange(1, len(right) + 1)))
    return float(top[order[enough[-1]]]) if len(enough) else float(np.nextafter(top.max(), 2))


if __name__ == "__main__":
    run(noise)
