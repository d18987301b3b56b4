"""The claims: how they are measured and judged, and their pipeline on the sample."""

from claim import CONTROL, Finding, write_value

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import summary
import yaml
from drawing import draw, unit
from edges import planted_edges, smoothness
from hypothesis import given
from hypothesis import strategies as st
from memorising import max_fitted
from minima import match
from noise import lowest_threshold
from PIL import Image
from shifted import moved

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.checking.museum import MUSEUM
from mnist_mlp.learning.network import Network, initialise_weights
from tests.conftest import ROOT, built_once, commit, done, start, started
from tests.test_stages import imported

pytestmark = pytest.mark.slow

SETTINGS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "claims/params.yaml").read_text("utf-8")
)
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "claims/dvc.yaml").read_text("utf-8"))["stages"]
CLAIMS = ("dvc", "--cd", "claims")
FEW: dict[str, dict[str, Any]] = {
    "descent": {"seeds": 2, "images": 500},
    "sensitivity": {"seeds": 2, "images": 300, "weights": 10},
    "hidden_sizes": {"hidden": [[], [8]]},
    "edges": {"seeds": 2},
    "noise": {"images": 500},
    "drawing": {"seeds": 2, "steps": 20, "digits": 50},
    "shifted": {"seeds": 2, "shifts": [0, 2, 4], "angles": [0, 30, 60], "copies": 1},
    "memorising": {
        "seeds": 2,
        "widths": [2, 4],
        "images_per_parameter": [0.1, 0.2],
        "epochs": 5,
        "epochs_of_all": 1,
    },
    "curves": {
        "seeds": 2,
        "images": 500,
        "knobs": SETTINGS["curves"]["knobs"] | {"schedule": "cosine", "epochs": 20},
        "fitted": 0.3,
    },
    "minima": {"pairs": 2, "points": 5},
    "mistakes": {"seeds": 1},
    "steps": {"seeds": 2, "images": 500, "steps": 40},
}


Bounds = dict[str, Any]


def measured(
    values: list[float], bounds: Bounds, case: str = "", unit: str = "number"
) -> dict[str, Any]:
    return summary.estimate(Finding(case, "", values, unit, 2, **bounds), 0.95)


def network(sizes: list[int], seed: int, activation: str = "relu") -> Network:
    made = Network(sizes, activation, "cross_entropy")
    initialise_weights(made, "xavier", np.random.default_rng(seed))
    made.biases[0][:] = np.random.default_rng(seed).normal(size=sizes[1])
    return made


def test_an_interval_is_students_t() -> None:
    found = measured([11, 12, 13], {})
    assert found["mean"] == 12
    assert found["deviation"] == 1
    assert found["high"] == pytest.approx(12 + 4.302653 / 3**0.5, abs=1e-5)
    assert found["low"] == pytest.approx(12 - 4.302653 / 3**0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({}, None),
        ({"at_least": 0.4}, True),
        ({"at_least": 0.5}, None),
        ({"at_least": 0.6}, False),
        ({"at_most": 0.6}, True),
        ({"at_most": 0.5}, None),
        ({"at_most": 0.4}, False),
        ({"at_least": 0.4, "at_most": 0.6}, True),
        ({"at_least": 0.5, "at_most": 0.6}, None),
    ],
)
def test_a_finding_holds_only_if_its_whole_interval_does(
    bounds: Bounds, holds: bool | None
) -> None:
    assert measured([0.49, 0.50, 0.51], bounds)["holds"] is holds


