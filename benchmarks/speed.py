"""Compare the speed of training with other libraries, on the same work and in one run.

    python -m venv ../bench && ../bench/bin/pip install '.[bench]'    # with the other libraries
    PYTHONPATH=src ../bench/bin/python benchmarks/speed.py    # after `dvc repro`: 20 quiet minutes

Each contestant runs in a process of its own. They take turns, an epoch at a time; medians and
ratios are over the turns. After the first epoch each must have the project's parameters, to within
10 % of the distance that these moved: rounding alone moves ReLU networks up to 5 % apart in an
epoch, because it sometimes decides whether a neuron fires. Then whole processes are timed, from
`python` to a saved model: the default run as a user starts it, which also validates, reports and
lowers the learning rate; and, for each network, a process of one epoch, to which 29 median epochs
are added. Writes benchmarks/results.json and prints Markdown tables.
"""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.randomness import generator
from mnist_mlp.learning.network import Network, initialise_weights

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results.json"
TOLERANCE = 0.1
EPOCHS = 30
PORTABLE, FASTEST = "project portable", "project fastest"
CALLS, PRODUCTS = "calls alone portable", "products alone portable"
GATHERING = "gathering alone portable"
JAX, PYTORCH, SCIKIT_LEARN = "JAX own", "PyTorch own", "scikit-learn own"
ONE_AT_A_TIME = "example at a time own"
OURS = (PORTABLE, FASTEST, CALLS, PRODUCTS, "products alone fastest", GATHERING)
PEERS = (JAX, PYTORCH, SCIKIT_LEARN, ONE_AT_A_TIME)


class Row(NamedTuple):
    """A network, its training, its contestants, and the number of turns."""

    sizes: list[int]
    activation: str
    batch_size: int
    learning_rate: float
    peers: tuple[str, ...]
    turns: int


ROWS = [
    Row([784, 16, 16, 10], "relu", 32, 0.1, (JAX, PYTORCH, SCIKIT_LEARN), 15),
    Row([784, 16, 16, 10], "relu", 10, 0.1, (JAX, PYTORCH, SCIKIT_LEARN), 9),
    Row([784, 16, 16, 10], "relu", 1, 0.01, (JAX, PYTORCH, ONE_AT_A_TIME), 3),
    Row([784, 20, 10], "sigmoid", 1, 0.01, (JAX, PYTORCH, ONE_AT_A_TIME), 3),
    Row([784, 100, 10], "relu", 32, 0.1, (JAX, PYTORCH, SCIKIT_LEARN), 15),
    Row([784, 1024, 1024, 10], "relu", 128, 0.1, (JAX, PYTORCH, SCIKIT_LEARN), 5),
]


def write_problem(folder: Path, row: Row) -> None:
    """Put everything that a contestant needs into a folder."""
    for part in ("images", "targets"):
        (folder / f"{part}.npy").symlink_to(ROOT / f"data/prepared/training_{part}.npy")
    network = Network(row.sizes, row.activation, "cross_entropy")
    initialise_weights(network, "xavier", generator(0, "initial weights"))
    np.save(folder / "parameters.npy", network.parameters)
    problem = {k: v for k, v in row._asdict().items() if k not in ("peers", "turns")}
    (folder / "settings.json").write_text(json.dumps(problem), encoding="utf-8")


def command(contestant: str, folder: Path) -> list[str | Path]:
    return [
        sys.executable,
        ROOT / "benchmarks/contestants.py",
        *contestant.rsplit(maxsplit=1),
        folder,
    ]


def seconds_an_epoch(
    commands: Mapping[str, Sequence[str | Path]], turns: int
) -> dict[str, list[float]]:
    """Let contestants train in turn; return the seconds of each turn after the first."""
    workers = {
        each: subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for each, words in commands.items()
    }
    seconds: dict[str, list[float]] = {each: [] for each in workers}
    for _ in range(1 + turns):
        for each, worker in workers.items():
            assert worker.stdin
            assert worker.stdout
            worker.stdin.write("epoch\n")
            worker.stdin.flush()
            seconds[each].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.communicate()
    return {each: taken[1:] for each, taken in seconds.items()}


def seconds_a_process(words: list[str | Path], epochs: int) -> float:
    """Return the seconds that a command takes from its start to its end."""
    start = time.perf_counter()
    lines = "epoch\n" * epochs
    output = subprocess.DEVNULL
    subprocess.run(words, input=lines, stdout=output, text=True, check=True, cwd=ROOT)
    return time.perf_counter() - start


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median, over the turns, of our time divided by theirs."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def difference(folder: Path, contestant: str) -> float:
    """Return a contestant's distance from the project, relative to how far the project moved."""
    start = np.load(folder / "parameters.npy")
    ours, theirs = (np.load(folder / f"{each}.npy") for each in (PORTABLE, contestant))
    found = float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours - start))
    if found > TOLERANCE:
        sys.exit(f"{contestant}: reached other parameters: {found:.1e} is more than {TOLERANCE}")
    return found


