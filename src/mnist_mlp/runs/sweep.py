"""A sweep: networks with every combination of some knobs, each with several seeds."""

import csv
import hashlib
import io
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import typer
from distributed import Client, KilledWorker, as_completed
from distributed.comm.core import CommClosedError
from matplotlib.figure import Figure
from scipy.special import stdtrit
from tqdm import tqdm

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import write_value
from mnist_mlp.data import mnist
from mnist_mlp.data.idx import read_idx
from mnist_mlp.runs.grid import ENOUGH, Task, expand, read_grid
from mnist_mlp.runs.trainings import (
    MEASURES,
    SourceMismatchError,
    cluster,
    digest_code,
    run_training,
)

COLUMNS = (*MEASURES, "model")
MAX_DRAWN = 40  # combinations, the best ones
RETRIES = 2  # of a training that was killed

CONFIDENCE = 0.95

Row = dict[str, Any]  # COLUMNS, or {"error": ...}


class Combination(NamedTuple):
    """Networks that differ in their seeds alone.

    name         the knobs in which they differ from the rest of the sweep
    first        the network with seed 0
    accuracies   validation accuracies from 0 to 1, (seeds,), nan if a training failed
    """

    name: str
    first: Task
    accuracies: Array


def sweep(
    grid: list[str],
    *,
    seeds: int,
    scheduler: str | None,
    workers: int | None,
    params: Path,
    raw: Path,
    kept: Path,
    table: Path,
    picture: Path,
) -> None:
    """Train networks with every combination of some knobs, and compare them on validation images.

    `grid` has texts like "hidden=16,32", and each combination is trained with so many `seeds`. The
    paths and the rest are what `mnist-mlp sweep --help` says. Raises InputError for a bad grid, and
    if no network can be trained.
    """
    if scheduler and workers:
        raise InputError(
            "--workers: cannot be combined with --scheduler, which has its own workers"
        )
    if not all((raw / file.name).exists() for file in mnist.FILES):
        raise InputError(f"{raw}: expected MNIST's four files; run `dvc repro download`")
    digits = {file.name: (raw / file.name).read_bytes() for file in mnist.FILES}
    images = len(read_idx(raw / mnist.TRAIN_LABELS.name, dimensions=1))
    tasks = expand(read_grid(grid), seeds, params, images)
    rows = _train_all(tasks, digits, kept, scheduler, workers)
    if all("error" in row for row in rows):
        raise InputError(f"no network could be trained: {rows[0]['error']}")
    with atomic_write(table) as file:
        file.write(_as_csv(tasks, rows))
    starts = range(0, len(tasks), seeds)
    firsts = [tasks[start] for start in starts]
    combinations = [
        Combination(
            _name(tasks[start], firsts),
            tasks[start],
            np.array([_judged(row) for row in rows[start : start + seeds]]),
        )
        for start in starts
    ]
    combinations.sort(key=_rank, reverse=True)
    with atomic_write(picture) as file:
        _draw(combinations).savefig(file, format="png", dpi=100, metadata={"Software": None})
    for each in combinations:
        print(f"{_mean(each.accuracies)}  {each.name}")
    for task, row in zip(tasks, rows, strict=True):
        if "error" in row:
            print(f"not trained: {task.options()} -S seed={task.knobs['seed']}: {row['error']}")
    best = combinations[0]
    print(
        f"\nThe best has a validation accuracy of {_mean(best.accuracies)} "
        "(mean ± standard deviation).\n"
        "To repeat its first network, with the present params.yaml:\n"
        f"dvc exp run {best.first.options()} -S seed=0\n"
        f"All results are in {table}, with a chart in {picture}."
    )
    if seeds < ENOUGH:
        print(f"At least --seeds {ENOUGH} are needed to tell a difference from luck.")
        return
    for place, each in enumerate(combinations[1:]):
        if place == 0 or each.first.is_own:
            print(difference(best, each, len(combinations) - 1 if each.first.is_own else 1))


def _name(task: Task, tasks: list[Task]) -> str:
    """Write the knobs of a network in which these differ; all of the grid's if they do not."""
    written = {knob: {write_value(each.changes[knob]) for each in tasks} for knob in task.changes}
    varied = [knob for knob, values in written.items() if len(values) > 1] or task.changes
    name = " ".join(f"{knob}={write_value(task.changes[knob])}" for knob in varied)
    return f"{name} (params.yaml)" if task.is_own else name


def difference(one: Combination, other: Combination, choices: int = 1) -> str:
    """Say which of two combinations is better, by a paired t-interval over seeds.

    If `one` is the best of several `choices`, the interval is wider (Bonferroni), because some of
    its lead is luck.
    """
    differences = 100 * (one.accuracies - other.accuracies)
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    if n < ENOUGH:
        return f"{one.name}, {other.name}: fewer than {ENOUGH} seeds were trained with both."
    mean = np.mean(differences)
    margin = (
        stdtrit(n - 1, 1 - (1 - CONFIDENCE) / (2 * choices))
        * np.std(differences, ddof=1)
        / math.sqrt(n)
    )
    low, high = mean - margin, mean + margin
    if high < 0:
        return difference(other, one, choices)
    chosen = f", best of {choices}" if choices > 1 else ""
    how = f"{low:.2f} to {high:.2f} points ({CONFIDENCE:.0%} interval{chosen}, {n} seeds)"
    if low > 0:
        return f"{one.name} is better than {other.name} by {how}."
    return f"no difference seen between {one.name} and {other.name}: {how}."