@pytest.mark.parametrize(
    ("unit", "values", "low", "high"),
    [
        ("share", [0.1, 1.0], 0.0, 1.0),
        ("points", [-0.9, 0.9], -1.0, 1.0),
        ("distance", [0.0, 0.1], 0.0, 0.685310),
        ("correlation", [0.8, 0.9], 0.214690, 1.0),
        ("fraction", [0.0, 0.9], 0.0, 1.0),
        ("amount", [1, 2], 0.0, 7.853102),
        ("number", [1, 2], -4.853102, 7.853102),
    ],
)
def test_an_interval_stays_within_what_is_possible(
    unit: str, values: list[float], low: float, high: float
) -> None:
    found = measured(values, {}, unit=unit)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "words"),
    [
        (0.9625, "share", 2, "96.25 %"),
        (-0.002, "points", 2, "-0.20 points"),
        (13002, "amount", 0, "13,002"),
        (-0.001, "correlation", 2, "0.00"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float, unit: str, decimals: int, words: str) -> None:
    assert write_value(value, unit, decimals) == words
    assert str(Finding("", "", [value, value], unit, decimals)) == words


def test_a_single_value_is_exact() -> None:
    exactly: Bounds = {"at_least": 13_002, "at_most": 13_002}
    assert measured([13_002], exactly)["holds"] is True
    assert measured([13_001], exactly)["holds"] is False


YES = {"at_least": 0.0}
NO = {"at_least": 2.0}
PERHAPS = {"at_least": 1.0}


@pytest.mark.parametrize(
    ("cases", "words", "mark"),
    [
        ([("a", YES), ("b", YES)], "Holds.", "✓"),
        ([("a", NO), ("b", NO)], "Does not hold.", "✗"),
        ([("a", PERHAPS)], "Undecided.", "◐"),
        ([("a", YES), ("b", NO)], "Depends: holds for a; fails for b.", "◐"),
        ([("a", YES), ("b", PERHAPS)], "Depends: holds for a; undecided for b.", "◐"),
        (
            [("a", YES), ("b", YES), ("c", NO), ("d", PERHAPS)],
            "Depends: holds for a, b; fails for c; undecided for d.",
            "◐",
        ),
        ([("a", YES), ("a", NO)], "Does not hold.", "✗"),
        ([("a", YES), ("b", {})], "Holds.", "✓"),
        ([("a", YES), (CONTROL, YES)], "Holds.", "✓"),
        ([("a", YES), (CONTROL, NO)], "Undecided: a control failed.", "◐"),
        ([("a", NO), (CONTROL, PERHAPS)], "Undecided: a control failed.", "◐"),
    ],
)
def test_a_verdict_and_its_mark_follow_from_the_findings(
    cases: list[tuple[str, Bounds]], words: str, mark: str
) -> None:
    findings = [measured([0.9, 1.0, 1.1], bounds, case) for case, bounds in cases]
    assert summary.verdict(findings) == words
    row = {"name": "n", "statement": "S", "source": "V", "brief": "B", "verdict": words}
    table = summary.as_table([row])
    assert table.endswith(f"\n| {mark} | [S](metrics/claims.md#n) | V | B |\n")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({}, ""),
        ({"at_least": 0.5}, "at least 50.00 points"),
        ({"at_most": 0.5}, "at most 50.00 points"),
        ({"at_least": 0.5, "at_most": 0.5}, "exactly 50.00 points"),
        ({"at_least": -0.5, "at_most": 0.5}, "between -50.00 and 50.00 points"),
    ],
)
def test_bounds_are_written_in_words(bounds: Bounds, words: str) -> None:
    assert summary.bounds(measured([0.5], bounds, unit="points")) == words


def test_moving_by_whole_pixels_or_quarter_turns_is_exact() -> None:
    images = np.zeros((3, 28, 28), np.float32)
    images[:, 9:19, 9:19] = np.random.default_rng(0).random((3, 10, 10))
    flat = images.reshape(3, 784)
    np.testing.assert_allclose(moved(flat, 0, 0, 0), flat, atol=1e-6)
    down = np.roll(images, (4, -3), axis=(1, 2)).reshape(3, 784)
    np.testing.assert_allclose(moved(flat, 0, 4, -3), down, atol=1e-6)
    turned = np.rot90(images, axes=(2, 1)).reshape(3, 784)
    np.testing.assert_allclose(moved(flat, 90, 0, 0), turned, atol=1e-5)


