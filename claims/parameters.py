"""Claim 1: the network of the videos has 13,002 weights and biases."""

from claim import PART_1, Finding, load_settings, report
from command import run

from mnist_mlp.learning.network import Network


def parameters() -> None:
    """Count the weights and biases of a network of these sizes."""
    settings = load_settings("parameters")
    network = Network(settings["sizes"], "sigmoid", "squared_error")
    shape = "-".join(map(str, settings["sizes"]))
    expected = settings["expected"]
    count = Finding(
        shape, "weights and biases", [network.parameters.size], "amount", 0, expected, expected
    )
    report(
        parameters,
        1,
        statement=f"{shape} has {expected:,} weights and biases",
        source=PART_1,
        brief=f"Counted: {count}",
        meaning=(
            "A layer has one weight for each pair of neurons that it connects, and one bias for "
            "each of its neurons. Most parameters belong to the first hidden layer, because it "
            "reads every pixel."
        ),
        findings=[count],
    )


if __name__ == "__main__":
    run(parameters)
