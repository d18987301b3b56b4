"""The whole pipeline, run by DVC on the sample in a repository of its own."""

import json
import signal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import yaml

from mnist_mlp.base.params import load_params
from mnist_mlp.data.dataset import load_dataset, load_training, read_digits
from mnist_mlp.data.mnist import FILES
from mnist_mlp.learning.evaluation import accuracy
from mnist_mlp.learning.model import load_network
from tests.conftest import INTERRUPTED, KNOBS, done, start, started, until


def metrics(folder: Path) -> dict[str, Any]:
    accuracy: dict[str, Any] = json.loads((folder / "metrics/accuracy.json").read_text("utf-8"))
    return accuracy


def test_the_sample_is_learned_from_end_to_end(finished: Path) -> None:
    result = metrics(finished)
    assert result["parameters"] == 13_002
    assert result["training_images"] == 1293
    assert 0.7 < result["test_accuracy"] <= 1
    assert {type(value) for value in result.values()} <= {int, float}
    files = {path.name for path in (finished / "metrics").iterdir()}
    assert files == {
        "accuracy.json",
        "history.csv",
        "predictions.csv",
        "weights.png",
        "mistakes.png",
        "report.html",
    }
    predictions = (finished / "metrics/predictions.csv").read_text("utf-8").splitlines()[1:]
    right = sum(row[0] == row[2] for row in predictions)
    assert right / len(predictions) == pytest.approx(result["test_accuracy"], abs=1e-6)


def test_the_metrics_are_those_of_the_model_on_each_set(finished: Path, tmp_path: Path) -> None:
    network = load_network(finished / "data/model.npz")
    params = load_params(finished / "params.yaml")
    sets = {
        "test": load_dataset(finished / "data/prepared", "test"),
        "validation": load_dataset(finished / "data/prepared", "validation"),
        "training": load_dataset(finished / "data/prepared", "training"),
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
    taught = load_training(finished / "data/prepared", random)
    outputs = network.forward(taught.images)[-1]
    assert metrics(tmp_path)["training_accuracy"] == pytest.approx(
        accuracy(outputs, taught.labels), abs=1e-6
    )


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


def test_a_killed_training_goes_on_after_its_last_epoch_and_ends_with_the_same_bytes(
    clone: Path,
) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 1000}), "utf-8")
    process = started(clone, "dvc", "repro", "train")
    until((clone / "data/model.npz.checkpoint").exists, process)
    dvc = psutil.Process(process.pid)
    for victim in [dvc, *dvc.children(recursive=True)]:
        victim.kill()
    process.communicate()
    assert "going on after epoch" in done(clone, "dvc", "repro", "train")
    model = (clone / "data/model.npz").read_bytes()
    assert "going on" not in done(clone, "dvc", "repro", "--force", "--single-item", "train")
    assert (clone / "data/model.npz").read_bytes() == model


def test_ctrl_c_ends_a_training_in_one_line_with_exit_code_1(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 10_000}), "utf-8")
    process = started(clone, "python", "stages/train.py")
    until((clone / "data/model.npz.checkpoint").exists, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (1, INTERRUPTED)


@pytest.mark.slow
def test_a_learning_rate_in_the_form_that_dvc_writes_is_read_as_a_number(clone: Path) -> None:
    done(clone, "dvc", "exp", "run", "-S", "learning_rate=0.00001", "-S", "epochs=1")
    assert "learning_rate: 1e-05" in (clone / "params.yaml").read_text("utf-8")


@pytest.mark.slow
def test_a_bad_knob_fails_the_experiment_with_one_line(clone: Path) -> None:
    result = start(clone, "dvc", "exp", "run", "-S", "hidden=[16,0]")
    assert result.returncode != 0
    assert "error: params.yaml: hidden: expected" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_knob_that_no_stage_has_is_refused_though_nothing_depends_on_it(clone: Path) -> None:
    result = start(clone, "dvc", "exp", "run", "-S", "+hiden=32")
    assert result.returncode != 0
    assert "error: params.yaml: unknown knob 'hiden'; expected only dataset, " in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--temp", "--queue"])
def test_experiments_elsewhere_import_the_source_beside_the_stage(
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
def test_patience_without_validation_images_is_refused(clone: Path) -> None:
    knobs = KNOBS | {"patience": 3, "validation": 0.0001}  # of 1,437 images
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    done(clone, "python", "stages/preprocess.py")
    result = start(clone, "python", "stages/train.py")
    assert result.returncode == 1
    reason = "`validation` sets no images aside"
    assert result.stderr == f"error: params.yaml: patience: expected 0 where {reason}, found 3\n"
