"""Stage 4, evaluate: how well the trained network reads digits that it has never seen."""

from command import MODEL, PARAMS, PREPARED, ModelFile, ParamsFile, PreparedFolder, run

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.base.params import load_params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import load_dataset, load_training
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer, noise_confidence
from mnist_mlp.learning.model import load_network

ACCURACY = Path("metrics/accuracy.json")
PREDICTIONS = Path("metrics/predictions.csv")
NOISE_IMAGES = 10_000


def evaluate(
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    metrics: Annotated[Path, typer.Option("--accuracy", help="The results.")] = ACCURACY,
    predictions: Annotated[Path, typer.Option(help="Each test digit's answer.")] = PREDICTIONS,
) -> None:
    """Measure the trained network on the test images, and on uniform random noise.

    Reads data/model.npz, data/prepared and the knobs kernels, labels and seed; writes
    metrics/accuracy.json and metrics/predictions.csv.
    """
    params = load_params(params_file)
    network = load_network(model)
    test = load_dataset(prepared, "test")
    validation = load_dataset(prepared, "validation")
    training = load_training(prepared, params)
    outputs = answer(network, test.images)
    results = {
        "test_accuracy": accuracy(outputs, test.labels),
        "training_accuracy": accuracy(answer(network, training.images), training.labels),
        "test_cost": COSTS[network.cost].mean(outputs, test.targets),
        "parameters": network.parameters.size,
        "training_images": len(training.images),
        "noise_confidence": noise_confidence(
            network, NOISE_IMAGES, generator(params.seed, "noise")
        ),
    }
    if len(validation.images):
        results["validation_accuracy"] = accuracy(
            answer(network, validation.images), validation.labels
        )
    if not math.isfinite(results["test_cost"]):
        raise InputError(
            f"{prepared}: expected targets that give a finite test_cost, found "
            f"{results['test_cost']}; run `dvc repro -f preprocess`"
        )
    with whole_file(metrics) as file:
        rounded = {name: round(value, 6) for name, value in results.items()}
        file.write((json.dumps(rounded, indent=2, sort_keys=True) + "\n").encode())
    with whole_file(predictions) as file:
        rows = zip(test.labels, outputs.argmax(axis=1), strict=True)
        lines = ["actual,predicted", *(f"{actual},{predicted}" for actual, predicted in rows)]
        file.write(("\n".join(lines) + "\n").encode())
    print(f"{results['test_accuracy']:.2%} of {len(test.images):,} unseen digits are read right.")


if __name__ == "__main__":
    run(evaluate)
