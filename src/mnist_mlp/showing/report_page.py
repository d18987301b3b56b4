"""The report: one network and what it learned, as a page that opens without a server."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import DIGITS, Dataset, Labels
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import UNSURE, activations, answer, mistakes
from mnist_mlp.learning.likeness import Likeness
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.snapshots import DECIMALS, Snapshots
from mnist_mlp.showing.charts import draw_curves, place_of_epochs

PAGE = Path(__file__).parent / "page"
SCRIPTS = (
    "bytes.js",
    "network.js",
    "framing.js",
    "straightening.js",
    "likeness.js",
    "strange.js",
    "backprop.js",
    "attribution.js",
    "snapshots.js",
    "words.js",
    "pictures.js",
    "dom.js",
    "address.js",
    "pad.js",
    "ones.js",
    "diagram.js",
    "scene.js",
    "neurons.js",
    "explain.js",
    "galleries.js",
    "answer.js",
    "time.js",
    "teach.js",
    "tour.js",
    "page.js",
)

MAX_LIKENESS = 150_000  # bytes that say what digits look like
MAX_PARAMETERS = 4_000_000  # of a network that the page contains; they make it 21 MB
RIGHT_IN_CELL, WRONG_IN_CELL = 4, 12  # test digits per cell of the confusion matrix
MISTAKES = 24
MISTAKES_TO_LOAD = 6
MAX_NEURONS = 24  # drawn per layer: those that matter most for the digit
TEST_DIGITS, TRAINING_DIGITS = 500, 300  # to score a network that the page teaches, and to teach it
STRONG = 99  # percentile of activations and of lines that is shown at full strength
IMAGES = 1000  # test digits to find these percentiles in
MAX_LINES = 10_000_000  # into a layer, over all these digits; a wide layer has to do with fewer

# Up to 255 zeros, the most that one byte can count, then up to 255 other bytes.
RUN = re.compile(rb"(\0{0,255})([^\0]{0,255})")


def gather(
    network: Network,
    test: Dataset,
    training: Dataset,
    noise: Array,
    *,
    history: Mapping[str, Sequence[float]],
    knobs: Mapping[str, object],
    results: Mapping[str, float | str],
    claims: Sequence[object] = (),
    snapshots: Snapshots | None = None,
    likeness: Likeness | None = None,
    straightened: bool = False,
) -> dict[str, Any]:
    """Gather what the page shows.

    `training` are examples that the network learned from; the page has the first TRAINING_DIGITS.
    `noise` is (n, 784) in [0, 1], images that show no digit. `history` has a list for each column
    of metrics/history.csv, `results` are those of metrics/accuracy.json, and a claim has the
    attributes `statement`, `measured` (a list of lines) and `verdict`. `straightened` says whether
    the digits are.
    """
    outputs = answer(network, test.images)
    confusion = np.zeros((DIGITS, DIGITS), int)
    np.add.at(confusion, (test.labels, outputs.argmax(axis=1)), 1)
    wrong = confusion * (1 - np.eye(DIGITS, dtype=int))
    return {
        "sizes": network.sizes,
        "parameters": network.parameters.size,
        "most_parameters": MAX_PARAMETERS,
        "n_test": len(test.images),
        "n_wrong": int(wrong.sum()),
        "confusion": confusion.tolist(),
        "heat": np.ceil(4 * wrong / (wrong.max() or 1)).astype(int).tolist(),
        "most_in_cell": (RIGHT_IN_CELL, WRONG_IN_CELL),
        "charts": [
            draw_curves("cost", history["epoch"], _curves(history, "cost"), lowest=0.0),
            draw_curves("accuracy", history["epoch"], _curves(history, "accuracy"), percent=True),
        ],
        "knobs": knobs,
        "results": results,
        "claims": claims,
        "data": {
            "chart": place_of_epochs(history["epoch"]),
            "straightened": straightened,
            **_gather_digits(network, test, outputs, noise),
            **_gather_network(network, test, training, snapshots, likeness),
        },
    }


def _gather_network(
    network: Network,
    test: Dataset,
    training: Dataset,
    snapshots: Snapshots | None,
    likeness: Likeness | None,
) -> dict[str, Any]:
    """Gather the network and what the page's script does with it, all None if it is too large."""
    if network.parameters.size > MAX_PARAMETERS:
        return dict.fromkeys(("network", "scales", "snapshots", "practice", "likeness"))
    return {
        "network": _describe(network),
        "scales": find_scales(network, test.images),
        "snapshots": _describe_snapshots(snapshots),
        "likeness": describe_likeness(likeness),
        "practice": {
            "test": _pack_examples(test, TEST_DIGITS),
            "training": _pack_examples(training, TRAINING_DIGITS),
        },
    }


