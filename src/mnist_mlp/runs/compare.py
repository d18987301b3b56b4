"""A comparison of two runs: where one departs from the other."""

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
    """Return whether this run has the bytes that a commit recorded, and print where it departs.

    Reads dvc.lock and metrics/history.csv, here and in the commit. Raises InputError if there is
    no complete run here, or none in the commit.
    """
    dvc = [sys.executable, "-m", "dvc", "status", "--json", "dvc.yaml"]
    status = subprocess.run(dvc, capture_output=True, text=True, errors="replace", check=False)
    if status.returncode:
        raise InputError(f"{LOCK}: not compared; dvc says: {' '.join(status.stderr.split())}")
    if json.loads(status.stdout):
        raise InputError(f"{LOCK}: what is here is not what it records; run `dvc repro` first")
    theirs, ours = (_stages(text) for text in (_committed(recorded, LOCK), _here(LOCK)))
    for name in theirs:
        if name not in ours:
            raise InputError(f"{LOCK}: {name} was not run here yet; run `dvc repro`")
        outputs = _changed(theirs[name], ours[name], "outs")
        if outputs:
            causes = _changed(theirs[name], ours[name], "deps", "params")
            print(f"{name} departs from {recorded}: other bytes in {', '.join(outputs)}.")
            if HISTORY in outputs:
                print(_first_epoch(_committed(recorded, HISTORY), _here(HISTORY)))
            print(f"Its inputs differ: {', '.join(causes)}." if causes else _SAME_INPUTS)
            return False
    print(f"Every output has the bytes that {recorded} recorded.")
    return True


_SAME_INPUTS = (
    "Its inputs are the same: look for another processor, operating system, NumPy or Pillow, for "
    "`kernels: fastest`, or, where it is download, for a run on the sample."
)


def _here(name: str) -> str:
    return Path(name).read_text(encoding="utf-8", errors="replace")


def _committed(commit: str, name: str) -> str:
    git = subprocess.run(
        ["git", "show", f"{commit}^{{commit}}:./{name}"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if git.returncode:
        raise InputError(f"{name}: expected in commit {commit}; git says: {git.stderr.strip()}")
    return git.stdout


def _stages(lock: str) -> dict[str, dict[str, Any]]:
    """Return for each stage in dvc.lock its inputs and outputs, each with what tells its bytes."""
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
        raise InputError(f"{LOCK}: expected what DVC writes; run `dvc repro`") from None


def _changed(theirs: dict[str, Any], ours: dict[str, Any], *kinds: str) -> list[str]:
    names = [(kind, name) for kind in kinds for name in {**theirs[kind], **ours[kind]}]
    return [name for kind, name in names if theirs[kind].get(name) != ours[kind].get(name)]


def _first_epoch(theirs: str, ours: str) -> str:
    rows = [list(csv.DictReader(text.splitlines())) for text in (theirs, ours)]
    for their_row, our_row in zip(*rows, strict=False):
        if their_row.get("parameters_hash") != our_row.get("parameters_hash"):
            return f"The first epoch with other parameters is {our_row['epoch']}."
    if len(rows[0]) != len(rows[1]):
        return f"One run has {len(rows[0])} epochs and the other {len(rows[1])}."
    return "No epoch has other parameters, but some cost or accuracy is another."
