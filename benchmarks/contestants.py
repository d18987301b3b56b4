"""The contestants of the speed benchmark: each does the same work, in its usual way.

    PYTHONPATH=src python benchmarks/contestants.py NAME KERNELS FOLDER

loads a problem from a folder. For each line on standard input, it trains an epoch and prints the
seconds; after the first epoch, it saves its parameters. KERNELS is portable, fastest, or own, which
leaves the choice to the library.

The work is an epoch of `training.train`: the same images, initial parameters, order of examples,
mini-batches, cost (cross-entropy on softmax outputs with ReLU, binary cross-entropy on sigmoid
outputs with sigmoid) and plain gradient descent at a constant rate, in float32 if the
contestant supports it.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mnist_mlp.base.kernels import choose_kernels

NAME, KERNELS, FOLDER = sys.argv[1:]
if KERNELS != "own":
    choose_kernels(KERNELS)

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.randomness import generator
from mnist_mlp.learning.products import matmul

Array = NDArray[np.float32]


class Problem(NamedTuple):
    """What every contestant gets."""

    images: Array
    targets: Array
    sizes: Sequence[int]
    activation: str
    parameters: Array
    batch_size: int
    learning_rate: float


class Contestant(Protocol):
    """Trains for an epoch when called; `parameters` returns a vector in the project's layout."""

    def __call__(self, order: NDArray[np.intp]) -> None: ...
    def parameters(self) -> Array: ...


def layers(problem: Problem) -> tuple[list[Array], list[Array]]:
    """Copy the initial weights (n_out, n_in) and biases (n_out,) of each layer."""
    vector, weights, biases = problem.parameters.copy(), [], []
    for n_in, n_out in pairwise(problem.sizes):
        w, vector = np.split(vector, [n_in * n_out])
        weights.append(w.reshape(n_out, n_in))
    for n_out in problem.sizes[1:]:
        b, vector = np.split(vector, [n_out])
        biases.append(b)
    return weights, biases


def joined(weights: Sequence[Any], biases: Sequence[Any]) -> Array:
    """Return weights and biases as one vector in the project's layout."""
    return np.concatenate([np.asarray(part, np.float32).ravel() for part in (*weights, *biases)])


class Jax:
    """JAX: a whole epoch under one jit, with a scan over its mini-batches."""

    def __init__(self, problem: Problem) -> None:
        import jax
        import jax.numpy as jnp

        def cost(parameters: Any, images: Any, targets: Any) -> Any:
            a = images
            for weights, biases in parameters[:-1]:
                z = a @ weights.T + biases
                a = jax.nn.relu(z) if problem.activation == "relu" else jax.nn.sigmoid(z)
            weights, biases = parameters[-1]
            z = a @ weights.T + biases
            if problem.activation == "relu":
                return -jnp.sum(targets * jax.nn.log_softmax(z)) / len(images)
            likely = targets * jax.nn.log_sigmoid(z) + (1 - targets) * jax.nn.log_sigmoid(-z)
            return -jnp.sum(likely) / len(images)

        def step(parameters: Any, rows: Any) -> tuple[Any, None]:
            gradient = jax.grad(cost)(parameters, self.images[rows], self.targets[rows])
            rate = problem.learning_rate
            return jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), None

        def epoch(parameters: Any, images: Any, targets: Any, order: Any) -> Any:
            self.images, self.targets = images, targets
            whole = len(order) // problem.batch_size * problem.batch_size
            batches = order[:whole].reshape(-1, problem.batch_size)
            parameters, _ = jax.lax.scan(step, parameters, batches)
            return step(parameters, order[whole:])[0] if whole < len(order) else parameters

        self.data = jnp.asarray(problem.images), jnp.asarray(problem.targets)
        self.layers = [
            tuple(map(jnp.asarray, layer)) for layer in zip(*layers(problem), strict=True)
        ]
        self.epoch = jax.jit(epoch, donate_argnums=0)
        self.jax = jax

    def __call__(self, order: NDArray[np.intp]) -> None:
        self.layers = self.jax.block_until_ready(
            self.epoch(self.layers, *self.data, order.astype(np.int32))
        )

    def parameters(self) -> Array:
        return joined(*zip(*self.layers, strict=True))


