"""The time to an accuracy: what docs/results.md says about it, and the recipes of the peers."""

import msgspec
import named
import numpy as np
import peers
import pytest
import time_to_accuracy

from mnist_mlp import Params, new_network, train
from mnist_mlp.data.dataset import Dataset

pytestmark = pytest.mark.slow

BEGIN, END = "<!-- time to an accuracy -->\n", "<!-- end of time to an accuracy -->\n"


def test_the_docs_show_the_recorded_times() -> None:
    table = time_to_accuracy.as_table(time_to_accuracy.read_results())
    assert BEGIN + table + END in named.RECIPES.read_text("utf-8")


@pytest.mark.parametrize("augment", ["none", "deform"])
def test_a_peer_gets_the_mini_batches_and_learning_rates_of_this_project(augment: str) -> None:
    """A peer in a few lines of NumPy, without a hidden layer, ends with the same parameters."""
    knobs = {"hidden": (), "batch_size": 8, "epochs": 2, "validation": 0, "weight_decay": 0}
    params = msgspec.convert(knobs | {"augment": augment}, Params)
    random = np.random.default_rng(0)
    images = random.random((50, 784), np.float32)
    digits = Dataset(images, np.eye(10, dtype=np.float32)[random.integers(0, 10, 50)])
    network, expected = new_network(params), new_network(params)
    for number in range(params.epochs):
        epoch = peers.draw(network, digits, params, number)
        for i, rate in enumerate(epoch.rates):
            rows = epoch.order[8 * i : 8 * (i + 1)]
            outputs = network.forward(epoch.images[rows])[-1]
            delta = (outputs - epoch.targets[rows]) / len(rows)
            network.weights[0] -= rate * delta.T @ epoch.images[rows]
            network.biases[0] -= rate * delta.sum(axis=0)
    for _ in train(expected, digits, params):
        pass
    np.testing.assert_allclose(network.parameters, expected.parameters, atol=1e-5)
