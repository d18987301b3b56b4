"""First aid: removes the files that DVC leaves broken when it is killed while it writes them."""

import json
from itertools import product
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

PROJECTS = (Path(), Path("claims"))


def mend() -> None:
    """Put away a dvc.lock, or DVC's list of who reads and writes what, if it is broken.

    DVC writes them in place, so it can be killed in between, and refuses to run from then on.
    `dvc repro` then writes them anew; nothing that is whole is touched.
    """
    checks = (("dvc.lock", _is_lock), (".dvc/tmp/rwlock", _is_json))
    for project, (name, is_whole) in product(PROJECTS, checks):
        path = project / name
        if path.exists() and not is_whole(path.read_text(encoding="utf-8", errors="replace")):
            path.unlink()
            print(f"{path} was broken and is put away; `dvc repro` writes it anew.")


def _is_lock(text: str) -> bool:
    """Tell whether DVC would read this."""
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
