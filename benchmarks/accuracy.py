"""Measure the README's accuracies: each recipe, trained by the stage commands with many seeds.

Run it from the top of the project, after `dvc repro`. It prints a Markdown table.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PLAIN = {"schedule": "constant", "weight_decay": 0}
RECIPES: dict[str, tuple[int, dict[str, Any]]] = {
    "the default": (10, {}),
    "`hidden: [100]`": (3, {"hidden": [100]}),
    "`hidden: [200]`": (3, {"hidden": [200]}),
    "Bot Academy's recipe": (
        3,
        PLAIN
        | {
            "hidden": 20,
            "activation": "sigmoid",
            "cost": "binary_cross_entropy",
            "initial_weights": "uniform",
            "learning_rate": 0.01,
            "batch_size": 1,
            "epochs": 3,
        },
    ),
}


def train_and_test(changes: dict[str, Any], seed: int) -> float:
    """Train and evaluate one network with these knobs, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        params = here / "params.yaml"
        params.write_text(yaml.safe_dump(knobs | changes | {"seed": seed}), encoding="utf-8")
        prepared, model = here / "prepared", here / "model.npz"
        shared: list[str | Path] = ["--params", params, "--prepared", prepared]
        _run("preprocess", *shared, "--raw", ROOT / "data/raw")
        _run("train", *shared, "--model", model, "--history", here / "history.csv")
        results = here / "accuracy.json"
        outputs: list[str | Path] = ["--model", model, "--accuracy", results]
        outputs += ["--predictions", here / "predictions.csv"]
        _run("evaluate", *shared, *outputs)
        return float(json.loads(results.read_text(encoding="utf-8"))["test_accuracy"])


def _run(stage: str, *options: str | Path) -> None:
    command = [sys.executable, ROOT / "stages" / f"{stage}.py", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print the mean test accuracy of every recipe, and its spread over the seeds."""
    print("| recipe | seeds | mean test accuracy | standard deviation | lowest | highest |")
    print("| --- | --- | --- | --- | --- | --- |")
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, (seeds, changes) in RECIPES.items():
            runs = list(pool.map(train_and_test, [changes] * seeds, range(seeds)))
            figures = [statistics.mean(runs), statistics.stdev(runs), min(runs), max(runs)]
            print(f"| {name} | {seeds} |", " | ".join(f"{x:.2%}" for x in figures), "|", flush=True)


if __name__ == "__main__":
    main()
