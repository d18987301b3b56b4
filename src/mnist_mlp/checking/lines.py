"""The lines of backpropagation, each by itself, so that any of them can be replaced by a mistake.

Layers are counted from 1, as in Nielsen's book; layer 0 is the input. Rows are examples. Nothing
here is written for speed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.costs import COSTS as MEANS
from mnist_mlp.learning.network import sigmoid, softmax

# The slope of a leaky ReLU below 0, as people choose it.
LEAKS = {"leaky ReLU": 0.01, "leaky ReLU of 0.1": 0.1, "leaky ReLU of 0.2": 0.2}


class Function(NamedTuple):
    """An activation function and its slope, both of z; and its slope as people write it, of a."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    slope_of_a: Callable[[Array], Array]


def leaky(leak: float, z: Array) -> Array:
    """Return z where it is above 0, and leak · z elsewhere."""
    return np.where(z > 0, z, leak * z)


def leaky_slope(leak: float, z: Array) -> Array:
    """Return 1 where z is above 0, and leak elsewhere."""
    return np.where(z > 0, 1, leak)


FUNCTIONS = {
    "sigmoid": Function(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), lambda a: a * (1 - a)),
    "relu": Function(lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, lambda a: (a > 0) * 1.0),
    "tanh": Function(np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda a: 1 - a**2),
    "identity": Function(lambda z: z, np.ones_like, np.ones_like),
}
for name, leak in LEAKS.items():
    slope_of_leaky = partial(leaky_slope, leak)
    FUNCTIONS[name] = Function(partial(leaky, leak), slope_of_leaky, slope_of_leaky)
FUNCTIONS["softmax"] = FUNCTIONS["sigmoid"]  # of which its slope, taken elementwise, is that
HIDDEN = ("sigmoid", "relu", "tanh", *LEAKS)
OUTPUTS = ("softmax", "sigmoid", "identity", "tanh", "relu")
CANCELLING = {("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")}
COSTS: dict[str, Callable[[Array, Array], Array]] = {  # ∂C/∂a of one example
    "cross_entropy": lambda a, y: -y / a,
    "binary_cross_entropy": lambda a, y: (a - y) / (a * (1 - a)),
    "squared_error": lambda a, y: 2 * (a - y),
}


class Problem(NamedTuple):
    """A network and a mini-batch to try a program on.

    weights    from each layer to the next: (n_out, n_in)
    biases     of each layer but the input: (n_out,)
    images     (n, n_in)
    targets    one-hot rows, (n, 10)
    masks      dropout masks of the hidden layers, (n, n_out) each, 0 or 1 / the fraction kept
    decay      how strongly the cost punishes weights: C + decay/2 · Σ W²
    """

    weights: Sequence[Array]
    biases: Sequence[Array]
    images: Array
    targets: Array
    masks: Sequence[Array] = ()
    decay: float = 0.0

    @property
    def layers(self) -> range:
        """The numbers of the layers, without the input's."""
        return range(1, len(self.weights) + 1)


class Recipe(NamedTuple):
    """What a network computes: the functions of its hidden and output neurons, and its cost."""

    hidden: str
    output: str
    cost: str


class Line(NamedTuple):
    """A line of the method: how it is written, its equation in Nielsen's chapter 2, its value."""

    formula: str
    equation: str
    compute: "Compute"


