"""The sweep: many networks on this machine's cores, or on a Dask cluster of processes."""

import contextlib
import csv
import json
import math
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from PIL import Image

from mnist_mlp.runs.grid import Task, expand
from tests.conftest import CLI, INTERRUPTED, KNOBS, done, start, started, until

pytestmark = pytest.mark.slow

TABLE, PICTURE = Path("metrics/sweep.csv"), Path("metrics/sweep.png")
GRID = ("hidden=4,[8,4]", "learning_rate=0.3,1e-1", "--seeds", "2")
ADDRESS = re.compile(r"tcp://127\.0\.0\.1:\d+")


@pytest.fixture
def quick(clone: Path) -> Path:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 2}), "utf-8")
    return clone


def sweep(folder: Path, *words: str) -> str:
    return done(folder, *CLI, "sweep", *words)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / TABLE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refusal(folder: Path, *words: str) -> str:
    """Check that a sweep fails in one line, after notes on its progress, and return the line."""
    result = start(folder, *CLI, "sweep", *words)
    assert result.returncode == 1
    *notes, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert all(re.search("^Training .* networks|^waiting for a worker", note) for note in notes)
    return line


def kept(folder: Path) -> list[Path]:
    return list((folder / "data/sweep").glob("*.json"))


def training_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes of the train stage that a sweep has started."""
    found = []
    for child in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "stages/train.py" in child.cmdline():
                found.append(child)
    return found


def next_line(process: subprocess.Popen[str], words: str) -> str:
    """Return the next line on a process's standard error that contains these words."""
    return next(line for line in process.stderr or [] if words in line)


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """Run a Dask scheduler and workers; yield the address and the processes, scheduler first."""
    scheduler = ("-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show")
    processes = [started(folder, sys.executable, *scheduler, "--host=127.0.0.1", "--port=0")]
    try:
        found = ADDRESS.search(next_line(processes[0], "tcp://127.0.0.1"))
        assert found
        worker = ("-m", "distributed.cli.dask_worker", "--no-dashboard", "--nthreads=1")
        for _ in range(workers):
            processes.append(started(folder, sys.executable, *worker, "--no-nanny", found.group()))
            next_line(processes[-1], "Starting established connection")
        yield found.group(), processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_sweep_has_every_combination_and_seed_in_order(quick: Path) -> None:
    sweep(quick, *GRID)
    assert [(row["hidden"], row["learning_rate"], row["seed"]) for row in table(quick)] == [
        (hidden, rate, seed)
        for hidden in ("4", "[8,4]")
        for rate in ("0.3", "0.1")
        for seed in ("0", "1")
    ]
    with Image.open(quick / PICTURE) as picture:
        assert picture.width == 800


