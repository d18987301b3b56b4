"""Measure a sweep: how its time falls with the number of workers, and the overhead of Dask.

Run it at the top of the project, after `dvc repro` on MNIST, on an idle machine. Twenty small
networks are trained one after the other by the stage commands, and by sweeps with more and more
workers, in turn, three times; seconds and ratios are medians. Prints a Markdown table. Then it
measures a task, and a copy of the four files, between processes that talk over TCP, as on a
cluster, and computes from these how long many networks take on many cores, if the scheduler handles
one thing after the other.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from distributed import Client, LocalCluster
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
SEEDS = 5
GRID: dict[str, list[float]] = {"hidden": [16, 32], "learning_rate": [0.1, 0.3]}
EPOCHS = 10
WORKERS = (1, 2)
TURNS = 3
TASKS = 2000
MANY = 100_000
ONE_AFTER_THE_OTHER = "one after the other"


def stage(name: str, *options: str | Path) -> None:
    """Run a stage on one thread."""
    command = [sys.executable, f"stages/{name}.py", *options]
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=one)


def write_params(folder: Path, changes: dict[str, Any]) -> Path:
    """Write params.yaml, with changes, to a folder; return its path."""
    params = folder / "params.yaml"
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | changes
    params.write_text(yaml.safe_dump(knobs), encoding="utf-8")
    return params


def make_network(folder: Path, changes: dict[str, Any]) -> None:
    """Do what a worker does for a network: prepare the digits once, train, and evaluate."""
    params, prepared = write_params(folder, changes), folder / "prepared"
    options: list[str | Path] = ["--params", params, "--prepared", prepared]
    if not prepared.exists():
        stage("preprocess", *options)
    options += ["--model", folder / "m.npz", "--validation", folder / "v.npy"]
    stage("train", *options, "--history", folder / "h.csv")
    stage("evaluate", *options, "--accuracy", folder / "a", "--predictions", folder / "p")


def one_after_the_other(folder: Path) -> float:
    """Return the seconds that the stage commands take for all networks, one at a time."""
    start = time.perf_counter()
    for seed in range(SEEDS):
        for values in itertools.product(*GRID.values()):
            changes = dict(zip(GRID, values, strict=True))
            make_network(folder, changes | {"epochs": EPOCHS, "seed": seed})
    return time.perf_counter() - start


def sweep(folder: Path, workers: int) -> float:
    """Return the seconds that a sweep takes for all networks."""
    first = {knob: values[0] for knob, values in GRID.items()}  # in the grid, so none is added
    params = write_params(folder, first | {"epochs": EPOCHS})
    words: list[str | Path] = [f"{k}={','.join(map(str, v))}" for k, v in GRID.items()]
    words += ["--params", params, "--seeds", str(SEEDS), "--workers", str(workers)]
    words += ["--kept", folder, "--table", folder / "t.csv", "--picture", folder / "p.png"]
    start = time.perf_counter()
    command = [sys.executable, "-m", "mnist_mlp.cli", "sweep", *words]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    return time.perf_counter() - start


def cost_of_dask() -> tuple[float, float, int]:
    """Return seconds for a task that does nothing, seconds to send the files, and their bytes."""
    files = {path.name: path.read_bytes() for path in (ROOT / "data/raw").iterdir()}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(abs, range(100), pure=False))
        start = time.perf_counter()
        client.gather(client.map(abs, range(TASKS), pure=False))
        task = (time.perf_counter() - start) / TASKS
        start = time.perf_counter()
        client.scatter(files, broadcast=True, direct=False)
        copy = (time.perf_counter() - start) / 2
    return task, copy, sum(map(len, files.values()))


def main() -> None:
    ways: dict[str, Callable[[Path], float]] = {ONE_AFTER_THE_OTHER: one_after_the_other}
    ways |= {f"a sweep with --workers {n}": partial(sweep, workers=n) for n in WORKERS}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way, measure in tqdm(list(ways.items()) * TURNS, unit="turn", leave=False):
        with tempfile.TemporaryDirectory() as folder:
            times[way].append(measure(Path(folder)))
    print("| twenty networks | seconds | ratio |\n| --- | --- | --- |")
    for way, seconds in times.items():
        base = zip(seconds, times[ONE_AFTER_THE_OTHER], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in base)
        print(f"| {way} | {statistics.median(seconds):.1f} | {ratio:.2f} |")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        make_network(Path(folder), {"seed": 0})
        network = time.perf_counter() - start
    task, copy, size = cost_of_dask()
    print(f"\n{network:.1f} s for a network with the default knobs")
    print(f"{1e3 * task:.2f} ms for a task that does nothing")
    print(f"{copy:.3f} s for a copy of the four files, {size / 1e6:.1f} MB, to a worker\n")
    print(f"| cores | hours for {MANY:,} networks | scheduler busy |\n| --- | --- | --- |")
    for cores in (1, 10, 100, 1_000, 10_000):
        busy = MANY * task + cores * copy
        needed = max(MANY / cores * network + cores * copy, busy)
        print(f"| {cores:,} | {needed / 3600:.2f} | {busy / needed:.0%} |")


if __name__ == "__main__":
    main()
