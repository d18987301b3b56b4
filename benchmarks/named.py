"""Measure the named runs: how many unseen digits they read right, and how long they train.

Run it at the top of the project, after `dvc repro` on MNIST, on an idle machine; name runs and
seeds to measure only these. It uses the stage commands, as `dvc exp run` does. Writes
benchmarks/named.json, the table in README.md and the commands in docs/results.md. Only trainings
on all cores, without OMP_NUM_THREADS, count for the times.
"""

import atexit
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

ROOT = Path(__file__).resolve().parents[1]
from mnist_mlp.base.params import write_value

RUNS = ROOT / "benchmarks/named.yaml"
RESULTS = ROOT / "benchmarks/named.json"
README = ROOT / "README.md"
RECIPES = ROOT / "docs/results.md"
SEEDS = (0, 1, 2)
MNIST = 50_000  # images to train on, at least


def stage(name: str, **options: Path) -> float:
    """Run a stage, and return the seconds that it took."""
    words = [word for key, path in options.items() for word in (f"--{key}", path)]
    start = time.perf_counter()
    command = [sys.executable, ROOT / f"stages/{name}.py", *words]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


@cache
def prepared(straighten: bool) -> Path:
    """Return the folder with a run's digits: data/prepared, or straightened ones, made once."""
    if not straighten:
        return ROOT / "data/prepared"
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    params = folder / "params.yaml"
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params.write_text(yaml.safe_dump(knobs | {"straighten": True}), encoding="utf-8")
    stage("preprocess", params=params, prepared=folder)
    return folder


def measure(changes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train and test one network."""
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        names = ("params.yaml", "m.npz", "s.npz", "v.npy", "h.csv", "accuracy.json", "rest.csv")
        params, model, snapshots, validation, history, accuracy, rest = (
            Path(folder) / name for name in names
        )
        digits = prepared(changes["straighten"])
        network = {"params": params, "prepared": digits, "model": model, "validation": validation}
        params.write_text(yaml.safe_dump(knobs | changes | {"seed": seed}), encoding="utf-8")
        seconds = stage("train", **network, snapshots=snapshots, history=history)
        stage("evaluate", **network, accuracy=accuracy, predictions=rest)
        results = json.loads(accuracy.read_text(encoding="utf-8"))
        if results["training_images"] < MNIST:
            sys.exit("error: data/raw: expected MNIST, found the sample; run `make` with a mirror")
        return {
            "test_accuracy": results["test_accuracy"],
            "parameters": results["parameters"],
            "seconds": round(seconds, 1),
            "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        }


def as_table(
    settings: dict[str, Any], results: dict[str, dict[str, Any]], *, spread: bool = False
) -> str:
    """Return a row for each named run that was measured; `spread` adds the range over the seeds."""
    lines = ["| run | network | accuracy | training |", "| --- | --- | --- | --- |"]
    for name, knobs in settings["runs"].items():
        networks = results.get(name, {}).values()
        if not networks:
            continue
        accuracies = [network["test_accuracy"] for network in networks]
        accuracy = f"{statistics.mean(accuracies):.2%}"
        if spread:
            extremes = f"{min(accuracies):.2%} to {max(accuracies):.2%}"
            accuracy += f" ({extremes}, {len(accuracies)} seeds)"
        alone = [n["seconds"] for n in networks if n["threads"] == "all"]
        took = _duration(statistics.median(alone)) if alone else ""
        shape = "-".join(map(str, [784, *knobs["hidden"], 10]))
        shape += ", straightened" * knobs["straighten"]
        lines.append(f"| **{name}** | {shape} | {accuracy} | {took} |")
    return "\n".join([*lines, ""])


def _duration(seconds: float) -> str:
    if seconds > 120:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds > 10 else f"{seconds:.1f} s"


def as_recipes(settings: dict[str, Any], results: dict[str, dict[str, Any]]) -> str:
    """Return the results and the command of each named run, and a table of published results."""
    commands = [
        f"dvc exp run {as_options(knobs)}    # {name}" for name, knobs in settings["runs"].items()
    ]
    table = as_table(settings, results, spread=True)
    lines = [table, "```sh", *commands, "```", "", "Published results of perceptrons on MNIST:", ""]
    lines += ["| source | network | errors |", "| --- | --- | --- |"]
    for other in settings["published"]:
        lines.append(f"| {other['source']} | {other['network']} | {other['errors']:.2%} |")
    return "\n".join([*lines, ""])


def as_options(knobs: dict[str, Any]) -> str:
    """Write knobs as options of `dvc exp run`, in lines of about 90 characters at most."""
    words = [shlex.quote(f"{knob}={write_value(value)}") for knob, value in knobs.items()]
    options = " ".join(f"-S\N{NO-BREAK SPACE}{word}" for word in words)
    return " \\\n    ".join(textwrap.wrap(options, 84)).replace("\N{NO-BREAK SPACE}", " ")


def put(path: Path, name: str, text: str) -> None:
    """Replace the text between two marks, which have this name, in a file."""
    first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, begin, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        sys.exit(f"error: {path}: expected the lines {first.strip()} and {last.strip()}")
    path.write_text(before + begin + text + end + after, encoding="utf-8")


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Runs to measure; by default, all.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="A seed to use; by default, 0 to 2.")
    ] = None,
) -> None:
    """Measure the named runs with each seed, and rewrite the tables."""
    settings = yaml.safe_load(RUNS.read_text(encoding="utf-8"))
    if unknown := set(names or ()) - set(settings["runs"]):
        sys.exit(f"error: expected runs of {RUNS}, found {', '.join(unknown)}")
    for name in names or settings["runs"]:
        for each in seed or SEEDS:
            found = measure(settings["runs"][name], each)
            print(name, each, found, flush=True)
            results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            results.setdefault(name, {})[str(each)] = found
            RESULTS.write_text(
                json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    put(README, "named runs", as_table(settings, results))
    put(RECIPES, "named runs", as_recipes(settings, results))


if __name__ == "__main__":
    typer.run(main)
