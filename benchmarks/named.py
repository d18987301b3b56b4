"""Measure the named runs: how many unseen digits they read right, and how long they train.

Run it from the top of the project, after `dvc repro` on MNIST, on a quiet machine; name runs, and
seeds, to measure only these. Each is done by the stage commands, as `dvc exp run` would. Writes
benchmarks/named.json, and the table of README.md that stands between its marks. Times are told of
trainings that had all cores: OMP_NUM_THREADS is not set.
"""

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

ROOT = Path(__file__).resolve().parents[1]
from mnist_mlp.base.params import write_value

RUNS = ROOT / "benchmarks/named.yaml"
RESULTS = ROOT / "benchmarks/named.json"
README = ROOT / "README.md"
SEEDS = (0, 1, 2)
MNIST = 50_000  # images to train on, at least
BEGIN, END = "<!-- named runs -->\n", "<!-- end of named runs -->\n"


def stage(name: str, **options: Path) -> float:
    """Run a stage, and return the seconds that it took."""
    words = [word for key, path in options.items() for word in (f"--{key}", path)]
    start = time.perf_counter()
    command = [sys.executable, ROOT / f"stages/{name}.py", *words]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(changes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train and test one network."""
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        names = ("params.yaml", "model.npz", "v.npy", "history.csv", "accuracy.json", "rest.csv")
        params, model, validation, history, accuracy, rest = (Path(folder) / name for name in names)
        network = {"params": params, "model": model, "validation": validation}
        params.write_text(yaml.safe_dump(knobs | changes | {"seed": seed}), encoding="utf-8")
        seconds = stage("train", **network, history=history)
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


def as_table(asked: dict[str, Any], results: dict[str, dict[str, Any]]) -> str:
    """Write a line for each named run, ours that was measured, then the published ones."""
    lines = ["| run | network | errors | accuracy | training |", "| --- | --- | --- | --- | --- |"]
    runs = {name: knobs for name, knobs in asked["runs"].items() if name in results}
    for name, knobs in runs.items():
        networks = results[name].values()
        accuracies = [network["test_accuracy"] for network in networks]
        alone = [n["seconds"] for n in networks if n["threads"] == "all"]
        seconds = statistics.median(alone) if alone else 0
        shape = "-".join(map(str, [784, *knobs["hidden"], 10]))
        mean = statistics.mean(accuracies)
        spread = f"{min(accuracies):.2%} to {max(accuracies):.2%}, {len(accuracies)} seeds"
        took = f"{seconds / 60:.0f} min" if seconds > 120 else f"{seconds:.0f} s" if alone else ""
        lines.append(f"| **{name}** | {shape} | {1 - mean:.2%} | {mean:.2%} ({spread}) | {took} |")
    for other in asked["published"]:
        errors = other["errors"]
        lines.append(
            f"| {other['source']} | {other['network']} | {errors:.2%} | {1 - errors:.2%} | |"
        )
    commands = (f"dvc exp run {as_options(knobs)}    # {name}" for name, knobs in runs.items())
    return "\n".join([*lines, "", "```sh", *commands, "```", ""])


def as_options(knobs: dict[str, Any]) -> str:
    """Write knobs as options of `dvc exp run`, in lines of at most some 90 characters."""
    words = [shlex.quote(f"{knob}={write_value(value)}") for knob, value in knobs.items()]
    options = " ".join(f"-S\N{NO-BREAK SPACE}{word}" for word in words)
    return " \\\n    ".join(textwrap.wrap(options, 84)).replace("\N{NO-BREAK SPACE}", " ")


def put_table(table: str) -> None:
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"error: {README}: expected the lines {BEGIN.strip()} and {END.strip()}")
    README.write_text(before + begin + table + end + after, encoding="utf-8")


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Of runs; by default, all.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Of several; by default, 0 to 2.")] = None,
) -> None:
    """Measure the named runs with each seed, and renew the table in README.md."""
    asked = yaml.safe_load(RUNS.read_text(encoding="utf-8"))
    if unknown := set(names or ()) - set(asked["runs"]):
        sys.exit(f"error: expected runs of {RUNS}, found {', '.join(unknown)}")
    for name in names or asked["runs"]:
        for each in seed or SEEDS:
            found = measure(asked["runs"][name], each)
            print(name, each, found, flush=True)
            results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            results.setdefault(name, {})[str(each)] = found
            RESULTS.write_text(
                json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )
    put_table(as_table(asked, json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    typer.run(main)
