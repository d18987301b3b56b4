"""Claim 14: steps that shrink with the gradient avoid overshooting."""

from claim import BLUE, GREEN, ORANGE, PREPARED, RED, Finding, chart, first, knobs, recipe, report
from command import run

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist_mlp.data.dataset import Dataset, load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.training import new_network

Rule = Callable[[float, float], float]  # norm of the gradient, share of steps left → length
FIXED = "no shrinking: each as long as the first"
COLOURS = (BLUE, RED, ORANGE, GREEN)


class Descent(NamedTuple):
    """What a rule led to: the cost before each step and after the last, and each step's length."""

    costs: list[float]
    lengths: list[float]


def steps() -> None:
    """Go down the cost of the same images by rules that differ in the length of a step.

    A step overshoots if the cost is higher after it. If it is the shrinking that avoids this, then
    steps that all keep the length of the first moderate one must overshoot.
    """
    asked = knobs("steps")
    images = first(load_dataset(PREPARED, "training"), asked["images"])
    moderate, large = asked["moderate_rate"], asked["large_rate"]
    shrinking: dict[str, Rule] = {
        f"{moderate:g} × the gradient": lambda norm, _: moderate * norm,
        f"{large:g} × the gradient": lambda norm, _: large * norm,
        f"{large:g} falling to 0, × the gradient": lambda norm, left: large * left * norm,
    }
    runs: dict[str, list[Descent]] = {name: [] for name in (*shrinking, FIXED)}
    for seed in range(asked["seeds"]):
        for name, rule in shrinking.items():
            runs[name].append(descend(rule, images, asked["steps"], seed))
        length = next(iter(runs.values()))[-1].lengths[0]
        runs[FIXED].append(descend(lambda *_, a=length: a, images, asked["steps"], seed))
    figure, axes = chart("The cost of the same images, step by step", "step", "cost")
    findings = []
    most = asked["overshooting"]
    for (name, descents), colour in zip(runs.items(), COLOURS, strict=True):
        costs = [descent.costs for descent in descents]
        rising = [float(np.mean(np.diff(cost[len(cost) // 2 :]) > 0)) for cost in costs]
        bounds = {"at_least": most} if name == FIXED else {"at_most": most}
        measure = "share of later steps that raise the cost"
        findings.append(Finding(name, measure, rising, ".1%", **bounds))
        findings.append(Finding(name, "final cost", [cost[-1] for cost in costs], ".3f"))
        axes.plot(np.transpose(costs), color=colour, alpha=0.5, linewidth=1)
        axes.plot([], [], color=colour, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.legend(frameon=False)
    said = "Steps that shrink with the gradient avoid overshooting."
    report(steps, 14, said, findings, figure)


def descend(rule: Rule, images: Dataset, steps: int, seed: int) -> Descent:
    """Take steps along the negative gradient of a network's cost, of the lengths of a rule."""
    network = new_network(recipe("default", seed))
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
