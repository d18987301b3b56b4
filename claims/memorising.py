"""Claim 11: a network can memorise random labels as well as true ones."""

from claim import BLUE, GREY, PREPARED, Finding, chart, first, knobs, report, save_training, train
from command import run

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlp.data.dataset import DIGITS, PIXELS, Dataset, load_dataset
from mnist_mlp.learning.network import count_parameters


def memorising() -> None:
    """Compare true and random labels, then find how many random ones a network can fit.

    No image is held out. A network's training accuracy is that of its last epoch. All networks are
    trained by the claim's own recipe, and differ in the number of epochs alone.
    """
    asked = knobs("memorising")
    images = load_dataset(PREPARED, "training")
    with tempfile.TemporaryDirectory() as folder:
        everything = Fit(images, len(images.images), asked, Path(folder))
        hidden, epochs = [16, 16], asked["epochs_of_all"]
        random = everything("random", hidden, epochs)
        findings = compare(hidden, everything, random, epochs)
        most: dict[int, list[float]] = {}
        for width in asked["widths"]:
            size = count_parameters([PIXELS, width, DIGITS])
            counts = sorted(
                {min(round(s * size), everything.n) for s in asked["images_per_parameter"]}
            )
            fits = [Fit(images, n, asked, Path(folder)) for n in counts]
            accuracies = {fit.n: fit("random", [width], asked["epochs"]) for fit in fits}
            findings += compare([width], fits[0], accuracies[fits[0].n], asked["epochs"])
            most[width] = most_fitted(accuracies, asked["fitted"])
            measure = f"most random labels fitted to {asked['fitted']:.0%}, of those tried"
            findings.append(Finding(f"784-{width}-10", measure, most[width], ",.0f", of="runs"))
    figure, axes = chart(
        f"How many random labels a network fits to {asked['fitted']:.0%}",
        "weights and biases",
        "images",
    )
    sizes = np.array([count_parameters([PIXELS, width, DIGITS]) for width in most])
    for share, style in ((1, "-"), (0.1, "--")):
        label = "one image" if share == 1 else f"{share} images"
        axes.plot(sizes, share * sizes, style, color=GREY, label=f"{label} for each parameter")
    for size, (width, counts) in zip(sizes, most.items(), strict=True):
        axes.plot([size] * len(counts), counts, "o", color=BLUE, alpha=0.6)
        place = (size, max(counts))
        axes.annotate(f"784-{width}-10", place, (8, -12), textcoords="offset points")
    axes.set(xscale="log", yscale="log")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    said = "A network can memorise random labels as well as true ones."
    report(memorising, 11, said, findings, figure)


class Fit:
    """The first n images, on which networks are trained with one kind of labels or the other."""

    def __init__(self, images: Dataset, n: int, asked: dict[str, Any], folder: Path) -> None:
        self.n = n
        self.asked = asked
        self.prepared = save_training(folder / str(n), first(images, n))

    def __call__(self, labels: str, hidden: list[int], epochs: int) -> list[float]:
        """Return the last training accuracy, from 0 to 1, for each seed."""
        changes = {"labels": labels, "hidden": hidden, "epochs": epochs, "validation": 0}
        runs = train(self.asked["knobs"] | changes, self.asked["seeds"], self.prepared)
        return [run.history[-1]["training_accuracy"] for run in runs]


def compare(hidden: list[int], fit: Fit, random: list[float], epochs: int) -> list[Finding]:
    """Train on true labels, and compare with the accuracies on random ones for the same images."""
    real = fit("real", hidden, epochs)
    case = f"{'-'.join(map(str, [PIXELS, *hidden, DIGITS]))}, {fit.n:,} images"
    lead = (np.array(real) - random).tolist()
    measure = "training accuracy, true labels less random ones"
    return [
        Finding(case, measure, lead, ".1%", at_most=fit.asked["difference"]),
        Finding(case, "training accuracy with true labels", real, ".1%"),
        Finding(case, "training accuracy with random labels", random, ".1%"),
    ]


def most_fitted(by_images: dict[int, list[float]], accuracy: float) -> list[float]:
    """Return for each seed the largest number of images that was fitted, or 0."""
    return [
        max((n for n, a in zip(by_images, by_seed, strict=True) if a >= accuracy), default=0)
        for by_seed in zip(*by_images.values(), strict=True)
    ]


if __name__ == "__main__":
    run(memorising)
