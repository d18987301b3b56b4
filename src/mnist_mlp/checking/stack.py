"""A stack: networks that learn from the same mini-batches, each with a mistake of its own.

The right lines are computed for all networks at once, a wrong one only for the network that has it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import LINES, Compute, Pass, Planted, Problem, Recipe

HOMES = {  # the attribute of Pass that holds what a line computes
    **{"sum": "z", "squish": "a", "cost": "carried"},
    **{"carried": "carried", "slope": "slope", "delta": "delta"},
    **{"weights": "dW", "scale weights": "dW", "biases": "db", "scale biases": "db"},
}


class Member(NamedTuple):
    """A network of a stack: its recipe, and the mistakes planted in it."""

    recipe: Recipe
    planted: Planted


class Stack:
    """K networks of the same layers, and mini-batches of n examples.

    W, b       weights and biases by layer: (K, n_out, n_in) and (K, n_out)
    values     by attribute of Pass, the arrays of all networks by layer: (K, n, n_out), or as W, b
    nets       a pass for each network; its arrays are views of those of all
    whole      a pass that takes all K * n examples for rows, for the lines without weights
    odd        by line and layer, the networks that compute something else there
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        members: Sequence[Member],
        decay: float,
        n: int,
    ) -> None:
        """Begin with weights, (K, n_out, n_in), and biases, (K, n_out), of each layer.

        They change with each step. `decay` is that of Problem.
        """
        self.W, self.b = dict(enumerate(weights, 1)), dict(enumerate(biases, 1))
        self.decay = decay
        self.n = n
        self.last = len(self.W)
        n_nets = len(members)
        self.images = np.empty((n, self.W[1].shape[2]), np.float32)
        self.y = np.empty((n_nets, n, self.b[self.last].shape[1]), np.float32)
        self.values = {
            name: {i: np.empty((n_nets, n, b.shape[1]), np.float32) for i, b in self.b.items()}
            for name in ("z", "a", "carried", "slope", "delta")
        }
        usual = members[0].recipe
        self.whole = Pass(Problem(weights, biases, self.images, _rows(self.y)), usual)
        for name, arrays in self.values.items():
            getattr(self.whole, name).update({i: _rows(array) for i, array in arrays.items()})
        self.values["dW"] = {i: np.empty_like(W) for i, W in self.W.items()}
        self.values["db"] = {i: np.empty_like(b) for i, b in self.b.items()}
        self.nets = [self._view(k, member.recipe) for k, member in enumerate(members)]
        self.odd: dict[tuple[str, int], list[tuple[int, Compute]]] = {}
        for k, (recipe, planted) in enumerate(members):
            own = {} if recipe == usual else dict(self._lines_of_a_recipe())
            for (name, i), compute in (own | dict(planted)).items():
                if name == "input":
                    self.odd.setdefault(("weights", i), []).append((k, _of_input(compute)))
                else:
                    self.odd.setdefault((name, i), []).append((k, compute))

    def _view(self, k: int, recipe: Recipe) -> Pass:
        """Return the pass of network k."""
        weights, biases = [W[k] for W in self.W.values()], [b[k] for b in self.b.values()]
        net = Pass(Problem(weights, biases, self.images, self.y[k], (), self.decay), recipe)
        for name, arrays in self.values.items():
            getattr(net, name).update({i: array[k] for i, array in arrays.items()})
        return net

    def _lines_of_a_recipe(self) -> Iterator[tuple[tuple[str, int], Compute]]:
        """Yield the right lines that another recipe computes in another way."""
        for i in self.W:
            yield ("squish", i), LINES["squish"].compute
            yield ("slope", i), LINES["slope"].compute
        yield ("cost", self.last), LINES["cost"].compute

    def forward(self, images: Array) -> Array:
        """Return the outputs, (K, n, n_outputs), for images, (n, n_in)."""
        self.images[:] = images
        for i in self.W:
            self._line("sum", i)
            self._line("squish", i)
        return self.values["a"][self.last]

    def step(self, images: Array, targets: Array, rate: float) -> None:
        """Make a step of gradient descent for images, (n, n_in), and targets, (n, n_outputs)."""
        self.y[:] = targets
        self.forward(images)
        for net in self.nets:
            net.rate = rate
        for i in reversed(self.W):
            self._line("cost" if i == self.last else "carried", i)
            for name in ("slope", "delta", "weights", "scale weights", "biases", "scale biases"):
                self._line(name, i)
        for parameters, gradient in ((self.W, self.values["dW"]), (self.b, self.values["db"])):
            for i in parameters:
                gradient[i] *= rate
                parameters[i] -= gradient[i]

    def _line(self, name: str, i: int) -> None:
        """Compute a line for layer i of all networks."""
        out = self.values[HOMES[name]][i]
        odd = self.odd.get((name, i), ())
        values = [np.array(compute(self.nets[k], i)) for k, compute in odd]  # no views of `out`
        self._right(name, i, out)
        for (k, _), value in zip(odd, values, strict=True):
            out[k] = value

    def _right(self, name: str, i: int, out: Array) -> None:
        """Compute the right line for layer i of all networks."""
        before = self.values["a"].get(i - 1, self.images)
        delta = self.values["delta"]
        if name == "sum":
            np.matmul(before, self.W[i].swapaxes(1, 2), out=out)
            out += self.b[i][:, np.newaxis]
        elif name == "carried":
            np.matmul(delta[i + 1], self.W[i + 1], out=out)
        elif name == "weights":
            np.matmul(delta[i].swapaxes(1, 2), before, out=out)
        elif name == "biases":
            np.sum(delta[i], axis=1, out=out)
        elif name == "scale weights":
            out *= 1 / self.n
            if self.decay:
                out += self.decay * self.W[i]
        elif name == "scale biases":
            out *= 1 / self.n
        else:
            _rows(out)[:] = LINES[name].compute(self.whole, i)


def _of_input(compute: Compute) -> Compute:
    """Return the weights' gradient with this input."""
    return lambda net, i: net.delta[i].T @ compute(net, i)


def _rows(array: Array) -> Array:
    """Return the same numbers, (K, n, n_out), as K * n rows."""
    return array.reshape(-1, array.shape[-1])
