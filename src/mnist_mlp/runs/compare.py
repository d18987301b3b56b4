"""Compare this run with a recorded one: the first stage and the first epoch that differ."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from mnist_mlp.base.errors import InputError

LOCK = "dvc.lock"
HISTORY = "metrics/history.csv"


def compare(recorded: str) -> bool:
    """Return whether this run's outputs are those recorded in a commit; print the first difference.

    Reads dvc.lock and metrics/history.csv, here and in the commit. Raises InputError if there is
    no complete run here, or none in the commit.
    """
    dvc = [sys.executable, "-m", "dvc", "status", "--json", "dvc.yaml"]
    status = subprocess.run(dvc, capture_output=True, text=True, errors="replace", check=False)
    if status.returncode:
        raise InputError(f"{LOCK}: cannot be compared; dvc says: {' '.join(status.stderr.split())}")
    if json.loads(status.stdout):
        raise InputError(f"the workspace does not match {LOCK}; run `dvc repro` first")
    theirs, ours = (_stages(text) for text in (committed(recorded, LOCK), _here(LOCK)))
    for name in theirs:
        if name not in ours:
            raise InputError(f"{LOCK}: {name} has not been run here yet; run `dvc repro`")
        outputs = _changed(theirs[name], ours[name], "outs")
        if outputs:
            causes = _changed(theirs[name], ours[name], "deps", "params")
            print(f"{name} differs from {recorded} in {', '.join(outputs)}.")
            if HISTORY in outputs:
                print(_first_epoch(committed(recorded, HISTORY), _here(HISTORY)))
            print(f"Its inputs differ in {', '.join(causes)}." if causes else _SAME_INPUTS)
            return False
    print(f"Every output is identical to that recorded in {recorded}.")
    return True


_SAME_INPUTS = (
    "Its inputs are the same. Possible causes: another processor, operating system, NumPy or "
    "Pillow; `kernels: fastest`; for download, a run on the sample."
)


def _here(name: str) -> str:
    return Path(name).read_text(encoding="utf-8", errors="replace")


def committed(commit: str, name: str) -> str:
    """Return the text of a file in a commit or an experiment, which has a name in DVC.

    Raises InputError if it is not there.
    """
    try:
        experiments = _git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{commit}")
        found = (experiments.stdout.split() or [commit])[0]
        git = _git("show", "--end-of-options", f"{found}^{{commit}}:./{name}")
    except FileNotFoundError:
        raise InputError(f"{name}: git, which is not installed, reads it from a commit") from None
    if git.returncode:
        reason = " ".join(git.stderr.split())
        raise InputError(f"{name}: expected in commit {commit}; git says: {reason}")
    return git.stdout


def _git(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *command], capture_output=True, encoding="utf-8", errors="replace", check=False
    )


def _stages(lock: str) -> dict[str, dict[str, Any]]:
    """Return the inputs and outputs of each stage in dvc.lock, each with its hash or value."""
    try:
        stages = yaml.safe_load(lock)["stages"]
        return {
            name: {
                "deps": {dep["path"]: dep["md5"] for dep in stage.get("deps", [])},
                "params": stage.get("params", {}).get("params.yaml", {}),
                "outs": {out["path"]: out["md5"] for out in stage.get("outs", [])},
            }
            for name, stage in stages.items()
        }
    except (yaml.YAMLError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise InputError(
            f"{LOCK}: expected a lock file of DVC, found something else; "
            "compare with another commit"
        ) from None


def _changed(theirs: dict[str, Any], ours: dict[str, Any], *kinds: str) -> list[str]:
    names = [(kind, name) for kind in kinds for name in {**theirs[kind], **ours[kind]}]
    return [name for kind, name in names if theirs[kind].get(name) != ours[kind].get(name)]


def _first_epoch(theirs: str, ours: str) -> str:
    rows = [list(csv.DictReader(text.splitlines())) for text in (theirs, ours)]
    for their_row, our_row in zip(*rows, strict=False):
        if their_row.get("parameters_hash") != our_row.get("parameters_hash"):
            return f"The first epoch whose parameters differ is {our_row['epoch']}."
    if len(rows[0]) != len(rows[1]):
        return f"One run has {len(rows[0])} epochs and the other {len(rows[1])}."
    return "The parameters of every epoch are the same, but a cost or an accuracy differs."