class PyTorch:
    """PyTorch, eager: a module, an optimiser and the usual loop."""

    def __init__(self, problem: Problem) -> None:
        import torch

        relu = problem.activation == "relu"
        modules: list[Any] = []
        for weights, biases in zip(*layers(problem), strict=True):
            linear = torch.nn.Linear(*weights.T.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weights))
                linear.bias.copy_(torch.from_numpy(biases))
            modules += [linear, torch.nn.ReLU() if relu else torch.nn.Sigmoid()]
        self.model = torch.nn.Sequential(*modules[:-1])
        self.cost = (
            torch.nn.CrossEntropyLoss() if relu else torch.nn.BCEWithLogitsLoss(reduction="sum")
        )
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=problem.learning_rate)
        self.images = torch.from_numpy(problem.images)
        self.targets = torch.from_numpy(problem.targets)
        self.batch_size = problem.batch_size
        self.from_numpy = torch.from_numpy

    def __call__(self, order: NDArray[np.intp]) -> None:
        for rows in self.from_numpy(order).split(self.batch_size):
            self.optimiser.zero_grad()
            cost = self.cost(self.model(self.images[rows]), self.targets[rows])
            cost.backward()
            self.optimiser.step()

    def parameters(self) -> Array:
        linear = [module for module in self.model if hasattr(module, "weight")]
        return joined([x.weight.detach() for x in linear], [x.bias.detach() for x in linear])


