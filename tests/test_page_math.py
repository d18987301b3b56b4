"""The page's mathematics in a real browser: the same numbers as in Python."""

import base64
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from selenium.webdriver import Chrome

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import Dataset, hold_out
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.likeness import measure_likeness
from mnist_mlp.learning.network import ACTIVATIONS, Network, initialise_weights
from mnist_mlp.showing.report_page import describe_likeness, pack_pixels
from tests.browser import Listener, complaints, open_browser, run

pytestmark = pytest.mark.slow

MODULES = (
    *("bytes.js", "network.js", "framing.js", "likeness.js"),
    *("backprop.js", "attribution.js", "snapshots.js"),
)
HIDDEN: list[list[int]] = [[], [16], [12, 9, 7, 5]]
EVERY_NETWORK = list(product(HIDDEN, ACTIVATIONS, COSTS))


@pytest.fixture(scope="module")
def page() -> Iterator[Chrome]:
    listener = Listener()
    with open_browser(listener) as chrome:
        yield chrome
        assert complaints(chrome) == []
    listener.server.close()


def random_network(hidden: list[int], activation: str, cost: str) -> Network:
    """Return a float64 network of float32 numbers; one z of each hidden layer is exactly 0."""
    random = np.random.default_rng(0)
    network = Network([784, *hidden, 10], activation, cost, np.float64)
    initialise_weights(network, "xavier", random)
    for weights, biases in zip(network.weights, network.biases, strict=True):
        biases[:] = random.normal(0, 0.3, len(biases))
        if len(biases) != 10:
            weights[0] = biases[0] = 0
    network.parameters[:] = network.parameters.astype(np.float32)
    return network


def random_images(n: int) -> Array:
    random = np.random.default_rng(1)
    images = random.random((n, 784)) * (random.random((n, 784)) < 0.2)
    return images.astype(np.float32).astype(np.float64)


def random_targets(n: int) -> Array:
    return np.eye(10)[np.random.default_rng(2).integers(0, 10, n)]


def encoded(numbers: ArrayLike, kind: str) -> str:
    return base64.b64encode(np.asarray(numbers).astype(kind).tobytes()).decode()


def described(network: Network) -> dict[str, Any]:
    return {
        "sizes": network.sizes,
        "activation": network.activation,
        "output": COSTS[network.cost].output,
        "cost": network.cost,
        "parameters": encoded(network.parameters, "<f4"),
    }


def compute(page: Chrome, script: str, network: Network, *others: Any) -> Any:
    """Run a script that knows a network, and other arguments as `others`."""
    start = "const [description, ...others] = arguments, network = makeNetwork(description);"
    return run(page, MODULES, start + script, described(network), *others)


def sums_and_outputs(network: Network, images: Array) -> tuple[Array, list[Array]]:
    """Return z of the last layer, and the activations of all layers."""
    activations = network.forward(images)
    return activations[-2] @ network.weights[-1].T + network.biases[-1], activations


@pytest.mark.parametrize(("hidden", "activation", "cost"), EVERY_NETWORK)
def test_an_image_is_sent_through_the_network_as_in_python(
    hidden: list[int], activation: str, cost: str, page: Chrome
) -> None:
    network, images = random_network(hidden, activation, cost), random_images(3)
    script = """
        return others[0].map((image) => {
          const { z, activations } = forward(network, Float32Array.from(image));
          return [...z.at(-1), ...activations.flatMap((layer) => [...layer])];
        });
    """
    z, activations = sums_and_outputs(network, images)
    expected = np.concatenate([z, *activations], axis=1)
    np.testing.assert_allclose(compute(page, script, network, images.tolist()), expected, atol=1e-9)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_distance_from_digits_is_that_of_likeness_py(hidden: list[int], page: Chrome) -> None:
    network, images = random_network(hidden, "relu", "cross_entropy"), random_images(130)
    digits = Dataset(images.astype(np.float32), random_targets(130).astype(np.float32))
    likeness = measure_likeness(network, digits, hold_out(np.arange(100, 130), 130), 0.01)
    script = """
        const [packed, images] = others, likeness = unpackLikeness(packed);
        return images.map((image) => {
          const { activations } = forward(network, Float32Array.from(image));
          return [distance(likeness, activations), likeness.limit, likeness.unusual];
        });
    """
    shown = np.vstack([images, np.zeros((1, 784))])
    packed = describe_likeness(likeness)
    found = np.array(compute(page, script, network, packed, shown.tolist()))
    np.testing.assert_allclose(found[:, 0], likeness.distances(network.forward(shown)), atol=0.01)
    assert set(found[:, 1]) == {likeness.limit}
    assert set(found[:, 2]) == {likeness.unusual}


