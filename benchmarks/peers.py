"""Train a named run with another library, from `python` to a saved model.

    PYTHONPATH=src python benchmarks/peers.py LIBRARY RUN SEED MODEL PREPARED

LIBRARY is JAX, PyTorch or scikit-learn. JAX and PyTorch, each in its usual way, in float32, follow
the recipe to the letter: initial weights, mini-batches, cost, Nesterov momentum, learning rates,
averaging. scikit-learn cannot; it gets Adam, its best optimiser. All use this project's `deform`,
since none has its own.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import yaml
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import Dataset, draw_split, load_dataset
from mnist_mlp.learning.batches import shuffled
from mnist_mlp.learning.model import save_network
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.refinements import Refinements
from mnist_mlp.learning.training import new_network

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "benchmarks/named.yaml"
ADAM = {"96": (200, 30), "98": (200, 12), "99": (128, 20)}  # batch size, epochs, by validation


class Epoch(NamedTuple):
    """What is learned from in an epoch: mini-batches are the rows `order`, cut."""

    images: Array
    targets: Array
    order: NDArray[np.intp]
    rates: list[float]


class Library(Protocol):
    """Trains for an epoch; `parameters` returns a vector in the project's layout."""

    def train(self, epoch: Epoch) -> None: ...
    def parameters(self) -> Array: ...


def joined(weights: Iterable[Any], biases: Iterable[Any]) -> Array:
    """Return weights, (n_out, n_in) each, and biases, (n_out,), as one vector."""
    return np.concatenate([np.asarray(part, np.float32).ravel() for part in (*weights, *biases)])


class Jax:
    """JAX: a whole epoch under one jit, with a scan over its mini-batches."""

    def __init__(self, network: Network, params: Params) -> None:
        import jax
        import jax.numpy as jnp

        size, momentum = params.batch_size, params.momentum

        def cost(parameters: Any, images: Any, targets: Any) -> Any:
            a = images
            for weights, biases in parameters[:-1]:
                a = jax.nn.relu(a @ weights.T + biases)
            weights, biases = parameters[-1]
            return -jnp.sum(targets * jax.nn.log_softmax(a @ weights.T + biases)) / len(images)

        def descend(state: Any, gradient: Any, rate: Any) -> Any:
            parameters, velocity = state
            velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
            change = velocity
            if params.nesterov:
                change = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
            return jax.tree.map(lambda p, c: p - rate * c, parameters, change), velocity

        def epoch(state: Any, images: Any, targets: Any, order: Any, rates: Any) -> Any:
            def step(state: Any, batch: Any) -> tuple[Any, None]:
                rows, rate = batch
                gradient = jax.grad(cost)(state[0], images[rows], targets[rows])
                return descend(state, gradient, rate), None

            whole = len(order) // size
            batches = order[: whole * size].reshape(whole, size), rates[:whole]
            state, _ = jax.lax.scan(step, state, batches)
            last = order[whole * size :], rates[-1]
            return step(state, last)[0] if len(order) % size else state

        pairs = zip(network.weights, network.biases, strict=True)
        parameters = [(jnp.array(weights), jnp.array(biases)) for weights, biases in pairs]
        self.state = parameters, jax.tree.map(jnp.zeros_like, parameters)
        self.epoch = jax.jit(epoch, donate_argnums=0)
        self.asarray = jnp.asarray
        self.data: dict[int, Any] = {}

    def train(self, epoch: Epoch) -> None:
        images, targets, order, rates = epoch
        if id(images) not in self.data:  # else they are on JAX's device
            self.data = {id(images): (self.asarray(images), self.asarray(targets))}
        rates_ = np.array(rates, np.float32)
        self.state = self.epoch(self.state, *self.data[id(images)], order.astype(np.int32), rates_)

    def parameters(self) -> Array:
        return joined(*zip(*self.state[0], strict=True))