class ScikitLearn:
    """scikit-learn's MLPClassifier and its own loop over mini-batches."""

    def __init__(self, problem: Problem) -> None:
        from sklearn.neural_network import MLPClassifier

        self.problem = problem
        self.labels = problem.targets.argmax(axis=1)
        self.model = MLPClassifier(
            problem.sizes[1:-1],
            activation="relu" if problem.activation == "relu" else "logistic",
            solver="sgd",
            alpha=0,
            batch_size=problem.batch_size,
            learning_rate_init=problem.learning_rate,
            momentum=0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        some = slice(problem.batch_size)
        self.model.partial_fit(problem.images[some], self.labels[some], classes=range(10))
        for mine, given in zip(self.model.coefs_, layers(problem)[0], strict=True):
            mine[:] = given.T
        for mine, given in zip(self.model.intercepts_, layers(problem)[1], strict=True):
            mine[:] = given

    def __call__(self, order: NDArray[np.intp]) -> None:
        self.model.partial_fit(self.problem.images[order], self.labels[order])

    def parameters(self) -> Array:
        return joined([weights.T for weights in self.model.coefs_], self.model.intercepts_)


class OneAtATime:
    """As Nielsen and Bot Academy do it: one example at a time, as column vectors, in float64."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        weights, biases = layers(problem)
        self.weights = [w.astype(float) for w in weights]
        self.biases = [b.astype(float)[:, np.newaxis] for b in biases]
        self.images = problem.images.astype(float)[:, :, np.newaxis]
        self.targets = problem.targets.astype(float)[:, :, np.newaxis]

    def __call__(self, order: NDArray[np.intp]) -> None:
        problem = self.problem
        self.cost, self.right = 0.0, 0
        for start in range(0, len(order), problem.batch_size):
            rows = order[start : start + problem.batch_size]
            by_weights = [np.zeros(w.shape) for w in self.weights]
            by_biases = [np.zeros(b.shape) for b in self.biases]
            for row in rows:
                self._add_gradient(self.images[row], self.targets[row], by_weights, by_biases)
            rate = problem.learning_rate / len(rows)
            self.weights = [w - rate * g for w, g in zip(self.weights, by_weights, strict=True)]
            self.biases = [b - rate * g for b, g in zip(self.biases, by_biases, strict=True)]

    def _add_gradient(self, image: Any, target: Any, by_weights: Any, by_biases: Any) -> None:
        relu = self.problem.activation == "relu"
        activations = [image]
        for w, b in zip(self.weights, self.biases, strict=True):
            z = np.dot(w, activations[-1]) + b
            activations.append(np.maximum(z, 0) if relu else 1 / (1 + np.exp(-z)))
        if relu:
            exponentials = np.exp(z - z.max())
            activations[-1] = exponentials / exponentials.sum()
        self.cost += np.sum((activations[-1] - target) ** 2)
        self.right += np.argmax(activations[-1]) == np.argmax(target)
        delta = activations[-1] - target
        for layer in reversed(range(len(self.weights))):
            below = activations[layer]
            by_weights[layer] += np.dot(delta, below.T)
            by_biases[layer] += delta
            delta = np.dot(self.weights[layer].T, delta)
            delta = delta * (below > 0) if relu else delta * below * (1 - below)

    def parameters(self) -> Array:
        return joined(self.weights, self.biases)


class Project:
    """The project's own training."""

    def __init__(self, problem: Problem) -> None:
        from mnist_mlp.base.params import Params
        from mnist_mlp.data.dataset import Dataset
        from mnist_mlp.learning.network import Network
        from mnist_mlp.learning.progress import Progress
        from mnist_mlp.learning.training import train, train_epoch

        relu = problem.activation == "relu"
        params = Params(
            validation=0,
            hidden=tuple(problem.sizes[1:-1]),
            activation="relu" if relu else "sigmoid",
            cost="cross_entropy" if relu else "binary_cross_entropy",
            initial_weights="xavier",
            learning_rate=problem.learning_rate,
            schedule="constant",
            weight_decay=0,
            batch_size=problem.batch_size,
            epochs=10**6,
            seed=SEED,
        )
        self.network = Network(problem.sizes, params.activation, params.cost)
        self.network.parameters[:] = problem.parameters
        digits = Dataset(problem.images, problem.targets)
        progress = Progress(self.network, digits, params)
        self.epochs = train(self.network, digits, params, progress)
        self.steps = partial(train_epoch, self.network, progress, params, epoch=0)

    def __call__(self, order: NDArray[np.intp]) -> None:
        next(self.epochs)  # it draws the same order, from the same seed

    def parameters(self) -> Array:
        return self.network.parameters.copy()


class Steps(Project):
    """The project's steps of gradient descent, without what it does at the end of an epoch."""

    def __call__(self, order: NDArray[np.intp]) -> None:
        for _ in self.steps():
            pass


class Calls(Project):
    """The overhead of function calls in the project's training: every layer has one neuron."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem._replace(
                images=problem.images[:, :1].copy(),
                targets=problem.targets[:, :1].copy(),
                sizes=[1] * len(problem.sizes),
                parameters=np.zeros(2 * (len(problem.sizes) - 1), np.float32),
            )
        )


class Products:
    """A lower bound: only the matrix products of the project's training."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weights, _ = layers(problem)
        self.a = [np.ones((problem.batch_size, size), np.float32) for size in problem.sizes]
        self.gradient = [np.empty_like(w) for w in self.weights]

    def __call__(self, order: NDArray[np.intp]) -> None:
        a = self.a
        for _ in range(-(-len(order) // self.problem.batch_size)):
            for i, w in enumerate(self.weights):
                matmul(a[i], w.T, a[i + 1])
            for i, w in reversed(list(enumerate(self.weights))):
                matmul(a[i + 1].T, a[i], self.gradient[i])
                if i:
                    matmul(a[i + 1], w, a[i])

    def parameters(self) -> Array:
        return self.problem.parameters


class Gathering:
    """Only the gathering of the examples of each mini-batch from all over memory."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.images = np.empty((problem.batch_size, problem.sizes[0]), np.float32)

    def __call__(self, order: NDArray[np.intp]) -> None:
        size = self.problem.batch_size
        for start in range(0, len(order) - size + 1, size):
            self.problem.images.take(order[start : start + size], 0, self.images, "clip")

    def parameters(self) -> Array:
        return self.problem.parameters


SEED = 0
CONTESTANTS: dict[str, Callable[[Problem], Contestant]] = {
    "project": Project,
    "JAX": Jax,
    "PyTorch": PyTorch,
    "scikit-learn": ScikitLearn,
    "example at a time": OneAtATime,
    "steps alone": Steps,
    "calls alone": Calls,
    "products alone": Products,
    "gathering alone": Gathering,
}


def main() -> None:
    """Train an epoch for each line read, and print the seconds it took."""
    folder = Path(FOLDER)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    arrays = {part: np.load(folder / f"{part}.npy") for part in ("images", "targets", "parameters")}
    contestant = CONTESTANTS[NAME](Problem(**settings, **arrays))
    for epoch, _ in enumerate(sys.stdin):
        order = generator(SEED, "shuffling", epoch).permutation(len(arrays["images"]))
        start = time.perf_counter()
        contestant(order)
        seconds = time.perf_counter() - start
        if epoch == 0:
            np.save(folder / f"{NAME} {KERNELS}.npy", contestant.parameters())
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
