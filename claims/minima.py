"""Claim 13: local minima are of about equal quality."""

from claim import BLUE, ORANGE, PREPARED, Finding, chart, knobs, load_trained, recipe, report
from command import run

from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, Rows, draw_split, load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import BLOCK, accuracy, answer
from mnist_mlp.learning.network import Network


def minima() -> None:
    """Compare networks that differ in their seeds alone, and walk from one to the other.

    The walk is a straight line between their parameters, as they are and after one network's hidden
    neurons were put in the order that is most like the other's (Hungarian method).
    """
    asked = knobs("minima")
    test = load_dataset(PREPARED, "test")
    training = load_dataset(PREPARED, "training")
    networks = [trained.network for trained in load_trained("default")]
    outputs = [answer(network, test.images) for network in networks]
    accuracies = np.array([accuracy(values, test.labels) for values in outputs])
    costs, slopes = [], []
    for seed, network in enumerate(networks):
        rows = draw_split(len(training.images), recipe("default", seed)).training
        learned = answer(network, training.images, rows)
        costs.append(COSTS[network.cost].mean(learned, training.targets[rows]))
        slopes.append(slope(network, training, rows))
    digits = [values.argmax(axis=1) for values in outputs]
    pairs = list(combinations(range(len(networks)), 2))
    agreement = [float(np.mean(digits[a] == digits[b])) for a, b in pairs]
    walked = pairs[:: -(-len(pairs) // asked["pairs"])]
    times = np.linspace(0, 1, asked["points"])
    lines: dict[str, list[Array]] = {"as they are": [], "after matching hidden neurons": []}
    similar: dict[str, list[float]] = {name: [] for name in lines}
    for a, b in walked:
        ends = networks[b], match(networks[a], networks[b])
        for name, end in zip(lines, ends, strict=True):
            lines[name].append(walk(networks[a], end, times, test))
            similar[name].append(cosine(networks[a].parameters, end.parameters))
    off = np.abs(accuracies - accuracies.mean()).tolist()
    findings = [
        Finding(
            "one seed",
            "distance of its test accuracy from the mean",
            off,
            ".2%",
            at_most=asked["difference"],
        ),
        Finding("one seed", "test accuracy", accuracies.tolist(), ".2%"),
        Finding("one seed", "training cost", costs, ".3f"),
        Finding("one seed", "norm of the gradient of the training cost", slopes, ".3f"),
        Finding("two seeds", "share of test digits answered alike", agreement, ".1%", of="pairs"),
    ]
    for name, walks in lines.items():
        rise = [float(costs.max() - max(costs[0], costs[-1])) for costs in walks]
        findings += [
            Finding(
                f"two seeds, {name}", "cosine of their parameters", similar[name], ".2f", of="pairs"
            ),
            Finding(
                f"two seeds, {name}", "rise of the test cost between them", rise, ".2f", of="pairs"
            ),
        ]
    figure, axes = chart(
        f"The cost on the straight line between two networks, {len(walked)} pairs",
        "share of the way",
        "test cost",
    )
    for (name, values), colour in zip(lines.items(), (BLUE, ORANGE), strict=True):
        axes.plot(times, np.transpose(values), color=colour, alpha=0.5)
        axes.plot([], [], color=colour, label=name)
    axes.legend(frameon=False)
    report(minima, 13, "Local minima are of about equal quality.", findings, figure)


def slope(network: Network, training: Dataset, rows: Rows) -> float:
    """Return the norm of the gradient of the cost of all images that were learned from."""
    gradient = np.zeros_like(network.parameters)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        activations = network.forward(training.images[block])
        part = backprop(network, activations, training.targets[block]).vector
        gradient += len(block) / len(rows) * part
    return float(np.linalg.norm(gradient))


def match(one: Network, other: Network) -> Network:
    """Return the other network with its hidden neurons in the order that is most like the first's.

    To exchange two neurons of a layer, with all that leads to and from them, changes no output.
    Layer by layer, the assignment with the largest sum of products of incoming weights is found
    (Hungarian method; Ainsworth et al. 2023 call it weight matching).
    """
    matched = Network(other.sizes, other.activation, other.cost)
    matched.parameters[:] = other.parameters
    for layer in range(len(other.sizes) - 2):
        alike = one.weights[layer] @ matched.weights[layer].T
        alike += np.outer(one.biases[layer], matched.biases[layer])
        alike += one.weights[layer + 1].T @ matched.weights[layer + 1]
        _, order = linear_sum_assignment(alike, maximize=True)
        matched.weights[layer][:] = matched.weights[layer][order]
        matched.biases[layer][:] = matched.biases[layer][order]
        matched.weights[layer + 1][:] = matched.weights[layer + 1][:, order]
    return matched


def walk(start: Network, end: Network, times: Array, test: Dataset) -> Array:
    """Return the cost at each time, from 0 to 1, of the straight way from start to end."""
    between = Network(start.sizes, start.activation, start.cost)
    costs = []
    for time in times:
        between.parameters[:] = (1 - time) * start.parameters + time * end.parameters
        costs.append(COSTS[start.cost].mean(answer(between, test.images), test.targets))
    return np.array(costs)


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


if __name__ == "__main__":
    run(minima)