def test_smoothness_distinguishes_edges_from_noise() -> None:
    assert abs(smoothness(np.random.default_rng(0).normal(size=(16, 784)))) < 0.03
    assert smoothness(np.tile(np.linspace(-1, 1, 784), (16, 1))) > 0.99
    edges = planted_edges(0)
    assert edges.shape == (16, 784)
    assert 0.4 < smoothness(edges) < 0.6  # half of their variance is noise
    shuffled = edges[:, np.random.default_rng(0).permutation(784)]
    assert abs(smoothness(shuffled)) < 0.05


def test_matching_undoes_a_permutation_of_hidden_neurons() -> None:
    one, other = network([784, 16, 16, 10], 0), network([784, 16, 16, 10], 0)
    order = np.random.default_rng(1).permutation(16)
    for layer in (0, 1):
        other.weights[layer][:] = other.weights[layer][order]
        other.biases[layer][:] = other.biases[layer][order]
        other.weights[layer + 1][:] = other.weights[layer + 1][:, order]
    assert not np.array_equal(one.parameters, other.parameters)
    np.testing.assert_array_equal(match(one, other).parameters, one.parameters)


def test_matching_changes_no_output() -> None:
    one, other = network([784, 16, 8, 10], 0), network([784, 16, 8, 10], 1)
    images = np.random.default_rng(2).random((5, 784), np.float32)
    expected = other.forward(images)[-1]
    np.testing.assert_allclose(match(one, other).forward(images)[-1], expected, atol=1e-6)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.01, 1), st.integers(1, 9))
def test_a_threshold_is_the_lowest_that_gives_the_accuracy(
    n: int, seed: int, goal: float, decimals: int
) -> None:
    random = np.random.default_rng(seed)
    outputs, labels = random.random((n, 10)).round(decimals), random.integers(0, 10, n)
    right, top = outputs.argmax(axis=1) == labels, outputs.max(axis=1)

    def enough(threshold: float) -> bool:
        passed = top >= threshold
        return bool(passed.any()) and right[passed].sum() >= goal * passed.sum()

    expected = min((t for t in top if enough(t)), default=np.nextafter(top.max(), 2))
    assert lowest_threshold(outputs, labels, goal) == expected


@pytest.mark.parametrize("cost", ["cross_entropy", "squared_error"])
def test_drawings_raise_the_outputs_that_they_are_drawn_for(cost: str) -> None:
    reader = network([784, 16, 10], 0)
    judged = Network(reader.sizes, reader.activation, cost)
    judged.parameters[:] = reader.parameters
    before = judged.forward(draw(judged, 0, 0.1, 0))[-1].diagonal()
    images = draw(judged, 50, 0.1, 0)
    after = judged.forward(images)[-1].diagonal()
    assert (after > before).all()
    assert images.min() >= 0
    assert images.max() <= 1


def test_the_max_number_of_fitted_labels_is_found_for_each_seed() -> None:
    by_images = {10: [1.0, 0.5, 0.99], 20: [0.99, 0.4, 1.0], 30: [0.98, 0.3, 0.995]}
    assert max_fitted(by_images, 0.99) == [20, 0, 30]


def test_products_of_unit_images_are_their_correlations() -> None:
    images = np.random.default_rng(0).random((4, 784))
    products: Array = unit(images) @ unit(images).T
    np.testing.assert_allclose(products, np.corrcoef(images), atol=1e-12)


def test_the_readme_shows_the_table_of_the_recorded_claims() -> None:
    recorded = json.loads((ROOT / summary.CLAIMS).read_text("utf-8"))
    table = summary.as_table(recorded["claims"])
    assert table in (ROOT / "README.md").read_text("utf-8")
    assert len(table.encode()) <= 2500
    assert summary.as_page(recorded) == (ROOT / summary.PAGE).read_text("utf-8")


