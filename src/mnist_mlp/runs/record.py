"""The record of a model: the knobs that made it, and its results."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mnist_mlp.base.errors import InputError


class Record(NamedTuple):
    """The knobs that a model was made with, and what `evaluate` measured; None if unknown."""

    knobs: dict[str, Any] | None
    results: dict[str, Any] | None


def read_record(model: Path, lock: Path, accuracy: Path) -> Record:
    """Look up a model, by its MD5, in dvc.lock, and its results in accuracy.json.

    Results of another model are ignored. Raises InputError if a file is damaged, and OSError if
    one exists but cannot be read.
    """
    if not lock.exists():
        return Record(None, None)
    try:
        stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
        if _md5(model) not in _recorded(stages.get("train", {}), "outs"):
            return Record(None, None)
        knobs: dict[str, Any] = {}
        for stage in ("download", "train"):
            knobs |= stages[stage]["params"]["params.yaml"]
        if not _has_made(stages.get("evaluate", {}), model, accuracy):
            return Record(knobs, None)
        return Record(knobs, json.loads(accuracy.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise InputError(
            f"{lock}: expected a lock file of DVC, found something else; "
            "run `mnist-mlp mend`, then `dvc repro`"
        ) from None


def is_page_of(model: Path, page: Path, lock: Path) -> bool:
    """Return whether a valid dvc.lock says that the page was made of this model."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    return _has_made(stages.get("report", {}), model, page)


def _has_made(stage: dict[str, Any], model: Path, output: Path) -> bool:
    return (
        output.exists()
        and _md5(model) in _recorded(stage, "deps")
        and _md5(output) in _recorded(stage, "outs")
    )


def _recorded(stage: dict[str, Any], kind: str) -> set[str]:
    return {entry["md5"] for entry in stage.get(kind, [])}


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