def _train_all(
    tasks: list[Task],
    digits: Mapping[str, bytes],
    kept: Path,
    scheduler: str | None,
    workers: int | None,
) -> list[Row]:
    """Train what was not trained before, and return what was measured of each network."""
    data, code = hashlib.sha256(b"".join(digits.values())).hexdigest(), digest_code()
    files = [
        kept / f"{hashlib.sha256(json.dumps([task.knobs, data, code]).encode()).hexdigest()}.json"
        for task in tasks
    ]
    rows = {i: row for i, file in enumerate(files) if (row := _read(file))}
    missing = [i for i in range(len(tasks)) if i not in rows]
    if missing:
        own = sum(tasks[i].is_own for i in missing)
        added = f", {own} of them with params.yaml as it stands" if own else ""
        print(f"Training {len(missing)} of {len(tasks)} networks{added}.", file=sys.stderr)
        try:
            with _connected(scheduler, workers) as client:
                arrived = client.scatter(digits, broadcast=True)
                waiting = {
                    client.submit(
                        run_training,
                        tasks[i].knobs,
                        arrived,
                        data,
                        code,
                        pure=False,
                        retries=RETRIES,
                    ): i
                    for i in missing
                }
                done = ((waiting[future], future.result()) for future in as_completed(waiting))
                for i, row in _show(done, tasks, len(missing)):
                    rows[i] = row
                    if "error" not in row:
                        with atomic_write(files[i], durable=False) as file:
                            file.write(json.dumps(row).encode())
        except (SourceMismatchError, ChildProcessError) as error:
            raise InputError(
                f"{error}; results so far are kept; run the same command again"
            ) from None
        except (CancelledError, CommClosedError, KilledWorker):
            raise InputError(
                f"{scheduler or 'workers'}: lost; results so far are kept; run the same again"
            ) from None
    return [rows[i] for i in range(len(tasks))]


@contextmanager
def _connected(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    """Give a cluster, or say in one line why there is none."""
    with ExitStack() as stack:
        try:
            client = stack.enter_context(cluster(scheduler, workers))
        except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{scheduler or 'workers'}: expected a Dask scheduler that answers; {reason}"
            ) from None
        yield client


def _read(file: Path) -> Row | None:
    """Read what is kept of a network, if it is there and whole."""
    try:
        row = msgspec.json.decode(file.read_bytes(), type=dict[str, float | str])
    except (FileNotFoundError, RecursionError, ValueError):
        return None
    return row if set(row) == set(COLUMNS) else None


def _show(
    done: Iterator[tuple[int, Row]], tasks: list[Task], total: int
) -> Iterator[tuple[int, Row]]:
    """Pass results on, with a progress bar on a terminal and a line for each elsewhere."""
    best = (-1.0, "")

    def note(result: tuple[int, Row] | None) -> str:
        nonlocal best
        if result and "error" not in result[1]:
            best = max(best, (_judged(result[1]), tasks[result[0]].options()))
        return f"best so far {best[0]:.2%} {best[1]}" if best[1] else ""

    if sys.stderr.isatty():
        with typer.progressbar(
            done, length=total, label="training", width=20, item_show_func=note, file=sys.stderr
        ) as bar:
            yield from bar
    else:
        start = time.monotonic()
        for n, (i, row) in enumerate(done, 1):
            left = tqdm.format_interval((time.monotonic() - start) / n * (total - n))
            outcome = row.get("error") or f"{_judged(row):.2%}"
            name = f"{tasks[i].options()} -S seed={tasks[i].knobs['seed']}"
            notes = filter(None, (outcome, note((i, row)), f"{left} left"))
            print(f"{n}/{total} {name}: {'; '.join(notes)}", flush=True)
            yield i, row


def _judged(row: Row) -> float:
    """Return the accuracy by which networks are compared, nan where training failed."""
    return float(row.get(MEASURES[0], math.nan))


def _rank(combination: Combination) -> tuple[int, float]:
    """Return how many networks of a combination were trained, and their mean accuracy."""
    trained = combination.accuracies[~np.isnan(combination.accuracies)]
    return len(trained), float(np.mean(trained)) if len(trained) else 0.0


def _mean(values: Array) -> str:
    """Write the mean and the standard deviation over the seeds that could be trained."""
    values = values[~np.isnan(values)]
    if not len(values):
        return "none"
    spread = f" ± {np.std(values, ddof=1):.2%}" if len(values) > 1 else ""
    return f"{np.mean(values):.2%}{spread}"


def _as_csv(tasks: list[Task], rows: list[Row]) -> bytes:
    """Write a line for each network; where its training failed, there is nothing after its seed."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*tasks[0].changes, "seed", *COLUMNS])
    for task, row in zip(tasks, rows, strict=True):
        knobs = [write_value(value) for value in task.changes.values()]
        writer.writerow([*knobs, task.knobs["seed"], *(row.get(name, "") for name in COLUMNS)])
    return table.getvalue().encode()


def _draw(combinations: list[Combination]) -> Figure:
    """Draw a point for each network and a line for each mean, the best combination at the top."""
    drawn = combinations[:MAX_DRAWN]
    figure = Figure(figsize=(8, 1.2 + 0.3 * len(drawn)), layout="constrained")
    axes = figure.subplots()
    for place, (_, _, values) in enumerate(drawn):
        axes.plot(100 * values, [place] * len(values), "o", color="#0072b2", alpha=0.5)
        axes.plot([100 * np.mean(values)], [place], "|", color="black", markersize=16)
    axes.set_yticks(range(len(drawn)), [each.name for each in drawn])
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    axes.set_xlabel("validation accuracy (%): a point for each seed, a line for their mean")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    return figure
