"""Snapshots: the network while it learned, rounded, in a small file that is always the same."""

import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.checkpoint import load_checkpoint, save_checkpoint
from mnist_mlp.learning.model import save_arrays
from mnist_mlp.learning.network import Network, count_parameters, initialise_weights
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.snapshots import (
    Snapshots,
    choose_steps,
    dequantise,
    load_snapshots,
    plan_snapshots,
    quantise,
    save_snapshots,
    take_snapshots,
)
from mnist_mlp.learning.training import new_network, train
from tests.conftest import ROOT, done

DOCS = (ROOT / "docs/model.md").read_text("utf-8").partition("## While it learned")[2]
EARLY = [0, 1, 3, 10, 30, 100, 300, 1000]
SHAPES = [[16, 16], [], [512, 256], [100, 100, 100, 100], [400], [30, 20]]
PARAMS = Params(hidden=(5,), epochs=8, batch_size=4, validation=0.25, learning_rate=0.5)


def knobs(**changes: Any) -> Params:
    return msgspec.structs.replace(PARAMS, **changes)


def layers(hidden: list[int]) -> list[int]:
    return [784, *hidden, 10]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    random = np.random.default_rng(1)
    images = random.random((60, 784), dtype=np.float32)
    return Dataset(images, np.eye(10, dtype=np.float32)[random.integers(0, 10, 60)])


class Run:
    """A training with snapshots, which can be stopped and resumed from a checkpoint."""

    def __init__(self, digits: Dataset, params: Params) -> None:
        self.network = new_network(params)
        self.progress = Progress(self.network, digits, params)
        self.snapshots = plan_snapshots(self.progress)
        self.seen: dict[int, tuple[Moment, np.ndarray[Any, Any]]] = {}
        moments = train(self.network, digits, params, self.progress, self.snapshots.early)
        self.epochs = take_snapshots(map(self.see, moments), self.progress, self.snapshots)

    def see(self, moment: Moment) -> Moment:
        self.seen[moment.step] = moment, self.network.parameters.copy()
        return moment

    def finished(self) -> "Run":
        for _ in self.epochs:
            pass
        return self


def saved(run: Run, folder: Path) -> bytes:
    path = folder / "snapshots.npz"
    save_snapshots(path, run.snapshots)
    return path.read_bytes()


@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_every_weight_is_off_by_at_most_half_the_scale_of_its_row(
    hidden: list[int], scale: float
) -> None:
    network = Network(layers(hidden), "relu", "cross_entropy")
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    network.parameters *= scale
    network.biases[-1][:] = np.arange(10)
    quantised = quantise(network)
    restored = Network(network.sizes, "relu", "cross_entropy")
    dequantise(quantised, restored)
    scales = np.split(quantised.scales, np.cumsum(network.sizes[1:-1]))
    for i, weights in enumerate(network.weights):
        np.testing.assert_allclose(scales[i], np.abs(weights).max(axis=1) / 127, rtol=1e-6)
        error = np.abs(restored.weights[i] - weights)
        assert (error <= 0.5001 * scales[i][:, np.newaxis]).all()
        np.testing.assert_array_equal(restored.biases[i], network.biases[i])


@pytest.mark.parametrize("largest", [0, 1e-45, 2e-43, 1e-38, 3e38])
def test_rows_of_zeros_and_of_extreme_weights_stay_finite(largest: float) -> None:
    network = Network([784, 3, 10], "relu", "cross_entropy")
    network.weights[0][1] = largest
    network.weights[0][2, 5] = -largest
    before = network.parameters.copy()
    dequantise(quantise(network), network)
    np.testing.assert_allclose(network.parameters, before, rtol=0.01, atol=2e-36)


@given(
    st.integers(1, 70_000), st.integers(1, 1000), st.integers(1, 10_000), st.sampled_from(SHAPES)
)
def test_moments_are_early_steps_then_ends_of_epochs_and_the_end(
    n: int, batch_size: int, epochs: int, hidden: list[int]
) -> None:
    steps = choose_steps(layers(hidden), n, knobs(batch_size=batch_size, epochs=epochs)).tolist()
    an_epoch = math.ceil(n / batch_size)
    assert steps[-1] == an_epoch * epochs
    assert steps == sorted(set(steps))
    assert len(steps) <= 20
    assert all(step in EARLY or step % an_epoch == 0 for step in steps)
    if len(steps) > 1:
        assert steps[0] == 0
    if hidden == []:  # a small network has them all
        early = [step for step in EARLY if step < steps[-1]]
        assert steps[: len(early)] == early


