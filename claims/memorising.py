"""Claim 11: a network can memorise random labels as well as true ones."""

from claim import (
    BLUE,
    GREY,
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
from typing import Any

import numpy as np

from mnist_mlp.data.dataset import DIGITS, PIXELS, Dataset
from mnist_mlp.learning.network import count_parameters


def memorising() -> None:
    """Compare true with random labels, then find how many random labels a network can memorise.

    All images are trained on. Training accuracy is that of the last epoch. The recipe is the
    claim's own; only the number of epochs differs.
    """
    settings = load_settings("memorising")
    fitted = f"{100 * settings['fitted']:g} %"
    images = load_digits("training")
    with tempfile.TemporaryDirectory() as folder:
        everything = Subset(images, len(images.images), settings, Path(folder))
        hidden, epochs = [16, 16], settings["epochs_of_all"]
        random = everything.fit("random", hidden, epochs)
        findings = compare_labels(hidden, everything, random, epochs)
        _, true_labels, random_labels = findings
        memorised: dict[int, list[float]] = {}
        for width in settings["widths"]:
            size = count_parameters([PIXELS, width, DIGITS])
            counts = sorted(
                {min(round(s * size), everything.n) for s in settings["images_per_parameter"]}
            )
            subsets = [Subset(images, n, settings, Path(folder)) for n in counts]
            accuracies = {
                subset.n: subset.fit("random", [width], settings["epochs"]) for subset in subsets
            }
            fewest = subsets[0]
            findings += compare_labels([width], fewest, accuracies[fewest.n], settings["epochs"])
            memorised[width] = max_fitted(accuracies, settings["fitted"])
            measure = f"largest tested number of random labels fitted to {fitted}"
            findings.append(
                Finding(shape_of([width]), measure, memorised[width], "amount", 0, over="runs")
            )
    figure, axes = chart(
        f"How many random labels a network fits to {fitted}",
        "weights and biases",
        "training images",
    )
    sizes = np.array([count_parameters([PIXELS, width, DIGITS]) for width in memorised])
    for images_each, style in ((1, "-"), (0.1, "--")):
        label = "one image" if images_each == 1 else f"{images_each} images"
        axes.plot(sizes, images_each * sizes, style, color=GREY, label=f"{label} per parameter")
    for size, (width, counts) in zip(sizes, memorised.items(), strict=True):
        axes.plot([size] * len(counts), counts, "o", color=BLUE, alpha=0.6)
        place = (size, max(counts))
        axes.annotate(shape_of([width]), place, (8, -12), textcoords="offset points")
    axes.set(xscale="log", yscale="log")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    report(
        memorising,
        11,
        statement="A network can memorise random labels as well as true ones",
        source=PART_2,
        brief=f"{shape_of(hidden)} fits {random_labels} of random, {true_labels} of true labels",
        meaning=(
            "True labels follow rules that many images share; random labels have to be memorised "
            "one by one, which takes several parameters for each image. The networks that the "
            "claim is about have many more parameters than images."
        ),
        findings=findings,
        figure=figure,
    )


class Subset:
    """The first n training images, to fit networks to with their true or with random labels."""

    def __init__(self, images: Dataset, n: int, settings: dict[str, Any], folder: Path) -> None:
        self.n = n
        self.settings = settings
        self.prepared = save_training(folder / str(n), first_examples(images, n))

    def fit(self, labels: str, hidden: list[int], epochs: int) -> list[float]:
        """Train a network with each seed; return its last training accuracies, from 0 to 1."""
        knobs = {"labels": labels, "hidden": hidden, "epochs": epochs, "validation": 0}
        changes = self.settings["knobs"] | knobs
        runs = train_networks(changes, self.settings["seeds"], self.prepared)
        return [run.history[-1]["training_accuracy"] for run in runs]


def compare_labels(
    hidden: list[int], subset: Subset, random: list[float], epochs: int
) -> list[Finding]:
    """Fit true labels too, and compare with the accuracies for random labels of the same images."""
    real = subset.fit("real", hidden, epochs)
    case = f"{shape_of(hidden)} ({subset.n:,} images)"
    lead = (np.array(real) - random).tolist()
    bound = subset.settings["difference"]
    return [
        Finding(case, "training accuracy, true − random labels", lead, "points", 1, at_most=bound),
        Finding(case, "training accuracy, true labels", real, "share", 1),
        Finding(case, "training accuracy, random labels", random, "share", 1),
    ]


def shape_of(hidden: list[int]) -> str:
    """Write the sizes of all layers, such as 784-16-16-10."""
    return "-".join(map(str, [PIXELS, *hidden, DIGITS]))


def max_fitted(by_images: dict[int, list[float]], accuracy: float) -> list[float]:
    """Return for each seed the largest number of images fitted to an accuracy, or 0."""
    return [
        max((n for n, a in zip(by_images, by_seed, strict=True) if a >= accuracy), default=0)
        for by_seed in zip(*by_images.values(), strict=True)
    ]


if __name__ == "__main__":
    run(memorising)