class Pass:
    """A mini-batch on its way forward and back. Each attribute is a dictionary by layer.

    W, b       weights and biases
    z, a       weighted sums and activations; a[0] are the images
    carried    ∂C/∂a: what a layer gets from the one after it, δ W, and the outputs from the cost
    slope      ∂a/∂z; of softmax (n, 10, 10)
    delta      ∂C/∂z of each example
    input      what the weights are multiplied by
    odd_input  how that is computed, where it is known to be wrong
    dW, db     the gradient, averaged over the examples
    """

    written_out = False  # whether the slope of the outputs is computed even if it cancels
    sign = 1  # -1 if the program computes with y - a
    of_a = False  # whether slopes are computed from a; that is another if a is wrong
    turned = 1  # -1 if what comes back has the opposite sign in the program

    def __init__(self, problem: Problem, recipe: Recipe, rate: float = 0.0) -> None:
        """Begin. `rate` is that of a step that updates each layer before it goes on to the next."""
        self.W = dict(enumerate(problem.weights, 1))
        self.b = dict(enumerate(problem.biases, 1))
        self.y = problem.targets
        self.mask = dict(enumerate(problem.masks, 1))
        self.decay = problem.decay
        self.a = {0: problem.images}
        self.z: dict[int, Array] = {}
        self.carried: dict[int, Array] = {}
        self.slope: dict[int, Array] = {}
        self.delta: dict[int, Array] = {}
        self.input: dict[int, Array] = {}
        self.odd_input: dict[int, Compute] = {}
        self.dW: dict[int, Array] = {}
        self.db: dict[int, Array] = {}
        self.recipe = recipe
        self.rate = rate
        self.last = len(self.W)
        self.n = len(self.y)

    @property
    def error(self) -> Array:
        """The outputs minus the targets, (n, 10)."""
        return self.sign * (self.a[self.last] - self.y)

    @property
    def cost_slope(self) -> Array:
        """∂C/∂a of the outputs, (n, 10)."""
        return self.sign * COSTS[self.recipe.cost](self.a[self.last], self.y)

    def cancels(self, i: int) -> bool:
        """Tell whether layer i has a slope that cancels with that of the cost: delta = a - y."""
        both = (self.recipe.output, self.recipe.cost)
        return i == self.last and both in CANCELLING and not self.written_out

    def function(self, i: int) -> str:
        """Return the name of the activation function of layer i."""
        return self.recipe.output if i == self.last else self.recipe.hidden

    def own_slope(self, i: int) -> Array:
        """Return ∂a/∂z of layer i elementwise; that of softmax is its diagonal, a (1 - a)."""
        if self.function(i) == "softmax":
            return self.a[i] * (1 - self.a[i])
        function = FUNCTIONS[self.function(i)]
        return function.slope_of_a(self.a[i]) if self.of_a else function.slope(self.z[i])


Compute = Callable[[Pass, int], Array]


def squish(net: Pass, i: int) -> Array:
    """Return the activations of layer i."""
    name = net.function(i)
    a = softmax(net.z[i]) if name == "softmax" else FUNCTIONS[name].value(net.z[i])
    return a * net.mask.get(i, 1.0)


def slope(net: Pass, i: int) -> Array:
    """Return ∂a/∂z of layer i: of softmax, of each output by each weighted sum."""
    if net.cancels(i):
        return np.ones_like(net.a[i])
    if net.function(i) == "softmax":
        a = net.a[i]
        jacobians: Array = a[:, :, np.newaxis] * (np.eye(a.shape[1]) - a[:, np.newaxis])
        return jacobians
    return net.own_slope(i)


def delta(net: Pass, i: int) -> Array:
    """Return ∂C/∂z of layer i by the chain rule."""
    if net.slope[i].ndim == 3:
        through: Array = np.einsum("nj,njk->nk", net.carried[i], net.slope[i])
        return through
    return net.carried[i] * net.slope[i] * net.mask.get(i, 1.0)