@pytest.mark.parametrize("cost", COSTS)
def test_large_sums_do_not_overflow(cost: str, page: Chrome) -> None:
    network, images = random_network([], "relu", cost), random_images(1)
    network.parameters *= 4096
    script = "return [...forward(network, Float32Array.from(others[0])).activations.at(-1)]"
    found = compute(page, script, network, images[0].tolist())
    np.testing.assert_allclose(found, network.forward(images)[-1][0], atol=1e-9)


BACKPROP = """
    const [images, labels] = others;
    const examples = labels.map((label, i) => ({ image: Float32Array.from(images[i]), label }));
    const before = [...network.parameters];
    const { gradient, deltas } = backprop(network, examples);
    const unchanged = network.parameters.every((parameter, i) => parameter === before[i]);
    return [[...gradient], deltas.flatMap((layer) => [...layer]), unchanged];
"""


@pytest.mark.parametrize(("hidden", "activation", "cost"), EVERY_NETWORK)
def test_the_gradient_is_that_of_backprop_py(
    hidden: list[int], activation: str, cost: str, page: Chrome
) -> None:
    network = random_network(hidden, activation, cost)
    images, targets = random_images(5), random_targets(5)
    labels = targets.argmax(axis=1).tolist()
    found, deltas, unchanged = compute(page, BACKPROP, network, images.tolist(), labels)
    assert unchanged
    expected = backprop(network, network.forward(images), targets)
    start = 0
    for part in (*expected.weights, *expected.biases):
        mine = np.reshape(found[start : start + part.size], part.shape)
        np.testing.assert_allclose(mine, part, rtol=0, atol=1e-5 * np.abs(part).max())
        start += part.size
    assert start == len(found)
    # A bias adds to its z and to nothing else: its slope is the neuron's delta.
    first = backprop(network, network.forward(images[:1]), targets[:1])
    np.testing.assert_allclose(deltas, np.concatenate(first.biases), rtol=1e-9, atol=1e-15)


def test_a_step_goes_down_the_gradient_and_leaves_the_network_as_it_was(page: Chrome) -> None:
    network = random_network([16, 16], "relu", "cross_entropy")
    gradient = np.random.default_rng(3).normal(size=network.parameters.size).astype(np.float32)
    script = """
        const next = step(network, Float32Array.from(others[0]), 0.25);
        const numbers = ({ weights, biases }) =>
          [...weights, ...biases].flatMap((part) => [...part]);
        return [[...next.parameters], numbers(next), numbers(network)];
    """
    vector, parts, before = compute(page, script, network, gradient.tolist())
    expected = network.parameters - 0.25 * gradient
    np.testing.assert_allclose(vector, expected, rtol=1e-7)
    np.testing.assert_array_equal(parts, vector)
    np.testing.assert_array_equal(before, network.parameters)


COMPARE = """
    const [image, a, b] = others;
    const found = compare(network, forward(network, Float32Array.from(image)), a, b);
    return { ...found, pixels: [...found.pixels] };
"""


@pytest.mark.parametrize(("a", "b"), [(4, 9), (0, 7)])
@pytest.mark.parametrize(
    ("hidden", "activation"),
    [([], "sigmoid"), ([16], "relu"), ([16, 16], "relu"), ([12, 9, 7, 5], "relu")],
)
def test_pixels_and_biases_add_up_to_the_lead_of_an_output(
    hidden: list[int], activation: str, a: int, b: int, page: Chrome
) -> None:
    network, images = random_network(hidden, activation, "cross_entropy"), random_images(1)
    found = compute(page, COMPARE, network, images[0].tolist(), a, b)
    z, activations = sums_and_outputs(network, images)
    # Forwards, as a linear function of the image: z = slopes · image + constant.
    slopes, constant = np.eye(784), np.zeros(784)
    for layer, weights in enumerate(network.weights):
        active = activations[layer][0] > 0 if layer else np.ones(784)
        slopes = weights @ (active[:, np.newaxis] * slopes)
        constant = weights @ (active * constant) + network.biases[layer]
    pixels = (slopes[a] - slopes[b]) * images[0]
    np.testing.assert_allclose(found["pixels"], pixels, atol=1e-5)
    assert found["exact"]
    assert found["rest"] == pytest.approx(constant[a] - constant[b], abs=1e-4)
    assert_sums(found, z[0, a] - z[0, b])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("hidden", [[16], [12, 9, 7, 5]])
