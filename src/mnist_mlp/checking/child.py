"""The process in which a learner's file runs: `python -m mnist_mlp.checking.child FILE FOLDER`.

It writes each trial to FOLDER as soon as it is made, and an account of the whole run at the end.
"""

import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from mnist_mlp.checking.absent import install
from mnist_mlp.checking.guard import guard
from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.layouts import Layout
from mnist_mlp.checking.learner import EndlessError, Learner, describe
from mnist_mlp.checking.museum import STOPS
from mnist_mlp.checking.parts import PARTS, examine
from mnist_mlp.checking.trial import Trial, without_dark_pixels

MEMORY = 4 * 2**30  # bytes of addresses, on Linux
SECONDS = 4  # of computing
LAYOUT = Layout("rows", False, "flat", "one-hot")  # of the parts
MOST = 12  # trials


def main(file: Path, folder: Path) -> None:
    """Run the file, try its interfaces, and write what they answered."""
    prepare(SECONDS, folder)
    account: dict[str, object] = {}
    try:
        learner = Learner(file)
    except SyntaxError as error:
        account["broken"] = f"this is not Python: line {error.lineno}: {error.msg}"
    else:
        account["problems"] = learner.problems
        account["defined"] = [*learner.functions(), *(kind.__name__ for kind in learner.classes())]
        try:
            examination = examine(learner)
            account["parts"] = examination.findings
            account["complete"] = examination.complete
            for name, answers in examination.answers.items():
                trial = Trial(f"{name}({', '.join(PARTS[name])})", False, LAYOUT, answers)
                save(folder / f"{name}{'.npz' if name == 'backprop' else '.part'}", trial)
            if learner.stops and not examination.complete:
                learner = Learner(file, mends=True)
            search = iter(()) if examination.complete else trials(learner)
            for number, trial in enumerate(islice(search, MOST)):
                notes = (*trial.notes, *("stops",) * bool(learner.stops))
                save(folder / f"{number:02}.npz", trial._replace(notes=notes))
        except EndlessError as error:
            account["broken"] = describe(error)
        if learner.stops:
            learner.errors.insert(0, f"line {learner.stops}: {STOPS.wrong}: write {STOPS.formula}")
        account["errors"] = list(dict.fromkeys(learner.errors))[:20]
    (folder / "account.json").write_text(json.dumps(account), "utf-8")


def prepare(seconds: int, folder: Path) -> None:
    """Prepare this process for a learner's file, which may change files in one folder only.

    Its computing time is limited, and on Linux its memory.
    """
    install()
    guard(folder)
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def save(path: Path, trial: Trial) -> None:
    """Write a trial as arrays, in a file that appears when it is complete."""
    description = [*trial[:3], len(trial.answers), trial.notes, trial.penalty, trial.numbers]
    arrays = {"description": np.array(json.dumps(description))}
    for k, answer in enumerate(map(without_dark_pixels, (*trial.answers, *trial.longer))):
        problem = answer.problem
        for name, values in (
            ("W", problem.weights),
            ("b", problem.biases),
            ("dW", answer.weights),
            ("db", answer.biases),
            ("a", answer.activations),
            ("masks", problem.masks),
        ):
            for i, value in enumerate(values):
                if value is not None:
                    arrays[f"{k}/{name}/{i}"] = np.asarray(value)
        arrays[f"{k}/images/0"], arrays[f"{k}/targets/0"] = problem.images, problem.targets
        arrays[f"{k}/rate/0"], arrays[f"{k}/decay/0"] = np.array((answer.rate, problem.decay))
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    unfinished.rename(path)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except MemoryError as error:
        sys.exit(describe(error))
