"""What contributors and their tools rely on: the version, line endings, recorded bytes."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, done


def test_the_version_is_the_same_in_the_package_the_citation_and_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, date = re.findall(r"^## (\S+), (\S+)$", changelog, re.M)[0]
    assert version == project["version"] == citation["version"]
    assert date == str(citation["date-released"])


@pytest.mark.slow
def test_a_clone_with_autocrlf_has_nothing_to_run_again(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    autocrlf = ("-c", "core.autocrlf=true")
    done(clone, "git", *autocrlf, "clone", "--quiet", *autocrlf, ".", str(other))
    shutil.copytree(clone / ".dvc/cache", other / ".dvc/cache")
    done(other, "dvc", "checkout")
    assert "up to date" in done(other, "dvc", "status")
    assert done(other, "git", "status", "--porcelain") == ""
