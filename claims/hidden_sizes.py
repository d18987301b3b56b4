"""Claim 3: with other hidden layers the network reads about 98 % of unseen digits."""

from claim import BLUE, PREPARED, Finding, chart, knobs, report, share_right, train
from command import run

import numpy as np

from mnist_mlp.data.dataset import load_dataset


def hidden_sizes() -> None:
    """Train the project's default network with other hidden layers, and test it."""
    asked = knobs("hidden_sizes")
    test = load_dataset(PREPARED, "test")
    findings = []
    figure, axes = chart(
        "Unseen digits read right, by hidden layers", "weights and biases", "accuracy (%)"
    )
    for hidden in asked["hidden"]:
        networks = [trained.network for trained in train({"hidden": hidden}, asked["seeds"])]
        values = [share_right(network, test) for network in networks]
        name = "-".join(map(str, hidden)) or "no hidden layer"
        findings.append(Finding(name, "test accuracy", values, ".2%", at_least=asked["at_least"]))
        size = networks[0].parameters.size
        mean = 100 * np.mean(values)
        axes.plot([size] * len(values), [100 * value for value in values], ".", color=BLUE)
        axes.annotate(name, (size, mean), (8, -10), textcoords="offset points", fontsize=10)
    axes.axhline(100 * asked["at_least"], color="black", linestyle="--", linewidth=1)
    place = (0.01, 100 * asked["at_least"])
    axes.annotate("about 98 % begins here", place, xycoords=("axes fraction", "data"), va="bottom")
    axes.set_xscale("log")
    axes.margins(x=0.12)
    said = "With other hidden layers it reads about 98 %."
    report(hidden_sizes, 3, said, findings, figure)


if __name__ == "__main__":
    run(hidden_sizes)
