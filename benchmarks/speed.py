"""Measure training against other libraries, all on the same work and in one run.

    pip install '.[bench]'            # the other libraries
    python benchmarks/speed.py        # after `dvc repro`, on a quiet machine; or, for some rows,
    python benchmarks/speed.py 4 5    # their numbers

Every contestant lives in a process of its own; they train an epoch in turn, and medians and
ratios are taken over the turns. After the first epoch each must have reached the project's
parameters, to within 10 % of the way that these moved: rounding alone brings ReLU networks of a
hundred neurons 4 % apart in an epoch, and those of 16 less than 0.001 %. Then whole processes
are timed, from `python` to a saved model. Writes benchmarks/results.json and prints a Markdown
table.
"""

import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import numpy as np

from mnist_mlp.network import Network, draw_weights
from mnist_mlp.randomness import generator

RESULTS = ROOT / "benchmarks/results.json"
TURNS = 5
TOLERANCE = 0.1
Contestant = tuple[str, str]
PROJECT: Contestant = ("project", "portable")
ALWAYS: list[Contestant] = [
    PROJECT,
    ("project", "fastest"),
    ("products alone", "portable"),
    ("products alone", "fastest"),
    ("JAX", "own"),
    ("PyTorch", "own"),
]


class Row(NamedTuple):
    """A network, how it is trained, and who besides the usual contestants trains it."""

    sizes: list[int]
    activation: str
    batch_size: int
    learning_rate: float
    more: list[Contestant]


ROWS = [
    Row([784, 16, 16, 10], "relu", 32, 0.1, [("scikit-learn", "own")]),
    Row([784, 16, 16, 10], "relu", 10, 0.1, [("scikit-learn", "own")]),
    Row([784, 16, 16, 10], "relu", 1, 0.01, [("example at a time", "own")]),
    Row([784, 20, 10], "sigmoid", 1, 0.01, [("example at a time", "own")]),
    Row([784, 100, 10], "relu", 32, 0.1, [("scikit-learn", "own")]),
    Row([784, 1024, 1024, 10], "relu", 128, 0.1, [("scikit-learn", "own")]),
]


def write_problem(folder: Path, row: Row) -> None:
    """Put everything that a contestant needs into a folder."""
    for part in ("images", "targets"):
        (folder / f"{part}.npy").symlink_to(ROOT / f"data/prepared/training_{part}.npy")
    network = Network(row.sizes, row.activation, "cross_entropy")
    draw_weights(network, "xavier", generator(0, "initial weights"))
    np.save(folder / "parameters.npy", network.parameters)
    settings = row._asdict()
    del settings["more"]
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def command(contestant: Contestant, folder: Path) -> list[str | Path]:
    return [sys.executable, ROOT / "benchmarks/contestants.py", *contestant, folder]


def epochs(row: Row, folder: Path) -> dict[str, Any]:
    """Return the seconds an epoch of each contestant, and the project's share of them."""
    contestants = [*ALWAYS, *row.more]
    workers = {
        each: subprocess.Popen(
            command(each, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for each in contestants
    }
    seconds: dict[Contestant, list[float]] = {each: [] for each in contestants}
    for _ in range(1 + TURNS):
        for each, worker in workers.items():
            assert worker.stdin
            assert worker.stdout
            worker.stdin.write("epoch\n")
            worker.stdin.flush()
            seconds[each].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.communicate()
    return {
        " ".join(each): {
            "seconds": statistics.median(seconds[each][1:]),
            **{
                f"{kernels} / it": share(seconds["project", kernels], seconds[each])
                for kernels in ("portable", "fastest")
            },
            "difference": difference(folder, each),
        }
        for each in contestants
    }


def share(ours: list[float], theirs: list[float]) -> float:
    """Return the median, over the turns after the first, of our time divided by theirs."""
    return statistics.median(a / b for a, b in zip(ours[1:], theirs[1:], strict=True))


def difference(folder: Path, contestant: Contestant) -> float | None:
    """Return how far a contestant is from the project after an epoch, against the way moved."""
    if contestant[0] == "products alone":
        return None
    start = np.load(folder / "parameters.npy")
    ours, theirs = (np.load(folder / f"{' '.join(each)}.npy") for each in (PROJECT, contestant))
    found = float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours - start))
    if found > TOLERANCE:
        sys.exit(f"{contestant}: reached other parameters: {found:.1e} is more than {TOLERANCE}")
    return found


