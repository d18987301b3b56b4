"""The whole pipeline, run by DVC on the sample in a repository of its own."""

import json
import re
import shutil
import signal
from hashlib import md5
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import yaml

from mnist_mlp.base.params import load_params
from mnist_mlp.data.dataset import Dataset, load_dataset, load_split, read_digits, relabelled
from mnist_mlp.data.mnist import FILES
from mnist_mlp.learning.evaluation import accuracy
from mnist_mlp.learning.model import load_network
from tests.conftest import INTERRUPTED, KNOBS, ROOT, contents, done, start, started, until


def metrics(folder: Path) -> dict[str, Any]:
    accuracy: dict[str, Any] = json.loads((folder / "metrics/accuracy.json").read_text("utf-8"))
    return accuracy


def test_the_sample_is_learned_from_end_to_end(finished: Path) -> None:
    result = metrics(finished)
    assert result["parameters"] == 13_002
    assert result["training_images"] == 1293
    assert 0.7 < result["test_accuracy"] <= 1
    assert {type(value) for name, value in result.items() if name != "data"} <= {int, float}
    files = {path.name for path in (finished / "metrics").iterdir()}
    assert files == {
        "accuracy.json",
        "history.csv",
        "predictions.csv",
        "weights.png",
        "mistakes.png",
        "report.html",
        ".gitignore",
        "claims.json",
    }
    predictions = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()[1:]
    right = sum(row[0] == row[2] for row in predictions)
    assert right / len(predictions) == pytest.approx(result["test_accuracy"], abs=1e-6)


def test_the_metrics_are_those_of_the_model_on_each_set(finished: Path, tmp_path: Path) -> None:
    network = load_network(finished / "data/model.npz")
    params = load_params(finished / "params.yaml")
    training = load_dataset(finished / "data/prepared", "training")
    split = load_split(finished / "data/validation.npy", len(training.images))
    assert len(split.validation) == round(0.1 * len(training.images))
    sets = {
        "test": load_dataset(finished / "data/prepared", "test"),
        "validation": Dataset(*(array[split.validation] for array in training)),
        "training": Dataset(*(array[split.training] for array in training)),
    }
    found = metrics(finished)
    for name, dataset in sets.items():
        outputs = network.forward(dataset.images)[-1]
        assert found[f"{name}_accuracy"] == pytest.approx(
            accuracy(outputs, dataset.labels), abs=1e-6
        )
    _, labels = read_digits(*(finished / "data/raw" / file.name for file in FILES[2:]))
    predictions = np.loadtxt(finished / "metrics/predictions.csv", int, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(predictions[:, 0], labels)

    random = msgspec.structs.replace(params, labels="random")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(random)), "utf-8")
    done(
        finished,
        *("python", "stages/evaluate.py", "--params", str(tmp_path / "params.yaml")),
        *("--accuracy", str(tmp_path / "metrics/accuracy.json")),
        *("--predictions", str(tmp_path / "predictions.csv")),
    )
    shuffled = relabelled(training, split, random).labels[split.training]
    outputs = network.forward(training.images[split.training])[-1]
    assert metrics(tmp_path)["training_accuracy"] == pytest.approx(
        accuracy(outputs, shuffled), abs=1e-6
    )


def test_the_metrics_name_the_data(finished: Path) -> None:
    assert metrics(finished)["data"] == "sample"


def test_dvcs_cache_has_the_files_where_the_download_looks_for_them(finished: Path) -> None:
    for path in (finished / "data/raw").iterdir():
        content = path.read_bytes()
        key = md5(content, usedforsecurity=False).hexdigest()
        cached = finished / ".dvc/cache/files/md5" / key[:2] / key[2:]
        assert cached.read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--temp", "--queue"])
