"""Claim 9: the network can read digits, but it cannot draw them."""

from claim import (
    PART_2,
    RECIPES,
    Finding,
    load_digits,
    load_settings,
    load_trained,
    report,
    show_image,
    to_float64,
)
from command import run

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS
from mnist_mlp.learning.network import Network

SIMILAR = "correlation with the most similar training image of the digit"


def drawing() -> None:
    """Change images until each of the ten outputs is as large as possible, and look at them.

    The images start as faint noise and follow the gradient of their output upwards. The network
    cannot draw if it is sure of these drawings, with outputs over 0.9, although they resemble the
    training images of their digit less than nearly all test digits do.
    """
    settings = load_settings("drawing")
    training, test = load_digits("training"), load_digits("test")
    known = [unit(training.images[training.labels == digit]) for digit in range(DIGITS)]
    real = [
        float(np.max(known[label] @ unit(image[np.newaxis])[0]))
        for image, label in zip(test.images[: settings["digits"]], test.labels, strict=False)
    ]
    poorest = float(np.quantile(real, settings["poorest"]))
    findings = []
    figure = Figure(figsize=(8, 2.7), layout="constrained")
    figure.suptitle(
        "The image that each output responds to most, and that output",
        fontweight="bold",
        fontsize=12,
    )
    rows = figure.subplots(len(RECIPES), DIGITS)
    for row, (recipe, name) in zip(rows, RECIPES.items(), strict=True):
        sure, similar, noise = [], [], []
        for seed, trained in enumerate(load_trained(recipe, settings["seeds"])):
            drawn = draw(to_float64(trained.network), settings["steps"], settings["step"], seed)
            outputs = trained.network.forward(drawn.astype(np.float32))[-1].diagonal()
            done = np.flatnonzero(outputs > 0.9).tolist()
            sure.append(len(done) / DIGITS)
            similar.append(similarity(drawn, known, done or range(DIGITS)))
            noise.append(similarity(draw(trained.network, 0, 0, seed), known, range(DIGITS)))
            if seed == 0:
                for digit, axes in enumerate(row):
                    show_image(axes, drawn[digit], f"{digit}: {outputs[digit]:.0%}")
        row[0].set_ylabel(name.removeprefix("the ").replace(" ", "\n"), fontsize=8)
        measure = "fraction of drawings with an output over 0.9"
        findings += [
            Finding(name, measure, sure, "share", 0, settings["sure"]),
            Finding(name, f"{SIMILAR}: drawings", similar, "correlation", 2, at_most=poorest),
            Finding(name, f"{SIMILAR}: the initial noise", noise, "correlation", 2),
        ]
    digits = Finding("test digits", SIMILAR, real, "correlation", 2, over="images")
    _, _, _, certain, drawings, _ = findings
    report(
        drawing,
        9,
        statement="The network cannot draw digits",
        source=PART_2,
        brief=f"It is sure of {certain} of its drawings, which correlate {drawings} with digits",
        meaning=(
            "To read a digit it is enough to know what sets it apart from the nine others. "
            "Training never asks which images look like a digit at all, so an output can be large "
            "for images that do not."
        ),
        findings=[*findings, digits],
        figure=figure,
    )


def similarity(images: Array, known: list[Array], digits: Iterable[int]) -> float:
    """Return the mean, over some digits, of the correlation with the most similar known image.

    `images` is (10, 784), one image for each digit; `known` holds the training images of each
    digit, scaled by `unit`.
    """
    return float(np.mean([np.max(known[d] @ unit(images[d : d + 1])[0]) for d in digits]))


def draw(network: Network, steps: int, step: float, seed: int) -> Array:
    """Return ten images, (10, 784), one to maximise each output, starting from faint noise.

    Each step follows the gradient of ln a, for the output a that the image is drawn for. All steps
    have the same length. Pixels stay between 0 and 1.
    """
    images: Array = 0.1 * generator(seed, "claim", 9).random((DIGITS, PIXELS), dtype=np.float32)
    images = images.astype(network.parameters.dtype)
    targets = np.eye(DIGITS, dtype=images.dtype)
    for _ in range(steps):
        activations = network.forward(images)
        # ∂ ln a / ∂z; the factor 1 - a of a sigmoid is left out, since the length is fixed anyway
        delta = targets - activations[-1] if network.cost == "cross_entropy" else targets
        for layer in reversed(range(1, len(network.weights))):
            delta = delta @ network.weights[layer] * network.slopes[layer - 1](activations[layer])
        gradient = delta @ network.weights[0]
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        length = np.maximum(length, np.finfo(length.dtype).tiny)
        images = np.clip(images + step * gradient / length, 0, 1)
    return images


def unit(images: Array) -> Array:
    """Centre and scale images, (n, 784), so that the dot product of two is their correlation."""
    centred = images - images.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return scaled


if __name__ == "__main__":
    run(drawing)
