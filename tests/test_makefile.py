"""The Makefile: what its recipes call, and what it says."""

import re
import subprocess

from tests.conftest import ROOT

PROGRAMS = "dvc|mnist-mlp|mypy|pip|pytest|python|ruff"
TARGETS = ("run", "claims", "test", "test-all", "lint", "torture")


def recipes() -> str:
    """Return all lines that make would give to the shell if nothing were there yet."""
    command = ["make", "--dry-run", "--always-make", *TARGETS]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def test_recipes_call_the_programs_of_the_environment_by_their_path() -> None:
    """Make 3.81, which macOS has, looks a simple line's program up outside .venv."""
    code = re.sub(r"^#.*|'[^']*'|\"[^\"]*\"", "", recipes(), flags=re.M)
    assert ".venv/bin/dvc repro" in code
    assert re.findall(rf"(?<![\w./-])(?<!-m )(?:{PROGRAMS})(?![\w./-]).*", code) == []


def test_sets_of_packages_have_the_same_versions() -> None:
    pins = [
        line.split()[0]
        for file in ROOT.glob("requirements*.lock")
        for line in file.read_text("utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    ]
    names = [pin.partition("==")[0] for pin in set(pins)]
    assert sorted(names) == sorted(set(names))
