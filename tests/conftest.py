"""What tests share: the pipeline in a repository of its own, and how thorough they are."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import settings

from mnist_mlp.base.params import Params

ROOT = Path(__file__).parents[1]
GIVEN = ("metrics/.gitignore", "metrics/claims.json")  # which no stage makes
TRACKED = [
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc",
    "claims",
    "data",
    "src",
    "stages",
    *GIVEN,
]
MADE = shutil.ignore_patterns(
    "raw",
    "prepared",
    "model.npz",
    "claims",
    "sweep",
    "dvc.lock",
    "cache",
    "tmp",
    "config.local",
    "__pycache__",
)
# The command mnist-mlp with the source of the clone that it is run at the top of.
CLI = ("env", "PYTHONPATH=src", "python", "-P", "-m", "mnist_mlp.cli")
KNOBS = msgspec.to_builtins(Params()) | {"dataset": "sample", "epochs": 5}


def started(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder, as in the project's activated environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "GIT_CONFIG_GLOBAL": os.devnull} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and wait for its end."""
    process = started(folder, *command, **environment)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def done(folder: Path, *command: str, **environment: str) -> str:
    """Run a command that must end well, and return what it printed."""
    result = start(folder, *command, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def commit(folder: Path) -> None:
    done(folder, "git", "add", "--all")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    done(folder, "git", *identity, "commit", "--quiet", "--message=state")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project into a new repository, run it on the sample, and commit the results."""
    folder = tmp_path_factory.mktemp("pipeline") / "a clone"
    (folder / "metrics").mkdir(parents=True)
    for name in TRACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=MADE)
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(KNOBS), "utf-8")
    done(folder, "git", "init", "--quiet", "--initial-branch=main")
    done(folder, "dvc", "repro")
    commit(folder)
    return folder


@pytest.fixture
def clone(finished: Path, tmp_path: Path) -> Path:
    """Give each test a copy of the finished repository to change."""
    return shutil.copytree(finished, tmp_path / "clone", symlinks=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=2, help="random kills of the pipeline")
    parser.addoption("--cases", type=int, default=50, help="hostile cases for each reader")


def pytest_configure(config: pytest.Config) -> None:
    cases = config.getoption("--cases")
    settings.register_profile("cases", max_examples=cases, deadline=None, database=None)
    settings.load_profile("cases")


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--kills") < 10:
        pytest.skip("takes long; `make torture` runs it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", range(metafunc.config.getoption("--kills")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many kills the pipeline survived, and what it took."""
    reports = terminalreporter.getreports("passed")
    survived = Counter(dict(report.user_properties).get("survived") for report in reports)
    for how, kills in survived.items():
        if how:
            terminalreporter.write_line(f"{kills} kills survived {how}")
