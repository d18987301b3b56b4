"""Claim 14: steps that shrink with the gradient avoid overshooting."""

from claim import (
    BLUE,
    GREEN,
    ORANGE,
    PART_2,
    RED,
    Finding,
    chart,
    first_examples,
    load_digits,
    load_settings,
    params_of,
    report,
)
from command import run

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.training import new_network

Rule = Callable[[float, float], float]  # gradient norm, fraction of steps left → step length
FIXED = "all steps as long as the first"
COLOURS = (BLUE, RED, ORANGE, GREEN)


class Descent(NamedTuple):
    """The cost before each step and after the last, and the length of each step."""

    costs: list[float]
    lengths: list[float]


def steps() -> None:
    """Minimise the cost of the same images by rules that differ in the length of a step.

    A step overshoots if it raises the cost. The last rule is a check: if shrinking is what avoids
    overshooting, then steps that all keep the length of the first moderate one must overshoot.
    """
    settings = load_settings("steps")
    images = first_examples(load_digits("training"), settings["images"])
    moderate, large = settings["moderate_rate"], settings["large_rate"]
    shrinking: dict[str, Rule] = {
        f"{moderate:g} × the gradient": lambda norm, _: moderate * norm,
        f"{large:g} × the gradient": lambda norm, _: large * norm,
        f"{large:g} × the gradient (falling to 0)": lambda norm, left: large * left * norm,
    }
    runs: dict[str, list[Descent]] = {name: [] for name in (*shrinking, FIXED)}
    for seed in range(settings["seeds"]):
        for name, rule in shrinking.items():
            runs[name].append(descend(rule, images, settings["steps"], seed))
        length = next(iter(runs.values()))[-1].lengths[0]
        runs[FIXED].append(descend(lambda *_, a=length: a, images, settings["steps"], seed))
    figure, axes = chart("Cost by step for four rules, with each seed", "step", "cost")
    overshooting, final = [], []
    for (name, descents), colour in zip(runs.items(), COLOURS, strict=True):
        costs = [descent.costs for descent in descents]
        rising = [float(np.mean(np.diff(cost[len(cost) // 2 :]) > 0)) for cost in costs]
        bounds = {"at_least" if name == FIXED else "at_most": settings["overshooting"]}
        measure = "fraction of the later half of the steps that raise the cost"
        overshooting.append(Finding(name, measure, rising, "share", 1, **bounds))
        final.append(Finding(name, "final cost", [cost[-1] for cost in costs], "amount", 3))
        axes.plot(np.transpose(costs), color=colour, alpha=0.5, linewidth=1)
        axes.plot([], [], color=colour, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.legend(frameon=False)
    small, big, *_ = overshooting
    report(
        steps,
        14,
        statement="Steps that shrink with the gradient avoid overshooting",
        source=PART_2,
        brief=f"{small} of steps overshoot at rate {moderate:g}, {big} at rate {large:g}",
        meaning=(
            "A step that is a fixed multiple of the gradient overshoots if that multiple is too "
            "large for the curvature of the cost, however flat the slope is. The gradient then "
            "grows with each jump instead of shrinking, so it is the learning rate that has to be "
            "small enough."
        ),
        findings=[*overshooting, *final],
        figure=figure,
    )


def descend(rule: Rule, images: Dataset, steps: int, seed: int) -> Descent:
    """Take steps along the negative gradient of a network's cost, with lengths set by a rule."""
    network = new_network(params_of("default", seed))
    cost = COSTS[network.cost].mean
    descent = Descent([], [])
    for step in range(steps):
        activations = network.forward(images.images)
        gradient = backprop(network, activations, images.targets).vector
        descent.costs.append(cost(activations[-1], images.targets))
        norm = float(np.linalg.norm(gradient))
        descent.lengths.append(rule(norm, 1 - step / steps))
        network.parameters -= descent.lengths[-1] / norm * gradient
    descent.costs.append(cost(network.forward(images.images)[-1], images.targets))
    return descent


if __name__ == "__main__":
    run(steps)
