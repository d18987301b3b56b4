"""Claim 11: a network can memorise random labels as well as true ones."""

from claim import (
    BLUE,
    GREY,
    Finding,
    chart,
    knobs,
    report,
    save_dataset,
    train,
)
from command import PREPARED, run

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlp.dataset import DIGITS, PIXELS, Dataset, load_dataset
from mnist_mlp.network import count_parameters


def memorising() -> None:
    """Compare true and random labels on all images, then find how many random ones can be fitted.

    All images are the training and the validation images. A network's training accuracy is that
    of its last epoch.
    """
    asked = knobs("memorising")
    parts = [load_dataset(PREPARED, name) for name in ("training", "validation")]
    images, targets = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    everything = Dataset(images, targets)
    with tempfile.TemporaryDirectory() as folder:
        small = knobs("networks")["default"]["knobs"]
        seeds = asked["seeds"]
        real = fit(small | {"labels": "real"}, everything, len(images), seeds, Path(folder))
        random = fit(small | {"labels": "random"}, everything, len(images), seeds, Path(folder))
        fitted = {
            width: fit_width(width, asked, everything, Path(folder)) for width in asked["widths"]
        }
    everyone = f"784-16-16-10, all {len(images):,} images"
    lead = (np.array(real) - random).tolist()
    measure = "training accuracy, true labels less random ones"
    findings = [
        Finding(everyone, "training accuracy with true labels", real, ".1%"),
        Finding(everyone, "training accuracy with random labels", random, ".1%"),
        Finding(everyone, measure, lead, ".1%", at_most=asked["difference"]),
    ]
    most: dict[int, list[float]] = {}
    for width, by_images in fitted.items():
        few = min(by_images)
        measure = "training accuracy with random labels"
        case = f"784-{width}-10, {few:,} images"
        findings.append(Finding(case, measure, by_images[few], ".1%", at_least=asked["fitted"]))
        most[width] = most_fitted(by_images, asked["fitted"])
        measure = f"random labels fitted to {asked['fitted']:.0%}, at most"
        findings.append(Finding(f"784-{width}-10", measure, most[width], ",.0f"))
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
        place = (size, float(np.mean(counts)))
        axes.annotate(f"784-{width}-10", place, (8, -12), textcoords="offset points")
    axes.set(xscale="log", yscale="log")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    said = "A network can memorise random labels as well as true ones."
    report("memorising", 11, said, findings, figure)


def fit(changes: dict[str, Any], dataset: Dataset, n: int, seeds: int, folder: Path) -> list[float]:
    """Return the last training accuracy on the first n images, for each seed."""
    prepared = folder / str(n)
    if not prepared.exists():
        save_dataset(prepared, "training", Dataset(*(array[:n] for array in dataset)))
        save_dataset(prepared, "validation", Dataset(*(array[:0] for array in dataset)))
    runs = train(changes, seeds, prepared)
    return [run.history[-1]["training_accuracy"] for run in runs]


def fit_width(
    width: int, asked: dict[str, Any], dataset: Dataset, folder: Path
) -> dict[int, list[float]]:
    """Return for ever more images the training accuracies of a network with random labels."""
    changes = asked["knobs"] | {"hidden": [width], "labels": "random"}
    size = count_parameters([PIXELS, width, DIGITS])
    counts = {
        min(round(share * size), len(dataset.images)) for share in asked["images_per_parameter"]
    }
    return {n: fit(changes, dataset, n, asked["seeds"], folder) for n in sorted(counts)}


def most_fitted(by_images: dict[int, list[float]], accuracy: float) -> list[float]:
    """Return for each seed the largest number of images that was fitted, or 0."""
    return [
        max((n for n, a in zip(by_images, by_seed, strict=True) if a >= accuracy), default=0)
        for by_seed in zip(*by_images.values(), strict=True)
    ]


if __name__ == "__main__":
    run(memorising)
