"""Stage 3, train: a network of random weights learns from the training images."""

import csv
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from command import MODEL, PARAMS, PREPARED, ModelFile, ParamsFile, PreparedFolder, run

import numpy as np
import typer

from mnist_mlp.dataset import DIGITS, PIXELS, load_dataset, load_training
from mnist_mlp.errors import InputError
from mnist_mlp.files import whole_file
from mnist_mlp.model import save_network
from mnist_mlp.network import Network, draw_weights
from mnist_mlp.params import Params, load_params
from mnist_mlp.randomness import generator
from mnist_mlp.training import Epoch
from mnist_mlp.training import train as train_network

HISTORY = Path("metrics/history.csv")


def train(
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    history: Annotated[Path, typer.Option(help="Cost and accuracy of each epoch.")] = HISTORY,
) -> None:
    """Train the network by gradient descent.

    Reads data/prepared and the knobs of the network and of gradient descent; writes
    data/model.npz and metrics/history.csv.
    """
    params = load_params(params_file)
    training = load_training(prepared, params)
    validation = load_dataset(prepared, "validation")
    if params.batch_size > len(training.images):
        raise InputError(
            f"{params_file}: batch_size: expected at most the {len(training.images)} training "
            f"images, found {params.batch_size}"
        )
    print(f"kernels: {params.kernels} ({os.environ.get('OPENBLAS_CORETYPE', 'chosen by NumPy')})")
    network = Network([PIXELS, *params.hidden, DIGITS], params.activation, params.cost)
    draw_weights(network, params.initial_weights, generator(params.seed, "initial weights"))
    with np.errstate(over="ignore", invalid="ignore"):  # such a run ends in an error of its own
        epochs = list(_show(train_network(network, training, validation, params), params))
    save_network(model, network)
    with whole_file(history) as file:
        file.write(_as_csv(epochs))


def _show(epochs: Iterator[Epoch], params: Params) -> Iterator[Epoch]:
    """Pass the epochs on, with a progress bar on a terminal and a line for each elsewhere."""
    if sys.stderr.isatty():
        with typer.progressbar(
            epochs,
            length=params.epochs,
            label="training",
            width=20,
            item_show_func=lambda epoch: epoch and _accuracy(epoch),
            file=sys.stderr,
        ) as bar:
            for epoch in bar:
                yield epoch
        print(f"epoch {epoch.epoch}/{params.epochs}: {_accuracy(epoch)}", file=sys.stderr)
    else:
        for epoch in epochs:
            print(f"epoch {epoch.epoch}/{params.epochs}: {_accuracy(epoch)}", flush=True)
            yield epoch


def _accuracy(epoch: Epoch) -> str:
    text = f"accuracy {epoch.training_accuracy:.2%}"
    if epoch.validation_accuracy is not None:
        text += f", validation {epoch.validation_accuracy:.2%}"
    return text


def _as_csv(epochs: list[Epoch]) -> bytes:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Epoch._fields)
    for number, *values in epochs:
        writer.writerow([number, *("nan" if value is None else f"{value:.6f}" for value in values)])
    return table.getvalue().encode()


if __name__ == "__main__":
    run(train)
