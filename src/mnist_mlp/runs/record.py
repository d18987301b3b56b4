"""The record: what dvc.lock says of how a model came about, and how good it was found to be."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mnist_mlp.base.errors import InputError


class Record(NamedTuple):
    """The knobs that a model was made with, and what `evaluate` measured; None where not known."""

    knobs: dict[str, Any] | None
    results: dict[str, Any] | None


def read_record(model: Path, lock: Path, accuracy: Path) -> Record:
    """Look a model up, by its contents, in dvc.lock, and its results in accuracy.json.

    Results of another model are none. Raises InputError where dvc.lock is damaged, and OSError
    where a file that is there cannot be read.
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
        evaluated = stages.get("evaluate", {})
        if (
            not accuracy.exists()
            or _md5(model) not in _recorded(evaluated, "deps")
            or _md5(accuracy) not in _recorded(evaluated, "outs")
        ):
            return Record(knobs, None)
        return Record(knobs, json.loads(accuracy.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise InputError(f"{lock}: expected what DVC writes; run `dvc repro`") from None


def _recorded(stage: dict[str, Any], kind: str) -> set[str]:
    return {entry["md5"] for entry in stage.get(kind, [])}


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
