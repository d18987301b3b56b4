"""Claim 4: chance before training, and the cost falls along the negative gradient."""

from claim import (
    BLUE,
    PART_2,
    Finding,
    accuracy_on,
    chart,
    first_examples,
    load_digits,
    load_settings,
    params_of,
    report,
    to_float64,
)
from command import run

import numpy as np

from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.training import new_network


def descent() -> None:
    """Take one step from random weights with each seed, at several learning rates.

    The predicted decrease of the cost is the learning rate times the squared norm of the gradient.
    """
    settings = load_settings("descent")
    training, test = load_digits("training"), load_digits("test")
    examples = first_examples(training, settings["images"])
    images, targets = (array.astype(np.float64) for array in examples)
    untrained, ratios = [], []
    for seed in range(settings["seeds"]):
        start = new_network(params_of("default", seed))
        untrained.append(accuracy_on(start, test))
        network = to_float64(start)
        mean_cost = COSTS[network.cost].mean
        gradient = backprop(network, network.forward(images), targets).vector
        before = mean_cost(answer(network, images), targets)
        ratio = []
        for rate in settings["rates"]:
            network.parameters[:] = start.parameters - rate * gradient
            actual = before - mean_cost(answer(network, images), targets)
            ratio.append(actual / (rate * float(gradient @ gradient)))
        ratios.append(ratio)
    error = settings["error"]
    smallest = min(settings["rates"])
    chance = Finding(
        "before training", "test accuracy", untrained, "share", 1, at_most=settings["chance"]
    )
    decrease = Finding(
        f"one step at learning rate {smallest:g}",
        "actual ÷ predicted decrease of the cost",
        [ratio[settings["rates"].index(smallest)] for ratio in ratios],
        "number",
        4,
        1 - error,
        1 + error,
    )
    figure, axes = chart(
        "The first step: a small one lowers the cost as the gradient predicts",
        "learning rate",
        "actual ÷ predicted decrease",
    )
    axes.plot(settings["rates"], np.transpose(ratios), "o-", color=BLUE, alpha=0.4)
    axes.axhline(1, color="black", linestyle="--", linewidth=1)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(max(-1.0, np.min(ratios) - 0.1), 1.15)
    report(
        descent,
        4,
        statement="Untrained, it only guesses; the cost falls along the negative gradient",
        source=PART_2,
        brief=f"Untrained, {chance} right; a small step gives {decrease} of the predicted decrease",
        meaning=(
            "The gradient describes the cost exactly only at one point. A short step gets nearly "
            "the decrease that it predicts, a long one gets less or even raises the cost; so "
            "there is a learning rate to choose."
        ),
        findings=[chance, decrease],
        figure=figure,
    )


if __name__ == "__main__":
    run(descent)
