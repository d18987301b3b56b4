"""What contributors and their tools rely on: the version, line endings, recorded bytes."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, commit, done, start


def test_the_version_is_the_same_in_the_package_the_citation_and_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, date = re.findall(r"^## (\S+), (\S+)$", changelog, re.M)[0]
    assert version == project["version"] == citation["version"]
    assert date == str(citation["date-released"])


@pytest.mark.slow
def test_in_a_clone_with_autocrlf_everything_is_up_to_date(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    autocrlf = ("-c", "core.autocrlf=true")
    done(clone, "git", *autocrlf, "clone", "--quiet", *autocrlf, ".", str(other))
    shutil.copytree(clone / ".dvc/cache", other / ".dvc/cache")
    done(other, "dvc", "checkout")
    assert "up to date" in done(other, "dvc", "status")
    assert done(other, "git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_bytes_that_differ_from_the_recorded_ones_are_explained_in_a_few_lines(clone: Path) -> None:
    (clone / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/same_bytes", clone / ".ci")
    done(clone, ".ci/same_bytes")

    lock = clone / "dvc.lock"
    recorded = lock.read_text("utf-8")
    path = "- path: metrics/history.csv\n      hash: md5\n      md5: "
    lock.write_text(re.sub(f"({path}).*", r"\1another", recorded), "utf-8")
    commit(clone)
    result = start(clone, ".ci/same_bytes")
    assert result.returncode == 1
    report = result.stdout[result.stdout.index(" dvc.lock |") :]
    assert "train differs from HEAD in metrics/history.csv.\n" in report
    assert "CONTRIBUTING.md" in report
    assert len(report.splitlines()) < 10
