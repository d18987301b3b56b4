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
from mnist_mlp.learning.evaluation import UNSURE, answer, mistakes
from mnist_mlp.learning.network import Network
from mnist_mlp.showing.charts import draw_curves

PAGE = Path(__file__).parent / "page"
SCRIPTS = (
    "bytes.js",
    "network.js",
    "framing.js",
    "backprop.js",
    "attribution.js",
    "snapshots.js",
    "pictures.js",
    "diagram.js",
    "explain.js",
    "pad.js",
    "galleries.js",
    "page.js",
)

MAX_PARAMETERS = 4_000_000  # of a network that the page contains; they make it 21 MB
RIGHT_IN_CELL, WRONG_IN_CELL = 4, 12  # test digits per cell of the confusion matrix
MISTAKES = 24
MISTAKES_TO_LOAD = 6
MAX_NEURONS = 24  # drawn per layer: those that matter most for the digit

# Up to 255 zeros, the most that one byte can count, then up to 255 other bytes.
RUN = re.compile(rb"(\0{0,255})([^\0]{0,255})")


def gather(
    network: Network,
    test: Dataset,
    noise: Array,
    *,
    history: Mapping[str, Sequence[float]],
    knobs: Mapping[str, object],
    results: Mapping[str, float | str],
    claims: Sequence[object] = (),
) -> dict[str, Any]:
    """Gather what the page shows.

    `noise` is (n, 784) in [0, 1], images that show no digit. `history` has a list for each column
    of metrics/history.csv, `results` are those of metrics/accuracy.json, and a claim has the
    attributes `statement`, `measured` (a list of lines) and `verdict`.
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
            draw_curves(name, history["epoch"], _curves(history, name), lowest)
            for name, lowest in (("cost", 0.0), ("accuracy", None))
        ],
        "knobs": knobs,
        "results": results,
        "claims": claims,
        "data": _gather_data(network, test, outputs, noise),
    }


def _gather_data(network: Network, test: Dataset, outputs: Array, noise: Array) -> dict[str, Any]:
    """Gather the data of the page's script: the network, and all digits in one list."""
    right = test.labels == outputs.argmax(axis=1)
    chosen, worst = choose_digits(test.labels, outputs)
    firsts = [np.flatnonzero(right & (test.labels == digit))[:1] for digit in range(DIGITS)]
    to_load = [*np.sort(np.concatenate(firsts)), *worst[:MISTAKES_TO_LOAD]]
    no_digit = [None] * len(noise)
    return {
        "most_neurons": MAX_NEURONS,
        "unsure": UNSURE,
        "output": COSTS[network.cost].output,
        "network": _describe(network) if network.parameters.size <= MAX_PARAMETERS else None,
        "digits": _digits(
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


def bundle(names: Sequence[str]) -> str:
    """Join modules of the page in one script, in which each name stands once.

    Each imports only from those before it, in lines of their own, which are left out.
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
        "parameters": _base64(network.parameters.astype("<f4").tobytes()),
    }


def _digits(
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
