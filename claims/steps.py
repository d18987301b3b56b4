"""Claim 14: steps that shrink with the gradient avoid overshooting."""

from claim import (
    BLUE,
    CONTROL,
    GREEN,
    ORANGE,
    RED,
    Finding,
    chart,
    knobs,
    recipe,
    report,
)
from command import PREPARED, run

from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_mlp.backprop import Memory, backprop
from mnist_mlp.costs import COSTS
from mnist_mlp.dataset import Dataset, load_dataset
from mnist_mlp.training import new_network

Rule = Callable[[float, float], float]  # norm of the gradient, share of steps left → length
COLOURS = (BLUE, RED, ORANGE, GREEN)


def steps() -> None:
    """Go down the cost of the same images by rules that differ in the length of a step."""
    asked = knobs("steps")
    training = load_dataset(PREPARED, "training")
    images = Dataset(*(array[: asked["images"]] for array in training))
    figure, axes = chart("The cost of the same images, step by step", "step", "cost")
    findings = []
    for (name, length, bounds), colour in zip(rules(asked), COLOURS, strict=True):
        costs = [descend(length, images, asked["steps"], seed) for seed in range(asked["seeds"])]
        rising = [float(np.mean(np.diff(cost[len(cost) // 2 :]) > 0)) for cost in costs]
        case, measure = name, "share of later steps that raise the cost"
        if "at_least" in bounds:
            case, measure = CONTROL, f"{measure}, {name}"
        findings += [
            Finding(case, measure, rising, ".1%", **bounds),
            Finding(name, "final cost", [cost[-1] for cost in costs], ".3f"),
        ]
        axes.plot(np.transpose(costs), color=colour, alpha=0.5, linewidth=1)
        axes.plot([], [], color=colour, label=name)
    axes.set_yscale("log")
    axes.legend(frameon=False)
    said = "Steps that shrink with the gradient avoid overshooting."
    report("steps", 14, said, findings, figure)


def rules(asked: dict[str, Any]) -> list[tuple[str, Rule, dict[str, float]]]:
    """Return each rule's name, length of a step, and how often its cost may or must rise."""
    moderate, large, fixed = asked["moderate_rate"], asked["large_rate"], asked["fixed_length"]
    seldom, often = {"at_most": asked["overshooting"]}, {"at_least": asked["overshooting"]}
    return [
        (f"{moderate:g} × the gradient", lambda norm, _: moderate * norm, seldom),
        (f"{large:g} × the gradient", lambda norm, _: large * norm, seldom),
        (f"{large:g} falling to 0, × the gradient", lambda norm, left: large * left * norm, seldom),
        (f"a fixed length of {fixed:g}", lambda *_: fixed, often),
    ]


def descend(length: Rule, images: Dataset, steps: int, seed: int) -> list[float]:
    """Return the cost before the first step and after every step along the negative gradient."""
    network = new_network(recipe("default", seed))
    memory = Memory(network, len(images.images))
    cost = COSTS[network.cost].mean
    costs = []
    for step in range(steps):
        gradient = backprop(network, *images, memory)
        costs.append(cost(memory.activations[-1], images.targets))
        norm = float(np.linalg.norm(gradient))
        network.parameters -= length(norm, 1 - step / steps) / norm * gradient
    return [*costs, cost(network.forward(images.images)[-1], images.targets)]


if __name__ == "__main__":
    run(steps)
