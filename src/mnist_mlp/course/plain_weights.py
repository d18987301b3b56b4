"""A network as plain arrays, to load into a program of one's own and compare layer by layer."""

from pathlib import Path

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.files import atomic_write
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.evaluation import activations
from mnist_mlp.learning.model import save_arrays
from mnist_mlp.learning.network import Network

IMAGES = 5  # test images whose activations are written
README = """\
{loading} = np.load("weights.npz").values()  # W: (neurons, inputs)
images, labels, {layers} = np.load("activations.npz").values()  # {n} test images
The first hidden layer is a1 = f(images @ W1.T + b1), with a row for each image; f is {hidden}.
The last layer has {output} instead. If yours has columns for images, compare with its transpose.
Compare layer by layer with np.abs(yours - a1).max(): rounding gives about 1e-6, a mistake more.
"""
NO_HIDDEN = """\
{loading} = np.load("weights.npz").values()  # W: (neurons, inputs)
images, labels, {layers} = np.load("activations.npz").values()  # {n} test images
The outputs are a1 = {output}(images @ W1.T + b1), with a row for each image.
If yours has columns for images, compare with its transpose.
Compare with np.abs(yours - a1).max(): rounding gives about 1e-6, a mistake more.
"""


def write_weights(folder: Path, network: Network, test: Dataset) -> str:
    """Write weights.npz, activations.npz and a README.txt; return the README.

    weights.npz       W1, (n_out, n_in), b1, (n_out,), W2, b2 and so on
    activations.npz   IMAGES test images, their labels, and a1, a2 and so on
    """
    images = test.images[:IMAGES]
    layers = activations(network, images)[1:]
    parameters: dict[str, Array] = {}
    for i, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        parameters |= {f"W{i}": weights, f"b{i}": biases}
    named = {f"a{i}": layer for i, layer in enumerate(layers, 1)}
    text = (README if len(layers) > 1 else NO_HIDDEN).format(
        loading=", ".join(parameters),
        layers=", ".join(named),
        n=len(images),
        hidden=network.activation,
        output=network.functions[-1].__name__,
    )
    save_arrays(folder / "weights.npz", parameters)
    save_arrays(
        folder / "activations.npz", {"images": images, "labels": test.labels[:IMAGES]} | named
    )
    with atomic_write(folder / "README.txt") as file:
        file.write(text.encode())
    return text
