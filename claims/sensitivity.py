"""Claim 6: the gradient tells which weights matter most."""

from claim import Finding, knobs, load_trained, recipe, report
from command import PREPARED, run

import numpy as np
from matplotlib.figure import Figure

from mnist_mlp.backprop import Memory, backprop
from mnist_mlp.costs import COSTS, Array
from mnist_mlp.dataset import SIDE, load_dataset
from mnist_mlp.evaluation import answer
from mnist_mlp.network import Network
from mnist_mlp.training import new_network


def sensitivity() -> None:
    """Nudge weights with large and with small components of the gradient, one at a time."""
    asked = knobs("sensitivity")
    training = load_dataset(PREPARED, "training")
    images = training.images[: asked["images"]].astype(np.float64)
    targets = training.targets[: asked["images"]].astype(np.float64)
    times: dict[str, list[float]] = {"before training": [], "after training": []}
    maps: dict[str, list[Array]] = {"before training": [], "after training": []}
    for seed, trained in enumerate(load_trained("default")[: asked["seeds"]]):
        start = new_network(recipe("default", seed))
        for when, network in zip(times, (start, trained.network), strict=True):
            exact = Network(network.sizes, network.activation, network.cost, np.float64)
            exact.parameters[:] = network.parameters
            times[when].append(orders_of_magnitude(exact, images, targets, asked))
            maps[when].append(pixel_gradient(exact, images, targets))
    findings = [
        Finding(
            when,
            "orders of magnitude between the changes of the cost",
            values,
            ".1f",
            at_least=asked["orders"],
        )
        for when, values in times.items()
    ]
    said = "The gradient tells which weights matter most."
    report("sensitivity", 6, said, findings, draw(maps))


def orders_of_magnitude(
    network: Network, images: Array, targets: Array, asked: dict[str, float]
) -> float:
    """Return log₁₀ of how much more the cost changes with weights of the largest components.

    More than with those of the smallest; those whose component is exactly zero, at pixels that
    are always blank, are left out.
    """
    gradient = backprop(network, images, targets).copy()
    order = np.argsort(np.abs(gradient))
    order = order[gradient[order] != 0]
    count = int(asked["weights"])
    before = COSTS[network.cost].mean(answer(network, images), targets)
    changes = []
    for chosen in (order[-count:], order[:count]):
        total = 0.0
        for weight in chosen:
            network.parameters[weight] += asked["nudge"]
            total += abs(COSTS[network.cost].mean(answer(network, images), targets) - before)
            network.parameters[weight] -= asked["nudge"]
        changes.append(total)
    return float(np.log10(changes[0] / changes[1]))


def pixel_gradient(network: Network, images: Array, targets: Array) -> Array:
    """Return (784,): the mean size of a single image's gradient at the weights of each pixel."""
    memory = Memory(network, len(images))
    backprop(network, images, targets, memory, factor=len(images))
    mean: Array = np.abs(memory.deltas[0]).mean(axis=1) @ images / len(images)
    return mean


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
