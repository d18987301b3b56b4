"""Everything imports and runs without Unix-only modules and functions, as on Windows."""

from pathlib import Path

import pytest

from tests.conftest import ROOT, contents, done
from tests.scenes import drawn, grey

SOURCE = ROOT / "src"

# Python runs this at startup. Packages that ask for the platform are still told Linux, so functions
# that they then rely on, such as os.uname, have to stay.
HIDE = """
import os, signal, sys
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in (
    "O_NOFOLLOW", "O_NONBLOCK", "fork", "geteuid", "getuid", "killpg", "mkfifo", "pidfd_open",
    "register_at_fork", "sched_getaffinity", "sysconf",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL"):
    delattr(signal, name)
"""
IMPORT_ALL = """
import importlib, pkgutil, traceback, mnist_mlp
for module in pkgutil.walk_packages(mnist_mlp.__path__, "mnist_mlp."):
    try:
        importlib.import_module(module.name)
        print(module.name)
    except ModuleNotFoundError as error:
        print(f"{traceback.extract_tb(error.__traceback__)[-1].filename}: no {error.name}")
"""
FOR_SWEEPS = ("dask", "dask.system", "distributed", "matplotlib")  # not installed by `make test`


@pytest.fixture
def hidden(tmp_path: Path) -> str:
    """Return a folder that hides them from a Python that has it in PYTHONPATH."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HIDE, "utf-8")
    return str(folder)


def test_no_module_of_the_library_needs_them(hidden: str) -> None:
    printed = done(ROOT, "python", "-c", IMPORT_ALL, PYTHONPATH=f"{SOURCE}:{hidden}").splitlines()
    assert "mnist_mlp.base.files" in printed
    refused = [line.split(": no ") for line in printed if ": no " in line]
    ours = [name for file, name in refused if Path(file).is_relative_to(SOURCE)]
    assert not set(ours) - set(FOR_SWEEPS)


@pytest.mark.slow
def test_the_stages_and_predict_run_without_them(hidden: str, clone: Path) -> None:
    expected = contents(clone)
    for stage in ("download", "preprocess", "train", "evaluate", "render", "report"):
        done(clone, "python", f"stages/{stage}.py", PYTHONPATH=hidden)
    assert contents(clone) == expected
    grey(1 - drawn(3)).save(clone / "digit.png")
    command = ("python", "-P", "-m", "mnist_mlp.cli", "predict", "digit.png", "--show", "seen.png")
    answered = done(clone, *command, PYTHONPATH="src")
    (clone / "seen.png").unlink()
    assert done(clone, *command, PYTHONPATH=f"src:{hidden}") == answered
    assert (clone / "seen.png").exists()
