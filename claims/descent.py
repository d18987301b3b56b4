"""Claim 4: chance before training, and the cost falls along the negative gradient."""

from claim import BLUE, PREPARED, Finding, chart, exact, first, knobs, recipe, report, share_right
from command import run

import numpy as np

from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.training import new_network


def descent() -> None:
    """Take one step from random weights, of several lengths, with each seed.

    The predicted decrease of the cost is the learning rate times the squared norm of the gradient.
    """
    asked = knobs("descent")
    training, test = (load_dataset(PREPARED, name) for name in ("training", "test"))
    images, targets = (a.astype(np.float64) for a in first(training, asked["images"]))
    chance, ratios = [], []
    for seed in range(asked["seeds"]):
        start = new_network(recipe("default", seed))
        chance.append(share_right(start, test))
        network = exact(start)
        mean_cost = COSTS[network.cost].mean
        gradient = backprop(network, network.forward(images), targets).vector
        before = mean_cost(answer(network, images), targets)
        ratio = []
        for rate in asked["rates"]:
            network.parameters[:] = start.parameters - rate * gradient
            decrease = before - mean_cost(answer(network, images), targets)
            ratio.append(decrease / (rate * float(gradient @ gradient)))
        ratios.append(ratio)
    error = asked["error"]
    smallest = min(asked["rates"])
    findings = [
        Finding("before training", "test accuracy", chance, ".1%", at_most=asked["chance"]),
        Finding(
            f"a step at learning rate {smallest:g}",
            "actual ÷ predicted decrease of the cost",
            [ratio[asked["rates"].index(smallest)] for ratio in ratios],
            ".4f",
            1 - error,
            1 + error,
        ),
    ]
    figure, axes = chart(
        "The first step: the cost falls as its gradient foretells, if the step is small",
        "learning rate",
        "actual ÷ predicted decrease",
    )
    axes.plot(asked["rates"], np.transpose(ratios), "o-", color=BLUE, alpha=0.4)
    axes.axhline(1, color="black", linestyle="--", linewidth=1)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(max(-1.0, np.min(ratios) - 0.1), 1.15)
    said = "Untrained it is no better than chance; the cost falls along the negative gradient."
    report(descent, 4, said, findings, figure)


if __name__ == "__main__":
    run(descent)