def test_epochs_are_spread_geometrically() -> None:
    steps = choose_steps([784, 10], 1000, knobs(batch_size=1, epochs=100_000))
    factors = [later / earlier for earlier, later in pairwise(steps[-8:])]
    assert max(factors) / min(factors) == pytest.approx(1, abs=0.01)


def test_a_longer_training_than_20_moments_starts_after_the_early_steps() -> None:
    steps = choose_steps([784, 10], 1000, knobs(batch_size=1000, epochs=50_000))
    assert len(steps) == 20
    assert steps[8] == 1001


@pytest.mark.parametrize("hidden", SHAPES)
def test_the_file_is_as_full_as_400_kilobytes_allow(hidden: list[int], tmp_path: Path) -> None:
    params = Params(hidden=tuple(hidden), epochs=1000)
    network = Network(layers(hidden), "relu", "cross_entropy")
    nothing = np.zeros((60_000, 1), np.float32)
    snapshots = plan_snapshots(Progress(network, Dataset(nothing, nothing), params))
    save_snapshots(tmp_path / "snapshots.npz", snapshots)
    size = (tmp_path / "snapshots.npz").stat().st_size
    assert size <= 400_000
    one_more = size + count_parameters(network.sizes) + 7 * sum(network.sizes[1:])
    assert len(snapshots.steps) == 20 or one_more > 395_000
    assert len(load_snapshots(tmp_path / "snapshots.npz").networks) == len(snapshots.steps) - 1


@pytest.mark.parametrize("hidden", [[512, 256], [500, 20], [2000]])
def test_above_400000_parameters_there_is_only_the_last_moment(hidden: list[int]) -> None:
    assert choose_steps(layers(hidden), 100, knobs()).tolist() == [25 * PARAMS.epochs]


def test_a_moment_has_the_network_after_its_step_and_its_validation_figures(
    digits: Dataset, tmp_path: Path
) -> None:
    run = Run(digits, PARAMS).finished()
    saved(run, tmp_path)
    snapshots = load_snapshots(tmp_path / "snapshots.npz")
    assert snapshots.measured_on == "validation"
    assert [moment["step"] for moment in snapshots.moments] == snapshots.steps.tolist()
    assert {0, 1, 3, 10, 30, 96} <= set(snapshots.steps)  # 12 steps an epoch
    untrained = new_network(PARAMS).parameters
    held_out = run.progress.split.validation
    for moment, network in zip(snapshots.moments, snapshots.networks, strict=False):
        seen = run.seen[int(moment["step"])][1] if moment["step"] else untrained
        largest = np.abs(seen).max()
        assert np.abs(network.parameters - seen).max() <= 0.51 * largest / 127
        network.parameters[:] = seen
        read = network.forward(digits.images[held_out])[-1].argmax(axis=1)
        right = (read == digits.labels[held_out]).mean()
        assert moment["accuracy"] == pytest.approx(right, abs=1e-6)
        assert moment["epoch"] == pytest.approx(moment["step"] / 12, abs=0.1)


def test_the_last_moment_is_the_averaged_network_if_the_knobs_ask_for_it(digits: Dataset) -> None:
    run = Run(digits, knobs(averaging=0.7)).finished()
    held_out = run.progress.split.validation
    outputs = run.network.forward(digits.images[held_out])[-1]
    cost = -np.log((outputs * digits.targets[held_out]).sum(axis=1)).mean()
    last = run.snapshots.moments[-1]
    assert last["step"] == 96
    assert last["cost"] == pytest.approx(cost, abs=1e-5)
    assert last["cost"] != pytest.approx(run.progress.history[-1].validation_cost, abs=1e-4)


def test_with_no_images_held_out_figures_are_those_of_training(digits: Dataset) -> None:
    run = Run(digits, knobs(validation=0)).finished()
    assert run.snapshots.measured_on == "training"
    first, *others = run.snapshots.moments
    assert math.isnan(first["cost"])
    assert math.isnan(first["accuracy"])
    for found in others:
        moment = run.seen[int(found["step"])][0]
        assert found["cost"] == pytest.approx(moment.training_cost, abs=1e-6)
        assert found["accuracy"] == pytest.approx(moment.training_accuracy, abs=1e-6)


