"""The named runs: what README.md and docs/results.md say about them."""

import json
import shlex
from pathlib import Path

import named
import pytest
import yaml

from mnist_mlp.base.params import Params, load_params
from tests.conftest import ROOT

SETTINGS = yaml.safe_load(named.RUNS.read_text("utf-8"))
DEFAULTS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
BEGIN, END = "<!-- named runs -->\n", "<!-- end of named runs -->\n"


def test_the_readme_shows_the_recorded_results_and_the_docs_the_commands() -> None:
    results = json.loads(named.RESULTS.read_text("utf-8"))
    table = named.as_table(SETTINGS, results)
    assert BEGIN + table + END in named.README.read_text("utf-8")
    recipes = BEGIN + named.as_recipes(SETTINGS, results) + END
    assert recipes in named.RECIPES.read_text("utf-8")


@pytest.mark.parametrize("name", SETTINGS["runs"])
def test_a_command_sets_the_knobs_of_its_run(name: str, tmp_path: Path) -> None:
    knobs = SETTINGS["runs"][name]
    words = shlex.split(named.as_options(knobs).replace("\\\n", ""))
    assert words[::2] == ["-S"] * len(knobs)
    given = (word.partition("=") for word in words[1::2])
    assert {knob: yaml.safe_load(value) for knob, _, value in given} == knobs
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(DEFAULTS | knobs), "utf-8")
    load_params(tmp_path / "params.yaml")


def test_a_named_run_sets_every_knob_that_affects_it() -> None:
    for knobs in SETTINGS["runs"].values():
        others = {"dataset", "seed", "kernels", "refuse"}
        assert set(knobs) == set(Params.__struct_fields__) - others
