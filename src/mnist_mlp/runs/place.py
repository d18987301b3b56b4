"""The environment: sets DVC's core.no_scm, and warns of what will fail in this clone."""

import os
import subprocess
import sys
from pathlib import Path

from mnist_mlp.base.errors import InputError

CONFIG = Path(".dvc/config.local")
DVC = (sys.executable, "-P", "-m", "dvc")


def check_place() -> None:
    """Tell DVC whether there is git, and print a warning for each thing that will fail here.

    Raises InputError, with git's words, if git refuses this folder.
    """
    has_git = _has_git()
    _tell_dvc(has_git)
    if has_git:
        for warning in _find_limits():
            print(f"warning: {warning}", file=sys.stderr)


def _has_git() -> bool:
    """Return whether this folder is in a git repository."""
    try:
        answer = _run("git", "rev-parse", "--git-dir")
    except FileNotFoundError:
        return False
    if answer.returncode and "not a git repository" not in answer.stderr:
        lines = (line.strip() for line in answer.stderr.splitlines())
        raise InputError(f"git: {'; '.join(filter(None, lines))}")
    return not answer.returncode


def _tell_dvc(has_git: bool) -> None:
    """Set core.no_scm, which DVC needs outside of git, and which stops experiments inside."""
    is_set = CONFIG.exists() and "no_scm" in CONFIG.read_text("utf-8", "replace")
    if is_set == has_git:
        change = ("--unset", "core.no_scm") if has_git else ("core.no_scm", "true")
        answer = _run(*DVC, "config", "--local", *change)
        if answer.returncode:
            raise InputError(f"dvc: {' '.join(answer.stderr.split())}")


def _find_limits() -> list[str]:
    """Return what makes DVC fail in this clone, with the way out."""
    fail = "`dvc exp run --temp` and the queue will fail"
    limits = []
    if not str(Path.cwd()).isascii():
        cache = _run(*DVC, "cache", "dir").stdout
        if not cache.isascii():
            limits.append(
                f"the path of this folder is not ASCII: {fail}; move the folder, or give DVC's "
                "cache an ASCII path by `dvc cache dir --local FOLDER`"
            )
    settings = _run("git", "config", "--local", "--list").stdout
    if not settings.isascii():
        limits.append(
            f".git/config is not ASCII: {fail}; a name can be set by `git config --global` instead"
        )
    if any(_run("git", "config", f"user.{name}").returncode for name in ("name", "email")):
        limits.append(
            "git does not know who you are: `dvc exp run` will fail; `git config --global "
            "user.name NAME; git config --global user.email ADDRESS`"
        )
    if _run("git", "rev-parse", "--is-shallow-repository").stdout == "true\n":
        limits.append(
            "this is a shallow clone: experiments of --temp or the queue will not be listed; "
            "`git fetch --unshallow`"
        )
    for line in settings.splitlines():
        remote, _, is_promisor = line.partition(".promisor=")
        if is_promisor == "true":
            limits.append(
                "this is a partial clone: experiments will fail and `dvc metrics diff` will hang; "
                f"`git config --unset {remote}.promisor; git config --unset "
                f"{remote}.partialclonefilter; git fetch --refetch`"
            )
    return limits


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command, with its messages in English."""
    return subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
