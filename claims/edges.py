"""Claim 7: the first layer's weights look almost random."""

from claim import (
    CONTROL,
    PART_2,
    RECIPES,
    Finding,
    accuracy_on,
    load_digits,
    load_recipe,
    load_settings,
    load_trained,
    params_of,
    report,
    save_training,
    show_image,
    train_networks,
)
from command import run

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import PIXELS, SIDE, Dataset
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.training import new_network

NEIGHBOURS = "correlation of neighbouring weights"
SHORT = {
    "before training": "before",
    "after training": "after training",
    "after training on shuffled pixels": "shuffled pixels",
}


def edges() -> None:
    """Measure how smooth the first layer's weights are before and after training.

    Smoothness is the correlation, -1 to 1, of the weights of neighbouring pixels. It is 0 for
    independent random weights, and near 1 if weights change slowly from pixel to pixel, as along an
    edge and beside it. There are two controls. A network does not know which pixels are neighbours,
    so it must be as accurate on images whose pixels were all shuffled in the same way. And planted
    edges must be recognised.
    """
    settings = load_settings("edges")
    seeds = range(settings["seeds"])
    test = load_digits("test")
    places = generator(0, "claim", 7).permutation(PIXELS)
    shuffled_test = Dataset(test.images[:, places], test.targets)
    deciding: list[Finding] = []
    others: list[Finding] = []
    pictures: dict[str, Array] = {}
    for recipe, recipe_name in RECIPES.items():
        start = [new_network(params_of(recipe, seed)).weights[0] for seed in seeds]
        usual = [trained.network for trained in load_trained(recipe, len(seeds))]
        shuffled = train_shuffled(recipe, places, len(seeds))
        differences = [
            accuracy_on(theirs, shuffled_test) - accuracy_on(ours, test)
            for ours, theirs in zip(usual, shuffled, strict=True)
        ]
        groups = {
            "before training": start,
            "after training": [network.weights[0] for network in usual],
            "after training on shuffled pixels": [network.weights[0] for network in shuffled],
        }
        for when, weights in groups.items():
            values = [smoothness(w) for w in weights]
            if when == "after training":
                bound = settings["random"]
                finding = Finding(recipe_name, NEIGHBOURS, values, "correlation", 2, at_most=bound)
                deciding.append(finding)
            else:
                case = f"{recipe_name}, {when}"
                others.append(Finding(case, NEIGHBOURS, values, "correlation", 2))
            pictures[f"{recipe}\n{SHORT[when]}"] = weights[0]
        limit = settings["difference"]
        gain = f"gain in test accuracy from shuffled pixels, {recipe_name}"
        others.append(Finding(CONTROL, gain, differences, "points", 2, -limit, limit))
    planted = [planted_edges(seed) for seed in seeds]
    recognised = [smoothness(w) for w in planted]
    measure = f"{NEIGHBOURS}, planted edges"
    others.append(Finding(CONTROL, measure, recognised, "correlation", 2, settings["edges"]))
    pictures["planted edges\nhalf noise"] = planted[0]
    videos, default = deciding
    report(
        edges,
        7,
        statement="The first layer's weights look almost random",
        source=PART_2,
        brief=f"Neighbours correlate {videos} to {default}; random would be 0",
        meaning=(
            "Neighbouring pixels mostly have the same ink, so their weights get similar gradients "
            "and grow alike; on shuffled pixels they do not. Smooth weights need not detect "
            "edges, though: a blob is smooth too."
        ),
        findings=[*deciding, *others],
        figure=draw(pictures),
    )


def train_shuffled(recipe: str, places: NDArray[np.intp], seeds: int) -> list[Network]:
    """Train networks on images whose pixels were all shuffled in the same way."""
    changes = load_recipe(recipe)["knobs"]
    with tempfile.TemporaryDirectory() as folder:
        training = load_digits("training")
        save_training(Path(folder), Dataset(training.images[:, places], training.targets))
        return [trained.network for trained in train_networks(changes, seeds, Path(folder))]


def smoothness(weights: Array) -> float:
    """Return the correlation, -1 to 1, of the weights of neighbouring pixels; weights: (n, 784)."""
    pictures = weights.reshape(-1, SIDE, SIDE)
    across = pictures[:, :, :-1], pictures[:, :, 1:]
    down = pictures[:, :-1], pictures[:, 1:]
    one, other = (np.append(a, b) for a, b in zip(across, down, strict=True))
    return float(np.corrcoef(one, other)[0, 1])


def planted_edges(seed: int) -> Array:
    """Return 16 edge filters, (16, 784), with noise that makes half of their variance."""
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
        "Three neurons of each network, and the correlation of neighbouring weights",
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