def _gather_digits(network: Network, test: Dataset, outputs: Array, noise: Array) -> dict[str, Any]:
    """Gather the digits that the page shows, all in one list."""
    right = test.labels == outputs.argmax(axis=1)
    chosen, worst = choose_digits(test.labels, outputs)
    firsts = [np.flatnonzero(right & (test.labels == digit))[:1] for digit in range(DIGITS)]
    to_load = [*np.concatenate(firsts), *worst[:MISTAKES_TO_LOAD]]
    no_digit = [None] * len(noise)
    return {
        "most_neurons": MAX_NEURONS,
        "unsure": UNSURE,
        "output": COSTS[network.cost].output,
        "digits": _pack_digits(
            np.concatenate([test.images[chosen], noise]),
            np.concatenate([outputs[chosen], answer(network, noise)]),
            chosen.tolist() + no_digit,
            test.labels[chosen].tolist() + no_digit,
        ),
        "to_load": [
            *np.searchsorted(chosen, to_load).tolist(),
            *range(len(chosen), len(chosen) + len(noise)),
        ],
        "mistakes": np.searchsorted(chosen, worst).tolist(),
    }


def choose_digits(labels: Labels, outputs: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose test images for the page; return all of them, sorted, and the worst, worst first.

    They are the most confident mistakes and, from each cell of the confusion matrix, the first few
    if they are read correctly, or else the most confident. `outputs` is (n, 10), `labels` (n,).
    """
    predicted = outputs.argmax(axis=1)
    wrong = mistakes(outputs, labels)
    worst = wrong[:MISTAKES]
    chosen = [worst]
    for digit in range(DIGITS):
        for read in range(DIGITS):
            cell = (labels == digit) & (predicted == read)
            if digit == read:
                chosen.append(np.flatnonzero(cell)[:RIGHT_IN_CELL])
            else:
                chosen.append(wrong[cell[wrong]][:WRONG_IN_CELL])
    return np.unique(np.concatenate(chosen)), worst


def pack_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """Run-length encode zeros: how many zeros, how many other bytes, these bytes, and so on."""
    runs = RUN.findall(pixels.tobytes())
    return b"".join(bytes([len(zeros), len(others)]) + others for zeros, others in runs)


def pack_nibbles(images: Array) -> bytes:
    """Round images, (n, 784) in [0, 1], to fifteenths, two pixels a byte, and pack the bytes.

    The first pixel of the two is in the high four bits. Builds of zlib compress to different bytes,
    so pack_pixels does it.
    """
    shades = np.rint(images * 15).astype(np.uint8)
    return pack_pixels(16 * shades[:, ::2] + shades[:, 1::2])


def find_scales(network: Network, images: Array) -> dict[str, list[float]]:
    """Return which activations and lines are shown at full strength, from `images`, (n, 784).

    `activations` has a number for each layer after the input: 1, or for a hidden layer of ReLU the
    99th percentile. `lines` has one for each layer of weights: the 99th percentile of
    |weight × activation|, without zeros, over as many of the images as MAX_LINES allows. If all are
    0, it is 1.
    """
    layers = activations(network, images[:IMAGES])
    hidden = [_strong(layer) if network.activation == "relu" else 1.0 for layer in layers[1:-1]]
    lines = []
    for layer, weights in zip(layers, network.weights, strict=False):
        seen = layer[: max(1, MAX_LINES // weights.size)]
        products = np.abs(seen[:, np.newaxis] * weights)
        lines.append(_strong(products[products > 0]))
    return {"activations": [*hidden, 1.0], "lines": lines}


def _strong(values: Array) -> float:
    strong = float(np.percentile(values, STRONG)) if values.size else 0.0
    return float(f"{strong:.4g}") or 1.0


def bundle(names: Sequence[str]) -> str:
    """Join modules of the page in one script, without the lines that import and the word export.

    A module may import only from those before it, and no two may declare the same name.
    """
    return re.sub(r"^import .*\n|^export ", "", "\n".join(map(_read, names)), flags=re.M)


def render(page: Mapping[str, Any]) -> bytes:
    """Render what `gather` returned as one HTML file, with inline styles and scripts.

    Its Content-Security-Policy allows these, by their SHA-256, and no requests.
    """
    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = _read("style.css")
    script = '"use strict";\n' + bundle(SCRIPTS)
    # Inside a script element, nothing may look like its closing tag.
    data = json.dumps(page["data"], separators=(",", ":")).replace("<", "\\u003c")
    template = environment.get_template("report.html")
    html = template.render(
        page,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data_json=data,
    )
    return html.encode()


def _describe(network: Network) -> dict[str, Any]:
    """Return a network as makeNetwork in network.js expects it.

    Raises InputError if the table ACTIVATIONS there lacks the network's activation.
    """
    table = re.search(r"const ACTIVATIONS = \{\n(.*?)^\};", _read("network.js"), re.M | re.S)
    known = re.findall(r"^  (\w+):", table[1] if table else "", re.M)
    if network.activation not in known:
        raise InputError(
            f"{os.path.relpath(PAGE / 'network.js')}: expected {network.activation} in the table "
            f"ACTIVATIONS, found only {', '.join(known)}; add this function there"
        )
    return {
        "sizes": network.sizes,
        "activation": network.activation,
        "output": COSTS[network.cost].output,
        "cost": network.cost,
        "parameters": _base64(network.parameters.astype("<f4").tobytes()),
    }


def _describe_snapshots(snapshots: Snapshots | None) -> dict[str, Any] | None:
    """Return snapshots as snapshots.js expects them, or None if there is only the last moment."""
    if snapshots is None or not len(snapshots.weights):
        return None
    moments = [
        {name: None if np.isnan(x) else round(x, DECIMALS) for name, x in moment.items()}
        for moment in snapshots.moments
    ]
    return {
        "moments": moments,
        "measured_on": snapshots.measured_on,
        "weights": _base64(snapshots.weights.tobytes()),
        "scales": _base64(snapshots.scales.astype("<f4").tobytes()),
        "biases": _base64(snapshots.biases.astype("<f4").tobytes()),
    }


def describe_likeness(likeness: Likeness | None) -> dict[str, Any] | None:
    """Return a likeness as likeness.js expects it, or None if it is too large.

    Each vector becomes integers from -127 to 127, and a scale.
    """
    if likeness is None:
        return None
    vectors = np.concatenate([likeness.means[:, np.newaxis], likeness.directions], axis=1)
    scales = np.abs(vectors).max(axis=2) / 127
    integers = np.rint(vectors / np.where(scales > 0, scales, 1)[..., np.newaxis])
    described = {
        "n": vectors.shape[2],
        "each": vectors.shape[1],
        "limit": likeness.limit,
        "unusual": likeness.unusual,
        "vectors": _base64(integers.astype(np.int8).tobytes()),
        "scales": _base64(scales.astype("<f4").tobytes()),
    }
    return described if len(json.dumps(described)) <= MAX_LIKENESS else None


def _pack_examples(examples: Dataset, n: int) -> dict[str, Any]:
    """Return the first n examples, or all if there are fewer."""
    return {
        "pixels": _base64(pack_nibbles(examples.images[:n])),
        "labels": examples.labels[:n].tolist(),
    }


def _pack_digits(
    images: Array, outputs: Array, test_images: Sequence[int | None], labels: Sequence[int | None]
) -> dict[str, Any]:
    """Return images and the network's answers, a list for each property."""
    return {
        "pixels": _base64(pack_pixels(np.rint(images * 255).astype(np.uint8))),
        "test_image": test_images,
        "label": labels,
        "predicted": outputs.argmax(axis=1).tolist(),
        "confidence": [round(float(confidence), 4) for confidence in outputs.max(axis=1)],
    }


def _curves(history: Mapping[str, Sequence[float]], what: str) -> dict[str, Sequence[float]]:
    return {name: history[f"{name}_{what}"] for name in ("training", "validation")}


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + _base64(hashlib.sha256(text.encode()).digest())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
