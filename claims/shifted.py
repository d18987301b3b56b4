"""Claim 10: the network was only shown centred, unmoving digits."""

from claim import (
    BLUE,
    ORANGE,
    PREPARED,
    Finding,
    knobs,
    load_trained,
    recipe,
    report,
    save_training,
    train,
)
from command import run

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import SIDE, Dataset, Labels, draw_split, load_dataset
from mnist_mlp.learning.augmentation import sample
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.network import Network

CENTRED, MOVED = "trained on centred digits", "trained on moved and turned ones too"
BLOCK = 500  # images moved and turned at a time, to bound the memory it takes


def shifted() -> None:
    """Test networks on digits moved and turned ever further, with and without such training.

    Digits are moved in four directions and turned in two, and the accuracies are averaged. The
    networks that saw moved and turned digits in training took as many steps as the others.
    """
    asked = knobs("shifted")
    test = load_dataset(PREPARED, "test")
    networks = {
        CENTRED: [trained.network for trained in load_trained("default", asked["seeds"])],
        MOVED: train_moved(asked),
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
            bound = asked["fall"] if name == CENTRED else None
            measure = f"fall in test accuracy from 0 to {steps[half]} {what}"
            findings.append(Finding(name, measure, fall, ".1%", at_least=bound))
        gain = (np.array(results[MOVED][half]) - np.array(results[CENTRED][half])).tolist()
        measure = f"test accuracy above that of the others, at {steps[half]} {what}"
        findings.append(Finding(MOVED, measure, gain, ".1%", at_least=0.0))
        axes.set(xlabel=what, ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("accuracy (%)")
    figure.axes[1].legend(frameon=False, fontsize=9, loc="lower left")
    report(shifted, 10, "It was only shown centred, unmoving digits.", findings, figure)


def train_moved(asked: dict[str, Any]) -> list[Network]:
    """Train networks on every image as it is, and on copies moved and turned at random.

    With so many more images they are trained for as many epochs fewer.
    """
    everything = load_dataset(PREPARED, "training")
    rows = draw_split(len(everything.images), recipe("default", 0)).training
    training = Dataset(*(array[rows] for array in everything))
    random = generator(0, "claim", 10)
    n, sets = len(training.images), asked["copies"] + 1
    images = [training.images]
    for _ in range(asked["copies"]):
        angle = random.uniform(-1, 1, n) * max(asked["angles"])
        down, across = random.uniform(-1, 1, (2, n)) * max(asked["shifts"])
        images.append(moved(training.images, angle, down, across))
    order = random.permutation(sets * n)
    mixed = Dataset(np.concatenate(images)[order], np.tile(training.targets, (sets, 1))[order])
    epochs = max(1, round(recipe("default", 0).epochs / sets))
    changes = knobs("networks")["default"]["knobs"] | {"epochs": epochs, "validation": 0}
    with tempfile.TemporaryDirectory() as folder:
        runs = train(changes, asked["seeds"], save_training(Path(folder), mixed))
    return [trained.network for trained in runs]


def moved(images: Array, angle: ArrayLike, down: ArrayLike, across: ArrayLike) -> Array:
    """Return images, (n, 784), turned clockwise by degrees and then moved by pixels.

    Each of these is a number for all images or one for each, (n,).
    """
    columns = [np.broadcast_to(values, len(images)) for values in (angle, down, across)]
    parts = [
        _moved(
            images[start : start + BLOCK], *(column[start : start + BLOCK] for column in columns)
        )
        for start in range(0, len(images), BLOCK)
    ]
    return np.concatenate(parts)


def _moved(images: Array, angle: Array, down: Array, across: Array) -> Array:
    angle, down, across = (v.reshape(-1, 1, 1) for v in (np.radians(angle), down, across))
    grid = np.arange(SIDE) - (SIDE - 1) / 2
    row, column = grid[:, np.newaxis] - down, grid - across
    rows = np.cos(angle) * row - np.sin(angle) * column
    columns = np.sin(angle) * row + np.cos(angle) * column
    return sample(images, rows.astype(images.dtype), columns.astype(images.dtype))


def mean_accuracy(network: Network, sets: list[Array], labels: Labels) -> float:
    """Return the mean accuracy over sets of images that have the same labels."""
    return float(np.mean([accuracy(answer(network, images), labels) for images in sets]))


if __name__ == "__main__":
    run(shifted)
