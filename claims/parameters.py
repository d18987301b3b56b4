"""Claim 1: the network of the videos has 13,002 weights and biases."""

from claim import Finding, knobs, report
from command import run

from mnist_mlp.learning.network import Network


def parameters() -> None:
    """Count the weights and biases of a network of these sizes."""
    asked = knobs("parameters")
    network = Network(asked["sizes"], "sigmoid", "squared_error")
    sizes = "-".join(map(str, asked["sizes"]))
    expected = asked["expected"]
    report(
        parameters,
        1,
        f"{sizes} has {expected:,} weights and biases.",
        [
            Finding(
                sizes, "weights and biases", [network.parameters.size], ",.0f", expected, expected
            )
        ],
    )


if __name__ == "__main__":
    run(parameters)
