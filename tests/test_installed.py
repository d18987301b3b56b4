"""The package without its clone: what a notebook imports, and the command that pip installs."""

import re
import shutil
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import mnist_mlp
from mnist_mlp import Params, new_network
from mnist_mlp.data.mnist import FILES
from mnist_mlp.learning.model import save_network
from tests.conftest import ROOT, done, start
from tests.scenes import drawn, grey

SAMPLE = ROOT / "data/sample"


def source_archive(project: Path, folder: Path) -> Path:
    pytest.importorskip("hatchling", reason="needed to build the archive")
    done(project, "hatchling", "build", "--target", "sdist", "--directory", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a wheel in a new environment; return the folder of its packages.

    Unless --wheel names one, the wheel is built from the source archive, and its dependencies are
    those of this environment. The installed package takes the sample for MNIST.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    paths = {name: str(folder / "venv") for name in ("base", "platbase")}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    install = (*pip, "--python", str(folder / "venv/bin/python"), "install", "--no-compile")
    wheel: Path | None = request.config.getoption("--wheel")
    if wheel:
        done(ROOT, *install, str(wheel))
    else:
        (packages / "others.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
        archive = source_archive(ROOT, folder)
        build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
        done(folder, *pip, *build, str(archive))
        done(folder, *install, "--no-index", *map(str, folder.glob("*.whl")))
    source = packages / "mnist_mlp/data/mnist.py"
    text = source.read_text("utf-8")
    for file in FILES:
        content = (SAMPLE / file.name).read_bytes()
        text = text.replace(file.sha256, sha256(content).hexdigest())
        text = text.replace(f"{file.size:_}", str(len(content)))
    source.write_text(text, "utf-8")
    return packages


def run(site: Path, folder: Path, *words: str) -> CompletedProcess[str]:
    """Run a command of the environment in another folder, without the user's own files."""
    command, *others = words
    own = {"HOME": str(folder), "XDG_CACHE_HOME": "", "MNIST_MIRROR": str(SAMPLE)}
    return start(folder, str(site.parents[2] / "bin" / command), *others, **own)


def files(package: Path) -> set[str]:
    found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_every_file_of_the_package(site: Path) -> None:
    measured = "checking/mistakes.json"  # in a clone it is in metrics/
    assert files(site / "mnist_mlp") == files(ROOT / "src/mnist_mlp") | {measured}
    record = (ROOT / "metrics/mistakes.json").read_bytes()
    assert (site / "mnist_mlp" / measured).read_bytes() == record


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs git, to list the project's files")
def test_the_source_archive_holds_what_is_in_git_and_nothing_that_git_ignores(
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    names = done(ROOT, "git", "ls-files").splitlines()
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    for rules in [project / name for name in names if Path(name).name == ".gitignore"]:
        for rule in rules.read_text("utf-8").split():
            ignored = rules.parent / rule.strip("/").replace("*", "x")
            ignored.mkdir(parents=True)
            (ignored / "file").touch()
    with tarfile.open(source_archive(project, tmp_path)) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert found == {*names, "PKG-INFO"}


def test_the_command_shows_its_help(site: Path, tmp_path: Path) -> None:
    result = run(site, tmp_path, "mnist-mlp", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "predict" in result.stdout


def test_the_example_in_the_docs_trains_with_progress_and_reads_a_digit(
    site: Path, tmp_path: Path
) -> None:
    docs = (ROOT / "docs/library.md").read_text("utf-8")
    lines = re.findall(r"^```python\n(.*?)^```$", docs, re.M | re.S)[0]
    assert len([line for line in lines.splitlines() if line]) <= 8
    (tmp_path / "lines.py").write_text(lines, "utf-8")
    result = run(site, tmp_path, "python", "lines.py")
    assert result.stderr == ""
    *progress, answer = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in progress] == [f"epoch {n}" for n in range(1, 6)]
    assert re.search(r"\b\d\b", answer)


def test_predict_without_a_model_says_how_to_name_one(site: Path, tmp_path: Path) -> None:
    result = run(site, tmp_path, "mnist-mlp", "predict", "four.png")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "error: data/model.npz: not found; name a model with --model FILE, or run `make` in a "
        "clone of the project\n"
    )


def test_predict_reads_a_picture_with_a_named_model(site: Path, tmp_path: Path) -> None:
    save_network(tmp_path / "some model.npz", new_network(Params()))
    grey(1 - drawn(4, size=60)).save(tmp_path / "four.png")
    result = run(site, tmp_path, "mnist-mlp", "predict", "four.png", "--model", "some model.npz")
    assert result.returncode == 0
    assert result.stderr.startswith("note: everything was read as digits")
    assert result.stdout.startswith("four.png: ")
    result = run(site, tmp_path, "mnist-mlp", "info", "--model", "some model.npz")
    assert (result.returncode, result.stderr) == (0, "")
    assert "784-16-16-10" in result.stdout
    assert "dvc" not in result.stdout


@pytest.mark.parametrize(
    "words",
    [["show"], ["info"], ["sweep", "hidden=4"], ["compare"], ["versus", "HEAD"], ["mend"]],
    ids=" ".join,
)
def test_commands_that_need_a_clone_fail_in_one_line_without_one(
    words: Sequence[str], site: Path, tmp_path: Path
) -> None:
    result = run(site, tmp_path, "mnist-mlp", *words)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"error: \S+: not found; .*\ba clone of the project.*\n", result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_the_package_has_every_name_in_all() -> None:
    assert all(callable(getattr(mnist_mlp, name)) for name in mnist_mlp.__all__)
    with pytest.raises(AttributeError, match="'mnist_mlp' has no attribute 'trian'"):
        mnist_mlp.trian  # noqa: B018


def test_importing_the_package_does_not_import_numpy() -> None:
    code = "import sys, mnist_mlp; print('numpy' in sys.modules)"
    assert done(ROOT, "python", "-c", code, PYTHONPATH="src") == "False\n"
