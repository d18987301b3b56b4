"""What contributors and their tools rely on."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import done


@pytest.mark.slow
def test_a_clone_with_autocrlf_has_nothing_to_run_again(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    autocrlf = ("-c", "core.autocrlf=true")
    done(clone, "git", *autocrlf, "clone", "--quiet", *autocrlf, ".", str(other))
    shutil.copytree(clone / ".dvc/cache", other / ".dvc/cache")
    done(other, "dvc", "checkout")
    assert "up to date" in done(other, "dvc", "status")
    assert done(other, "git", "status", "--porcelain") == ""