@pytest.mark.parametrize("changes", [{}, {"averaging": 1}])
def test_each_network_is_the_one_that_dvc_exp_run_trains(
    changes: dict[str, int], quick: Path
) -> None:
    knobs = KNOBS | {"epochs": 2} | changes
    (quick / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    output = sweep(quick, "hidden=4,[8,4]", "learning_rate=0.1", "--seeds", "2")
    (command,) = re.findall(r"^dvc exp run .*$", output, re.M)
    done(quick, *shlex.split(command))
    best = yaml.safe_load((quick / "params.yaml").read_text("utf-8"))
    results = json.loads((quick / "metrics/accuracy.json").read_text("utf-8"))
    (row,) = (
        row
        for row in table(quick)
        if yaml.safe_load(row["hidden"]) == best["hidden"] and row["seed"] == "0"
    )
    assert float(row["validation_accuracy"]) == results["validation_accuracy"]
    assert float(row["training_accuracy"]) == results["training_accuracy"]
    lock = yaml.safe_load((quick / "dvc.lock").read_text("utf-8"))["stages"]["train"]["outs"]
    assert {"path": "data/model.npz", "md5": row["model"]}.items() <= lock[0].items()


def test_the_table_has_the_same_bytes_for_every_number_of_workers(quick: Path) -> None:
    sweep(quick, *GRID, "--workers", "1", "--kept", "one")
    expected = (quick / TABLE).read_bytes(), (quick / PICTURE).read_bytes()
    sweep(quick, *GRID, "--workers", "3", "--kept", "three")
    assert ((quick / TABLE).read_bytes(), (quick / PICTURE).read_bytes()) == expected


def test_mean_and_spread_over_the_seeds_are_printed(quick: Path) -> None:
    output = sweep(quick, "hidden=4", "--seeds", "2")
    low, high = sorted(float(row["validation_accuracy"]) for row in table(quick))
    spread = (high - low) / 2**0.5
    assert f"{(low + high) / 2:.2%} ± {spread:.2%}  hidden=4\n" in output
    assert output.endswith("At least --seeds 5 are needed to tell a difference from luck.\n")


def accuracies(folder: Path, **knobs: str) -> list[float]:
    rows = [row for row in table(folder) if all(row[k] == v for k, v in knobs.items())]
    return [float(row["validation_accuracy"]) for row in rows]


def test_the_best_comes_first_and_is_named_by_the_knobs_that_vary(quick: Path) -> None:
    output = sweep(quick, "hidden=4,8,64", "learning_rate=0.3")
    ranked = sorted(("4", "8", "64"), key=lambda n: accuracies(quick, hidden=n), reverse=True)
    names = re.findall(r"^\d+\.\d\d%  (.*)$", output, re.M)
    assert names == [f"hidden={n}" for n in ranked]
    assert f"dvc exp run -S hidden={ranked[0]} -S learning_rate=0.3 -S seed=0" in output


def test_five_seeds_compare_the_best_with_the_second_best_and_with_params_yaml(quick: Path) -> None:
    stats = pytest.importorskip("scipy.stats")
    output = sweep(quick, "hidden=64,128", "--seeds", "5")
    names = {"hidden=64": "64", "hidden=128": "128"}
    own = "hidden=[16,16] (params.yaml)"
    names[own] = "[16,16]"
    found = {name: accuracies(quick, hidden=value) for name, value in names.items()}
    best, second, *_ = sorted(found, key=lambda name: sum(found[name]), reverse=True)
    assert own not in (best, second)
    expected = []
    for other, alpha, chosen in ((second, 0.05, ""), (own, 0.05 / 2, ", best of 2")):
        result = stats.ttest_rel(found[best], found[other])
        interval = result.confidence_interval(1 - alpha)
        how = f"{100 * interval.low:.2f} to {100 * interval.high:.2f} points"
        better = result.pvalue < alpha
        words = f"is better than {other} by" if better else f"and {other}:"
        opening = best if better else f"no difference seen between {best}"
        expected.append(f"{opening} {words} {how} (95% interval{chosen}, 5 seeds).")
    assert output.splitlines()[-2:] == expected
    assert [row["hidden"] for row in table(quick)][-5:] == ["[16,16]"] * 5


@pytest.mark.parametrize(
    ("grid", "seeds", "own"),
    [
        ({"hidden": [4]}, 5, [False] * 5 + [True] * 5),
        ({"hidden": [4]}, 4, [False] * 4),
        ({"hidden": [4, [16, 16]]}, 5, [False] * 5 + [True] * 5),
        ({"hidden": [[16, 16], 4]}, 2, [True] * 2 + [False] * 2),
    ],
)
def test_params_yaml_is_trained_once_if_there_are_enough_seeds(
    grid: dict[str, Any], seeds: int, own: list[bool], tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(KNOBS), "utf-8")
    tasks = expand(grid, seeds, tmp_path / "params.yaml", images=1000)
    assert [task.is_own for task in tasks] == own
    assert all((list(task.knobs["hidden"]) == [16, 16]) == task.is_own for task in tasks)
    assert [task.knobs["seed"] for task in tasks] == [*range(seeds)] * (len(own) // seeds)


def test_params_yaml_is_left_out_if_it_cannot_be_validated(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"validation": 0}), "utf-8")
    tasks = expand({"validation": [0.1, 0.2]}, 5, tmp_path / "params.yaml", images=1000)
    assert [task.changes["validation"] for task in tasks] == [0.1] * 5 + [0.2] * 5


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (
            [0.9] * 5,
            [0.88] * 5,
            "a is better than b by 2.00 to 2.00 points (95% interval, 5 seeds).",
        ),
        (
            [0.9] * 5,
            [0.92] * 5,
            "b is better than a by 2.00 to 2.00 points (95% interval, 5 seeds).",
        ),
        ([0.9] * 5, [0.9] * 5, "no difference seen between a and b: 0.00 to 0.00 points"),
        (
            [0.9] * 5,
            [0.8, 1, 0.9, 0.8, 0.9],
            "no difference seen between a and b: -8.39 to 12.39 points",
        ),
        (
            [0.9] * 6,
            [math.nan, 0.8, 0.8, 0.8, 0.8, 0.8],
            "a is better than b by 10.00 to 10.00 poi",
        ),
        ([0.9] * 5, [math.nan, 0.8, 0.8, 0.8, 0.8], "a, b: fewer than 5 seeds were trained with b"),
    ],
)
def test_recipes_are_compared_seed_by_seed(
    ours: list[float], theirs: list[float], words: str
) -> None:
    module = pytest.importorskip("mnist_mlp.runs.sweep")
    first = Task({}, {}, is_own=False)
    one, other = (
        module.Combination(name, first, np.array(values))
        for name, values in (("a", ours), ("b", theirs))
    )
    assert module.difference(one, other).startswith(words)


