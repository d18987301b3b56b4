"""Training: steps follow the gradient, epochs see every example, and the seed decides the rest."""

import hashlib
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import Dataset, draw_split
from mnist_mlp.learning import training as training_module
from mnist_mlp.learning.augmentation import AUGMENTATIONS
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.batches import shuffled
from mnist_mlp.learning.costs import cross_entropy
from mnist_mlp.learning.network import Network, Parameters, initialise_weights
from mnist_mlp.learning.progress import Progress
from mnist_mlp.learning.refinements import learning_rates
from mnist_mlp.learning.training import train

PLAIN = Params(
    validation=0,
    hidden=(5,),
    activation="tanh",
    initial_weights="gaussian",
    learning_rate=0.5,
    schedule="constant",
    weight_decay=0,
    batch_size=10,
    epochs=1,
)


def knobs(**changes: Any) -> Params:
    return msgspec.structs.replace(PLAIN, **changes)


def examples(n: int) -> Dataset:
    """Make n examples: the class is the largest of pixels 0 to 2, and pixel 3 is the row."""
    images = np.random.default_rng(3).random((n, 4), dtype=np.float32)
    targets = np.eye(3, dtype=np.float32)[images[:, :3].argmax(axis=1)]
    images[:, 3] = np.arange(n)
    return Dataset(images, targets)


def untrained(scale: float = 1.0) -> Network:
    network = Network([4, 5, 3], "tanh", "cross_entropy")
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    network.weights[0][:, 3] = 0
    network.parameters *= scale
    return network


def trained(data: Dataset, **changes: Any) -> Network:
    network = untrained()
    list(train(network, data, knobs(**changes)))
    return network


