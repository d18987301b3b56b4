"""The commands in docs/experiments.md, run on real experiments."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, contents, done

pytestmark = pytest.mark.slow

DOCS = (ROOT / "docs/experiments.md").read_text("utf-8")


def documented(pattern: str) -> str:
    (command,) = set(re.findall(pattern, DOCS, re.MULTILINE))
    return str(command)


def test_the_table_fits_100_columns_and_shows_states_and_the_knobs_that_differ(clone: Path) -> None:
    command = documented(r"^dvc exp show .*")
    done(clone, "dvc", "exp", "run", "--name=wide", "-S", "hidden=[100,50]")
    done(clone, "git", "restore", ".")
    done(clone, "dvc", "exp", "run", "--temp", "--name=tanh", "-S", "activation=tanh")
    done(clone, "dvc", "exp", "run", "--queue", "--name=later", "-S", "seed=1")
    for pager in ("", " --no-pager"):
        table = done(clone, "sh", "-c", command + pager, COLUMNS="100")
        header, *rows = (line.split() for line in table.splitlines() if "──── " not in line)
        knobs = ["activation", "hidden", "seed"]
        assert header == ["Experiment", "State", "data", "validation_accuracy", *knobs]
        assert max(len(line.rstrip()) for line in table.splitlines()) <= 100
        states = {row[2]: row[3] for row in rows if row[0] in "├──└──"}
        assert states == {"[wide]": "-", "[tanh]": "-", "[later]": "Queued"}


def test_going_back_from_an_experiment_restores_everything(clone: Path) -> None:
    before = contents(clone)
    done(clone, "dvc", "exp", "run", "-S", "hidden=32")
    assert contents(clone) != before
    done(clone, "sh", "-c", documented(r"`(git restore \. && [^`]*)`"))
    assert contents(clone) == before
    assert done(clone, "git", "status", "--porcelain") == ""