def test_lines_show_progress_and_the_time_left(quick: Path) -> None:
    lines = sweep(quick, "hidden=4,8").splitlines()[:2]
    assert [line[:4] for line in lines] == ["1/2 ", "2/2 "]
    assert all(re.search(r"; best so far .*; \d\d:\d\d left$", line) for line in lines)
    assert lines[1].endswith("; 00:00 left")


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (["hidden"], "grid: expected each knob once"),
        (["hidden=4", "hidden=8"], "grid: expected each knob once"),
        (["depth=3"], "with the grid: unknown knob 'depth'"),
        (["hidden=4,0"], "with the grid: hidden: expected"),
        (["hidden="], "grid: hidden: expected at least one value"),
        (["hidden=[4"], "grid: hidden: expected YAML"),
        (["seed=0,1"], "grid: expected --seeds"),
        (["batch_size=32,1294"], "with the grid: batch_size: expected at most the 1293"),
        (["validation=0.1,0"], "with the grid: validation: expected a fraction that sets"),
        (["validation=0.00001"], "with the grid: validation: expected a fraction that sets"),
        (["dataset=mnist"], "grid: expected one data set"),
        (["hidden=4,[4]"], "grid: expected each combination once"),
        (["hidden=4", "--seeds", "100001"], "grid: expected at most 100,000 networks"),
    ],
)
def test_a_bad_grid_is_refused_before_anything_runs(
    grid: list[str], words: str, quick: Path
) -> None:
    assert words in refusal(quick, *grid)
    assert not kept(quick)
    assert not (quick / TABLE).exists()


def test_a_failed_training_leaves_only_a_gap_in_the_table(quick: Path) -> None:
    (quick / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"weight_decay": 10}), "utf-8")
    output = sweep(quick, "learning_rate=1000,0.1", "epochs=2")
    reason = "not trained: -S learning_rate=1000 -S epochs=2 -S seed=0: training: epoch 1: the "
    assert reason in output
    diverged, trained = table(quick)
    assert (diverged["learning_rate"], diverged["validation_accuracy"]) == ("1000", "")
    assert 0 < float(trained["validation_accuracy"]) <= 1
    assert "dvc exp run -S learning_rate=0.1 -S epochs=2 -S seed=0" in output
    assert len(kept(quick)) == 1


def test_a_sweep_fails_in_one_line_if_every_training_fails(quick: Path) -> None:
    (quick / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"weight_decay": 10}), "utf-8")
    line = refusal(quick, "learning_rate=1000")
    assert "no network could be trained: training: epoch 1: the parameters became NaN" in line
    assert not (quick / TABLE).exists()


def test_a_killed_sweep_resumes(quick: Path) -> None:
    process = started(quick, *CLI, "sweep", *GRID, "--workers", "1")
    until(lambda: len(kept(quick)) >= 2, process)
    process.kill()
    process.communicate()
    missing = 8 - len(kept(quick))
    result = start(quick, *CLI, "sweep", *GRID)
    assert f"Training {missing} of 8 networks" in result.stderr
    assert len(table(quick)) == 8
    assert start(quick, *CLI, "sweep", *GRID).stderr == ""


def test_networks_whose_kept_results_are_damaged_are_trained_again(quick: Path) -> None:
    damaged = [b"", b"[]", b"{}", b'{"error": "x"}', b"\xff", b'{"\x80": 1}', b"[" * 100_000]
    grid = f"hidden={','.join(map(str, range(4, 5 + len(damaged))))}"
    sweep(quick, grid)
    expected = (quick / TABLE).read_bytes()
    for file, content in zip(kept(quick), damaged, strict=False):
        file.write_bytes(content)
    result = start(quick, *CLI, "sweep", grid)
    assert "Training 7 of 8 networks" in result.stderr
    assert (quick / TABLE).read_bytes() == expected


def test_a_killed_training_is_repeated(quick: Path) -> None:
    sweep(quick, "hidden=4", "epochs=200", "--kept", "here")
    expected = (quick / TABLE).read_bytes()
    process = started(quick, *CLI, "sweep", "hidden=4", "epochs=200")
    until(lambda: training_of(process), process)
    training_of(process)[0].kill()
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    assert (quick / TABLE).read_bytes() == expected


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="a stage outlives its caller here")
def test_a_training_ends_with_the_sweep_that_waits_for_it(quick: Path) -> None:
    process = started(quick, *CLI, "sweep", "hidden=4", "epochs=100000")
    until(lambda: training_of(process), process)
    trainings = training_of(process)
    time.sleep(1)  # until the stage watches its parent
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(trainings, timeout=10)
    assert not alive


