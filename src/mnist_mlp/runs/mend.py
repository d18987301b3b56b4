"""First aid: removes the files that DVC leaves broken when it is killed while it writes them."""

import json
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

PROJECTS = {Path(): "dvc repro", Path("claims"): "dvc --cd claims repro"}
PATIENCE = 2  # seconds in which a dvc that is running ends what it is writing


def mend() -> None:
    """Remove a dvc.lock, or DVC's list of who reads and writes what, if it is broken.

    DVC writes them in place, so it can be killed in between, and refuses to run from then on. Its
    next run writes them again. What is whole, or what a running dvc is writing, is not touched.
    """
    checks = (("dvc.lock", _is_lock), (".dvc/tmp/rwlock", _is_json))
    for project, (name, is_whole) in product(PROJECTS, checks):
        path = project / name
        if _is_broken(path, is_whole):
            path.unlink()
            print(f"{path} was broken and is removed; `{PROJECTS[project]}` writes it again.")


def _is_broken(path: Path, is_whole: Callable[[str], bool]) -> bool:
    """Return whether a file is broken and stays the same for a while."""
    first = _read(path)
    if first is None or is_whole(first):
        return False
    time.sleep(PATIENCE)
    return _read(path) == first


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_lock(text: str) -> bool:
    """Return whether DVC would read this."""
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError, Invalid):
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
