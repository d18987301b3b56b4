"""The CI gate: which runs pass, and which fail."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from accuracy_gate import gate

from tests.conftest import CLI, KNOBS, ROOT, done, start


def predictions(folder: Path, right: range, n: int = 10_000, name: str = "new.csv") -> str:
    """Write the predictions of a network that reads only these of n digits right."""
    rows = [f"{i % 10},{(i + (i not in right)) % 10}" for i in range(n)]
    (folder / name).write_text("\n".join(["actual,predicted", *rows]) + "\n", "utf-8")
    return str(folder / name)


def test_a_high_enough_accuracy_passes(tmp_path: Path) -> None:
    gate(predictions(tmp_path, range(9600)), at_least=0.96)


def test_an_accuracy_below_the_bound_fails(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"at least 0\.96, found 0\.9599"):
        gate(predictions(tmp_path, range(9599)), at_least=0.96)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (range(9700), range(9700)),  # the same
        (range(9650), range(9700)),  # significant, but within the bound
        (range(9700), range(9600)),  # a gain
        (range(1000, 9760), range(8820)),  # beyond the bound, but not significant
    ],
)
def test_a_run_without_a_significant_loss_beyond_the_bound_passes(
    ours: range, theirs: range, tmp_path: Path
) -> None:
    base = predictions(tmp_path, theirs, name="base.csv")
    gate(predictions(tmp_path, ours), base)


def test_a_loss_beyond_the_bound_that_may_be_luck_passes(tmp_path: Path) -> None:
    base = predictions(tmp_path, range(90), n=100, name="base.csv")
    gate(predictions(tmp_path, range(5, 90), n=100), base)


def test_a_significant_loss_beyond_the_bound_fails(tmp_path: Path) -> None:
    base = predictions(tmp_path, range(9700), name="base.csv")
    with pytest.raises(SystemExit, match=r"found 0\.0051 less; p < 0\.0001 by .* networks differ"):
        gate(predictions(tmp_path, range(9649)), base)


def test_an_empty_base_is_not_no_base(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^error: .*expected in commit"):
        gate(predictions(tmp_path, range(9700)), "")


def test_different_test_digits_and_a_missing_file_fail_in_one_line(tmp_path: Path) -> None:
    run, other = predictions(tmp_path, range(5), n=9), predictions(tmp_path, range(5), 8, "b.csv")
    with pytest.raises(SystemExit, match=r"^error: .*b\.csv: expected the same test digits"):
        gate(run, other)
    with pytest.raises(SystemExit, match=r"^error: .*none\.csv: No such file or directory$"):
        gate(str(tmp_path / "none.csv"))


@pytest.mark.slow
def test_the_workflow_posts_one_table_and_both_comparisons_and_judges_the_run(
    clone: Path, tmp_path: Path
) -> None:
    """Run the workflow's own steps on other knobs; on the sample, the accuracy is too low."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    steps = {step.get("name"): step for step in workflow["jobs"]["pipeline"]["steps"]}
    table = steps["Show metrics and changed knobs in one table"]["run"]
    judge = steps["Compare the networks and the recipes, and refuse a significant loss"]["run"]
    shutil.copytree(ROOT / ".ci", clone / ".ci")
    (clone / "Makefile").write_text(".venv/claims:\n", "utf-8")  # already installed
    programs = clone / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "mnist-mlp").write_text(f'#!/bin/sh\n{shlex.join(CLI)} "$@"\n', "utf-8")
    (programs / "mnist-mlp").chmod(0o755)
    knobs = KNOBS | {"hidden": 4, "activation": "tanh", "seed": 1, "epochs": 2}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    done(clone, "dvc", "repro")
    summary = tmp_path / "summary.md"
    given = {"GITHUB_STEP_SUMMARY": str(summary), "BASE": "HEAD"}
    done(clone, "bash", "-e", "-c", table, **given)
    result = start(clone, "bash", "-e", "-c", judge, **given)
    posted = summary.read_text("utf-8")
    assert "| metrics/accuracy.json | test_accuracy" in posted
    assert re.search(r"^\| params.yaml +\| activation +\| relu +\| tanh", posted, re.M)
    assert "are read correctly only by metrics/predictions.csv, and " in posted
    assert "by McNemar's exact test: " in posted
    *_, last = posted.splitlines()
    knobs_of_main = {"hidden=[16,16]", "activation=relu", "epochs=5"}
    assert knobs_of_main | {"hidden=[4]", "activation=tanh", "epochs=2"} <= set(
        re.findall(r"\w+=[^ :]+", last)
    )
    assert "(params.yaml)" in last
    assert "95% interval, 5 seeds" in last
    assert result.returncode == 1
    assert "metrics/predictions.csv: expected a test accuracy of at least 0.96" in result.stderr