def test_ctrl_c_ends_a_sweep_in_one_line(quick: Path) -> None:
    grid = ("hidden=64,128", "--seeds", "20", "--workers", "1")
    process = started(quick, *CLI, "sweep", *grid)
    until(lambda: kept(quick), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.splitlines(keepends=True)[1:] == [INTERRUPTED]


def test_a_terminal_shows_a_bar_and_the_best_so_far(quick: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*CLI, "sweep", "hidden=4,8"]
    process = subprocess.Popen(command, cwd=quick, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
        while part := os.read(ours, 1000):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    best = max(float(row["validation_accuracy"]) for row in table(quick))
    assert "100%" in shown.decode()
    assert f"best so far {best:.2%} -S hidden=" in shown.decode()
    assert re.search(r"50%  \d\d:\d\d:\d\d", shown.decode()), "the time left"


ALONE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")  # without other traffic
MAY_BE_ALONE = shutil.which("unshare") and not subprocess.call(
    [*ALONE, "ip link set lo up"], stderr=subprocess.DEVNULL
)
TALK = """
ip link set lo up
worker="worker tcp://127.0.0.1:8786 --no-nanny"
rm -f there
for what in "scheduler --scheduler-file=there" "$worker" "$worker"; do
    python -m distributed.cli.dask_$what --no-dashboard --host=127.0.0.1 >/dev/null 2>&1 &
    dask="$dask $!"
done
timeout 60 sh -c 'until [ -s there ]; do sleep 0.1; done'
export PYTHONPATH=src
python -m mnist_mlp.cli sweep hidden=4 --seeds $0 --scheduler tcp://127.0.0.1:8786 >&2
sed -n 's/ *lo: *\\([0-9]*\\).*/\\1/p' /proc/net/dev
kill -KILL $dask
"""


@pytest.mark.skipif(
    not MAY_BE_ALONE, reason="needs Linux, ip, and permission to create a network namespace"
)
def test_the_digits_are_not_sent_again_with_every_task(quick: Path) -> None:
    digits = sum(file.stat().st_size for file in (quick / "data/raw").iterdir())
    few, many = (int(done(quick, *ALONE, TALK, seeds)) for seeds in ("2", "10"))
    assert digits < few
    assert many - few < 2 * digits


def test_killing_a_worker_of_a_cluster_loses_no_result(quick: Path) -> None:
    sweep(quick, *GRID, "--kept", "here")
    expected = (quick / TABLE).read_bytes()
    (quick / TABLE).unlink()
    with dask_cluster(quick, 2) as (address, processes):
        process = started(quick, *CLI, "sweep", *GRID, "--scheduler", address)
        until(lambda: kept(quick), process)
        processes[1].kill()
        output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    assert (quick / TABLE).read_bytes() == expected


def test_a_lost_cluster_is_reported_in_one_line(quick: Path) -> None:
    with dask_cluster(quick, 1) as (address, processes):
        command = (*CLI, "sweep", "hidden=4", "epochs=100000")
        process = started(quick, *command, "--scheduler", address)
        until(lambda: training_of(processes[1]), process)
        processes[0].kill()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith(f"error: {address}: lost; results so far are kept")
    assert "Traceback" not in errors


def test_a_worker_with_other_source_code_is_refused(quick: Path, tmp_path: Path) -> None:
    other = shutil.copytree(quick, tmp_path / "other", symlinks=True)
    with (other / "stages/evaluate.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    with dask_cluster(other, 1) as (address, _):
        line = refusal(quick, "hidden=4", "--scheduler", address)
    assert f"{other} of worker tcp://" in line
    assert "expected the top of a clone with the same source as here" in line


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp:/nothing", "tls://127.0.0.1:9"])
def test_a_missing_cluster_is_reported_in_one_line(address: str, quick: Path) -> None:
    line = refusal(quick, "hidden=4", "--scheduler", address)
    assert f"error: {address}: expected a Dask scheduler that answers; " in line


def test_a_sweep_in_a_subfolder_is_refused(quick: Path) -> None:
    words = ("sweep", "hidden=4", "--params", "../params.yaml")
    result = start(quick / "data", *CLI[2:], *words, PYTHONPATH=str(quick / "src"))
    assert result.returncode == 1
    assert result.stderr == (
        "error: stages/train.py: not found; run this at the top of a clone of the project\n"
    )
