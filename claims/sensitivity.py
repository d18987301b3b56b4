"""Claim 6: the gradient shows which weights matter most."""

from claim import (
    PART_2,
    Finding,
    first_examples,
    load_digits,
    load_settings,
    load_trained,
    params_of,
    report,
    to_float64,
)
from command import run

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import SIDE
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.training import new_network


def sensitivity() -> None:
    """Nudge weights one at a time, and compare the change of the cost with the gradient.

    The ranks are those of a random sample of the weights. The orders of magnitude compare the
    weights with the largest gradients with those that have the smallest. The picture shows the
    mean size of the gradient of a single image's cost.
    """
    settings = load_settings("sensitivity")
    examples = first_examples(load_digits("training"), settings["images"])
    images, targets = (array.astype(np.float64) for array in examples)
    nudged: dict[str, list[tuple[float, float]]] = {"before training": [], "after training": []}
    maps: dict[str, list[Array]] = {when: [] for when in nudged}
    for seed, trained in enumerate(load_trained("default", settings["seeds"])):
        start = new_network(params_of("default", seed))
        for when, network in zip(nudged, (start, trained.network), strict=True):
            nudged[when].append(nudge(to_float64(network), images, targets, settings, seed))
            maps[when].append(pixel_gradient(to_float64(network), images, targets))
    correlations, magnitudes = [], []
    for when, pairs in nudged.items():
        ranks, orders = (list(values) for values in zip(*pairs, strict=True))
        correlations.append(
            Finding(
                when,
                "rank correlation of a weight's gradient with its effect on the cost",
                ranks,
                "correlation",
                3,
                at_least=settings["correlation"],
            )
        )
        magnitudes.append(
            Finding(
                when,
                "orders of magnitude between the effects of the largest and smallest gradients",
                orders,
                "number",
                1,
            )
        )
    before, after = correlations
    report(
        sensitivity,
        6,
        statement="The gradient shows which weights matter most",
        source=PART_2,
        brief=f"Rank correlation with the effect of a nudge: {before} untrained, {after} trained",
        meaning=(
            "A weight's gradient is the rate at which the cost changes with it, so it predicts "
            "the effect of any nudge that is small enough. It says nothing about large changes, "
            "nor about two weights changed together."
        ),
        findings=[*correlations, *magnitudes],
        figure=draw(maps),
    )


def nudge(
    network: Network, images: Array, targets: Array, settings: dict[str, Any], seed: int
) -> tuple[float, float]:
    """Nudge weights one at a time: a random sample, and those with extreme gradients.

    Returns Spearman's rank correlation, -1 to 1, of the sample's absolute gradients with the
    absolute changes of the cost, and log₁₀ of the mean change for the largest gradients divided by
    that for the smallest. Gradients of exactly zero, at pixels that are always blank, are left out.
    """
    gradient = backprop(network, network.forward(images), targets).vector
    order = np.argsort(np.abs(gradient))
    order = order[gradient[order] != 0]
    before = COSTS[network.cost].mean(answer(network, images), targets)

    def changes(weights: NDArray[np.intp]) -> Array:
        after = []
        for weight in weights:
            network.parameters[weight] += settings["nudge"]
            after.append(COSTS[network.cost].mean(answer(network, images), targets))
            network.parameters[weight] -= settings["nudge"]
        return np.abs(np.array(after) - before)

    n = settings["weights"]
    sample = generator(seed, "claim", 6).choice(order, n, replace=False)
    rank = stats.spearmanr(np.abs(gradient[sample]), changes(sample)).statistic
    ratio = changes(order[-n:]).mean() / max(changes(order[:n]).mean(), np.finfo(float).tiny)
    return float(rank), float(np.log10(ratio))


def pixel_gradient(network: Network, images: Array, targets: Array) -> Array:
    """Return the mean absolute gradient of single images at the weights of each pixel, (784,)."""
    total = np.zeros(images.shape[1])
    for image, target in zip(images[:, np.newaxis], targets[:, np.newaxis], strict=True):
        gradient = backprop(network, network.forward(image), target)
        total += np.abs(gradient.weights[0]).mean(axis=0)
    return total / len(images)


def draw(maps: dict[str, list[Array]]) -> Figure:
    """Draw the maps, averaged over the seeds, before and after training."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    figure.suptitle(
        "Size of the gradient at the weights of each pixel", fontweight="bold", fontsize=12
    )
    for axes, (when, seeds) in zip(figure.subplots(1, 2), maps.items(), strict=True):
        image = axes.imshow(np.mean(seeds, axis=0).reshape(SIDE, SIDE), "cividis")
        axes.set(xticks=[], yticks=[], title=when)
        figure.colorbar(image, ax=axes, shrink=0.8, format="%.1e")
    return figure


if __name__ == "__main__":
    run(sensitivity)
