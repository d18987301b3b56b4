"""Claim 9: the network can read digits, but it cannot draw them."""

from claim import CONTROL, Finding, knobs, load_trained, report, show_image
from command import PREPARED, run

import numpy as np
from matplotlib.figure import Figure

from mnist_mlp.backprop import SLOPES
from mnist_mlp.costs import Array
from mnist_mlp.dataset import DIGITS, PIXELS, load_dataset
from mnist_mlp.network import Network
from mnist_mlp.randomness import generator

SIMILAR = "correlation with the most similar training image of the digit"
FAMILIES = {"default": "the project's default", "literal": "the literal recipe"}


def drawing() -> None:
    """Change images until each of the ten outputs is as large as it gets, and look at them."""
    asked = knobs("drawing")
    training, test = (load_dataset(PREPARED, name) for name in ("training", "test"))
    known = [unit(training.images[training.labels == digit]) for digit in range(DIGITS)]
    own = [
        float(np.max(known[label] @ unit(image[np.newaxis])[0]))
        for image, label in zip(test.images[:100], test.labels[:100], strict=True)
    ]
    findings = []
    figure = Figure(figsize=(8, 2.7), layout="constrained")
    figure.suptitle(
        "What each output likes best, and how sure it is", fontweight="bold", fontsize=12
    )
    rows = figure.subplots(len(FAMILIES), DIGITS)
    for row, (family, recipe) in zip(rows, FAMILIES.items(), strict=True):
        sure, alike = [], []
        for seed, trained in enumerate(load_trained(family)[: asked["seeds"]]):
            drawn = draw(trained.network, asked["steps"], asked["step"], seed)
            outputs = trained.network.forward(drawn)[-1].diagonal()
            sure.append(float(outputs.mean()))
            nearest = [np.max(known[d] @ unit(drawn[d : d + 1])[0]) for d in range(DIGITS)]
            alike.append(float(np.mean(nearest)))
            if seed == 0:
                for digit, axes in enumerate(row):
                    show_image(axes, drawn[digit], f"{digit}: {outputs[digit]:.0%}")
        row[0].set_ylabel(recipe.removeprefix("the ").replace(" ", "\n"), fontsize=8)
        findings += [
            Finding(recipe, "mean output for its own drawings", sure, ".1%"),
            Finding(
                recipe,
                SIMILAR,
                alike,
                ".2f",
                at_most=asked["alike"],
            ),
        ]
    findings.append(
        Finding(CONTROL, f"{SIMILAR}, 100 test digits", own, ".2f", at_least=asked["alike"])
    )
    report("drawing", 9, "It cannot draw digits.", findings, figure)


def draw(network: Network, steps: int, step: float, seed: int) -> Array:
    """Return ten images, (10, 784), that ascend the outputs 0 to 9 from a little noise.

    Each step goes along the gradient of ln a for the output a that an image is drawn for, and is
    of the same length; pixels stay between 0 and 1.
    """
    images: Array = 0.1 * generator(seed, "claim", 9).random((DIGITS, PIXELS), dtype=np.float32)
    slope = SLOPES[network.activation]
    targets = np.eye(DIGITS, dtype=np.float32)
    for _ in range(steps):
        activations = network.forward(images)
        # ∂ ln a / ∂z: of a sigmoid it is 1 - a, a factor that the length of the step takes away
        delta = targets - activations[-1] if network.cost == "cross_entropy" else targets
        for layer in reversed(range(1, len(network.weights))):
            delta = delta @ network.weights[layer] * slope(activations[layer])
        gradient = delta @ network.weights[0]
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        images = np.clip(images + step * gradient / np.maximum(length, 1e-12), 0, 1)
    return images


def unit(images: Array) -> Array:
    """Return images, (n, 784), centred and scaled so that a product of two is a correlation."""
    centred = images - images.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return scaled


if __name__ == "__main__":
    run(drawing)
