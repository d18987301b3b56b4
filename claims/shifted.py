"""Claim 10: the network was only shown centred, unmoving digits."""

from claim import (
    BLUE,
    ORANGE,
    Finding,
    knobs,
    load_trained,
    report,
    save_dataset,
    train,
)
from command import PREPARED, run

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from mnist_mlp.costs import Array
from mnist_mlp.dataset import PIXELS, SIDE, Dataset, Labels, load_dataset
from mnist_mlp.evaluation import accuracy, answer
from mnist_mlp.network import Network
from mnist_mlp.randomness import generator

GROUP = 500  # images that are moved and turned alike, in one call


def shifted() -> None:
    """Test networks on digits moved and turned ever further, with and without such training."""
    asked = knobs("shifted")
    test = load_dataset(PREPARED, "test")
    networks = {
        "trained on centred digits": [
            trained.network for trained in load_trained("default")[: asked["seeds"]]
        ],
        "trained on moved and turned ones too": train_moved(asked),
    }
    distances = [
        [(0, d, 0), (0, -d, 0), (0, 0, d), (0, 0, -d)] for d in asked["shifts"]
    ]  # angle, down, across
    angles = [[(angle, 0, 0), (-angle, 0, 0)] for angle in asked["angles"]]
    figure = Figure(figsize=(8, 4), layout="constrained")
    figure.suptitle("Unseen digits, moved and turned", fontweight="bold", fontsize=12)
    findings = []
    for axes, steps, moves, what in zip(
        figure.subplots(1, 2, sharey=True),
        (asked["shifts"], asked["angles"]),
        (distances, angles),
        ("pixels", "degrees"),
        strict=True,
    ):
        half = len(steps) // 2
        results: dict[str, list[list[float]]] = {name: [] for name in networks}
        for ways in moves:
            images = [moved(test.images, *way) for way in ways]
            for name, family in networks.items():
                results[name].append(
                    [mean_accuracy(network, images, test.labels) for network in family]
                )
        for (name, values), colour in zip(results.items(), (BLUE, ORANGE), strict=True):
            axes.plot(steps, 100 * np.array(values), "o-", color=colour, markersize=4)
            axes.plot([], [], "o-", color=colour, label=name)
            fall = (np.array(values[0]) - np.array(values[half])).tolist()
            bound = asked["fall"] if name == "trained on centred digits" else None
            measure = f"fall in test accuracy from 0 to {steps[half]} {what}"
            findings.append(Finding(name, measure, fall, ".1%", at_least=bound))
        axes.set(xlabel=what, ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("accuracy (%)")
    figure.axes[1].legend(frameon=False, fontsize=9, loc="lower left")
    report("shifted", 10, "It was only shown centred, unmoving digits.", findings, figure)


def train_moved(asked: dict[str, Any]) -> list[Network]:
    """Train networks on every image as it is, and on copies moved and turned at random."""
    training = load_dataset(PREPARED, "training")
    random = generator(0, "claim", 10)
    images = [training.images]
    for _ in range(asked["copies"]):
        copy = np.empty_like(training.images)
        for start in range(0, len(copy), GROUP):
            angle = random.uniform(-1, 1) * max(asked["angles"])
            down, across = random.uniform(-1, 1, 2) * max(asked["shifts"])
            group = slice(start, start + GROUP)
            copy[group] = moved(training.images[group], angle, down, across)
        images.append(copy)
    order = random.permutation(len(images) * len(training.images))
    mixed = Dataset(
        np.concatenate(images)[order], np.tile(training.targets, (len(images), 1))[order]
    )
    recipe = knobs("networks")["default"]["knobs"]
    with tempfile.TemporaryDirectory() as folder:
        save_dataset(Path(folder), "training", mixed)
        save_dataset(Path(folder), "validation", load_dataset(PREPARED, "validation"))
        runs = train(recipe, asked["seeds"], Path(folder))
    return [trained.network for trained in runs]


def moved(images: Array, angle: float, down: float, across: float) -> Array:
    """Return images, (n, 784), turned clockwise by degrees and then moved by pixels."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    centre = np.array([0, SIDE / 2 - 0.5, SIDE / 2 - 0.5])
    offset = centre - turn @ (centre + np.array([0, down, across]))
    pictures = images.reshape(-1, SIDE, SIDE)
    result: Array = ndimage.affine_transform(pictures, turn, offset, order=1)
    return result.reshape(-1, PIXELS)


def mean_accuracy(network: Network, sets: list[Array], labels: Labels) -> float:
    """Return the mean accuracy over sets of images that have the same labels."""
    return float(np.mean([accuracy(answer(network, images), labels) for images in sets]))


if __name__ == "__main__":
    run(shifted)
