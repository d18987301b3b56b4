"""The stages: dvc.yaml tracks what they use, and their help and errors are clear."""

import ast
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mnist_mlp.base.params import Params
from mnist_mlp.learning.model import load_network, save_network
from tests.conftest import done, start

ROOT = Path(__file__).parents[1]
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def run(stage: str, *options: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    script = ROOT / "stages" / f"{stage}.py"
    return subprocess.run(
        [sys.executable, script, *options], cwd=folder, capture_output=True, text=True, check=False
    )


def paths(entries: list[str | dict[str, Any]]) -> list[str]:
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outputs(stage: dict[str, Any]) -> list[str]:
    return paths(stage.get("outs", []) + stage.get("metrics", []) + stage.get("plots", []))


def source_of(module: str) -> Path | None:
    """Return the project's file that a dotted name imports, or None if it is not the project's."""
    for folder in (ROOT / "src", ROOT / "stages"):
        path = folder.joinpath(*module.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file
    return None


def imported(file: Path) -> set[Path]:
    """Return the project's files that a file imports, directly or indirectly, including itself.

    Imports for type checkers only do not count.
    """
    found = {file}
    statements = ast.parse(file.read_text(encoding="utf-8")).body
    run = (each for each in statements if not ast.unparse(each).startswith("if TYPE_CHECKING:"))
    for node in (node for statement in run for node in ast.walk(statement)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            for n in range(1, len(parts) + 1):  # a package's __init__.py runs too
                source = source_of(".".join(parts[:n]))
                if source and source not in found:
                    found |= imported(source)
    return found


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_tracks_every_module_that_it_imports(stage: str) -> None:
    tracked = [ROOT / dep for dep in paths(PIPELINE[stage]["deps"])]
    for module in imported(ROOT / "stages" / f"{stage}.py"):
        assert any(module.is_relative_to(dep) for dep in tracked), module


def test_every_knob_is_tracked_by_the_stages_that_use_it() -> None:
    assert PIPELINE["download"]["params"] == [{"params.yaml": None}]  # it checks them all
    others = set(Params.__struct_fields__) - {"dataset", "refuse"}
    assert "refuse" in PIPELINE["evaluate"]["params"]
    assert set(PIPELINE["train"]["params"]) == set(PIPELINE["report"]["params"]) == others


def test_the_graph_in_the_docs_is_that_of_the_stages() -> None:
    lines = (ROOT / "docs/copy.md").read_text(encoding="utf-8").splitlines()
    drawn = {tuple(line.split(" --> ")) for line in map(str.strip, lines) if " --> " in line}
    assert drawn == {
        (writer, reader)
        for writer in PIPELINE
        for reader in PIPELINE
        if set(outputs(PIPELINE[writer])) & set(paths(PIPELINE[reader]["deps"]))
    }


@pytest.mark.slow
@pytest.mark.parametrize("stage", PIPELINE)
def test_help_names_what_the_stage_reads_and_writes(stage: str) -> None:
    help_text = " ".join(run(stage, "--help").stdout.split())
    tracked = [
        dep for dep in paths(PIPELINE[stage]["deps"]) if not dep.startswith(("src", "stages"))
    ]
    for path in tracked + outputs(PIPELINE[stage]):
        assert path in help_text
    assert "Reads" in help_text
    assert "writes" in help_text


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["preprocess", "train", "evaluate", "render", "report"])
def test_a_missing_input_is_reported_in_one_line(stage: str, tmp_path: Path) -> None:
    result = run(stage, "--params", ROOT / "params.yaml", folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: data/")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", PIPELINE)
def test_a_bad_knob_is_refused_in_one_line(stage: str, tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("epochs:", "epochs: zero #"), "utf-8")
    result = run(stage, folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr == (
        "error: params.yaml: epochs: expected a whole number from 1 to 1000000, found 'zero'; "
        "to go back to the committed knobs: `git restore params.yaml`\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", PIPELINE)
def test_odd_names_stay_on_one_line(stage: str, tmp_path: Path) -> None:
    for content in ("missing", "a list"):
        result = run(stage, "--params", "a\n\x1b[31m.yaml", folder=tmp_path)
        assert result.returncode == 1
        assert result.stderr.startswith(r"error: a\n\x1b[31m.yaml: ")
        assert result.stderr.count("\n") == 1
        (tmp_path / "a\n\x1b[31m.yaml").write_text(f"- {content}", "utf-8")


def refused(folder: Path, stage: str) -> str:
    """Return the one line in which a stage refuses its inputs; it must write nothing."""
    before = {path: path.read_bytes() for path in (folder / "metrics").iterdir()}
    result = run(stage, folder=folder)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in (folder / "metrics").iterdir()} == before
    return result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["evaluate", "render", "report"])
def test_a_network_that_produces_nan_or_infinity_is_refused(stage: str, clone: Path) -> None:
    network = load_network(clone / "data/model.npz")
    network.parameters[:] *= 1e37
    save_network(clone / "data/model.npz", network)
    assert "the network produced NaN or infinity" in refused(clone, stage)


def test_targets_that_are_nan_are_refused(clone: Path) -> None:
    targets = np.load(clone / "data/prepared/test_targets.npy")
    np.save(clone / "data/prepared/test_targets.npy", targets + np.nan)
    assert "error: data/prepared: expected targets that give" in refused(clone, "evaluate")


def test_an_empty_test_set_is_refused(clone: Path) -> None:
    for part, width in (("images", 784), ("targets", 10)):
        np.save(clone / f"data/prepared/test_{part}.npy", np.empty((0, width), np.float32))
    line = refused(clone, "evaluate")
    assert line.startswith("error: data/prepared: expected test images, found none; run")


@pytest.mark.parametrize("package", ["typer", "msgspec", "yaml", "numpy"])
def test_a_missing_package_is_reported_with_how_to_install_it(package: str, tmp_path: Path) -> None:
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name != package:
            (tmp_path / entry.name).symlink_to(entry)
    result = subprocess.run(
        [sys.executable, "-S", ROOT / "stages" / "train.py"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert f"No module named '{package}'" in result.stderr
    assert "run `make`" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("folder", ["stages", "claims"])
def test_a_stage_in_a_subfolder_sends_the_user_to_the_top(folder: str) -> None:
    """The folder claims/ has a params.yaml too, with other settings."""
    result = run("train", folder=ROOT / folder)
    assert result.returncode == 1
    assert result.stderr == f"error: run this at the top of the project: `cd {ROOT}`\n"


@pytest.mark.slow
def test_a_claim_in_a_subfolder_sends_the_user_to_the_top() -> None:
    pytest.importorskip("matplotlib", reason="needed by the claims")
    result = start(ROOT / "claims", "python", "edges.py", PYTHONPATH="../stages")
    assert result.returncode == 1
    assert result.stderr == f"error: run this at the top of the project: `cd {ROOT}`\n"


def test_a_stage_away_from_the_project_sends_the_user_to_the_top(tmp_path: Path) -> None:
    result = run("train", folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "error: params.yaml: not found; run this at the top of the project\n"


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_starts_with_pythonsafepath(stage: str) -> None:
    command = PIPELINE[stage]["cmd"].split()
    assert "Reads" in done(ROOT, *command, "--help", PYTHONSAFEPATH="1", PYTHONPATH="")


def test_a_claim_starts_with_pythonsafepath() -> None:
    pytest.importorskip("matplotlib", reason="needed by the claims")
    claims = yaml.safe_load((ROOT / "claims/dvc.yaml").read_text("utf-8"))["stages"]
    command = f"{claims['edges']['cmd']} --help"
    assert "Usage: edges.py" in done(ROOT, "sh", "-c", command, PYTHONSAFEPATH="1")
