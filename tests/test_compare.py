"""`mnist-mlp compare` names the first stage and epoch in which two runs differ, and why."""

import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import CLI, KNOBS, commit, done, start

pytestmark = pytest.mark.slow


def test_a_rerun_is_identical_to_the_recorded_run(clone: Path) -> None:
    done(clone, "dvc", "repro", "-f")
    assert "Every output is identical" in done(clone, *CLI, "compare")


def test_a_changed_knob_is_named_with_the_first_stage_that_depends_on_it(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump({**KNOBS, "learning_rate": 0.2}), "utf-8")
    done(clone, "dvc", "repro")
    result = start(clone, *CLI, "compare")
    assert result.returncode == 1
    assert result.stdout == (
        "train differs from HEAD in data/model.npz, data/snapshots.npz, metrics/history.csv.\n"
        "The first epoch whose parameters differ is 1.\n"
        "Its inputs differ in learning_rate.\n"
    )


def test_different_bytes_from_the_same_inputs_are_reported_with_the_first_epoch(
    clone: Path,
) -> None:
    history, lock = clone / "metrics/history.csv", clone / "dvc.lock"
    ours = history.read_text("utf-8"), lock.read_text("utf-8")
    rows = ours[0].splitlines()
    history.write_text("\n".join([*rows[:3], *(row[:-1] + "?" for row in rows[3:])]), "utf-8")
    path = "- path: metrics/history.csv\n      hash: md5\n      md5: "
    lock.write_text(re.sub(f"({path}).*", r"\1another", ours[1]), "utf-8")
    commit(clone)
    history.write_text(ours[0], "utf-8")
    lock.write_text(ours[1], "utf-8")
    result = start(clone, *CLI, "compare", "HEAD")
    assert result.returncode == 1
    assert "The first epoch whose parameters differ is 3." in result.stdout
    assert "Its inputs are the same" in result.stdout


@pytest.mark.parametrize("change", ["params.yaml", "data/model.npz"])
def test_an_incomplete_run_is_refused(change: str, clone: Path) -> None:
    (clone / change).write_text(yaml.safe_dump({**KNOBS, "seed": 1}), "utf-8")
    result = start(clone, *CLI, "compare")
    assert result.returncode == 1
    assert result.stderr == (
        "error: the workspace does not match dvc.lock; run `dvc repro` first\n"
    )


@pytest.mark.parametrize("commit", ["nowhere", ""])
def test_an_unknown_commit_is_refused_in_one_line(commit: str, clone: Path) -> None:
    result = start(clone, *CLI, "compare", commit)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: dvc.lock: expected in commit {commit}; git says")
    assert result.stderr.count("\n") == 1


def test_dvcs_own_error_is_passed_on_in_one_line(clone: Path) -> None:
    (clone / "dvc.yaml").write_text("stages: 1", "utf-8")
    result = start(clone, *CLI, "compare")
    assert result.returncode == 1
    assert result.stderr.startswith("error: dvc.lock: cannot be compared; dvc says: ")
    assert "dvc.yaml" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"\xff", b"[" * 10_000, b"- 1", b"stages: 1", b"{"])
def test_an_invalid_recorded_lock_is_refused_in_one_line(content: bytes, clone: Path) -> None:
    lock = clone / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(content)
    commit(clone)
    lock.write_bytes(whole)
    result = start(clone, *CLI, "compare")
    assert result.returncode == 1
    assert result.stderr == (
        "error: dvc.lock: expected a lock file of DVC, found something else; "
        "compare with another commit\n"
    )
