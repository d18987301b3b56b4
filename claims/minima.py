"""Claim 13: local minima are of about equal quality."""

from claim import (
    BLUE,
    ORANGE,
    PART_2,
    Finding,
    chart,
    load_digits,
    load_settings,
    load_trained,
    params_of,
    report,
)
from command import run

from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, Rows, draw_split
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import BLOCK, accuracy, answer
from mnist_mlp.learning.network import Network


def minima() -> None:
    """Compare networks that differ only in their seeds, and walk from one to another.

    The walk is a straight line between their parameters. It is taken twice: to the other network as
    it is, and to the same network with its hidden neurons reordered to match (Hungarian method).
    """
    settings = load_settings("minima")
    training, test = load_digits("training"), load_digits("test")
    networks = [trained.network for trained in load_trained("default")]
    outputs = [answer(network, test.images) for network in networks]
    accuracies = np.array([accuracy(values, test.labels) for values in outputs])
    costs, norms = [], []
    for seed, network in enumerate(networks):
        rows = draw_split(len(training.images), params_of("default", seed)).training
        learned = answer(network, training.images, rows)
        costs.append(COSTS[network.cost].mean(learned, training.targets[rows]))
        norms.append(gradient_norm(network, training, rows))
    digits = [values.argmax(axis=1) for values in outputs]
    pairs = list(combinations(range(len(networks)), 2))
    agreement = [float(np.mean(digits[a] == digits[b])) for a, b in pairs]
    walked = pairs[:: -(-len(pairs) // settings["pairs"])]
    times = np.linspace(0, 1, settings["points"])
    lines: dict[str, list[Array]] = {"as they are": [], "with hidden neurons matched": []}
    similar: dict[str, list[float]] = {name: [] for name in lines}
    for a, b in walked:
        ends = networks[b], match(networks[a], networks[b])
        for name, end in zip(lines, ends, strict=True):
            lines[name].append(walk(networks[a], end, times, test))
            similar[name].append(cosine(networks[a].parameters, end.parameters))
    off = np.abs(accuracies - accuracies.mean()).tolist()
    distance = Finding(
        "single networks",
        "difference of the test accuracy from the mean",
        off,
        "distance",
        2,
        at_most=settings["difference"],
    )
    findings = [
        distance,
        Finding("single networks", "test accuracy", accuracies.tolist(), "share", 2),
        Finding("single networks", "training cost", costs, "amount", 3),
        Finding("single networks", "norm of the gradient of that cost", norms, "amount", 3),
        Finding("pairs", "fraction of test digits read alike", agreement, "share", 1, over="pairs"),
    ]
    for name, walks in lines.items():
        rises = [float(costs.max() - max(costs[0], costs[-1])) for costs in walks]
        case = f"pairs, {name}"
        findings += [
            Finding(
                case,
                "cosine similarity of parameters",
                similar[name],
                "correlation",
                2,
                over="pairs",
            ),
            Finding(case, "rise of the test cost in between", rises, "amount", 2, over="pairs"),
        ]
    figure, axes = chart(
        f"The cost along the straight line between two networks, for {len(walked)} pairs",
        "fraction of the way",
        "test cost",
    )
    for (name, values), colour in zip(lines.items(), (BLUE, ORANGE), strict=True):
        axes.plot(times, np.transpose(values), color=colour, alpha=0.5)
        axes.plot([], [], color=colour, label=name)
    axes.legend(frameon=False)
    report(
        minima,
        13,
        statement="Local minima are of about equal quality",
        source=PART_2,
        brief=f"Over the seeds, test accuracy deviates from its mean by {distance}",
        meaning=(
            "Hidden neurons can change places without changing any output, so each minimum has "
            "very many copies, and different parameters need not mean different networks. Part of "
            "the barrier between two networks is only a matter of this order."
        ),
        findings=findings,
        figure=figure,
    )


def gradient_norm(network: Network, training: Dataset, rows: Rows) -> float:
    """Return the norm of the gradient of the cost over all images that were trained on."""
    gradient = np.zeros_like(network.parameters)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        activations = network.forward(training.images[block])
        part = backprop(network, activations, training.targets[block]).vector
        gradient += len(block) / len(rows) * part
    return float(np.linalg.norm(gradient))


def match(one: Network, other: Network) -> Network:
    """Return the other network with its hidden neurons reordered to resemble the first's.

    Swapping two neurons of a layer, with all their weights and biases, changes no output. Layer by
    layer, the order with the largest dot product of the two networks' weights and biases is found
    (Hungarian method; weight matching, Ainsworth et al. 2023).
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
    """Return the test cost at each time, from 0 to 1, on the straight line from start to end."""
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
