"""The Makefile: what its recipes call, and what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, done, start

PROGRAMS = "biome|check-jsonschema|dvc|hatchling|mnist-mlp|mypy|pip|pytest|python|ruff|tsc|zizmor"
TARGETS = ("run", "claims", "site", "test", "test-all", "lint", "release", "torture", "help")


def recipes(*targets: str) -> str:
    """Return every line that make would run if nothing had been built yet."""
    command = ["make", "--dry-run", "--always-make", *targets]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def test_recipes_call_the_programs_of_the_environment_by_their_path() -> None:
    """Make 3.81, which macOS has, does not look up a simple line's program in .venv."""
    code = re.sub(r"^#.*|'[^']*'|\"[^\"]*\"", "", recipes(*TARGETS), flags=re.M)
    assert ".venv/bin/dvc repro" in code
    assert re.findall(rf"(?<![\w./-])(?<!-m )(?:{PROGRAMS})(?![\w./-]).*", code) == []


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the Makefile, with a Python that makes empty environments and whose pip does nothing."""
    folder = tmp_path / "Übung 1"
    write_program(
        folder / "python3", 'test "$2" = venv && mkdir -p "$3/bin" && cp "$0" "$3/bin/python"\n:'
    )
    (folder / "requirements.lock").write_text("setuptools==1\n", "utf-8")
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def set_up(folder: Path) -> bool:
    """Return whether `make` sets up .venv."""
    return "Installing" in done(folder, "make", "PYTHON=./python3", ".venv/ready")


def test_a_folder_that_was_renamed_is_set_up_again(copy: Path) -> None:
    assert set_up(copy)
    assert not set_up(copy)
    copy = copy.rename(copy.with_name("a (new), 'odd' $name"))
    (copy / ".venv/test").touch()
    assert set_up(copy)
    assert not (copy / ".venv/test").exists()
    assert not set_up(copy)


def test_a_venv_whose_python_is_gone_is_set_up_again(copy: Path) -> None:
    set_up(copy)
    (copy / ".venv/bin/python").unlink()
    assert set_up(copy)


@pytest.mark.parametrize("target", ["run", "claims"])
def test_a_repository_that_git_refuses_stops_make_before_dvc_is_started(
    target: str, copy: Path
) -> None:
    (copy / "requirements-claims.lock").touch()
    set_up(copy)
    (copy / ".venv/claims").touch()
    shutil.copytree(ROOT / "stages", copy / "stages")
    code = f"PYTHONPATH='{ROOT}/src' exec '{sys.executable}' -P -m mnist_mlp.cli"
    write_program(copy / ".venv/bin/mnist-mlp", f'{code} "$@"')
    write_program(copy / ".venv/bin/dvc", "touch started")
    done(copy, "git", "init", "--quiet")
    other = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_NOSYSTEM": "1"}
    result = start(copy, "make", target, **other)
    assert result.returncode != 0
    assert "detected dubious ownership" in result.stderr
    assert not (copy / "started").exists()


def test_the_lock_files_pin_the_same_versions() -> None:
    pins = [
        line.split()[0]
        for file in ROOT.glob("requirements*.lock")
        for line in file.read_text("utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    ]
    names = [pin.partition("==")[0] for pin in set(pins)]
    assert sorted(names) == sorted(set(names))


def test_help_names_every_target() -> None:
    phony = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text("utf-8"), re.M)
    shown = subprocess.check_output(["make", "help"], cwd=ROOT, text=True)
    assert sorted(re.findall(r"^make (\S+)  ", shown, re.M)) == sorted(phony[0].split())


def test_lint_checks_scripts_workflows_and_the_citation() -> None:
    assert "node_modules/.bin/biome check --error-on-warnings" in recipes("lint")
    assert "node_modules/.bin/tsc" in recipes("lint")
    checked = re.findall(r"(check-jsonschema|zizmor) .*?(\S+)$", recipes("lint"), re.M)
    assert checked == [
        ("check-jsonschema", ".github/workflows/*.yml"),
        ("check-jsonschema", ".github/dependabot.yml"),
        ("check-jsonschema", "CITATION.cff"),
        ("zizmor", ".github"),
    ]


@pytest.mark.parametrize(
    ("npm", "said"),
    [(None, "that needs Node.js and npm"), ("exit 1", "npm does not reach its registry")],
    ids=["without npm", "offline"],
)
def test_scripts_that_cannot_be_checked_are_skipped_with_a_line(
    npm: str | None, said: str, copy: Path, tmp_path: Path
) -> None:
    (copy / "package-lock.json").touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("make", "sh", "cat"):
        (programs / program).symlink_to(str(shutil.which(program)))
    if npm:
        write_program(programs / "npm", npm)
    output = done(
        copy, "make", "--no-print-directory", "node_modules/.package-lock.json", PATH=str(programs)
    )
    assert len(output.splitlines()) == 1
    assert said in output
    assert not (copy / "node_modules").exists()