def gradient(network: Network, images: Array, targets: Array) -> Array:
    return backprop(network, network.forward(images), targets).vector


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Record which examples are in each mini-batch."""
    seen: list[list[int]] = []

    def spy(network: Network, activations: list[Array], targets: Array, **out: Any) -> Parameters:
        seen.append([int(i) for i in activations[0][:, 3]])
        activations[0][:, 3] = 0
        return backprop(network, activations, targets, **out)

    monkeypatch.setattr(training_module, "backprop", spy)
    return seen


def test_one_step_goes_against_the_gradient_by_the_learning_rate() -> None:
    data = examples(10)
    network = untrained()
    expected = network.parameters - 0.5 * gradient(network, *data)
    np.testing.assert_allclose(trained(data).parameters, expected, rtol=1e-5, atol=1e-6)


def test_momentum_keeps_a_fraction_of_the_last_step() -> None:
    data = examples(10)
    network = untrained()
    velocity = np.zeros_like(network.parameters)
    for _ in range(3):
        velocity = 0.9 * velocity - 0.5 * gradient(network, *data)
        network.parameters += velocity
    result = trained(data, epochs=3, momentum=0.9)
    np.testing.assert_allclose(result.parameters, network.parameters, rtol=1e-4, atol=1e-5)


def test_nesterovs_momentum_takes_the_gradient_at_the_lookahead_point() -> None:
    data = examples(10)
    network = untrained()
    velocity = np.zeros_like(network.parameters)
    ahead = network.parameters.copy()  # in this form, the parameters are the lookahead point
    for _ in range(4):
        network.parameters[:] = ahead
        behind = ahead - 0.9 * velocity
        velocity = 0.9 * velocity - 0.5 * gradient(network, *data)
        ahead = behind + velocity + 0.9 * velocity
    result = trained(data, epochs=4, momentum=0.9, nesterov=True)
    np.testing.assert_allclose(result.parameters, ahead, rtol=1e-3, atol=1e-4)


def test_training_ends_with_the_mean_of_the_last_epochs_parameters() -> None:
    data = examples(20)
    network = untrained()
    seen = [network.parameters.copy() for _ in train(network, data, knobs(epochs=5, averaging=0.6))]
    np.testing.assert_allclose(network.parameters, np.mean(seen[2:], axis=0), rtol=1e-5, atol=1e-6)
    assert not np.array_equal(network.parameters, seen[-1])


@pytest.mark.parametrize("averaging", [0.001, 0.1])
def test_the_shortest_averaging_keeps_only_the_last_epoch(averaging: float) -> None:
    data = examples(20)
    plain, averaged = (trained(data, epochs=5, averaging=each) for each in (0, averaging))
    np.testing.assert_array_equal(plain.parameters, averaged.parameters)


def test_augmentation_and_dropout_change_what_is_learned_but_not_the_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = examples(20)
    before = data.images.copy()
    plain = trained(data).parameters
    monkeypatch.setitem(
        AUGMENTATIONS,
        "shift",
        lambda images, random, _: images.__imul__(random.random(images.shape, np.float32)),
    )
    for changes in ({"augment": "shift"}, {"dropout": 0.5}):
        one, other = (trained(data, **changes).parameters for _ in range(2))
        assert one.tobytes() == other.tobytes() != plain.tobytes()
    np.testing.assert_array_equal(data.images, before)


def test_augmentation_weakens_linearly_in_the_second_half_to_final_strength(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strengths: list[float] = []
    monkeypatch.setitem(
        AUGMENTATIONS, "shift", lambda images, random, strength: strengths.append(strength)
    )
    for final, expected in ((0.5, [1, 1, 1, 1, 1, 0.875, 0.75, 0.625]), (1, [1] * 8)):
        trained(examples(20), epochs=4, augment="shift", final_strength=final)
        assert strengths == pytest.approx(expected)
        strengths.clear()


def test_training_with_many_knobs_matches_an_independent_implementation() -> None:
    data = examples(23)
    data.images[:, 3] /= 23
    params = knobs(
        epochs=3, momentum=0.7, weight_decay=0.02, schedule="cosine", batch_size=5, seed=4
    )
    network = untrained()
    decay = np.concatenate([np.full(4 * 5 + 5 * 3, 0.02), np.zeros(5 + 3)])  # none for biases
    velocity = np.zeros_like(network.parameters)
    for epoch in range(3):
        order = shuffled(23, generator(4, "shuffling", epoch))
        for start in (0, 5, 10, 15, 20):
            rows = order[start : start + 5]
            rate = 0.25 * (1 + math.cos(math.pi * (epoch + start / 23) / 3))
            velocity = 0.7 * velocity + gradient(network, data.images[rows], data.targets[rows])
            network.parameters -= rate * (velocity + decay * network.parameters)
    result = untrained()
    list(train(result, data, params))
    np.testing.assert_allclose(result.parameters, network.parameters, rtol=1e-4, atol=1e-5)


def test_validation_figures_are_measured_after_the_epoch() -> None:
    data = examples(40)
    network = untrained()
    params = knobs(validation=0.25)
    (epoch,) = train(network, data, params)
    held_out = draw_split(40, params).validation
    assert len(held_out) == 10
    outputs, targets = network.forward(data.images[held_out])[-1], data.targets[held_out]
    assert epoch.validation_cost == pytest.approx(cross_entropy(outputs, targets))
    right = outputs.argmax(axis=1) == targets.argmax(axis=1)
    assert epoch.validation_accuracy == pytest.approx(right.mean())


def test_held_out_images_are_not_trained_on(batches: list[list[int]]) -> None:
    params = {"validation": 0.3, "seed": 5}
    trained(examples(50), **params)
    split = draw_split(50, knobs(**params))
    assert sorted(i for batch in batches for i in batch) == list(split.training)
    assert set(split.training) | set(split.validation) == set(range(50))


def test_chosen_steps_are_reported_and_change_nothing() -> None:
    data = examples(50)
    network = untrained()
    moments = list(
        train(network, data, knobs(epochs=3, validation=0.2), at_steps=np.array([1, 3, 6]))
    )
    assert [(m.step, m.epoch) for m in moments] == [
        (1, 0.25),
        (3, 0.75),
        (4, 1),
        (6, 1.5),
        (8, 2),
        (12, 3),
    ]
    plain = trained(data, epochs=3, validation=0.2)
    assert network.parameters.tobytes() == plain.parameters.tobytes()


def test_a_step_reports_the_running_averages_and_the_network_at_that_moment() -> None:
    data = examples(50)
    network = untrained()
    before = network.forward(data.images)[-1]
    moment = next(train(network, data, knobs(), at_steps={2}))
    first = shuffled(50, generator(0, "shuffling", 0))[:10]  # scored before any step
    one = next(train(untrained(), data, knobs(), at_steps={1}))
    assert one.training_cost == pytest.approx(cross_entropy(before[first], data.targets[first]))
    assert moment.step == 2
    assert moment.parameters_hash == hashlib.sha256(network.parameters.data).hexdigest()[:12]


def test_weight_decay_shrinks_weights_and_not_biases() -> None:
    data = examples(10)
    plain, decayed = trained(data), trained(data, weight_decay=0.01)
    start = untrained()
    for i in range(2):
        shrunk = plain.weights[i] - 0.5 * 0.01 * start.weights[i]
        np.testing.assert_allclose(decayed.weights[i], shrunk, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(decayed.biases[i], plain.biases[i])


def test_every_epoch_sees_every_example_once(batches: list[list[int]]) -> None:
    trained(examples(50), epochs=3)
    for first in (0, 5, 10):
        seen = [i for batch in batches[first : first + 5] for i in batch]
        assert sorted(seen) == list(range(50))


def test_examples_and_not_mini_batches_are_shuffled(batches: list[list[int]]) -> None:
    trained(examples(50), epochs=2)
    first, second = ({frozenset(batch) for batch in batches[i : i + 5]} for i in (0, 5))
    in_file_order = {frozenset(range(start, start + 10)) for start in range(0, 50, 10)}
    assert not first & second
    assert not first & in_file_order


def test_a_smaller_last_mini_batch_is_trained_on_too(batches: list[list[int]]) -> None:
    trained(examples(23))
    assert [len(batch) for batch in batches] == [10, 10, 3]


def test_the_cosine_schedule_falls_smoothly_from_the_full_rate_to_zero() -> None:
    rates = learning_rates(knobs(schedule="cosine"), np.linspace(0, 1, 101)).tolist()
    assert rates[0] == 0.5
    assert rates[50] == pytest.approx(0.25)
    assert rates[100] == pytest.approx(0)
    assert rates == sorted(rates, reverse=True)


def test_the_constant_schedule_keeps_the_rate() -> None:
    assert set(learning_rates(knobs(), np.linspace(0, 1, 101))) == {0.5}


def test_training_learns() -> None:
    data = examples(300)
    data.images[:, 3] = 0
    epochs = list(train(untrained(), data, knobs(epochs=30, validation=0.2)))
    assert epochs[-1].training_cost < epochs[0].training_cost / 2
    assert epochs[-1].validation_accuracy == pytest.approx(1, abs=0.1)


def test_training_figures_are_measured_just_before_each_update() -> None:
    data = examples(10)
    before = untrained().forward(data.images)[-1]
    (epoch,) = train(untrained(), data, knobs())
    right = before.argmax(axis=1) == data.labels
    assert epoch.training_accuracy == right.mean()
    assert epoch.training_cost == pytest.approx(-np.log(before[data.targets == 1]).mean(), rel=1e-5)


def test_without_validation_images_their_figures_are_none() -> None:
    (epoch,) = train(untrained(), examples(10), knobs())
    assert (epoch.validation_cost, epoch.validation_accuracy) == (None, None)


def parameters(**changes: Any) -> NDArray[Any]:
    return trained(examples(50), **changes).parameters


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    assert parameters().tobytes() == parameters().tobytes()
    assert parameters().tobytes() != parameters(seed=1).tobytes()


def test_looking_at_validation_images_changes_nothing() -> None:
    data, params = examples(50), knobs(validation=0.3, epochs=3)
    changed = Dataset(data.images.copy(), data.targets.copy())
    changed.images[draw_split(50, params).validation] = 0
    one, other = untrained(), untrained()
    list(train(one, data, params))
    list(train(other, changed, params))
    assert one.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_whose_numbers_overflow_stops_with_its_epoch_and_advice() -> None:
    explosive = knobs(learning_rate=10, weight_decay=100, epochs=50)
    run = train(untrained(), examples(50), explosive)
    with pytest.raises(InputError, match=r"epoch \d+: .*learning_rate"):
        list(run)


def test_the_epoch_numbers_count_from_one() -> None:
    run = train(untrained(), examples(10), knobs(epochs=3))
    assert [epoch.epoch for epoch in run] == [1, 2, 3]


@pytest.mark.parametrize("n", [1, 99, 100, 101, 255, 1000])
def test_shuffling_shows_every_example_once(n: int) -> None:
    order = shuffled(n, np.random.default_rng(0), block=100, run=5)
    assert sorted(order) == list(range(n))


def test_a_set_of_one_block_is_shuffled_by_numpys_permutation() -> None:
    order = shuffled(60_000, np.random.default_rng(0))
    np.testing.assert_array_equal(order, np.random.default_rng(0).permutation(60_000))


def test_a_larger_set_is_read_one_block_at_a_time_in_runs_of_neighbours() -> None:
    order = shuffled(10_000, np.random.default_rng(0), block=1000, run=10)
    for start in range(0, 10_000, 1000):
        runs = np.unique(order[start : start + 1000] // 10)
        assert len(runs) == 100
        assert runs.max() - runs.min() > 500


def test_in_a_larger_set_every_position_is_equally_likely_for_every_example() -> None:
    random = np.random.default_rng(0)
    places = np.array([np.argsort(shuffled(400, random, block=100, run=5)) for _ in range(2000)])
    expected, spread = 399 / 2, 400 / np.sqrt(12 * 2000)
    assert np.abs(places.mean(axis=0) - expected).max() < 5 * spread


def test_mini_batches_of_a_larger_set_are_as_mixed_as_after_a_full_shuffle() -> None:
    random = np.random.default_rng(0)
    digits = random.integers(10, size=20_000)

    def unevenness(order: NDArray[np.intp]) -> float:
        batches = digits[order].reshape(-1, 100)
        counts = np.stack([(batches == digit).sum(axis=1) for digit in range(10)])
        return float(counts.var(axis=1).mean())

    blocks = [unevenness(shuffled(20_000, random, block=2000, run=20)) for _ in range(20)]
    full = [unevenness(random.permutation(20_000)) for _ in range(20)]
    assert np.mean(blocks) == pytest.approx(np.mean(full), rel=0.05)


def test_training_that_was_stopped_in_an_epoch_repeats_that_epoch() -> None:
    data, params = examples(50), knobs(epochs=3)
    network = untrained()
    progress = Progress(network, data, params)
    run = train(network, data, params, progress, at_steps={7})
    assert [next(run).step for _ in range(2)] == [5, 7]
    moments = list(train(network, data, params, progress))
    assert [(m.epoch, m.step) for m in moments] == [(2, 10), (3, 15)]
