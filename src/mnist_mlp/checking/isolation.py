"""Isolation: a learner's file runs in a process of its own, with limits of time and of output.

That keeps its mistakes from this process. It is no sandbox: the file may do whatever its user may.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import IO, Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.trial import Trial

SECONDS = 10.0  # by the clock; its computing time is limited in child.py
OUTPUT = 2**20  # bytes that a file may print


class Outcome(NamedTuple):
    """What became of a learner's file.

    trials     what it answered
    problem    why it gave no more, in one line, or nothing
    notes      statements of it that failed, and errors that its functions raised
    defined    the functions and classes that it defines
    parts      what is wrong with each of its parts, as far as the process itself could tell
    forward    what its part `forward` answered
    complete   whether its parts are all that there is to say
    """

    trials: list[Trial]
    problem: str
    notes: list[str]
    defined: list[str]
    parts: Mapping[str, list[str]] = {}
    forward: Sequence[Answer] = ()
    complete: bool = False


def run_file(file: Path, seconds: float = SECONDS) -> Outcome:
    """Run a learner's file in a process of its own, and return what it answered."""
    with tempfile.TemporaryDirectory() as folder:
        problem = run_alone("mnist_mlp.checking.child", file, [folder], seconds)
        account: dict[str, Any] = {}
        if (Path(folder) / "account.json").exists():
            account = json.loads((Path(folder) / "account.json").read_text("utf-8"))
        if "broken" in account:
            problem = account["broken"]
        return Outcome(
            [load(path) for path in sorted(Path(folder).glob("*.npz"))],
            problem,
            [note for part in ("errors", "problems") for note in account.get(part, [])],
            account.get("defined", []),
            account.get("parts", {}),
            [answer for path in Path(folder).glob("*.part") for answer in load(path).answers],
            account.get("complete", False),
        )


def run_alone(
    module: str,
    file: Path,
    arguments: Sequence[str],
    seconds: float,
    watch: Callable[[], None] = lambda: None,
) -> str:
    """Run a module on a learner's file, in a process of its own.

    Returns why it failed, in one line, or nothing. `watch` is called again and again until it ends.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module, file.resolve(), *arguments],
        env=_environment(file),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    problem, errors = _wait(process, seconds, watch)
    if problem or not process.returncode:
        return problem
    if process.returncode == -getattr(signal, "SIGXCPU", 0):
        return "it computes for too long; is there an endless loop?"
    last = errors.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
    return f"the file ended Python: {last[0][:200]}"


def _environment(file: Path) -> dict[str, str]:
    """Return the environment of the process: it can import this package, and the file's own."""
    path = os.pathsep.join((str(Path(__file__).parents[2]), str(file.resolve().parent)))
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}


def _wait(
    process: "subprocess.Popen[bytes]", seconds: float, watch: Callable[[], None]
) -> tuple[str, str]:
    """Wait for a process, and end it if it takes or prints too much; return why, and its errors."""
    heard: dict[str, bytes] = {"output": b"", "errors": b""}
    lengths = {"output": 0, "errors": 0}

    def read(name: str, pipe: IO[bytes]) -> None:
        while block := pipe.read1(65536):  # type: ignore[attr-defined]
            lengths[name] += len(block)
            heard[name] = (heard[name] + block)[-4096:]

    pipes = {"output": process.stdout, "errors": process.stderr}
    threads = [Thread(target=read, args=(k, p), daemon=True) for k, p in pipes.items() if p]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    problem = ""
    while process.poll() is None and not problem:
        time.sleep(0.01)
        watch()
        if sum(lengths.values()) > OUTPUT:
            problem = "it prints more than a megabyte: is there a print in a loop?"
        elif time.monotonic() > deadline:
            problem = f"it did not end within {seconds:g} seconds: is there an endless loop?"
    _end(process)
    for thread in threads:
        thread.join(1)
    for pipe in pipes.values():
        if pipe:
            pipe.close()
    return problem, heard["errors"].decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def load(path: Path) -> Trial:
    """Read a trial. Nothing in the file is run."""
    with np.load(path, allow_pickle=False) as arrays:
        how, step, layout, count, notes, penalty, numbers = json.loads(str(arrays["description"]))
        parts: dict[int, dict[str, dict[int, Array]]] = {}
        for key in arrays.files:
            if key != "description":
                k, name, i = key.split("/")
                parts.setdefault(int(k), {}).setdefault(name, {})[int(i)] = arrays[key]
    answers = []
    for _, part in sorted(parts.items()):
        n_layers = range(len(part["W"]))
        problem = Problem(
            [part["W"][i] for i in n_layers],
            [part["b"][i] for i in n_layers],
            part["images"][0],
            part["targets"][0],
            list(part.get("masks", {}).values()),
            float(part["decay"][0]),
        )
        weights, biases, activations = (
            [part.get(name, {}).get(i) for i in n_layers] for name in ("dW", "db", "a")
        )
        answers.append(Answer(problem, weights, biases, activations, float(part["rate"][0])))
    answers, longer = answers[:count], answers[count:]
    laid = Layout(*layout)
    return Trial(how, step, laid, answers, tuple(notes), None, penalty, numbers, longer)
