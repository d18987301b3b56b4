"""Stage 4, evaluate: how well the trained network reads digits that it has never seen."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import (
    MODEL,
    PARAMS,
    PREPARED,
    VALIDATION,
    ModelFile,
    ParamsFile,
    PreparedFolder,
    ValidationFile,
    run,
)

import json
import math
from typing import Annotated

import numpy as np
import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import load_params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import load_dataset, load_description, load_split, relabelled
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer, noise_confidence
from mnist_mlp.learning.likeness import likeness_file, measure_likeness, save_likeness
from mnist_mlp.learning.model import load_network

ACCURACY = Path("metrics/accuracy.json")
PREDICTIONS = Path("metrics/predictions.csv")
NOISE_IMAGES = 10_000


def evaluate(
    *,
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    validation: ValidationFile = VALIDATION,
    metrics: Annotated[Path, typer.Option("--accuracy", help="The results.")] = ACCURACY,
    predictions: Annotated[Path, typer.Option(help="The answer to each test digit.")] = PREDICTIONS,
) -> None:
    """Measure the trained network on the test images, and on uniform random noise.

    Reads data/model.npz, data/prepared, data/validation.npy and the knobs kernels, labels, refuse
    and seed; writes metrics/accuracy.json, metrics/predictions.csv and, beside the model,
    data/model.likeness.npz: what digits look like to it.
    """
    params = load_params(params_file)
    network = load_network(model)
    test = load_dataset(prepared, "test")
    training = load_dataset(prepared, "training")
    split = load_split(validation, len(training.images))
    labels = relabelled(training, split, params).labels
    with np.errstate(over="ignore", invalid="ignore"):  # the cost shows whether images are damaged
        likeness = measure_likeness(network, training, split, params.refuse)
        refused = likeness.refuses(network, test.images)
    outputs = answer(network, test.images)
    results = {
        "test_accuracy": accuracy(outputs, test.labels),
        "test_cost": COSTS[network.cost].mean(outputs, test.targets),
        "parameters": network.parameters.size,
        "training_images": len(split.training),
        "noise_confidence": noise_confidence(
            network, NOISE_IMAGES, generator(params.seed, "noise")
        ),
        "test_refused": float(refused.mean()),
    }
    for name, rows in split._asdict().items():
        if len(rows):
            read = answer(network, training.images, rows)
            results[f"{name}_accuracy"] = accuracy(read, labels[rows])
    if not math.isfinite(results["test_cost"]):
        raise InputError(
            f"{prepared}: expected targets that give a finite test_cost, found "
            f"{results['test_cost']}; run `dvc repro -f preprocess`"
        )
    rounded = {name: round(value, 6) for name, value in results.items()}
    data, _ = load_description(prepared)
    save_likeness(likeness_file(model), likeness, network)
    with atomic_write(metrics) as file:
        text = json.dumps(rounded | {"data": data}, indent=2, sort_keys=True)
        file.write(f"{text}\n".encode())
    with atomic_write(predictions) as file:
        pairs = zip(test.labels, outputs.argmax(axis=1), strict=True)
        lines = ["actual,predicted", *(f"{actual},{predicted}" for actual, predicted in pairs)]
        file.write(("\n".join(lines) + "\n").encode())
    print(
        f"{results['test_accuracy']:.2%} of {len(test.images):,} unseen digits are read correctly."
    )


if __name__ == "__main__":
    run(evaluate)