def test_the_table_in_a_file_is_updated_between_its_markers(tmp_path: Path) -> None:
    claims = json.loads((ROOT / summary.CLAIMS).read_text("utf-8"))["claims"]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{summary.BEGIN}old\n{summary.END}after\n", "utf-8")
    summary.update_table(page, claims)
    table = summary.as_table(claims)
    assert page.read_text("utf-8") == f"before\n{summary.BEGIN}{table}{summary.END}after\n"


@pytest.mark.parametrize(
    ("recipe", "varied"),
    [
        (SETTINGS["networks"]["videos"]["knobs"], set()),
        (SETTINGS["bot_academy"]["knobs"], set()),
        (SETTINGS["memorising"]["knobs"], {"hidden", "epochs", "labels"}),
        (SETTINGS["curves"]["knobs"], {"labels"}),
    ],
    ids=["videos", "bot_academy", "memorising", "curves"],
)
def test_a_claims_own_recipe_names_every_knob(recipe: dict[str, Any], varied: set[str]) -> None:
    shared = {"dataset", "straighten", "validation", "seed", "kernels", "refuse"}
    assert recipe.keys() | varied == set(Params.__struct_fields__) - shared


def test_every_source_file_that_a_claim_runs_is_tracked() -> None:
    scripts = [path.read_text("utf-8") for path in (ROOT / "claims").glob("*.py")]
    run = [*re.findall(r'run_stage\("(\w+)"', "".join(scripts)), "command"]
    run += re.findall(r"python stages/(\w+)\.py", str(PIPELINE))
    packages = [ROOT / "src/mnist_mlp" / name for name in ("base", "data", "learning")]
    library = {path for package in packages for path in package.rglob("*.py")}
    for path in (ROOT / "claims").glob("*.py"):
        own = {ROOT / dep for dep in PIPELINE.get(path.stem, {}).get("deps", ())}
        library |= {m for m in imported(path) - own if m.is_relative_to(ROOT / "src")}
    sources = {str(path.relative_to(ROOT)) for path in library}
    sources |= {f"stages/{name}.py" for name in run} | {"claims/claim.py"}
    assert set(PIPELINE["source"]["deps"]) == sources
    for name, stage in PIPELINE.items():
        scripts = re.findall(r"python (claims/\w+\.py)", str(stage["cmd"]))
        assert name == "source" or {*scripts, "data/claims/source.txt"} <= set(stage["deps"])


def test_claims_and_pipeline_share_only_files_that_neither_deletes() -> None:
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    for reader, writer in ((PIPELINE, pipeline), (pipeline, PIPELINE)):
        read = {dep for stage in reader.values() for dep in stage["deps"]}
        outs = [out for stage in writer.values() for out in stage.get("outs", [])]
        written = [out if isinstance(out, dict) else {out: {}} for out in outs]
        for path, flags in (item for out in written for item in out.items()):
            assert path not in read or flags["persist"]


