"""A clone's surroundings: what `mnist-mlp mend` sets in DVC for them, and what it warns about."""

import re
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import MADE, ROOT, commit, done, start

SETTINGS = ".dvc/config.local"
OTHER_OWNER = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_NOSYSTEM": "1"}


IDENTITY = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": "Test",
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": "test@localhost",
}


def make_project(folder: Path) -> Path:
    """Make a folder that has what `mnist-mlp mend` looks for."""
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=MADE)
    (folder / "stages").mkdir()
    (folder / "stages/train.py").touch()
    return folder


@pytest.fixture
def origin(tmp_path: Path) -> str:
    """Make a repository of two commits; return its address."""
    folder = make_project(tmp_path / "origin")
    done(folder, "git", "init", "--quiet", "--initial-branch=main")
    done(folder, "git", "config", "uploadpack.allowFilter", "true")
    for text in ("first", "second"):
        (folder / "params.yaml").write_text(text, "utf-8")
        commit(folder)
    return folder.as_uri()


def clone_of(origin: str, folder: Path, *options: str) -> Path:
    done(folder.parent, "git", "clone", "--quiet", *options, origin, folder.name)
    return folder


def mend(folder: Path, **environment: str) -> CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT / "src")} | IDENTITY | environment
    return start(folder, sys.executable, "-P", "-m", "mnist_mlp.cli", "mend", **environment)


def warning(folder: Path) -> str:
    """Return the one line that `mnist-mlp mend` prints."""
    result = mend(folder)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("warning: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def assert_silent(folder: Path) -> None:
    result = mend(folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def follow(line: str, folder: Path) -> None:
    """Run the commands that a warning ends with."""
    done(folder, "sh", "-c", re.findall("`(.*?)`", line)[-1])


def test_an_ordinary_clone_gets_no_warning(origin: str, tmp_path: Path) -> None:
    clone = clone_of(origin, tmp_path / "clone")
    assert_silent(clone)
    assert not (clone / SETTINGS).exists()


def test_without_an_identity_there_is_a_warning(origin: str, tmp_path: Path) -> None:
    clone = clone_of(origin, tmp_path / "clone")
    result = mend(clone, GIT_CONFIG_COUNT="0")
    assert result.returncode == 0
    assert result.stderr.startswith("warning: git does not know who you are: `dvc exp run` will")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_dvc_is_told_if_there_is_no_repository_and_once_there_is_one(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "unzipped")
    for _ in range(2):
        assert_silent(folder)
        assert "no_scm = true" in (folder / SETTINGS).read_text("utf-8")
    done(folder, "git", "init", "--quiet")
    assert_silent(folder)
    assert "no_scm" not in (folder / SETTINGS).read_text("utf-8")


def test_dvc_is_told_if_git_is_not_installed(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "unzipped")
    assert mend(folder, PATH=str(tmp_path)).returncode == 0
    assert "no_scm = true" in (folder / SETTINGS).read_text("utf-8")


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_in_a_clone_of_another_owner_gits_own_message_is_shown(
    language: str, origin: str, tmp_path: Path
) -> None:
    clone = clone_of(origin, tmp_path / "clone")
    result = mend(clone, **OTHER_OWNER, LC_ALL=language)
    assert result.returncode == 1
    assert "detected dubious ownership in repository" in result.stderr
    assert f"git config --global --add safe.directory {clone}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (clone / SETTINGS).exists()


@pytest.mark.slow
def test_a_clone_of_another_owner_is_accepted_if_git_trusts_it(origin: str, tmp_path: Path) -> None:
    clone = clone_of(origin, tmp_path / "clone")
    (clone / SETTINGS).write_text("[core]\n    no_scm = true\n", "utf-8")
    safe = tmp_path / "gitconfig"
    safe.write_text(f"[safe]\n    directory = {clone}\n", "utf-8")
    assert mend(clone, **OTHER_OWNER, GIT_CONFIG_GLOBAL=str(safe)).returncode == 0
    assert "no_scm" not in (clone / SETTINGS).read_text("utf-8")


def test_a_shallow_clone_gets_a_warning_until_the_printed_command_has_run(
    origin: str, tmp_path: Path
) -> None:
    clone = clone_of(origin, tmp_path / "clone", "--depth=1")
    line = warning(clone)
    assert "shallow clone" in line
    follow(line, clone)
    assert_silent(clone)


@pytest.mark.slow
def test_a_partial_clone_gets_a_warning_until_the_printed_commands_have_run(
    origin: str, tmp_path: Path
) -> None:
    clone = clone_of(origin, tmp_path / "clone", "--filter=blob:none")
    missing = ("git", "rev-list", "--objects", "--all", "--missing=print")
    assert "?" in done(clone, *missing)
    line = warning(clone)
    assert "partial clone" in line
    follow(line, clone)
    assert_silent(clone)
    assert "?" not in done(clone, *missing)


@pytest.mark.slow
def test_a_non_ascii_name_in_the_clones_settings_gets_a_warning(
    origin: str, tmp_path: Path
) -> None:
    clone = clone_of(origin, tmp_path / "clone")
    done(clone, "git", "config", "user.name", "José")
    assert "--global" in mend(clone, LC_ALL="C").stderr
    done(clone, "git", "config", "--unset", "user.name")
    assert_silent(clone)


@pytest.mark.slow
def test_temp_experiments_work_in_a_non_ascii_path_once_the_cache_is_elsewhere(
    clone: Path, tmp_path: Path
) -> None:
    clone = clone.rename(tmp_path / "Übung 1")
    experiment = ("dvc", "exp", "run", "--temp", "--name=apart", "-S", "epochs=2")
    assert "'ascii' codec can't encode" in start(clone, *experiment).stderr
    assert "is not ASCII" in warning(clone)
    done(clone, "dvc", "cache", "dir", "--local", str(tmp_path / "cache"))
    assert_silent(clone)
    done(clone, *experiment)
    assert "apart" in done(clone, "dvc", "exp", "list", "--name-only")