def test_temp_and_queued_experiments_do_not_fall_back_to_the_sample(way: str, clone: Path) -> None:
    change = ("dvc", "exp", "run", way, "--name", "auto", "-S", "dataset=auto")
    offline = {"HTTPS_PROXY": "http://127.0.0.1:9", "MNIST_MIRROR": ""}
    result = start(clone, *change, **offline)
    if way == "--queue":
        start(clone, "dvc", "queue", "start", **offline)
        start(clone, "dvc", "queue", "logs", "--follow", "auto")
        result = start(clone, "dvc", "queue", "logs", "auto")
    assert "does not fall back to the sample" in result.stdout + result.stderr
    assert "auto" not in done(clone, "dvc", "exp", "list", "--name-only").split()


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do(clone: Path) -> None:
    assert "up to date" in done(clone, "dvc", "repro")


@pytest.mark.slow
def test_a_forced_run_gives_the_same_bytes(clone: Path) -> None:
    done(clone, "dvc", "repro", "--force")
    assert done(clone, "git", "status", "--porcelain") == ""


def test_an_experiment_with_another_hidden_layer_shows_in_the_metrics_diff(clone: Path) -> None:
    output = done(clone, "dvc", "exp", "run", "-S", "hidden=32")
    assert "Stage 'preprocess' didn't change" in output
    assert metrics(clone)["parameters"] == 784 * 32 + 32 + 32 * 10 + 10
    difference = json.loads(done(clone, "dvc", "metrics", "diff", "--json"))
    assert difference["metrics/accuracy.json"]["parameters"]["old"] == 13_002


def test_a_killed_training_leaves_its_history_and_resumes_to_the_same_bytes(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 400}), "utf-8")
    history = clone / "metrics/history.csv"
    process = started(clone, "dvc", "repro", "train")
    until((clone / "data/model.npz.checkpoint").exists, process)
    dvc = psutil.Process(process.pid)
    for victim in [dvc, *dvc.children(recursive=True)]:
        victim.kill()
    process.communicate()
    header, *epochs = history.read_text("utf-8").splitlines()
    assert 0 < len(epochs) < 400
    assert "resuming after epoch" in done(clone, "dvc", "repro", "train")
    whole = history.read_text("utf-8")
    assert whole.startswith("\n".join([header, *epochs, ""]))
    made = (clone / "data/model.npz", clone / "data/snapshots.npz")
    before = [path.read_bytes() for path in made]
    assert "resuming" not in done(clone, "dvc", "repro", "--force", "--single-item", "train")
    assert [path.read_bytes() for path in made] == before
    assert history.read_text("utf-8") == whole


