"""What the tests share: the pipeline in a new repository, helpers, and pytest's options."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from filelock import FileLock
from hypothesis import settings

from mnist_mlp.base.params import Params
from mnist_mlp.checking.absent import ABSENT, Finder

ROOT = Path(__file__).parents[1]
GIVEN = ("metrics/.gitignore", "metrics/claims.json")  # which no stage makes
TRACKED = [
    "dvc.yaml",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    ".dvc",
    "benchmarks/named.yaml",
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
    "model.likeness.npz",
    "snapshots.npz",
    "validation.npy",
    "claims",
    "sweep",
    "dvc.lock",
    "cache",
    "tmp",
    "config.local",
    "__pycache__",
)
# These need packages that only `make test-all` installs.
OPTIONAL = {
    "test_axe.py": "selenium_axe_python",
    "test_claims.py": "scipy",
    "test_drawing.py": "selenium",
    "test_page.py": "selenium",
    "test_page_acts.py": "selenium",
    "test_page_math.py": "selenium",
    "test_time_to_accuracy.py": "matplotlib",
}
collect_ignore = [name for name, package in OPTIONAL.items() if not find_spec(package)]
CPU = Path("/proc/cpuinfo")
needs_avx2 = pytest.mark.skipif(
    not CPU.exists() or "avx2" not in CPU.read_text("ascii", "replace"),
    reason="the recorded bytes are those of x86-64 Linux with AVX2",
)
# A shell starts background jobs with Ctrl-C ignored; whatever the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The command mnist-mlp. Run at the top of a clone, it uses that clone's source.
CLI = ("env", "PYTHONPATH=src", "python", "-P", "-m", "mnist_mlp.cli")
INTERRUPTED = "interrupted: nothing is half-written; run the same command again\n"
KNOBS = msgspec.to_builtins(Params()) | {"dataset": "sample", "epochs": 5}


def started(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder, as if the project's environment were activated."""
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
    """Run a command in a folder, and return its exit code and output."""
    process = started(folder, *command, **environment)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def done(folder: Path, *command: str, **environment: str) -> str:
    """Run a command that must succeed, and return its standard output."""
    result = start(folder, *command, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def commit(folder: Path) -> None:
    done(folder, "git", "add", "--all")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    done(folder, "git", *identity, "commit", "--quiet", "--message=state")


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """Wait until a condition is true, while a process runs; return the condition's value."""
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Build a folder once for all of pytest's processes; return a copy for this one."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            unfinished = factory.mktemp(name)
            build(unfinished)
            unfinished.rename(shared / name)
    return shutil.copytree(shared / name, factory.mktemp(name) / "a clone", symlinks=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project into a new repository, run it on the sample, and commit the results."""
    return built_once(tmp_path_factory, "pipeline", run_pipeline)


def run_pipeline(folder: Path) -> None:
    (folder / "metrics").mkdir()
    for name in TRACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=MADE)
        else:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(KNOBS), "utf-8")
    done(folder, "git", "init", "--quiet", "--initial-branch=main")
    done(folder, "dvc", "repro")
    commit(folder)


@pytest.fixture
def clone(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished repository, which the test may change."""
    return shutil.copytree(finished, tmp_path / "clone", symlinks=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of dvc.lock and of every file in data/ and metrics/.

    Without the hidden temporary files that a killed DVC leaves there, which git ignores. The
    stages of dvc.lock are sorted, as DVC writes them in the order of their first run.
    """
    places = (folder / "data", folder / "metrics", folder / "dvc.lock")
    files = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    files = [path for path in files if not re.fullmatch(r"\.\w{22}\.tmp", path.name)]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    if "dvc.lock" in found:
        found["dvc.lock"] = b"".join(sorted(re.split(rb"(?m)^(?=  \w)", found["dvc.lock"])))
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=2, help="how often to kill the pipeline at random"
    )
    parser.addoption("--cases", type=int, default=50, help="hostile cases for each reader")
    parser.addoption(
        "--wheel", type=Path, help="the wheel to test, with its dependencies from the index"
    )


def pytest_configure(config: pytest.Config) -> None:
    cases = config.getoption("--cases")
    settings.register_profile("cases", max_examples=cases, deadline=None, database=None)
    settings.load_profile("cases")


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--kills") < 10:
        pytest.skip("slow; `make torture` runs it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", range(metafunc.config.getoption("--kills")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report how many kills the pipeline survived, and what it took."""
    reports = terminalreporter.getreports("passed")
    survived = Counter(dict(report.user_properties).get("survived") for report in reports)
    for how, kills in survived.items():
        if how:
            terminalreporter.write_line(f"{kills} kills survived {how}")


def unpacked(packed: bytes) -> bytes:
    """Undo pack_pixels."""
    content = b""
    while packed:
        zeros, others = packed[:2]
        content += bytes(zeros) + packed[2 : 2 + others]
        packed = packed[2 + others :]
    return content


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make packages stand-ins, as in the process in which a learner's file runs."""

    def own() -> dict[str, Any]:
        names = [name for name in sys.modules if name.partition(".")[0] in ABSENT | {"scipy"}]
        return {name: sys.modules.pop(name) for name in names}

    before = own()
    monkeypatch.setattr("sys.meta_path", [Finder(ABSENT | {"scipy"}), *sys.meta_path])
    yield
    own()
    sys.modules.update(before)
