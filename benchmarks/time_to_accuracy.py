"""Measure how long a user waits for an accuracy, against the same recipes in other libraries.

    python -m venv ../bench && ../bench/bin/pip install '.[bench]'    # with the other libraries
    PYTHONPATH=src ../bench/bin/python benchmarks/time_to_accuracy.py    # after `dvc repro`

Each training is a whole process, from `python` to a saved model: for this project the train stage,
for the others benchmarks/peers.py. They take turns, seed by seed, on an otherwise idle machine. The
accuracy is that on test digits, which played no part in choosing the recipes. Name runs to measure
only these. Writes benchmarks/time_to_accuracy.json, the table in docs/results.md and the picture
docs/time_to_accuracy.png.
"""

import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from matplotlib.figure import Figure
from named import RECIPES, ROOT, RUNS, measure, prepared, put
from peers import ADAM
from speed import machine

from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network

RESULTS = ROOT / "benchmarks/time_to_accuracy.json"
PICTURE = ROOT / "docs/time_to_accuracy.png"
SEEDS = {"96": 5, "98": 5, "99": 5, "99.4": 3}
PROJECT = "this project"
LIBRARIES = (PROJECT, "JAX", "PyTorch", "scikit-learn")

Measured = dict[str, float]  # "seconds" and "test_accuracy"


def train(library: str, run: str, seed: int) -> Measured:
    """Train and test one network."""
    knobs = yaml.safe_load(RUNS.read_text(encoding="utf-8"))["runs"][run]
    digits = prepared(knobs["straighten"])
    if library == PROJECT:
        found = measure(knobs, seed)
        return {key: found[key] for key in ("seconds", "test_accuracy")}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.npz"
        words: list[str | Path] = [
            ROOT / "benchmarks/peers.py",
            library,
            run,
            str(seed),
            model,
            digits,
        ]
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
        seconds = time.perf_counter() - start
        network, test = load_network(model), load_dataset(digits, "test")
        right = accuracy(answer(network, test.images), test.labels)
        return {"seconds": round(seconds, 2), "test_accuracy": right}


def read_results() -> dict[str, Any]:
    """Return what was measured so far."""
    if not RESULTS.exists():
        return {"runs": {}}
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def as_table(results: dict[str, Any]) -> str:
    """Return the picture and a row for each run and library, if any was measured."""
    if not results["runs"]:
        return ""
    lines = [
        f"![Accuracy against time, for each library]({PICTURE.name})",
        "",
        f"Measured on {results['date']}, {results['machine']}.",
        "",
        "| run | library | seconds | this project ÷ it | accuracy |",
        "| --- | --- | --- | --- | --- |",
    ]
    for run, libraries in sorted(results["runs"].items()):
        for library, networks in libraries.items():
            seconds, accuracies = figures(networks)
            pairs = [
                libraries[PROJECT][seed]["seconds"] / network["seconds"]
                for seed, network in networks.items()
            ]
            ratio = f"{statistics.median(pairs):.2f}" if library != PROJECT else ""
            spread = f"{min(accuracies):.2%} to {max(accuracies):.2%}"
            lines.append(
                f"| **{run}** | {library} | {statistics.median(seconds):.1f} | {ratio} | "
                f"{statistics.mean(accuracies):.2%} ({spread}) |"
            )
    return "\n".join([*lines, ""])


def figures(networks: dict[str, Measured]) -> tuple[list[float], list[float]]:
    """Return the seconds and the accuracies of networks that differ in their seed."""
    seconds = [network["seconds"] for network in networks.values()]
    return seconds, [network["test_accuracy"] for network in networks.values()]


def draw(results: dict[str, Any]) -> Figure:
    """Draw errors against seconds, both on logarithmic scales: a line for each library."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    runs = sorted(results["runs"].items())
    for library, marker in zip(LIBRARIES, "o^sv", strict=True):
        found = [figures(run[library]) for _, run in runs if library in run]
        times = [statistics.median(seconds) for seconds, _ in found]
        errors = [100 - 100 * statistics.mean(accuracies) for _, accuracies in found]
        axes.plot(times, errors, marker=marker, label=library)
    axes.set(xscale="log", yscale="log", xlabel="time, from start to saved model")
    axes.set_ylabel("accuracy on test digits")
    axes.invert_yaxis()
    errors = [5, 4, 3, 2, 1, 0.5]
    axes.set_yticks(errors, [f"{100 - error:g} %" for error in errors])
    axes.minorticks_off()
    least, most = axes.get_xlim()
    times = [t for t in (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800) if least < t < most]
    axes.set_xticks(times, [f"{t} s" if t < 60 else f"{t // 60} min" for t in times])
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Runs to measure; by default, all.")
    ] = None,
) -> None:
    """Measure runs with each library, and rewrite the table and the picture."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    results = read_results() | {"date": today, "machine": machine()}
    for run in names or SEEDS:
        results["runs"][run] = {
            each: {} for each in LIBRARIES if each != "scikit-learn" or run in ADAM
        }
        for seed in range(SEEDS[run]):
            for library, networks in results["runs"][run].items():
                networks[str(seed)] = found = train(library, run, seed)
                print(run, library, seed, found, flush=True)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    put(RECIPES, "time to an accuracy", as_table(results))
    draw(results).savefig(PICTURE, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    typer.run(main)
