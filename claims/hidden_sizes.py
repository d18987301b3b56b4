"""Claim 3: with other hidden layers the network reads about 98 % of unseen digits."""

from claim import (
    BLUE,
    PART_2,
    Finding,
    accuracy_on,
    chart,
    load_digits,
    load_settings,
    report,
    train_networks,
)
from command import run

import numpy as np


def hidden_sizes() -> None:
    """Train the project's default network with other hidden layers, and test it."""
    settings = load_settings("hidden_sizes")
    at_least = settings["at_least"]
    test = load_digits("test")
    findings = []
    figure, axes = chart(
        "Test accuracy by size of the hidden layers", "weights and biases", "test accuracy (%)"
    )
    for hidden in settings["hidden"]:
        runs = train_networks({"hidden": hidden}, settings["seeds"])
        values = [accuracy_on(trained.network, test) for trained in runs]
        network = runs[0].network
        shape = "-".join(map(str, network.sizes))
        findings.append(Finding(shape, "test accuracy", values, "share", 2, at_least=at_least))
        size = network.parameters.size
        mean = 100 * np.mean(values)
        axes.plot([size] * len(values), [100 * value for value in values], ".", color=BLUE)
        label = "-".join(map(str, hidden)) or "no hidden layer"
        axes.annotate(label, (size, mean), (8, -10), textcoords="offset points", fontsize=10)
    axes.axhline(100 * at_least, color="black", linestyle="--", linewidth=1)
    axes.annotate(
        "“about 98 %” starts here",
        (0.01, 100 * at_least),
        xycoords=("axes fraction", "data"),
        va="bottom",
    )
    axes.set_xscale("log")
    axes.margins(x=0.12)
    first, last = findings[0], findings[-1]
    report(
        hidden_sizes,
        3,
        statement="With other hidden layers it reads about 98 %",
        source=PART_2,
        brief=f"{first.case} reads {first}, {last.case} {last}",
        meaning=(
            "Each hidden neuron is one more feature to tell digits apart by. The first ones help "
            "most; after that, doubling the layer adds less each time, but doubles the work."
        ),
        findings=findings,
        figure=figure,
    )


if __name__ == "__main__":
    run(hidden_sizes)
