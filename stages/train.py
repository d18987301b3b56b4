"""Stage 3, train: gradient descent, from random weights to a trained network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import (
    MODEL,
    PARAMS,
    PREPARED,
    SNAPSHOTS,
    VALIDATION,
    ModelFile,
    ParamsFile,
    PreparedFolder,
    SnapshotsFile,
    ValidationFile,
    run,
)

import csv
import io
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec
import numpy as np
import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write, remove_file
from mnist_mlp.base.params import Params, load_params, restorable, write_value
from mnist_mlp.data.dataset import load_dataset, load_description, save_split
from mnist_mlp.learning.checkpoint import checkpoint_key, load_checkpoint, save_checkpoint
from mnist_mlp.learning.evaluation import accuracy, answer, is_stuck
from mnist_mlp.learning.model import save_network
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.snapshots import plan_snapshots, save_snapshots, take_snapshots
from mnist_mlp.learning.training import new_network
from mnist_mlp.learning.training import train as train_network

HISTORY = Path("metrics/history.csv")
PAUSE = 40  # × the time to write a checkpoint, before the next: they cost at most 2.5 %
EPOCHS, STEPS = 3, 1000  # to learn something in, before a warning; a slow start is no fault
IMAGES = 1000  # to see in whether it has


def train(
    *,
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    snapshots: SnapshotsFile = SNAPSHOTS,
    validation: ValidationFile = VALIDATION,
    history: Annotated[Path, typer.Option(help="Cost and accuracy of each epoch.")] = HISTORY,
) -> None:
    """Train the network by gradient descent.

    Reads data/prepared and the knobs of the network and of gradient descent; writes data/model.npz,
    data/snapshots.npz (the network while it learned), metrics/history.csv (a row per epoch) and
    data/validation.npy (which training images are held out). If it is killed, the next run resumes
    from data/model.npz.checkpoint.
    """
    params = load_params(params_file)
    digits = load_dataset(prepared, "training")
    _, straightened = load_description(prepared)
    print(
        f"kernels: {params.kernels} ({os.environ.get('OPENBLAS_CORETYPE', 'chosen by OpenBLAS')})"
    )
    network = new_network(params)
    with restorable(params_file):
        progress = Progress(network, digits, params)
    save_split(validation, progress.split)
    checkpoint = model.with_name(f"{model.name}.checkpoint")
    key = checkpoint_key(params, digits, Path(__file__).parent)
    kept = plan_snapshots(progress)
    load_checkpoint(checkpoint, key, progress, kept)
    if progress.history:
        print(f"resuming after epoch {len(progress.history)}, from {checkpoint}")
        _save_history(history, progress.history)
    due = time.monotonic()
    warned = params.labels == "random"
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # such a run ends in an error of its own
            moments = train_network(network, digits, params, progress, at_steps=kept.early)
            epochs = take_snapshots(moments, progress, kept)
            for _ in _show(epochs, progress):
                _save_history(history, progress.history)
                warned = warned or _warn_if_stuck(progress)
                if (start := time.monotonic()) >= due:
                    save_checkpoint(checkpoint, key, progress, kept)
                    saved = time.monotonic()
                    due = saved + PAUSE * (saved - start)
    except InputError:
        remove_file(checkpoint)  # from which it would only fail again
        raise
    except SystemExit as interruption:
        if not progress.history:
            raise
        raise SystemExit(f"{interruption}; {history} has the epochs so far") from None
    save_network(model, network, straightened)
    save_snapshots(snapshots, kept)
    _save_history(history, progress.history)
    remove_file(checkpoint)


def _show(moments: Iterator[Moment], progress: Progress) -> Iterator[Moment]:
    """Pass the epochs on, with a progress bar on a terminal and a line for each elsewhere."""
    total = progress.params.epochs
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


def _warn_if_stuck(progress: Progress) -> bool:
    """Warn if the network has learned nothing, and return whether a warning was printed."""
    epoch, params = len(progress.history), progress.params
    if epoch < params.epochs and (epoch < EPOCHS or progress.step < STEPS):
        return False
    rows = max(progress.split.validation[:IMAGES], progress.split.training[:IMAGES], key=len)
    labels = progress.digits.targets[rows].argmax(axis=1)
    outputs = answer(progress.network, progress.digits.images, rows)
    if not is_stuck(outputs, labels):
        return False
    digit, times = Counter(outputs.argmax(axis=1).tolist()).most_common(1)[0]
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)  # in place of the progress bar
    typer.secho(
        f"warning: stuck: after epoch {epoch} the network classifies {times / len(rows):.0%} of "
        f"the images as {digit}, with an accuracy of {accuracy(outputs, labels):.2%}; "
        f"try {_other_knobs(params, progress.step)}",
        err=True,
        fg="yellow",
    )
    return True


def _other_knobs(params: Params, steps: int) -> str:
    """Say which knobs may help a network that is stuck, and what they are now."""
    usual = Params()
    pace = params.learning_rate / (1 - params.momentum)
    too_short = steps < STEPS and pace <= usual.learning_rate
    tips = {
        "a smaller learning_rate": pace > usual.learning_rate,
        "a larger learning_rate": pace < usual.learning_rate,
        "less momentum": params.momentum > usual.momentum,
        "less weight_decay": params.weight_decay > usual.weight_decay,
        "less dropout": params.dropout > usual.dropout,
        "more epochs": too_short,
        "a smaller batch_size": too_short,
        "other layers in hidden": params.hidden != usual.hidden,
        "other initial_weights": True,
    }
    now = msgspec.to_builtins(params)
    return " or ".join(
        f"{tip} (now {write_value(now[tip.split()[-1]])})" for tip, fits in tips.items() if fits
    )


def _accuracy(moment: Moment) -> str:
    text = f"training accuracy {moment.training_accuracy:.2%}"
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
    with atomic_write(path, durable=False) as file:
        file.write(table.getvalue().encode())


if __name__ == "__main__":
    run(train)
