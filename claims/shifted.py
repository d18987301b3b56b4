"""Claim 10: the network only saw centred, unmoving digits."""

from claim import (
    BLUE,
    ORANGE,
    PART_2,
    Finding,
    load_digits,
    load_recipe,
    load_settings,
    load_trained,
    params_of,
    report,
    save_training,
    train_networks,
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
from mnist_mlp.data.dataset import SIDE, Dataset, Labels, draw_split
from mnist_mlp.learning.augmentation import sample
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.network import Network

CENTRED, MOVED = "trained on centred digits", "trained on shifted and rotated digits too"
BLOCK = 500  # images shifted and rotated at a time, to save memory


def shifted() -> None:
    """Test networks on digits that are shifted and rotated further and further.

    Digits are shifted in four directions and rotated in two, and the accuracies are averaged. Other
    networks saw such digits in training too; they took as many training steps.
    """
    settings = load_settings("shifted")
    test = load_digits("test")
    networks = {
        CENTRED: [trained.network for trained in load_trained("default", settings["seeds"])],
        MOVED: train_moved(settings),
    }
    shifts = [
        [(0, d, 0), (0, -d, 0), (0, 0, d), (0, 0, -d)] for d in settings["shifts"]
    ]  # angle, down, across
    angles = [[(angle, 0, 0), (-angle, 0, 0)] for angle in settings["angles"]]
    figure = Figure(figsize=(8, 4), layout="constrained")
    figure.suptitle("Test accuracy on shifted and rotated digits", fontweight="bold", fontsize=12)
    falls, findings = [], []
    for axes, distances, moves, what in zip(
        figure.subplots(1, 2, sharey=True),
        (settings["shifts"], settings["angles"]),
        (shifts, angles),
        ("pixels", "degrees"),
        strict=True,
    ):
        half = len(distances) // 2
        results: dict[str, list[list[float]]] = {name: [] for name in networks}
        for directions in moves:
            images = [moved(test.images, *direction) for direction in directions]
            for name, group in networks.items():
                results[name].append(
                    [mean_accuracy(network, images, test.labels) for network in group]
                )
        for (name, values), colour in zip(results.items(), (BLUE, ORANGE), strict=True):
            axes.plot(distances, 100 * np.array(values), "o-", color=colour, markersize=4)
            axes.plot([], [], "o-", color=colour, label=name)
            fall = (np.array(values[0]) - np.array(values[half])).tolist()
            measure = f"fall in test accuracy from 0 to {distances[half]} {what}"
            if name == CENTRED:
                bound = settings["fall"]
                falls.append(Finding(name, measure, fall, "points", 1, at_least=bound))
            else:
                findings.append(Finding(name, measure, fall, "points", 1))
        gain = (np.array(results[MOVED][half]) - np.array(results[CENTRED][half])).tolist()
        measure = f"gain in test accuracy from such training, at {distances[half]} {what}"
        findings.append(Finding(MOVED, measure, gain, "points", 1, at_least=0.0))
        axes.set(xlabel=what, ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("test accuracy (%)")
    figure.axes[1].legend(frameon=False, fontsize=9, loc="lower left")
    shift, half = falls[0], settings["shifts"][len(settings["shifts"]) // 2]
    report(
        shifted,
        10,
        statement="The network only saw centred, unmoving digits",
        source=PART_2,
        brief=f"A shift of {half} pixels costs {shift} of accuracy",
        meaning=(
            "Each weight belongs to one pixel, so what the network has learned about a stroke in "
            "one place does not help it in another. It has to see digits in many places, as with "
            "the knob `augment`; a convolutional network shares its weights between places "
            "instead."
        ),
        findings=[*falls, *findings],
        figure=figure,
    )


def train_moved(settings: dict[str, Any]) -> list[Network]:
    """Train networks on each image as it is, and on copies shifted and rotated at random.

    As there are more images, they are trained for fewer epochs.
    """
    everything = load_digits("training")
    rows = draw_split(len(everything.images), params_of("default", 0)).training
    training = Dataset(*(array[rows] for array in everything))
    random = generator(0, "claim", 10)
    n, sets = len(training.images), settings["copies"] + 1
    images = [training.images]
    for _ in range(settings["copies"]):
        angle = random.uniform(-1, 1, n) * max(settings["angles"])
        down, across = random.uniform(-1, 1, (2, n)) * max(settings["shifts"])
        images.append(moved(training.images, angle, down, across))
    order = random.permutation(sets * n)
    mixed = Dataset(np.concatenate(images)[order], np.tile(training.targets, (sets, 1))[order])
    epochs = max(1, round(params_of("default", 0).epochs / sets))
    changes = load_recipe("default")["knobs"] | {"epochs": epochs, "validation": 0}
    with tempfile.TemporaryDirectory() as folder:
        save_training(Path(folder), mixed)
        runs = train_networks(changes, settings["seeds"], Path(folder))
    return [trained.network for trained in runs]


def moved(images: Array, angle: ArrayLike, down: ArrayLike, across: ArrayLike) -> Array:
    """Rotate images, (n, 784), clockwise by degrees, and then shift them by pixels.

    `angle`, `down` and `across` are one number for all images, or one for each, (n,).
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
    """Return the mean accuracy, from 0 to 1, over sets of images with the same labels."""
    return float(np.mean([accuracy(answer(network, images), labels) for images in sets]))


if __name__ == "__main__":
    run(shifted)
