"""Repair: remove the files that DVC leaves broken if it is killed while it writes them."""

import json
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

PROJECTS = {Path(): "dvc repro", Path("claims"): "dvc --cd claims repro"}
WAIT = 2  # seconds for a running dvc to finish what it is writing


def mend() -> None:
    """Remove dvc.lock, and DVC's list of the files in use (rwlock), if they are broken.

    DVC writes them in place. If it is killed meanwhile, it refuses to run until they are removed;
    its next run writes them again. A valid file, or one that a running dvc is writing, is kept.
    """
    checks = (("dvc.lock", _is_lock), (".dvc/tmp/rwlock", _is_json))
    for project, (name, is_valid) in product(PROJECTS, checks):
        path = project / name
        if _is_broken(path, is_valid):
            path.unlink()
            print(f"{path} was broken and has been removed; `{PROJECTS[project]}` writes it again.")


def _is_broken(path: Path, is_valid: Callable[[str], bool]) -> bool:
    """Return whether a file is broken and does not change for WAIT seconds."""
    first = _read(path)
    if first is None or is_valid(first):
        return False
    time.sleep(WAIT)
    return _read(path) == first


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_lock(text: str) -> bool:
    """Return whether DVC would accept this as its dvc.lock."""
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError, Invalid):
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
