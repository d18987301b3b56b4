"""Claim 9: the network can read digits, but it cannot draw them."""

from claim import PREPARED, RECIPES, Finding, exact, knobs, load_trained, report, show_image
from command import run

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS, load_dataset
from mnist_mlp.learning.network import Network

SIMILAR = "correlation with the most similar training image of the digit"


def drawing() -> None:
    """Change images until each of the ten outputs is as large as it gets, and look at them.

    The images begin as a little noise and ascend the gradient of their output. The network cannot
    draw if it is sure of such drawings, with outputs over 0.9, though they are as unlike all
    training images of their digit as only the poorest of the test digits are.
    """
    asked = knobs("drawing")
    training, test = (load_dataset(PREPARED, name) for name in ("training", "test"))
    known = [unit(training.images[training.labels == digit]) for digit in range(DIGITS)]
    own = [
        float(np.max(known[label] @ unit(image[np.newaxis])[0]))
        for image, label in zip(test.images[: asked["digits"]], test.labels, strict=False)
    ]
    poor = float(np.quantile(own, asked["poorest"]))
    findings = []
    figure = Figure(figsize=(8, 2.7), layout="constrained")
    figure.suptitle(
        "What each output likes best, and how sure it is", fontweight="bold", fontsize=12
    )
    rows = figure.subplots(len(RECIPES), DIGITS)
    for row, (family, recipe) in zip(rows, RECIPES.items(), strict=True):
        sure, alike, noise = [], [], []
        for seed, trained in enumerate(load_trained(family, asked["seeds"])):
            drawn = draw(exact(trained.network), asked["steps"], asked["step"], seed)
            outputs = trained.network.forward(drawn.astype(np.float32))[-1].diagonal()
            done = np.flatnonzero(outputs > 0.9).tolist()
            sure.append(len(done) / DIGITS)
            alike.append(likeness(drawn, known, done or range(DIGITS)))
            noise.append(likeness(draw(trained.network, 0, 0, seed), known, range(DIGITS)))
            if seed == 0:
                for digit, axes in enumerate(row):
                    show_image(axes, drawn[digit], f"{digit}: {outputs[digit]:.0%}")
        row[0].set_ylabel(recipe.removeprefix("the ").replace(" ", "\n"), fontsize=8)
        findings += [
            Finding(
                recipe, "share of its drawings with an output over 0.9", sure, ".0%", asked["sure"]
            ),
            Finding(recipe, f"{SIMILAR}, these drawings", alike, ".2f", at_most=poor),
            Finding(recipe, f"{SIMILAR}, the noise they began with", noise, ".2f"),
        ]
    findings.append(Finding("test digits", SIMILAR, own, ".2f", of="images"))
    report(drawing, 9, "It cannot draw digits.", findings, figure)


def likeness(images: Array, known: list[Array], digits: Iterable[int]) -> float:
    """Return the mean, over some digits, of the correlation with the most similar known image.

    `images` is (10, 784), an image for each digit, and `known` holds what `unit` made of the
    training images of each digit.
    """
    return float(np.mean([np.max(known[d] @ unit(images[d : d + 1])[0]) for d in digits]))


def draw(network: Network, steps: int, step: float, seed: int) -> Array:
    """Return ten images, (10, 784), that ascend the outputs 0 to 9 from a little noise.

    Each step goes along the gradient of ln a for the output a that an image is drawn for, and is
    of the same length; pixels stay between 0 and 1.
    """
    images: Array = 0.1 * generator(seed, "claim", 9).random((DIGITS, PIXELS), dtype=np.float32)
    images = images.astype(network.parameters.dtype)
    targets = np.eye(DIGITS, dtype=images.dtype)
    for _ in range(steps):
        activations = network.forward(images)
        # ∂ ln a / ∂z: of a sigmoid it is 1 - a, a factor that the length of the step takes away
        delta = targets - activations[-1] if network.cost == "cross_entropy" else targets
        for layer in reversed(range(1, len(network.weights))):
            delta = delta @ network.weights[layer] * network.slopes[layer - 1](activations[layer])
        gradient = delta @ network.weights[0]
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        length = np.maximum(length, np.finfo(length.dtype).tiny)
        images = np.clip(images + step * gradient / length, 0, 1)
    return images


def unit(images: Array) -> Array:
    """Return images, (n, 784), centred and scaled so that a product of two is a correlation."""
    centred = images - images.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return scaled


if __name__ == "__main__":
    run(drawing)