class PyTorch:
    """PyTorch, eager: a module, an optimiser and the usual loop."""

    def __init__(self, network: Network, params: Params) -> None:
        import torch

        modules: list[Any] = []
        for weights, biases in zip(network.weights, network.biases, strict=True):
            linear = torch.nn.Linear(*weights.T.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weights))
                linear.bias.copy_(torch.from_numpy(biases))
            modules += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*modules[:-1])
        self.cost = torch.nn.CrossEntropyLoss()
        self.optimiser = torch.optim.SGD(
            self.model.parameters(),
            lr=params.learning_rate,
            momentum=params.momentum,
            nesterov=params.nesterov,
        )
        self.batch_size = params.batch_size
        self.from_numpy = torch.from_numpy

    def train(self, epoch: Epoch) -> None:
        images, targets, order = map(self.from_numpy, epoch[:3])
        for rate, rows in zip(epoch.rates, order.split(self.batch_size), strict=True):
            self.optimiser.param_groups[0]["lr"] = rate
            self.optimiser.zero_grad()
            self.cost(self.model(images[rows]), targets[rows]).backward()
            self.optimiser.step()

    def parameters(self) -> Array:
        linear = self.model[::2]
        return joined([x.weight.detach() for x in linear], [x.bias.detach() for x in linear])


class ScikitLearn:
    """scikit-learn's MLPClassifier with Adam."""

    def __init__(self, network: Network, params: Params) -> None:
        from sklearn.neural_network import MLPClassifier

        self.model = MLPClassifier(
            params.hidden, alpha=0, batch_size=params.batch_size, random_state=params.seed
        )

    def train(self, epoch: Epoch) -> None:
        labels = epoch.targets.argmax(axis=1)
        self.model.partial_fit(epoch.images, labels, classes=range(10))

    def parameters(self) -> Array:
        return joined([weights.T for weights in self.model.coefs_], self.model.intercepts_)


LIBRARIES: dict[str, Callable[[Network, Params], Library]] = {
    "JAX": Jax,
    "PyTorch": PyTorch,
    "scikit-learn": ScikitLearn,
}


def read_run(name: str, **changes: Any) -> Params:
    """Return the knobs of a named run, with some changed."""
    return Params(**yaml.safe_load(RUNS.read_text(encoding="utf-8"))["runs"][name] | changes)


def draw(network: Network, digits: Dataset, params: Params, number: int) -> Epoch:
    """Return an epoch, counted from 0, as this project would have it."""
    n, size = len(digits.images), params.batch_size
    refine = Refinements(network, params, number, n, network.parameters)
    order = shuffled(n, generator(params.seed, "shuffling", number))
    if params.augment == "none":
        return Epoch(*digits, order, refine.learning_rates)
    images, targets = digits.images[order], digits.targets[order]
    for start in range(0, n, size):
        refine.augment(images[start : start + size])
    return Epoch(images, targets, np.arange(n), refine.learning_rates)


def main(name: str, run: str, seed: str, model: str, prepared: str) -> None:
    """Train, average the parameters of the last epochs if the recipe does, and save."""
    params = read_run(run, seed=int(seed))
    if name == "scikit-learn":
        size, epochs = ADAM[run]
        params = read_run(run, seed=int(seed), batch_size=size, epochs=epochs)
    network = new_network(params)
    digits = Dataset(*map(np.array, load_dataset(Path(prepared), "training")))
    if params.validation:
        rows = draw_split(len(digits.images), params).training
        digits = Dataset(digits.images[rows], digits.targets[rows])
    library = LIBRARIES[name](network, params)
    averaged = max(1, round(params.averaging * params.epochs))
    mean = np.zeros_like(network.parameters)
    for number in range(params.epochs):
        library.train(draw(network, digits, params, number))
        if number >= params.epochs - averaged:
            mean += library.parameters() / averaged
    network.parameters[:] = mean
    save_network(Path(model), network)


if __name__ == "__main__":
    main(*sys.argv[1:])