def test_for_curved_functions_a_pixel_adds_its_slope_times_its_value(
    hidden: list[int], activation: str, page: Chrome
) -> None:
    network, images = random_network(hidden, activation, "squared_error"), random_images(1)
    found = compute(page, COMPARE, network, images[0].tolist(), 4, 9)
    h = 1e-4
    ends = [sums_and_outputs(network, images + sign * h * np.eye(784))[0] for sign in (1, -1)]
    leads = [z[:, 4] - z[:, 9] for z in ends]
    pixels = (leads[0] - leads[1]) / (2 * h) * images[0]
    np.testing.assert_allclose(found["pixels"], pixels, rtol=1e-4, atol=1e-8)
    assert not found["exact"]
    z, _ = sums_and_outputs(network, images)
    assert_sums(found, z[0, 4] - z[0, 9])


def assert_sums(found: dict[str, Any], lead: float) -> None:
    pixels = np.array(found["pixels"])
    assert found["lead"] == pytest.approx(lead, abs=1e-9)
    assert found["forSum"] == pytest.approx(pixels[pixels > 0].sum())
    assert found["againstSum"] == pytest.approx(pixels[pixels < 0].sum())
    assert pixels.sum() + found["rest"] == pytest.approx(lead, abs=1e-4)


@pytest.mark.parametrize("inked", [0, 0.01, 0.5, 0.99, 1])
def test_packed_pixels_are_unpacked(inked: float, page: Chrome) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(1, 256, 3 * 784) * (random.random(3 * 784) < inked)
    packed = base64.b64encode(pack_pixels(pixels.astype(np.uint8))).decode()
    script = "return [...unpackRuns(decodeBytes(arguments[0]), arguments[1])]"
    np.testing.assert_array_equal(run(page, MODULES, script, packed, len(pixels)), pixels)


def test_pixels_of_4_bits_are_unpacked(page: Chrome) -> None:
    levels = np.random.default_rng(0).integers(0, 16, 100 * 784)
    content = (levels[::2] << 4 | levels[1::2]).astype(np.uint8).tobytes()
    script = "return [...unpackNibbles(decodeBytes(arguments[0]))]"
    found = run(page, MODULES, script, base64.b64encode(content).decode())
    np.testing.assert_allclose(found, levels / 15, atol=1e-7)


def random_snapshots(network: Network, k: int) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Return a description of k snapshots and the network itself, and each one's parameters."""
    random = np.random.default_rng(4)
    rows = [weights.shape[1] for weights in network.weights for _ in weights]
    weights = random.integers(-127, 128, (k, sum(rows)))
    scales = random.random((k, len(rows))).astype(np.float32)
    biases = random.normal(size=(k, len(rows))).astype(np.float32)
    moments = [
        {"step": step, "epoch": step / 10, "cost": 1 / (step + 1), "accuracy": 1 - 1 / (step + 2)}
        for step in range(k + 1)
    ]
    description = {
        "moments": moments,
        "measured_on": "validation",
        "weights": encoded(weights, "i1"),
        "scales": encoded(scales, "<f4"),
        "biases": encoded(biases, "<f4"),
    }
    past = np.concatenate([weights * np.repeat(scales, rows, axis=1), biases], axis=1)
    return description, np.concatenate([past, [network.parameters]])


@pytest.mark.parametrize(("hidden", "k"), [([], 3), ([16, 16], 4), ([4], 0)])
def test_snapshots_are_networks_and_the_last_is_the_one_of_the_page(
    hidden: list[int], k: int, page: Chrome
) -> None:
    network, images = random_network(hidden, "tanh", "cross_entropy"), random_images(1)
    description, parameters = random_snapshots(network, k)
    script = """
        const snapshots = unpackSnapshots(others[0], network);
        const image = Float32Array.from(others[1]);
        return snapshots.map(({ network: past, ...moment }) => ({
          moment,
          parameters: [...past.parameters],
          outputs: [...forward(past, image).activations.at(-1)],
          itself: past === network,
        }));
    """
    found = compute(page, script, network, description, images[0].tolist())
    assert [each["moment"] for each in found] == description["moments"]
    assert [each["itself"] for each in found] == [False] * k + [True]
    for each, vector in zip(found, parameters, strict=True):
        np.testing.assert_allclose(each["parameters"], vector, rtol=1e-6)
        network.parameters[:] = vector
        np.testing.assert_allclose(each["outputs"], network.forward(images)[-1][0], atol=1e-5)