def whole_processes(folder: Path) -> dict[str, Any]:
    """Return the seconds from `python` to a saved model, for the default network and epochs."""
    outputs: list[str | Path] = [
        "--model",
        folder / "model.npz",
        "--history",
        folder / "history.csv",
    ]
    commands: dict[str, list[str | Path]] = {
        "project": [sys.executable, ROOT / "stages/train.py", *outputs],
        **{name: command((name, "own"), folder) for name in ("JAX", "PyTorch", "scikit-learn")},
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(3):
        for name, words in commands.items():
            start = time.perf_counter()
            subprocess.run(
                words,
                input="epoch\n" * 30,
                stdout=subprocess.DEVNULL,
                text=True,
                check=True,
                cwd=ROOT,
            )
            seconds[name].append(time.perf_counter() - start)
    return {
        name: {
            "seconds": statistics.median(times),
            "project / it": statistics.median(
                a / b for a, b in zip(seconds["project"], times, strict=True)
            ),
        }
        for name, times in seconds.items()
    }


def peak(kernels: str, threads: int) -> float:
    """Return the GFLOP/s of large products in float32."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n"
        f"from mnist_mlp.kernels import choose_kernels; choose_kernels({kernels!r})\n"
        f"import os; os.environ['OPENBLAS_NUM_THREADS'] = '{threads}'\n"
        "import numpy as np, time\n"
        "a = np.ones((2048, 2048), np.float32); times = []\n"
        "for _ in range(9):\n"
        "    start = time.perf_counter(); a @ a; times.append(time.perf_counter() - start)\n"
        "print(2 * 2048**3 / sorted(times)[4] / 1e9)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def show(results: dict[str, Any]) -> None:
    """Print the results as Markdown."""
    print(f"Measured on {results['date']}, {results['machine']}.\n")
    names = ["JAX own", "PyTorch own", "scikit-learn own", "example at a time own"]
    print("| network, batch | portable, s | fastest, s | products alone, s |", end="")
    print("".join(f" {name.removesuffix(' own')} |" for name in names))
    print("| --- " * (4 + len(names)) + "|")
    for name, row in results["epochs"].items():
        own = [row[f"{each} {k}"]["seconds"] for each, k in (*ALWAYS[:2], ALWAYS[2])]
        print(f"| {name} |", " | ".join(f"{x:.3f}" for x in own), "|", end="")
        for peer in names:
            found = row.get(peer)
            text = f"{found['portable / it']:.2f}, {found['fastest / it']:.2f}" if found else ""
            print(f" {text} |", end="")
        print()


def main() -> None:
    """Measure all rows, write the results and show them."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(line.partition(": ")[2] for line in flags if line.startswith("model name"))
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{model}, 2 cores, Python {platform.python_version()}, NumPy {np.__version__}",
        "epochs": {},
        "peak GFLOP/s": {
            f"{k}, {n} threads": peak(k, n) for k in ("portable", "fastest") for n in (1, 2)
        },
    }
    if len(sys.argv) > 1:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for row in [ROWS[int(number)] for number in sys.argv[1:]] or ROWS:
        with tempfile.TemporaryDirectory() as name:
            write_problem(Path(name), row)
            title = f"{'-'.join(map(str, row.sizes))}, {row.batch_size}"
            results["epochs"][title] = epochs(row, Path(name))
            if row is ROWS[0]:
                results["whole process"] = whole_processes(Path(name))
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)
    for name, found in results["whole process"].items():
        print(
            f"- {name}, whole process: {found['seconds']:.1f} s; "
            f"the project takes {found['project / it']:.2f} of that"
        )


if __name__ == "__main__":
    main()
