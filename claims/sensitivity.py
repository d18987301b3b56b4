"""Claim 6: the gradient tells which weights matter most."""

from claim import PREPARED, Finding, exact, first, knobs, load_trained, recipe, report
from command import run

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import SIDE, load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.training import new_network


def sensitivity() -> None:
    """Nudge weights one at a time, and compare the change of the cost with the gradient.

    The ranks are those of a random sample of the weights; the orders of magnitude compare the
    weights with the largest components of the gradient and those with the smallest. The picture
    shows the mean size of the gradient of a single image's cost.
    """
    asked = knobs("sensitivity")
    training = load_dataset(PREPARED, "training")
    images, targets = (a.astype(np.float64) for a in first(training, asked["images"]))
    found: dict[str, list[tuple[float, float]]] = {"before training": [], "after training": []}
    maps: dict[str, list[Array]] = {when: [] for when in found}
    for seed, trained in enumerate(load_trained("default", asked["seeds"])):
        start = new_network(recipe("default", seed))
        for when, network in zip(found, (start, trained.network), strict=True):
            found[when].append(nudge(exact(network), images, targets, asked, seed))
            maps[when].append(pixel_gradient(exact(network), images, targets))
    findings = []
    for when, pairs in found.items():
        ranks, orders = (list(values) for values in zip(*pairs, strict=True))
        measure = "rank correlation of a component's size with the change of the cost"
        findings.append(Finding(when, measure, ranks, ".3f", at_least=asked["correlation"]))
        measure = "orders of magnitude between the largest and the smallest components' changes"
        findings.append(Finding(when, measure, orders, ".1f"))
    said = "The gradient tells which weights matter most."
    report(sensitivity, 6, said, findings, draw(maps))


def nudge(
    network: Network, images: Array, targets: Array, asked: dict[str, Any], seed: int
) -> tuple[float, float]:
    """Nudge weights one at a time: a random sample, the largest and the smallest components.

    Return Spearman's rank correlation, -1 to 1, of the sizes of the sample's components with the
    sizes of the changes of the cost, and log₁₀ of the largest components' mean change divided by
    the smallest's. Components of exactly zero, at pixels that are always blank, are left out.
    """
    gradient = backprop(network, network.forward(images), targets).vector
    order = np.argsort(np.abs(gradient))
    order = order[gradient[order] != 0]
    before = COSTS[network.cost].mean(answer(network, images), targets)

    def changes(weights: NDArray[np.intp]) -> Array:
        after = []
        for weight in weights:
            network.parameters[weight] += asked["nudge"]
            after.append(COSTS[network.cost].mean(answer(network, images), targets))
            network.parameters[weight] -= asked["nudge"]
        return np.abs(np.array(after) - before)

    n = asked["weights"]
    sample = generator(seed, "claim", 6).choice(order, n, replace=False)
    rank = stats.spearmanr(np.abs(gradient[sample]), changes(sample)).statistic
    ratio = changes(order[-n:]).mean() / max(changes(order[:n]).mean(), np.finfo(float).tiny)
    return float(rank), float(np.log10(ratio))


def pixel_gradient(network: Network, images: Array, targets: Array) -> Array:
    """Return (784,): the mean size of a single image's gradient at the weights of each pixel."""
    total = np.zeros(images.shape[1])
    for image, target in zip(images[:, np.newaxis], targets[:, np.newaxis], strict=True):
        gradient = backprop(network, network.forward(image), target)
        total += np.abs(gradient.weights[0]).mean(axis=0)
    return total / len(images)


def draw(maps: dict[str, list[Array]]) -> Figure:
    """Draw the mean of the maps before and after training."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    figure.suptitle(
        "How large the gradient is at the weights of each pixel", fontweight="bold", fontsize=12
    )
    for axes, (when, seeds) in zip(figure.subplots(1, 2), maps.items(), strict=True):
        image = axes.imshow(np.mean(seeds, axis=0).reshape(SIDE, SIDE), "cividis")
        axes.set(xticks=[], yticks=[], title=when)
        figure.colorbar(image, ax=axes, shrink=0.8, format="%.1e")
    return figure


if __name__ == "__main__":
    run(sensitivity)
