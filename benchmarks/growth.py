"""Measure how training scales with the data: microseconds per example, and memory.

Run it at the top of the project, after `dvc repro`, with 5 GB of free disk space. The sets consist
of training images, each shifted and slanted a little, and streamed to disk. `stages/train.py`
trains on each with the default knobs twice: for two epochs, and for as many more as 2,400,000 more
examples take. The difference in time is training without start-up. Memory is that of the process
without the page cache (RssAnon). Prints a Markdown table.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
PREPARED = ROOT / "data/prepared"
SIZES = (60_000, 240_000, 1_200_000)
CHUNK = 10_000
MORE = 2_400_000
REPEATS = 5


def deformed(n: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield n images and targets in chunks, shifted by up to 2 pixels and slanted."""
    random = np.random.default_rng(0)
    images = np.load(PREPARED / "training_images.npy", mmap_mode="r")
    targets = np.load(PREPARED / "training_targets.npy", mmap_mode="r")
    rows, columns = np.indices((28, 28))
    for _ in range(n // CHUNK):
        chosen = np.sort(random.integers(len(images), size=CHUNK))
        down, right = random.integers(-2, 3, size=(2, CHUNK, 1, 1))
        slant = random.uniform(-0.3, 0.3, size=(CHUNK, 1, 1))
        moved = (columns - right - np.rint(slant * (rows - 13.5)).astype(int)) % 28
        places = ((rows - down) % 28 * 28 + moved).reshape(CHUNK, -1)
        yield np.take_along_axis(images[chosen], places, axis=1), targets[chosen]


def write_set(folder: Path, n: int) -> None:
    """Stream a training set of n examples to disk."""
    create = np.lib.format.open_memmap
    images = create(folder / "training_images.npy", "w+", np.float32, (n, 784))
    targets = create(folder / "training_targets.npy", "w+", np.float32, (n, 10))
    for i, (some_images, some_targets) in enumerate(deformed(n)):
        images[i * CHUNK : (i + 1) * CHUNK] = some_images
        targets[i * CHUNK : (i + 1) * CHUNK] = some_targets


def timed_training(folder: Path, epochs: int) -> tuple[float, float]:
    """Train for some epochs; return the seconds taken and the peak memory in megabytes."""
    knobs: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump(knobs | {"epochs": epochs}), encoding="utf-8")
    options: list[str | Path] = [
        "--params",
        params,
        "--prepared",
        folder,
        "--model",
        folder / "model.npz",
        "--snapshots",
        folder / "snapshots.npz",
        "--validation",
        folder / "validation.npy",
    ]
    command = [sys.executable, ROOT / "stages/train.py", *options]
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(
        [*command, "--history", folder / "history.csv"], stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            held = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
            peak = max([peak, *(int(kilobytes) / 1000 for kilobytes in held)])
            time.sleep(0.02)
    if process.returncode:
        sys.exit(f"{command} failed")
    return time.perf_counter() - start, peak


def seconds_for_more(folder: Path, n: int) -> tuple[float, float]:
    """Return the seconds that the additional examples take, and the peak memory in megabytes."""
    short, _ = timed_training(folder, 2)
    long, peak = timed_training(folder, 2 + MORE // n)
    return long - short, peak


def main() -> None:
    """Print a row for each size."""
    with tempfile.TemporaryDirectory(dir=ROOT / "data") as name:
        folders = {n: Path(name) / str(n) for n in SIZES}
        for n, folder in folders.items():
            folder.mkdir()
            write_set(folder, n)
        runs = [
            {n: seconds_for_more(folder, n) for n, folder in folders.items()}
            for _ in range(REPEATS)
        ]
    print("| training images | microseconds an example | against the smallest | memory, MB |")
    print("| --- | --- | --- | --- |")
    for n in SIZES:
        each = statistics.median(run[n][0] for run in runs) / MORE * 1e6
        growth = statistics.median(run[n][0] / run[SIZES[0]][0] for run in runs)
        peak = max(run[n][1] for run in runs)
        print(f"| {n:,} | {each:.2f} | {growth:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
