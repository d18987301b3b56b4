"""The layout: packages import only earlier ones, and modules have unique names."""

import ast
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from mnist_mlp.base.params import Params
from mnist_mlp.learning.augmentation import AUGMENTATIONS
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import ACTIVATIONS
from mnist_mlp.showing.report_page import PAGE, SCRIPTS
from tests.conftest import ROOT, done

PACKAGE = ROOT / "src/mnist_mlp"
PACKAGES = ("base", "data", "learning", "checking", "reading", "runs", "showing", "course")
ALLOWED = {
    "base": set(),
    "data": {"base"},
    "learning": {"base", "data"},
    "checking": {"base", "data", "learning"},
    "reading": {"base", "data", "learning"},
    "runs": {"base", "data"},
    "showing": {"base", "data", "learning"},
    "course": {"base", "data", "learning", "checking"},
}
DIGESTS = """
import numpy as np
from pathlib import Path
from mnist_mlp import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.checkpoint import checkpoint_key
from mnist_mlp.runs.trainings import digest_code
digits = Dataset(np.zeros((1, 784), np.float32), np.zeros((1, 10), np.float32))
print(checkpoint_key(Params(), digits, Path("stages")), digest_code())
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_before_it(package: str) -> None:
    imported: set[str] = set()
    for path in (PACKAGE / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                of = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                parts = [f"{of}{alias.name}".split(".") for alias in node.names]
                imported |= {part[1] for part in parts if part[0] == "mnist_mlp"}
    assert imported - {package} <= ALLOWED[package]


def test_every_package_is_listed_here() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(PACKAGES)


@pytest.mark.slow
def test_a_change_in_any_package_invalidates_checkpoints_and_sweeps(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="a sweep needs Dask")
    for folder in ("src", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "requirements.lock").touch()

    def digests() -> tuple[str, ...]:
        return tuple(done(tmp_path, sys.executable, "-c", DIGESTS, PYTHONPATH="src").split())

    seen = [digests()]
    for name in ("", *PACKAGES):
        with (tmp_path / "src/mnist_mlp" / name / "__init__.py").open(
            "a", encoding="utf-8"
        ) as file:
            file.write("# changed\n")
        seen.append(digests())
    for digest in zip(*seen, strict=True):
        assert len(set(digest)) == len(PACKAGES) + 2


def test_only_command_py_decides_which_source_is_imported() -> None:
    """A stage may add only its own folder, as Python does without PYTHONSAFEPATH."""
    own_folder = "sys.path.insert(0, str(Path(__file__).parent))"
    edits = [
        str(path.relative_to(ROOT))
        for folder in ("src", "stages", "claims", "benchmarks", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if "sys.path" in path.read_text("utf-8").replace(own_folder, "")
    ]
    assert edits == ["stages/command.py"]


def test_no_two_modules_have_the_same_name() -> None:
    folders = ("src", "stages", "claims", "tests", "benchmarks", "examples")
    names = [path.stem for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert {name for name in names if names.count(name) > 1} == {"__init__"}


def test_every_script_of_the_page_is_part_of_it() -> None:
    assert sorted(path.name for path in PAGE.glob("*.js")) == sorted(SCRIPTS)


def test_a_script_of_the_page_imports_only_what_an_earlier_one_exports() -> None:
    exported: dict[str, set[str]] = {}
    for name in SCRIPTS:
        script = (PAGE / name).read_text("utf-8")
        for line in re.findall(r"^import\b.*", script, re.M):
            parts = re.fullmatch(r'import \{ (.+) \} from "\./(.+)";', line)
            assert parts, f"{name}: {line}"
            assert set(parts[1].split(", ")) <= exported.get(parts[2], set()), f"{name}: {line}"
        exported[name] = set(
            re.findall(r"^export (?:async )?(?:function|const) (\w+)", script, re.M)
        )
        assert len(exported[name]) == len(re.findall(r"^export\b", script, re.M)), name


def test_no_two_scripts_of_the_page_declare_the_same_name() -> None:
    names = []
    for script in SCRIPTS:
        code = (PAGE / script).read_text("utf-8")
        declared = re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|var|class)\b *(.\w*)", code, re.M
        )
        assert all(name.isidentifier() for name in declared), script  # not { a, b } or [a, b]
        names += declared
    assert {name for name in names if names.count(name) > 1} == set()


@pytest.mark.parametrize(
    ("knob", "table"),
    [
        ("activation", ACTIVATIONS),
        ("cost", COSTS),
        ("augment", AUGMENTATIONS),
    ],
)
def test_the_choices_of_a_knob_are_those_of_its_table(
    knob: str, table: Mapping[str, object]
) -> None:
    assert get_args(get_type_hints(Params)[knob]) == tuple(table)