@pytest.fixture(scope="module")
def claimed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all claims on the sample, briefly, and `dvc repro` at the same time."""

    def run_claims(folder: Path) -> None:
        shutil.copytree(finished, folder, symlinks=True, dirs_exist_ok=True)
        knobs: dict[str, Any] = {name: SETTINGS[name] | FEW.get(name, {}) for name in SETTINGS}
        for family in (*knobs["networks"].values(), knobs["bot_academy"], knobs["hidden_sizes"]):
            family["seeds"] = 2
        (folder / "claims/params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
        claims = started(folder, *CLAIMS, "repro")
        done(folder, "dvc", "repro", "--force")
        shutil.rmtree(folder / "data/prepared")  # no claim needs it
        output, errors = claims.communicate()
        assert claims.returncode == 0, output + errors

    return built_once(tmp_path_factory, "claims", run_claims)


def test_the_pipeline_alone_runs_no_claim(finished: Path) -> None:
    assert not (finished / "data/claims").exists()
    assert not (finished / "claims/dvc.lock").exists()


def test_dvc_at_the_top_ignores_the_claims(clone: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "claims/dvc.lock", clone / "claims/dvc.lock")
    commit(clone)
    done(clone, "dvc", "remote", "add", "--default", "remote", str(tmp_path / "remote"))
    commit(clone)
    done(clone, "dvc", "push")
    fresh = tmp_path / "fresh"
    done(clone, "git", "clone", "--quiet", ".", str(fresh))
    done(fresh, "dvc", "pull")
    assert json.loads(done(fresh, "dvc", "status", "--json")) == {}
    stages = ["download", "preprocess", "train", "evaluate", "render", "report"]
    assert re.findall(r'^"(\w+)";$', done(fresh, "dvc", "dag", "--dot"), re.MULTILINE) == stages
    done(fresh, "dvc", "commit", "--force")
    done(fresh, "dvc", "exp", "save", "--name", "saved")
    done(fresh, "dvc", "exp", "run", "--temp", "--name", "short", "-S", "epochs=1")
    result = start(fresh, "dvc", "exp", "apply", "short")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (fresh / "data/claims").exists()


def test_every_claim_gets_a_verdict_from_the_sample(claimed: Path) -> None:
    result = json.loads((claimed / summary.CLAIMS).read_text("utf-8"))
    claims = result["claims"]
    assert [claim["number"] for claim in claims] == list(range(1, 15))
    page = (claimed / summary.PAGE).read_text("utf-8")
    for claim in claims:
        assert claim["verdict"] == summary.verdict(claim["findings"])
        assert any(summary.bounds(finding) for finding in claim["findings"])
        for part in ("statement", "source", "brief", "how", "meaning"):
            assert claim[part] in page
    assert claims[0]["verdict"] == "Holds."
    linked = set(re.findall(r"\((claims/\w+\.png)\)", page))
    pictures = {f"claims/{path.name}" for path in (claimed / summary.PICTURES).iterdir()}
    assert linked == pictures == {c["picture"] for c in claims if "picture" in c}
    for picture in pictures:
        with Image.open(claimed / "metrics" / picture) as image:
            assert image.width == 800


def test_every_mistake_is_trained_or_it_is_said_why_not(claimed: Path) -> None:
    measured = json.loads((claimed / "metrics/mistakes.json").read_text("utf-8"))
    trained, left_out = measured["with"], measured["not_trained"]
    assert [*trained, *left_out] == sorted(
        (mistake.name for mistake in MUSEUM), key=lambda name: name in left_out
    )
    assert all(len(each["accuracies"]) == 1 for each in trained.values())
    (right,) = measured["without"][0]["accuracies"]
    assert right > 0.7
    assert (trained["the target left out"]["accuracies"][0] or 0) < 0.3  # none: it was NaN
    assert trained["the step goes uphill"]["accuracies"] != [right]
    assert trained["the biases are never updated"]["accuracies"][0] > 0.7


def test_changing_one_claims_knobs_reruns_only_that_claim(claimed: Path) -> None:
    path = claimed / "claims/params.yaml"
    before = path.read_text("utf-8")
    knobs = yaml.safe_load(before)
    knobs["descent"]["chance"] = 0.99
    path.write_text(yaml.safe_dump(knobs), "utf-8")
    output = done(claimed, *CLAIMS, "repro")
    assert re.findall(r"Running stage '(\w+)'", output) == ["descent", "summary"]
    recorded = json.loads((claimed / summary.CLAIMS).read_text("utf-8"))
    assert recorded["claims"][3]["findings"][0]["at_most"] == 0.99
    assert "Running" not in done(claimed, *CLAIMS, "repro")


def test_a_claim_gives_the_same_bytes_again(claimed: Path) -> None:
    folder = claimed / "data/claims/edges"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"findings.json", "picture.png"}
    done(claimed, "python", "claims/edges.py", PYTHONPATH="stages:claims")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_bad_knob_is_refused_in_one_line(claimed: Path) -> None:
    path = claimed / "claims/params.yaml"
    before = path.read_text("utf-8")
    knobs = yaml.safe_load(before)
    knobs["networks"]["default"]["knobs"]["epochs"] = 0
    path.write_text(yaml.safe_dump(knobs), "utf-8")
    result = start(claimed, "python", "claims/networks.py", "default", PYTHONPATH="stages:claims")
    path.write_text(before, "utf-8")
    assert result.returncode == 1
    assert result.stderr.startswith("error: claims/params.yaml: ")
    assert "epochs: expected a whole number from 1 to 1000000, found 0" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("level", [0, 1, 0.9999999, 95, "x"])
def test_a_bad_confidence_is_refused(level: object, claimed: Path) -> None:
    path = claimed / "claims/params.yaml"
    before, recorded = path.read_text("utf-8"), (claimed / summary.CLAIMS).read_bytes()
    path.write_text(yaml.safe_dump(yaml.safe_load(before) | {"summary": {"confidence": level}}))
    result = start(claimed, "python", "claims/summary.py", PYTHONPATH="stages:claims")
    path.write_text(before, "utf-8")
    assert result.returncode == 1
    assert result.stderr.startswith("error: claims/params.yaml: summary: confidence: expected")
    assert (claimed / summary.CLAIMS).read_bytes() == recorded


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Return a copy of what a claim's script needs to start."""
    for folder in ("claims", "metrics", "src", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"edgess": {}}, "unknown sections: edgess"),
        ({"parameters": None}, "parameters: expected settings, found None"),
        ({"parameters": {"expected": "x"}}, "parameters: expected: expected `int`, found 'x'"),
        ({"parameters": {"expected": 0}}, "parameters: expected: expected `int` >= 1, found 0"),
        ({"parameters": {"sizes": [1, "x"]}}, "parameters: sizes: expected `int`, found [1, 'x']"),
        ({"parameters": {"expected": 1}}, "parameters: sizes: missing; found only expected"),
    ],
)
def test_a_bad_setting_is_refused_in_one_line(
    change: dict[str, Any], words: str, scripts: Path
) -> None:
    (scripts / "claims/params.yaml").write_text(yaml.safe_dump(SETTINGS | change), "utf-8")
    result = start(scripts, "python", "claims/parameters.py", PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: claims/params.yaml: {words}")
    assert result.stderr.count("\n") == 1


def test_a_missing_section_is_refused_in_one_line(scripts: Path) -> None:
    settings = {name: SETTINGS[name] for name in SETTINGS if name != "steps"}
    (scripts / "claims/params.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    result = start(scripts, "python", "claims/parameters.py", PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr == "error: claims/params.yaml: missing sections: steps\n"


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("claims/accuracy.py",), "data/claims/prepared/test_images.npy"),
        (("claims/networks.py", "default"), "data/claims/prepared/training_images.npy"),
        (("claims/summary.py", "--table", "README.md"), "metrics/claims.json"),
    ],
)
def test_an_error_about_a_missing_file_names_the_claims_own_pipeline(
    words: tuple[str, ...], file: str, scripts: Path
) -> None:
    (scripts / file).unlink(missing_ok=True)
    result = start(scripts, "python", *words, PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr == f"error: {file}: not found; run `dvc --cd claims repro`\n"


def test_without_findings_the_record_is_kept(scripts: Path) -> None:
    before = (scripts / summary.CLAIMS).read_bytes()
    result = start(scripts, "python", "claims/summary.py", PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr.startswith("error: data/claims/accuracy/findings.json: expected findings")
    assert (scripts / summary.CLAIMS).read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"findings": [{"case": "old"}]}'])
def test_damaged_findings_are_refused_in_one_line(content: str, scripts: Path) -> None:
    path = scripts / "data/claims/accuracy/findings.json"
    path.parent.mkdir(parents=True)
    path.write_text(content, "utf-8")
    before = (scripts / summary.CLAIMS).read_bytes()
    result = start(scripts, "python", "claims/summary.py", PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr.startswith(
        "error: data/claims/accuracy/findings.json: expected findings; "
    )
    assert result.stderr.count("\n") == 1
    assert (scripts / summary.CLAIMS).read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"claims": [{"said": "so"}]}'])
def test_a_damaged_record_is_refused_in_one_line(content: str, scripts: Path) -> None:
    (scripts / summary.CLAIMS).write_text(content, "utf-8")
    words = ("claims/summary.py", "--table", "README.md")
    result = start(scripts, "python", *words, PYTHONPATH="stages:claims")
    assert result.returncode == 1
    assert result.stderr.startswith("error: metrics/claims.json: expected claims; ")
    assert result.stderr.endswith("; run `dvc --cd claims repro --force --single-item summary`\n")
    assert result.stderr.count("\n") == 1


def test_noise_needs_validation_images(claimed: Path) -> None:
    path = claimed / "params.yaml"
    before = path.read_text("utf-8")
    path.write_text(yaml.safe_dump(yaml.safe_load(before) | {"validation": 0}), "utf-8")
    result = start(claimed, "python", "claims/noise.py", PYTHONPATH="stages:claims")
    path.write_text(before, "utf-8")
    assert result.returncode == 1
    assert result.stderr.startswith("error: params.yaml: validation: expected a fraction")


def test_claims_measured_on_the_sample_print_a_warning(claimed: Path) -> None:
    result = start(claimed, "python", "claims/summary.py", PYTHONPATH="stages:claims")
    assert (
        result.stderr == "warning: data/raw does not hold MNIST: these claims are of the sample\n"
    )


def stale(folder: Path) -> set[str]:
    """Return the stages of the claims that DVC would run again."""
    return set(json.loads(done(folder, *CLAIMS, "status", "--json")))


def test_pycache_folders_make_no_claim_stale(claimed: Path) -> None:
    for folder in ("src/mnist_mlp/base", "stages", "claims"):
        cache = claimed / folder / "__pycache__/module.cpython-311.pyc"
        cache.parent.mkdir(exist_ok=True)
        cache.write_bytes(b"")
    assert stale(claimed) == set()


def test_a_new_default_recipe_makes_only_the_claims_that_use_it_stale(claimed: Path) -> None:
    path = claimed / "params.yaml"
    before = path.read_text("utf-8")
    path.write_text(before.replace("momentum: 0.0", "momentum: 0.5"), "utf-8")
    found = stale(claimed)
    path.write_text(before, "utf-8")
    assert {"networks_default", "networks_squared_error", "hidden_sizes", "steps"} < found
    assert not {"networks_videos", "bot_academy", "memorising", "curves"} & found


def test_a_change_in_the_library_makes_every_claim_stale(claimed: Path) -> None:
    path = claimed / "src/mnist_mlp/learning/costs.py"
    before = path.read_text("utf-8")
    path.write_text(f"{before}# changed\n", "utf-8")
    assert stale(claimed) == {"source"}
    done(claimed, *CLAIMS, "repro", "source")
    assert stale(claimed) == set(PIPELINE) - {"source"}
    path.write_text(before, "utf-8")
    done(claimed, *CLAIMS, "repro", "source")


def test_a_claim_that_cannot_find_its_modules_says_so_in_one_line(clone: Path) -> None:
    result = start(clone, "python", "claims/edges.py", PYTHONPATH="")
    assert result.returncode == 1
    assert result.stderr.startswith("error: a claim needs the module command; run `make claims`")
    assert result.stderr.count("\n") == 1
