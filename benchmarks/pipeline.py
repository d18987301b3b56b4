"""Measure the overhead of the pipeline: DVC, start-up, memory.

Run it at the top of the project, after `dvc repro` on MNIST, on an idle machine. The two of each
pair run in turn, nine times; seconds and ratios are medians. The stages write their usual files
again. Prints Markdown tables.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
from mnist_mlp.base.params import load_params
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.checkpoint import checkpoint_key, save_checkpoint
from mnist_mlp.learning.model import load_network
from mnist_mlp.learning.progress import Progress
from mnist_mlp.learning.snapshots import plan_snapshots

STAGES = ("download", "preprocess", "train", "evaluate", "render", "report")
PREPARED = ROOT / "data/prepared"
TURNS = 9
PAIRS = (
    ("dvc repro -f", "six commands"),
    ("dvc repro", "dvc repro, empty"),
    ("preprocess", "read and write"),
    ("checkpoints", "train"),
)


def run(*words: str | Path, folder: Path = ROOT) -> float:
    """Run a command that must succeed, and return the seconds it took."""
    start = time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def stage(name: str, *options: str) -> float:
    return run(sys.executable, ROOT / f"stages/{name}.py", *options)


def empty_pipeline(folder: Path) -> None:
    """Make and run a pipeline of as many stages, each of which copies a file of one byte."""
    (folder / "0").write_text("0", encoding="ascii")
    run("git", "init", "-q", folder=folder)
    run("dvc", "init", "-q", folder=folder)
    run("dvc", "config", "core.analytics", "false", folder=folder)
    for i in range(len(STAGES)):
        words = ["-n", f"copy{i}", "-d", f"{i}", "-o", f"{i + 1}", f"cp {i} {i + 1}"]
        run("dvc", "stage", "add", "-q", *words, folder=folder)
    run("dvc", "repro", "-q", folder=folder)


def preprocess() -> float:
    """Run the stage as DVC does, which first removes its outputs."""
    shutil.rmtree(PREPARED)
    return stage("preprocess")


def read_and_write() -> float:
    """Return the seconds to read the raw files, and to write the prepared arrays again."""
    outputs = {path: path.read_bytes() for path in sorted(PREPARED.iterdir())}
    shutil.rmtree(PREPARED)
    start = time.perf_counter()
    for path in (ROOT / "data/raw").iterdir():
        path.read_bytes()
    PREPARED.mkdir()
    for path, output in outputs.items():
        with path.open("wb") as file:
            file.write(output)
            os.fsync(file.fileno())
    return time.perf_counter() - start


def main() -> None:
    """Print a row for each comparison."""
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name)
        empty_pipeline(empty)
        measured: dict[str, Callable[[], float]] = {
            "six commands": lambda: sum(stage(name) for name in STAGES),
            "dvc repro -f": lambda: run("dvc", "repro", "-f"),
            "dvc repro": lambda: run("dvc", "repro"),
            "dvc repro, empty": lambda: run("dvc", "repro", folder=empty),
            "preprocess": preprocess,
            "read and write": read_and_write,
            "train": lambda: stage("train"),
            "checkpoints": checkpoints,
        }
        print("| what | seconds | against | seconds | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for what, against in PAIRS:
            seconds = [(measured[what](), measured[against]()) for _ in range(TURNS)]
            a, b = (statistics.median(each) for each in zip(*seconds, strict=True))
            ratio = statistics.median(a / b for a, b in seconds)
            print(f"| {what} | {a:.2f} | {against} | {b:.2f} | {ratio:.2f} |")
    seconds_for_help = statistics.median(stage("train", "--help") for _ in range(TURNS))
    print(f"| train --help | {seconds_for_help:.2f} | | | |")
    print("\n| stage | peak memory, MB |\n| --- | --- |")
    for name in STAGES:
        print(f"| `{name}` | {peak_memory(name):.0f} |")


def checkpoints() -> float:
    """Return the seconds that training spends on checkpoints, if it saves one after every epoch."""
    params = load_params(ROOT / "params.yaml")
    network = load_network(ROOT / "data/model.npz")
    start = time.perf_counter()
    digits = load_dataset(PREPARED, "training")
    key = checkpoint_key(params, digits, ROOT / "stages")
    progress = Progress(network, digits, params)
    snapshots = plan_snapshots(progress)
    with tempfile.TemporaryDirectory(dir=ROOT / "data") as folder:
        for _ in range(params.epochs):
            save_checkpoint(Path(folder) / "checkpoint", key, progress, snapshots)
    return time.perf_counter() - start


def peak_memory(name: str) -> float:
    """Return the peak memory of a stage in megabytes, page cache included."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
    code += "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)"
    words = [sys.executable, "-c", code, sys.executable, f"stages/{name}.py"]
    return float(subprocess.check_output(words, cwd=ROOT, text=True).splitlines()[-1])


if __name__ == "__main__":
    main()