def measure(row: Row, folder: Path) -> dict[str, Any]:
    """Return the figures of every contestant for one network."""
    commands = {each: command(each, folder) for each in (*OURS, *row.peers)}
    seconds = seconds_an_epoch(commands, row.turns)
    epoch = {each: statistics.median(turns) for each, turns in seconds.items()}
    found: dict[str, Any] = {each: {"seconds an epoch": epoch[each]} for each in seconds}
    for each in (PORTABLE, FASTEST, *row.peers):
        alone = statistics.median(seconds_a_process(command(each, folder), 1) for _ in range(3))
        found[each]["seconds a process"] = alone + (EPOCHS - 1) * epoch[each]
        found[each]["difference"] = difference(folder, each)
    for each in (CALLS, PRODUCTS, GATHERING, *row.peers):
        for ours in (PORTABLE, FASTEST):
            found[each][f"{ours.split()[1]} / it"] = ratio(seconds[ours], seconds[each])
    return found


def default_run(folder: Path) -> dict[str, Any]:
    """Return the figures of whole processes: the stage as a user runs it, and its peers."""
    outputs: list[str | Path] = [
        "--model",
        folder / "model.npz",
        "--snapshots",
        folder / "snapshots.npz",
        "--validation",
        folder / "validation.npy",
        "--history",
        folder / "history.csv",
    ]
    commands: dict[str, list[str | Path]] = {
        PORTABLE: [sys.executable, ROOT / "stages/train.py", *outputs],
        **{each: command(each, folder) for each in ROWS[0].peers},
    }
    seconds: dict[str, list[float]] = {each: [] for each in commands}
    for _ in range(5):
        for each, words in commands.items():
            seconds[each].append(seconds_a_process(words, EPOCHS))
    return {
        each: {
            "seconds": statistics.median(taken),
            "portable / it": ratio(seconds[PORTABLE], taken),
        }
        for each, taken in seconds.items()
    }


def peak(kernels: str, threads: int) -> float:
    """Return the GFLOP/s of large float32 products, one per thread."""
    code = (
        f"from mnist_mlp.base.kernels import choose_kernels; choose_kernels({kernels!r})\n"
        "import numpy as np, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        f"n = {threads}; a = np.ones((2048, 2048), np.float32); times = []\n"
        "with ThreadPoolExecutor(n) as pool:\n"
        "    for _ in range(15):\n"
        "        start = time.perf_counter(); list(pool.map(a.dot, [a] * n))\n"
        "        times.append(time.perf_counter() - start)\n"
        "print(n * 2 * 2048**3 / sorted(times)[7] / 1e9)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def show(results: dict[str, Any]) -> None:
    """Print the results as Markdown; for a peer, the project's time divided by the peer's."""
    print(f"Measured on {results['date']}, {results['machine']}.\n")
    peers = [peer.removesuffix(" own") for peer in PEERS]
    parts = (CALLS, PRODUCTS, GATHERING)
    show_line("an epoch", "portable, s", "fastest, s", "calls", "products", "gathering", *peers)
    show_line(*["---"] * 10)
    for name, found in results["rows"].items():
        own = [found[each]["seconds an epoch"] for each in (PORTABLE, FASTEST, *parts)]
        ratios = [
            f"{found[peer]['portable / it']:.2f}, {found[peer]['fastest / it']:.2f}"
            if peer in found
            else ""
            for peer in PEERS
        ]
        show_line(name, *(f"{seconds:.3f}" for seconds in own), *ratios)
    print()
    show_line("a process", "portable, s", *peers)
    show_line(*["---"] * 6)
    for name, found in results["rows"].items():
        own = found[PORTABLE]["seconds a process"]
        ratios = [
            f"{own / found[peer]['seconds a process']:.2f}" if peer in found else ""
            for peer in PEERS
        ]
        show_line(name, f"{own:.1f}", *ratios)
    found = results["the default run"]
    ratios = [f"{found[peer]['portable / it']:.2f}" if peer in found else "" for peer in PEERS]
    show_line("the default run", f"{found[PORTABLE]['seconds']:.1f}", *ratios)


def show_line(*cells: str) -> None:
    """Print a line of a Markdown table."""
    print("|", " | ".join(cells), "|")


def machine() -> str:
    """Return what the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    processor = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return (
        f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )


def main() -> None:
    """Measure everything, write the results and show them."""
    missing = [name for name in ("jax", "sklearn", "torch") if not find_spec(name)]
    if missing:
        found = f"error: {', '.join(missing)}: not found"
        sys.exit(f"{found}; benchmarks/speed.py says at its top how to get them")
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "peak GFLOP/s": {
            f"{kernels}, {threads} threads": peak(kernels, threads)
            for kernels in ("portable", "fastest")
            for threads in (1, 2)
        },
        "rows": {},
    }
    for row in ROWS:
        with tempfile.TemporaryDirectory() as name:
            write_problem(Path(name), row)
            title = f"{'-'.join(map(str, row.sizes))}, {row.batch_size}"
            print(title, file=sys.stderr)
            results["rows"][title] = measure(row, Path(name))
            if row is ROWS[0]:
                results["the default run"] = default_run(Path(name))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)


if __name__ == "__main__":
    main()