# In the order in which they are computed: two forward, the others from the last layer back.
LINES = {
    "sum": Line(
        "z = a_prev @ W.T + b", "(23)", lambda net, i: net.a[i - 1] @ net.W[i].T + net.b[i]
    ),
    "squish": Line("a = f(z)", "(25)", squish),
    "cost": Line("∂C/∂a", "BP1", lambda net, i: net.error if net.cancels(i) else net.cost_slope),
    "carried": Line("delta_next @ W_next", "BP2", lambda net, i: net.delta[i + 1] @ net.W[i + 1]),
    "slope": Line("f′(z)", "BP2", slope),
    "delta": Line("delta = (delta_next @ W_next) * f′(z)", "BP2", delta),
    "input": Line("dW = delta.T @ a_prev", "BP4", lambda net, i: net.a[i - 1]),
    "weights": Line("dW = delta.T @ a_prev", "BP4", lambda net, i: net.delta[i].T @ net.input[i]),
    "biases": Line("db = delta.sum(axis=0)", "BP3", lambda net, i: net.delta[i].sum(axis=0)),
    "scale weights": Line("dW / n", "BP4", lambda net, i: net.dW[i] / net.n + net.decay * net.W[i]),
    "step": Line("W -= rate * dW", "(19)", lambda net, i: net.dW[i]),
    "scale biases": Line("db / n", "BP3", lambda net, i: net.db[i] / net.n),
}
Planted = Mapping[tuple[str, int], Compute]  # by line and layer, what stands there instead


def line(net: Pass, name: str, i: int, planted: Planted) -> Array:
    """Compute a line for layer i, or what is planted there."""
    return planted.get((name, i), LINES[name].compute)(net, i)


def forward(net: Pass, planted: Planted) -> None:
    """Compute z and a of every layer."""
    for i in net.W:
        net.z[i] = line(net, "sum", i, planted)
        net.a[i] = line(net, "squish", i, planted)


def backward(net: Pass, planted: Planted) -> None:
    """Compute delta, dW and db of every layer, the last one first."""
    for i in reversed(net.W):
        net.carried[i] = line(net, "cost" if i == net.last else "carried", i, planted)
        net.slope[i] = line(net, "slope", i, planted)
        net.delta[i] = line(net, "delta", i, planted)
        net.input[i] = line(net, "input", i, planted)
        net.dW[i] = line(net, "weights", i, planted)
        net.dW[i] = line(net, "scale weights", i, planted)
        net.db[i] = line(net, "biases", i, planted)
        net.db[i] = line(net, "scale biases", i, planted)


def run(problem: Problem, recipe: Recipe, planted: Planted, rate: float = 0.0) -> Pass:
    """Return a whole pass, forward and back, with what is planted in it."""
    net = Pass(problem, recipe, rate)
    forward(net, planted)
    backward(net, planted)
    return net


CHANGE = 1e-5  # of a parameter, for a finite difference


def finite_difference(
    problem: Problem, recipe: Recipe, kind: str, i: int, at: tuple[int, ...]
) -> float:
    """Return ∂C/∂w of one of the "weights" or "biases" of layer i, from the costs on both sides."""
    costs = []
    for change in (CHANGE, -CHANGE):
        net = Pass(problem, recipe)
        parameters = net.W if kind == "weights" else net.b
        parameters[i] = parameters[i].astype(float)
        parameters[i][at] += change
        forward(net, {})
        costs.append(MEANS[recipe.cost].mean(net.a[net.last], net.y))
    return (costs[0] - costs[1]) / (2 * CHANGE)


VISIBLE = 24  # pixels of a larger image that are not 0


def new_problem(sizes: Sequence[int], n: int, seed: int) -> Problem:
    """Return a random network with layers of these sizes, and n random examples."""
    random = np.random.default_rng(seed)
    inputs = [min(sizes[0], VISIBLE), *sizes[1:-1]]  # that are not 0
    weights: list[Any] = [
        random.normal(0, 1.5 / np.sqrt(n_visible), (n_out, n_in))
        for n_visible, n_in, n_out in zip(inputs, sizes[:-1], sizes[1:], strict=True)
    ]
    biases: list[Any] = [random.normal(0, 0.5, n_out) for n_out in sizes[1:]]
    labels = random.permutation(-np.arange(1, n + 1) % sizes[-1])  # the last digit is among them
    images = random.random((n, sizes[0]))
    images[:, random.permutation(sizes[0])[VISIBLE:]] = 0
    return Problem(weights, biases, images, np.eye(sizes[-1])[labels])
