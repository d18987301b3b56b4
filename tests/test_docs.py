"""The README and docs/: short, true to the files that they quote, and without dead links."""

import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from mnist_mlp.base.params import Params, check_params
from mnist_mlp.data.mnist import FILES
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
DEFAULTS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
CLAIMS = yaml.safe_load((ROOT / "claims/params.yaml").read_text("utf-8"))
RECIPES = {
    "3Blue1Brown": CLAIMS["networks"]["videos"]["knobs"],
    "Bot Academy": CLAIMS["bot_academy"]["knobs"],
}


def test_the_readme_has_at_most_9_kilobytes() -> None:
    assert len(README.encode()) <= 9_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        assert link.startswith("http") or (page.parent / link).exists(), link


def test_the_readme_quotes_backprop_as_it_is() -> None:
    quoted = re.search(r"^```python\n(.*?)^```$", README, re.M | re.S)
    source = (ROOT / "src/mnist_mlp/learning/backprop.py").read_text("utf-8")
    body = source[source.index("    delta = COSTS") : source.index("    return gradient")]
    assert quoted
    assert quoted[1] == dedent(body)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_the_videos_is_right_whatever_ran_before(name: str) -> None:
    command = re.search(rf"^# {name}.*\n(dvc exp run (?:.*\\\n)*.*)\n", README, re.M)
    assert command
    words = shlex.split(command[1].replace("\\\n", ""))[3:]
    assert words[::2] == ["-S"] * (len(words) // 2)
    given = {k: yaml.safe_load(v) for k, _, v in (word.partition("=") for word in words[1::2])}
    assert set(given) == set(Params.__struct_fields__) - {"dataset", "kernels", "refuse", "seed"}
    expected = check_params(DEFAULTS | RECIPES[name], "claims")
    assert check_params(DEFAULTS | given, "the README") == expected


def test_the_page_about_knobs_names_every_knob() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "docs/knobs.md").read_text("utf-8"), re.M)
    assert {knob for knob, _ in rows} == set(Params.__struct_fields__)


def test_the_page_about_data_has_the_names_and_sizes_of_the_files() -> None:
    page = (ROOT / "docs/data.md").read_text("utf-8")
    for file in FILES:
        assert f"| `{file.name}` | {file.size:,} |" in page
