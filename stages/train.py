"""Stage 3, train: a network of random weights learns from the training images."""

from command import MODEL, PARAMS, PREPARED, ModelFile, ParamsFile, PreparedFolder, run

import csv
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.base.params import load_params
from mnist_mlp.data.dataset import load_dataset, load_training
from mnist_mlp.learning.checkpoint import (
    checkpoint_key,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)
from mnist_mlp.learning.model import save_network
from mnist_mlp.learning.training import Epoch, Progress, new_network
from mnist_mlp.learning.training import train as train_network

HISTORY = Path("metrics/history.csv")
PAUSE = 40  # times as long as it took to write a checkpoint, before the next: they cost 2.5 %


def train(
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    history: Annotated[Path, typer.Option(help="Cost and accuracy of each epoch.")] = HISTORY,
) -> None:
    """Train the network by gradient descent.

    Reads data/prepared and the knobs of the network and of gradient descent; writes
    data/model.npz and metrics/history.csv. A training that was killed goes on from
    data/model.npz.checkpoint, which stands there until a training ends.
    """
    params = load_params(params_file)
    training = load_training(prepared, params)
    validation = load_dataset(prepared, "validation")
    if params.batch_size > len(training.images):
        raise InputError(
            f"{params_file}: batch_size: expected at most the {len(training.images)} training "
            f"images, found {params.batch_size}"
        )
    print(
        f"kernels: {params.kernels} ({os.environ.get('OPENBLAS_CORETYPE', 'chosen by OpenBLAS')})"
    )
    network = new_network(params)
    checkpoint = model.with_name(f"{model.name}.checkpoint")
    key = checkpoint_key(params, (training, validation), Path(__file__).parent)
    progress = Progress(network)
    load_checkpoint(checkpoint, key, network, progress)
    if progress.history:
        print(f"going on after epoch {len(progress.history)}, from {checkpoint}")
    due = time.monotonic()
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # such a run ends in an error of its own
            epochs = train_network(network, training, validation, params, progress)
            for _ in _show(epochs, progress, params.epochs):
                if (start := time.monotonic()) >= due:
                    save_checkpoint(checkpoint, key, network, progress)
                    saved = time.monotonic()
                    due = saved + PAUSE * (saved - start)
    except InputError:
        remove_checkpoint(checkpoint)  # from which it would only fail again
        raise
    save_network(model, network)
    with whole_file(history) as file:
        file.write(_as_csv(progress.history))
    remove_checkpoint(checkpoint)


def _show(epochs: Iterator[Epoch], progress: Progress, total: int) -> Iterator[Epoch]:
    """Pass the epochs on, with a progress bar on a terminal and a line for each elsewhere."""
    if sys.stderr.isatty():
        with typer.progressbar(
            epochs,
            length=total - len(progress.history),
            label="training",
            width=20,
            item_show_func=lambda epoch: epoch and _accuracy(epoch),
            file=sys.stderr,
        ) as bar:
            yield from bar
        last = progress.history[-1]
        print(f"epoch {last.epoch}/{total}: {_accuracy(last)}", file=sys.stderr)
    else:
        for epoch in epochs:
            print(f"epoch {epoch.epoch}/{total}: {_accuracy(epoch)}", flush=True)
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
    for number, *values, parameters in epochs:
        figures = ("nan" if value is None else f"{value:.6f}" for value in values)
        writer.writerow([number, *figures, parameters])
    return table.getvalue().encode()


if __name__ == "__main__":
    run(train)
