"""Stage 3, train: a network of random weights learns from the training images."""

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

import csv
import io
import os
import time
from collections.abc import Iterator
from typing import Annotated

import numpy as np
import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import remove_file, whole_file
from mnist_mlp.base.params import load_params, restorable
from mnist_mlp.data.dataset import load_dataset, save_split
from mnist_mlp.learning.checkpoint import checkpoint_key, load_checkpoint, save_checkpoint
from mnist_mlp.learning.model import save_network
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.training import new_network
from mnist_mlp.learning.training import train as train_network

HISTORY = Path("metrics/history.csv")
PAUSE = 40  # times as long as it took to write a checkpoint, before the next: they cost 2.5 %


def train(
    *,
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    validation: ValidationFile = VALIDATION,
    history: Annotated[Path, typer.Option(help="Cost and accuracy of each epoch.")] = HISTORY,
) -> None:
    """Train the network by gradient descent.

    Reads data/prepared and the knobs of the network and of gradient descent; writes data/model.npz,
    data/validation.npy, which training images were held out, and metrics/history.csv, which grows
    by a row after each epoch. A training that was killed resumes from data/model.npz.checkpoint,
    which stays there until a training ends.
    """
    params = load_params(params_file)
    digits = load_dataset(prepared, "training")
    print(
        f"kernels: {params.kernels} ({os.environ.get('OPENBLAS_CORETYPE', 'chosen by OpenBLAS')})"
    )
    network = new_network(params)
    with restorable(params_file):
        progress = Progress(network, digits, params)
    save_split(validation, progress.split)
    checkpoint = model.with_name(f"{model.name}.checkpoint")
    key = checkpoint_key(params, digits, Path(__file__).parent)
    load_checkpoint(checkpoint, key, network, progress)
    if progress.history:
        print(f"resuming after epoch {len(progress.history)}, from {checkpoint}")
        _save_history(history, progress.history)
    due = time.monotonic()
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # such a run ends in an error of its own
            moments = train_network(network, digits, params, progress)
            for _ in _show(moments, progress, params.epochs):
                _save_history(history, progress.history)
                if (start := time.monotonic()) >= due:
                    save_checkpoint(checkpoint, key, network, progress)
                    saved = time.monotonic()
                    due = saved + PAUSE * (saved - start)
    except InputError:
        remove_file(checkpoint)  # from which it would only fail again
        raise
    except SystemExit as interruption:
        if not progress.history:
            raise
        raise SystemExit(f"{interruption}; {history} has the epochs so far") from None
    save_network(model, network)
    _save_history(history, progress.history)
    remove_file(checkpoint)


def _show(moments: Iterator[Moment], progress: Progress, total: int) -> Iterator[Moment]:
    """Pass the epochs on, with a progress bar on a terminal and a line for each elsewhere."""
    if sys.stderr.isatty():
        with typer.progressbar(
            moments,
            length=total - len(progress.history),
            label="training",
            width=20,
            item_show_func=lambda moment: moment and _accuracy(moment),
            file=sys.stderr,
        ) as bar:
            yield from bar
        last = progress.history[-1]
        print(f"epoch {last.epoch:g}/{total}: {_accuracy(last)}", file=sys.stderr)
    else:
        for moment in moments:
            print(f"epoch {moment.epoch:g}/{total}: {_accuracy(moment)}", flush=True)
            yield moment


def _accuracy(moment: Moment) -> str:
    text = f"accuracy {moment.training_accuracy:.2%}"
    if moment.validation_accuracy is not None:
        text += f", validation {moment.validation_accuracy:.2%}"
    return text


def _save_history(path: Path, epochs: list[Moment]) -> None:
    """Replace the table of epochs, so that plots can follow a training while it runs."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Moment._fields)
    for epoch, step, *values, parameters in epochs:
        figures = ("nan" if value is None else f"{value:.6f}" for value in values)
        writer.writerow([f"{epoch:g}", step, *figures, parameters])
    with whole_file(path, durable=False) as file:
        file.write(table.getvalue().encode())


if __name__ == "__main__":
    run(train)
