"""Claim 7: the first layer's weights look almost random."""

from claim import (
    CONTROL,
    PREPARED,
    RECIPES,
    Finding,
    knobs,
    load_trained,
    recipe,
    report,
    save_training,
    share_right,
    show_image,
    train,
)
from command import run

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import PIXELS, SIDE, Dataset, load_dataset
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.training import new_network

NEIGHBOURS = "correlation of neighbouring weights"
SHORT = {
    "before training": "before",
    "after training": "after training",
    "after training on shuffled pixels": "shuffled pixels",
}


def edges() -> None:
    """Compare how smooth the first layer's weights are before and after training.

    Smoothness is the correlation, -1 to 1, of weights with those of the next pixels: 0 for weights
    that are drawn one by one, and near 1 where they change slowly, as along and beside an edge.
    Networks trained on images whose pixels all changed places in the same way must be as accurate,
    for a network never knew where the pixels were; planted edges must be recognised.
    """
    asked = knobs("edges")
    seeds = range(asked["seeds"])
    test = load_dataset(PREPARED, "test")
    places = generator(0, "claim", 7).permutation(PIXELS)
    moved = Dataset(test.images[:, places], test.targets)
    findings: list[Finding] = []
    pictures: dict[str, Array] = {}
    for family, recipe_name in RECIPES.items():
        start = [new_network(recipe(family, seed)).weights[0] for seed in seeds]
        usual = [trained.network for trained in load_trained(family, len(seeds))]
        shuffled = train_shuffled(family, places, len(seeds))
        differences = [
            share_right(theirs, moved) - share_right(ours, test)
            for ours, theirs in zip(usual, shuffled, strict=True)
        ]
        groups = {
            "before training": start,
            "after training": [network.weights[0] for network in usual],
            "after training on shuffled pixels": [network.weights[0] for network in shuffled],
        }
        for when, weights in groups.items():
            bound = asked["random"] if when == "after training" else None
            values = [smoothness(w) for w in weights]
            case = recipe_name if when == "after training" else f"{recipe_name}, {when}"
            findings.append(Finding(case, NEIGHBOURS, values, ".2f", at_most=bound))
            pictures[f"{family}\n{SHORT[when]}"] = weights[0]
        limit = asked["difference"]
        gain = f"gain in test accuracy from shuffled pixels, {recipe_name}"
        findings.append(Finding(CONTROL, gain, differences, ".2%", -limit, limit))
    planted = [planted_edges(seed) for seed in seeds]
    recognised = [smoothness(w) for w in planted]
    findings.append(
        Finding(CONTROL, f"{NEIGHBOURS}, planted edges", recognised, ".2f", asked["edges"])
    )
    pictures["planted edges\nhalf noise"] = planted[0]
    said = "The first layer's weights look almost random."
    report(edges, 7, said, findings, draw(pictures))


def train_shuffled(family: str, places: NDArray[np.intp], seeds: int) -> list[Network]:
    """Train networks on images whose pixels all changed places in the same way."""
    changes = knobs("networks")[family]["knobs"]
    with tempfile.TemporaryDirectory() as folder:
        training = load_dataset(PREPARED, "training")
        save_training(Path(folder), Dataset(training.images[:, places], training.targets))
        return [trained.network for trained in train(changes, seeds, Path(folder))]


def smoothness(weights: Array) -> float:
    """Return the correlation, -1 to 1, of weights, (n, 784), with those of the next pixels.

    It is 0 for weights that are drawn one by one, and near 1 where they change slowly, as they do
    along and beside an edge.
    """
    pictures = weights.reshape(-1, SIDE, SIDE)
    across = pictures[:, :, :-1], pictures[:, :, 1:]
    down = pictures[:, :-1], pictures[:, 1:]
    one, other = (np.append(a, b) for a, b in zip(across, down, strict=True))
    return float(np.corrcoef(one, other)[0, 1])


def planted_edges(seed: int) -> Array:
    """Return 16 edge filters, (16, 784): half of their variance is noise."""
    random = generator(seed, "claim", 7, 1)
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    filters = []
    for angle in np.linspace(0, np.pi, 16, endpoint=False):
        centre = random.uniform(-0.3, 0.3, 2)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        radius = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
        edge = np.sin(3 * along) * np.exp(-2 * radius)
        filters.append(edge.ravel() / edge.std() + random.standard_normal(PIXELS))
    return np.array(filters)


def draw(pictures: dict[str, Array]) -> Figure:
    """Draw the weights of three neurons of each kind of network."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    figure.suptitle(
        "Three neurons of each network, and how alike neighbouring weights are",
        fontweight="bold",
        fontsize=12,
    )
    for column, (name, weights) in zip(
        figure.subplots(3, len(pictures)).T, pictures.items(), strict=True
    ):
        for axes, neuron in zip(column, weights[:3], strict=True):
            show_image(axes, neuron, limit=float(np.quantile(np.abs(weights), 0.99)))
        column[0].set_title(f"{name}\n{smoothness(weights):.2f}", fontsize=9)
    return figure


if __name__ == "__main__":
    run(edges)