def test_snapshots_change_neither_the_network_nor_its_history(digits: Dataset) -> None:
    run = Run(digits, PARAMS)
    epochs = list(run.epochs)
    plain = new_network(PARAMS)
    assert list(train(plain, digits, PARAMS)) == epochs == run.progress.history
    assert plain.parameters.tobytes() == run.network.parameters.tobytes()


@pytest.mark.parametrize("epochs", [1, 3, 8])
@pytest.mark.parametrize("validation", [0, 0.25])
def test_a_resumed_training_has_the_same_file(
    epochs: int, validation: float, digits: Dataset, tmp_path: Path
) -> None:
    params = knobs(validation=validation, averaging=0.5, momentum=0.5)
    whole = saved(Run(digits, params).finished(), tmp_path)
    stopped = Run(digits, params)
    for _ in range(epochs):
        next(stopped.epochs)
    checkpoint = tmp_path / "checkpoint"
    save_checkpoint(checkpoint, "key", stopped.progress, stopped.snapshots)
    if epochs < 8:
        next(stopped.epochs)  # what follows a checkpoint is lost
    resumed = Run(digits, params)
    load_checkpoint(checkpoint, "key", resumed.progress, resumed.snapshots)
    assert len(resumed.progress.history) == epochs
    assert saved(resumed.finished(), tmp_path) == whole


def test_what_was_saved_is_loaded(digits: Dataset, tmp_path: Path) -> None:
    run = Run(digits, PARAMS).finished()
    saved(run, tmp_path)
    loaded = load_snapshots(tmp_path / "snapshots.npz")
    assert loaded.settings == run.snapshots.settings
    for name, array in run.snapshots.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
        assert loaded.arrays[name].dtype == array.dtype


def changed(name: str, change: Callable[[Any], Any]) -> Any:
    return pytest.param(name, change, id=f"{name}-{change.__code__.co_firstlineno}")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        changed("sizes", lambda sizes: [784, 6, 10]),
        changed("measured_on", lambda _: "test"),
        changed("steps", lambda steps: steps[::-1]),
        changed("steps", lambda steps: steps.astype(np.int32)),
        changed("steps", lambda steps: steps[1:]),
        changed("epochs", lambda epochs: epochs * np.nan),
        changed("costs", lambda costs: -costs),
        changed("costs", lambda costs: costs + np.inf),
        changed("accuracies", lambda accuracies: accuracies + 1),
        changed("weights", lambda weights: weights[:, 1:]),
        changed("weights", lambda weights: weights[1:]),
        changed("weights", lambda weights: weights.astype(np.float32)),
        changed("weights", lambda _: 3),
        changed("scales", lambda scales: scales * np.nan),
        changed("scales", lambda scales: scales * 0 + np.float32(3e38)),
        changed("biases", lambda biases: biases + np.inf),
    ],
)
def test_other_arrays_are_refused_in_one_line(
    name: str, change: Callable[[Any], Any], digits: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "snapshots.npz"
    saved(Run(digits, PARAMS).finished(), tmp_path)
    with np.load(path) as found:
        arrays = dict(found)
    save_arrays(path, arrays)
    assert isinstance(load_snapshots(path), Snapshots)
    save_arrays(path, arrays | {name: change(arrays[name])})
    with pytest.raises(InputError, match=r"snapshots\.npz: expected snapshots; .*run `dvc repro`"):
        load_snapshots(path)


def test_the_docs_name_the_arrays_of_the_file(digits: Dataset, tmp_path: Path) -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", DOCS, re.M))))
    saved(Run(digits, PARAMS).finished(), tmp_path)
    with np.load(tmp_path / "snapshots.npz") as arrays:
        assert {*named, "format", "sizes", "activation", "cost"} == set(arrays)


def test_the_example_in_the_docs_goes_through_the_moments(finished: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", DOCS, re.M | re.S)
    lines = done(finished, "python", "-c", example, PYTHONPATH="src").splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["0", "1", "3"]