def test_ctrl_c_ends_a_training_in_one_line_with_exit_code_1(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 10_000}), "utf-8")
    process = started(clone, "python", "stages/train.py")
    until((clone / "data/model.npz.checkpoint").exists, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    line = f"{INTERRUPTED.strip()}; metrics/history.csv has the epochs so far\n"
    assert (process.returncode, errors) == (1, line)


def test_ctrl_c_before_the_first_epoch_ends_does_not_mention_a_history(clone: Path) -> None:
    knobs = KNOBS | {"hidden": [2000, 2000], "batch_size": 1, "augment": "deform"}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    (clone / "data/validation.npy").unlink()  # which the stage writes just before it trains
    process = started(clone, "python", "stages/train.py")
    until((clone / "data/validation.npy").exists, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (1, INTERRUPTED)


@pytest.mark.slow
def test_the_page_is_in_the_cache_and_comes_back_with_its_experiment(clone: Path) -> None:
    page = clone / "metrics/report.html"
    before = page.read_bytes()
    done(clone, "dvc", "exp", "run", "--temp", "--name", "short", "-S", "epochs=1")
    page.unlink()
    done(clone, "dvc", "exp", "apply", "short")
    assert page.read_bytes() != before
    assert "up to date" in done(clone, "dvc", "status")
    done(clone, "git", "restore", ".")
    done(clone, "dvc", "checkout", "--force")
    assert page.read_bytes() == before
    assert "metrics/report.html" not in done(clone, "git", "ls-files", "metrics")


@pytest.mark.slow
def test_new_claims_update_only_the_page(clone: Path) -> None:
    claim = {"statement": "New", "measured": ["all of it"], "verdict": "Holds."}
    (clone / "metrics/claims.json").write_text(json.dumps({"claims": [claim]}), "utf-8")
    output = done(clone, "dvc", "repro")
    assert re.findall(r"Running stage '(\w+)'", output) == ["report"]
    assert "all of it" in (clone / "metrics/report.html").read_text("utf-8")


@pytest.mark.slow
def test_a_learning_rate_in_the_form_that_dvc_writes_is_read_as_a_number(clone: Path) -> None:
    done(clone, "dvc", "exp", "run", "-S", "learning_rate=0.00001", "-S", "epochs=1")
    assert "learning_rate: 1e-05" in (clone / "params.yaml").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("hidden=abc", "hidden: expected"),
        ("+hiden=32", "unknown knob 'hiden'; expected only dataset, "),
        ("+patience=3", "patience: no longer a knob; delete it"),
        ("batch_size=1294", "batch_size: expected at most the 1293 training"),
    ],
)
@pytest.mark.parametrize("way", [[], ["--temp"]], ids=["here", "--temp"])
def test_a_bad_knob_is_refused_before_anything_is_removed(
    way: list[str], change: str, words: str, clone: Path
) -> None:
    before = contents(clone)
    result = start(clone, "dvc", "exp", "run", *way, "-S", change)
    assert result.returncode != 0
    (line,) = re.findall(r"^error: .*$", result.stderr, re.M)
    assert line.startswith(f"error: params.yaml: {words}")
    assert line.endswith("`git restore params.yaml`")
    assert "Traceback" not in result.stderr
    assert contents(clone) == before
    done(clone, "git", "restore", "params.yaml")
    assert "up to date" in done(clone, "dvc", "repro")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--temp", "--queue"])
def test_temp_and_queued_experiments_import_their_own_source(
    way: str, clone: Path, tmp_path: Path
) -> None:
    decoy = tmp_path / "installed" / "mnist_mlp"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise ImportError('an installed copy was imported')")
    evaluation = clone / "src/mnist_mlp/learning/evaluation.py"
    source = evaluation.read_text("utf-8")
    evaluation.write_text(
        source.replace("    return float(np.mean(", "    return 0 * float(np.mean(")
    )
    installed = {"PYTHONPATH": str(decoy.parent)}
    done(clone, "dvc", "exp", "run", way, "--name=elsewhere", "-S", "epochs=1", **installed)
    if way == "--queue":
        done(clone, "dvc", "exp", "run", "--run-all", **installed)
    shown = json.loads(done(clone, "dvc", "exp", "diff", "--json", "HEAD", "elsewhere"))
    assert shown["metrics"]["metrics/accuracy.json"]["test_accuracy"]["new"] == 0
    assert metrics(clone)["test_accuracy"] > 0


@pytest.mark.slow
def test_a_change_reruns_the_stages_that_the_table_in_the_docs_names(clone: Path) -> None:
    lines = (ROOT / "docs/copy.md").read_text("utf-8").splitlines()
    header, _, *rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    stages = [cell.strip() for cell in header[1:]]
    shutil.copy(ROOT / "pyproject.toml", clone)
    for name, *cells in rows:
        path = clone / name.strip(" `")
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        changed = json.loads(done(clone, "dvc", "status", "--json"))
        path.write_bytes(before)
        expected = {stage for stage, cell in zip(stages, cells, strict=True) if cell.strip()}
        assert set(changed) == expected, name
    packages = {path.parent.name for path in (ROOT / "src/mnist_mlp").glob("*/__init__.py")}
    assert packages <= {row[0].split("/")[2] for row in rows if row[0].startswith(" `src")}


def test_a_knob_that_no_other_stage_uses_runs_download_alone(clone: Path) -> None:
    path = clone / "params.yaml"
    path.write_text(path.read_text("utf-8").replace("dataset: sample", "dataset: auto"), "utf-8")
    assert set(json.loads(done(clone, "dvc", "status", "--json"))) == {"download"}
