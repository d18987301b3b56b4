"""Benchmarks that take minutes show their progress."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, start
from tests.scenes import CONDITIONS


@pytest.mark.slow
def test_made_photos_shows_its_progress_and_the_time_left_beside_its_table(clone: Path) -> None:
    for folder in ("benchmarks", "tests"):
        shutil.copytree(ROOT / folder, clone / folder, dirs_exist_ok=True)
    command = (sys.executable, "benchmarks/made_photos.py", "20")
    result = start(clone, *command, PYTHONPATH=".:src")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^\| (.*?) \| [\d.]+% \| \d+ \|$", result.stdout, re.M)
    assert rows == list(CONDITIONS)
    assert re.search(rf"\d+/{20 * len(CONDITIONS)} \[\d\d:\d\d<\d\d:\d\d", result.stderr)
