"""Measure how training wide networks speeds up with the number of threads, and against PyTorch.

    PYTHONPATH=src python benchmarks/cores.py

It takes a few minutes and needs no data: the digits are noise, whose products take as long. For
each network, every contestant trains on the same images with 1, 2, 4, 8 and 16 threads, as far as
there are cores. All of them take turns, so each ratio is the median of pairs from the same turn.
Prints a Markdown table: medians, with the quartiles of ratios in brackets. What ends an epoch is
left out, as so few images would give it too much weight. PyTorch takes part if it is installed.
"""

import datetime
import json
import os
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from speed import ROOT, machine, seconds_an_epoch, show_line
from tqdm import tqdm

from mnist_mlp.base.randomness import generator
from mnist_mlp.learning.network import Network, initialise_weights

BATCHES = {256: 64, 512: 64, 1024: 128, 1536: 256, 2048: 256}  # of each width
THREADS = (1, 2, 4, 8, 16)
WORK = 5e9  # multiplications in a turn, about: 0.1 s on a core
LEAST = 8  # mini-batches
OURS = ("steps alone portable", "steps alone fastest")
PYTORCH = "PyTorch own"

Times = dict[str, list[float]]


def write_problem(folder: Path, width: int) -> int:
    """Put everything that a contestant needs into a folder; return the number of images."""
    sizes, batch = [784, width, width, 10], BATCHES[width]
    network = Network(sizes, "relu", "cross_entropy")
    initialise_weights(network, "xavier", generator(0, "initial weights"))
    n = batch * max(LEAST, round(WORK / (3 * network.parameters.size * batch)))
    random = np.random.default_rng(0)
    np.save(folder / "images.npy", random.random((n, sizes[0]), np.float32))
    np.save(folder / "targets.npy", np.eye(10, dtype=np.float32)[random.integers(0, 10, n)])
    np.save(folder / "parameters.npy", network.parameters)
    settings = {"sizes": sizes, "activation": "relu", "batch_size": batch, "learning_rate": 0.01}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return n


def command(contestant: str, threads: int, folder: Path) -> list[str | Path]:
    """Return the command of a contestant with a number of threads."""
    program = ROOT / "benchmarks/contestants.py"
    start: list[str | Path] = ["env", f"OMP_NUM_THREADS={threads}", sys.executable, program]
    return [*start, *contestant.rsplit(maxsplit=1), folder]


def show(width: int, n: int, counts: list[int], seconds: Times) -> None:
    """Print the rows of a network, one for each number of threads."""
    for threads in counts:
        taken = [seconds.get(f"{each} {threads}", []) for each in (*OURS, PYTORCH)]
        ours, peer = taken[:2], taken[2]
        alone = [seconds[f"{each} 1"] for each in OURS]
        show_line(
            f"784-{width}-{width}-10, {BATCHES[width]}",
            f"{n:,}",
            str(threads),
            *(f"{statistics.median(each):.3f}" if each else "" for each in taken),
            *(ratios(each, peer) if peer else "" for each in ours),
            *(ratios(one, each) for one, each in zip(alone, ours, strict=True)),
        )


def ratios(above: list[float], below: list[float]) -> str:
    """Return the median ratio of two contestants' times in the same turn, and its quartiles."""
    found = [a / b for a, b in zip(above, below, strict=True)]
    low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def main(
    widths: Annotated[list[int] | None, typer.Option("--width", help="Only this one.")] = None,
    turns: Annotated[int, typer.Option(help="Turns of each contestant.", min=2)] = 9,
) -> None:
    """Print a row for each network and number of threads."""
    counts = [threads for threads in THREADS if threads <= (os.cpu_count() or 1)]
    contestants = (*OURS, PYTORCH) if find_spec("torch") else OURS
    missing = "" if find_spec("torch") else " PyTorch is not installed."
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    print(f"Measured on {day}, {machine()}.{missing}\n")
    show_line(
        "network, batch",
        "images",
        "threads",
        *("portable, s", "fastest, s", "PyTorch, s"),
        *("portable ÷ PyTorch", "fastest ÷ PyTorch"),
        *("portable, speed-up", "fastest, speed-up"),
    )
    show_line(*["---"] * 10)
    for width in tqdm(widths or list(BATCHES), unit="network"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            n = write_problem(folder, width)
            commands = {
                f"{each} {threads}": command(each, threads, folder)
                for threads in counts
                for each in contestants
            }
            show(width, n, counts, seconds_an_epoch(commands, turns))


if __name__ == "__main__":
    typer.run(main)
