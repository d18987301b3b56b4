"""The museum of backprop bugs: what goes wrong when people write backpropagation themselves.

Each mistake replaces one line of lines.py by a wrong one, written in the same words. The idea that
errors can be named, because each leaves its own traces, is that of BUGGY (Brown and Burton 1978,
Diagnostic models for procedural bugs in basic mathematical skills). In each room the most frequent
mistakes come first.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import (
    FUNCTIONS,
    LEAKS,
    LINES,
    Compute,
    Pass,
    Planted,
    leaky_slope,
)
from mnist_mlp.learning.network import sigmoid, softmax


class Mistake(NamedTuple):
    """A known mistake.

    line      the line of LINES in whose place it stands
    name      what went wrong, in a few words
    wrong     how it is written
    learns    why the network may still learn, or why it does not
    compute   the wrong line: the pass so far and a layer → an array
    only      the functions of the layer with which people make it; empty: all
    right     the right line, if it is not that of LINES
    at        "hidden" layers, those "with dropout", "outputs", the "first" layer, or those
              "after the first"; "" for all
    """

    line: str
    name: str
    wrong: str
    learns: str
    compute: Compute
    only: tuple[str, ...] = ()
    right: str = ""
    at: str = ""

    @property
    def formula(self) -> str:
        """The right line."""
        return self.right or LINES[self.line].formula

    def layers(self, net: Pass) -> list[int]:
        """Return the layers in which it can stand."""
        first, last = 1, net.last
        if self.at == "first":
            last = 1
        elif self.at == "after the first":
            first = 2
        elif self.at == "hidden" or self.line == "carried":
            last -= 1
        elif self.at == "outputs" or self.line == "cost":
            first = last
        layers = net.mask if self.at == "with dropout" else range(first, last + 1)
        names = {i: net.function(i) for i in layers}
        return [i for i, name in names.items() if not self.only or self._fits(name)]

    def _fits(self, function: str) -> bool:
        """Tell whether people make it with this function; softmax's slope looks like sigmoid's."""
        return function.split(" of ", maxsplit=1)[0] in self.only or (
            self.line == "slope" and function == "softmax" and "sigmoid" in self.only
        )


def plant(mistakes: Iterable[tuple[Mistake, Iterable[int]]]) -> Planted:
    """Return what stands in which line if these mistakes are made in these layers."""
    return {(mistake.line, i): mistake.compute for mistake, layers in mistakes for i in layers}


def _everywhere(number: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(number, shape).copy()


def _another(arrays: Mapping[int, Array], shape: tuple[int, ...], i: int) -> Array:
    """Return the array of another layer, if one has this shape."""
    others = [array for j, array in arrays.items() if j != i and array.shape == shape]
    if not others:
        raise ValueError("no other layer has this shape")
    return others[0]


def _another_bias(net: Pass, i: int) -> Array:
    """Return the bias gradient of another layer that has as many neurons, or one."""
    size = len(net.b[i])
    others = [delta for j, delta in net.delta.items() if j != i and delta.shape[1] in (1, size)]
    if not others:
        raise ValueError("no other layer has this shape")
    return _everywhere(others[0].sum(axis=0), net.b[i].shape)


def _of_shape(array: Array, other: Array) -> Array:
    if array.shape != other.shape:
        raise ValueError("not of the same shape")
    return array


def _square(array: Array) -> Array:
    if array.shape[0] != array.shape[1]:
        raise ValueError("not square")
    return array


def _leak(net: Pass, i: int) -> float:
    return LEAKS[net.function(i)]


def _other_leak(net: Pass, i: int) -> float:
    """Return the leak that people most often confuse with that of layer i."""
    return 0.1 if _leak(net, i) == 0.01 else 0.01


def _reshaped(weights: Array) -> Array:
    """Return a matrix whose numbers are in the transposed one's shape, in their old order."""
    return weights.reshape(weights.shape[::-1])


def _too_early(net: Pass, i: int) -> Array:
    return net.delta[i + 1] @ (net.W[i + 1] - net.rate * net.dW[i + 1])


def _shifted(net: Pass, i: int) -> Array:
    bias_first = np.column_stack((net.b[i + 1], net.W[i + 1]))
    return net.delta[i + 1] @ bias_first[:, :-1]


def _sums_over_examples(z: Array) -> Array:
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    ratios: Array = exponentials / exponentials.sum(axis=0)
    return ratios


def _one_sum(z: Array) -> Array:
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    ratios: Array = exponentials / exponentials.sum()
    return ratios


def _message(net: Pass, i: int) -> Array:
    """Return what is multiplied by the slope of layer i: the error, or what comes back."""
    return net.error if i == net.last else net.turned * net.carried[i]


def _without_brackets(net: Pass, i: int) -> Array:
    minuend, subtrahend = (net.a[i], net.y)[:: net.sign]
    return minuend - subtrahend * net.own_slope(i)


FORWARD = [
    Mistake(
        "squish",
        "softmax over the wrong axis",
        "exp(z) / exp(z).sum(axis=0)",
        "Each output competes with other examples instead of other digits.",
        lambda net, i: softmax(net.z[i].T).T,
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "softmax divided by sums over the wrong axis",
        "exp(z - z.max(axis=1, keepdims=True)) / ... .sum(axis=0)",
        "Each output competes with other examples instead of other digits.",
        lambda net, i: _sums_over_examples(net.z[i]),
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "softmax over the whole matrix",
        "exp(z) / np.sum(exp(z))",
        "The outputs are too small by about the batch size, and pushed up without end.",
        lambda net, i: softmax(net.z[i].reshape(1, -1)).reshape(net.z[i].shape),
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "softmax divided by one sum for the whole matrix",
        "exp(z - z.max(axis=1, keepdims=True)) / np.sum(...)",
        "The outputs are too small by about the batch size, and pushed up without end.",
        lambda net, i: _one_sum(net.z[i]),
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "the activation function left out",
        "a = z",
        "Layers without it are together one linear layer, and nothing limits the outputs.",
        lambda net, i: net.z[i],
    ),
    Mistake(
        "sum",
        "fed with the weighted sums instead of the activations",
        "z = z_prev @ W.T + b",
        "The activations are computed and not used, so the network is linear in its forward pass.",
        lambda net, i: net.z[i - 1] @ net.W[i].T + net.b[i],
        at="after the first",
    ),
    Mistake(
        "squish",
        "the sign in the sigmoid is wrong",
        "1 / (1 + exp(z))",
        "It is 1 - sigmoid(z): with the slope of the sigmoid the steps of the layer go uphill.",
        lambda net, i: sigmoid(-net.z[i]),
        ("sigmoid",),
        "1 / (1 + exp(-z))",
    ),
    Mistake(
        "squish",
        "np.max instead of np.maximum",
        "a = np.max(z, 0)",
        "Every example gets the same activations.",
        lambda net, i: _everywhere(net.z[i].max(axis=0), net.z[i].shape),
        ("relu",),
        "a = np.maximum(z, 0)",
    ),
    Mistake(
        "squish",
        "the exponentials are not divided by their sum",
        "a = exp(z)",
        "The outputs are not probabilities, but the largest one still gives the answer.",
        lambda net, i: np.exp(net.z[i]),
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "the activation function applied twice",
        "a = f(f(z))",
        "Activations are squeezed into a narrow range, and learning is slow.",
        lambda net, i: (
            softmax(softmax(net.z[i]))
            if net.function(i) == "softmax"
            else FUNCTIONS[net.function(i)].value(FUNCTIONS[net.function(i)].value(net.z[i]))
        ),
        ("sigmoid", "tanh", "softmax"),
    ),
    Mistake(
        "squish",
        "softmax after the sigmoid",
        "a = softmax(sigmoid(z))",
        "The outputs can never be further apart than e to 1.",
        lambda net, i: softmax(sigmoid(net.z[i])),
        ("softmax",),
    ),
    Mistake(
        "squish",
        "softmax on one unit at a time",
        "a = exp(z) / exp(z)",
        "Every output is 1, whatever the image.",
        lambda net, i: np.ones_like(net.z[i]),
        ("softmax",),
        "exp(z) / exp(z).sum(axis=1, keepdims=True)",
    ),
    Mistake(
        "squish",
        "the bias added after the activation function",
        "a = f(a_prev @ W.T) + b",
        "It shifts the activation instead of the weighted sum.",
        lambda net, i: FUNCTIONS[net.function(i)].value(net.z[i] - net.b[i]) + net.b[i],
        ("sigmoid", "relu", "tanh", "leaky ReLU"),
    ),
    Mistake(
        "sum",
        "the bias left out",
        "z = a_prev @ W.T",
        "The weights do most of the work.",
        lambda net, i: net.a[i - 1] @ net.W[i].T,
    ),
    Mistake(
        "sum",
        "the bias added before the product, W(a + b)",
        "z = (a_prev + b) @ W.T",
        "The bias still shifts the weighted sum, so the network learns.",
        lambda net, i: (net.a[i - 1] + net.b[i]) @ net.W[i].T,
    ),
    Mistake(
        "sum",
        "a layer left out",
        "z = z_prev",
        "Its weights have no effect, and are changed all the same.",
        lambda net, i: net.z[i - 1] + 0 * (net.a[i - 1] @ net.W[i].T),
        at="after the first",
    ),
    Mistake(
        "sum",
        "W not transposed",
        "z = a_prev @ W",
        "It is only another network, but the way back does not belong to it.",
        lambda net, i: net.a[i - 1] @ _square(net.W[i]) + net.b[i],
    ),
    Mistake(
        "sum",
        "the bias subtracted",
        "z = a_prev @ W.T - b",
        "Its steps go uphill.",
        lambda net, i: net.a[i - 1] @ net.W[i].T - net.b[i],
    ),
]

# The delta of the outputs is ∂C/∂a times a slope, or a - y where the two cancel.
OUTPUT = [
    Mistake(
        "slope",
        "the output slope left out",
        "delta = a - y",
        "The sign is right. It is the gradient of binary cross-entropy, and learns well.",
        lambda net, i: np.ones_like(net.a[i]),
        right="delta = ∂C/∂a · f′(z)",
        at="outputs",
    ),
    Mistake(
        "slope",
        "the output slope kept with cross-entropy",
        "delta = (a - y) * a * (1 - a)",
        "The signs are right, but an output that is badly wrong has a slope near 0.",
        lambda net, i: net.own_slope(i),
        right="delta = a - y",
        at="outputs",
    ),
    Mistake(
        "delta",
        "softmax's derivative taken elementwise",
        "delta = ∂C/∂a * a * (1 - a)",
        "The other outputs' share is missing: Σ over outputs of ∂C/∂a ∂a/∂z.",
        lambda net, i: net.cost_slope * net.own_slope(i),
        ("softmax",),
        "delta = a * (g - (g * a).sum()), g = ∂C/∂a",
        at="outputs",
    ),
    Mistake(
        "slope",
        "softmax's derivative taken elementwise, times a - y",
        "delta = (a - y) * a * (1 - a)",
        "The signs are right; a - y alone is the whole of it.",
        lambda net, i: net.own_slope(i),
        ("softmax",),
        "delta = a - y",
        at="outputs",
    ),
    Mistake(
        "cost",
        "the slope of the cost alone, without that of the activation",
        "delta = ∂C/∂a",
        "The signs are right, but where an output is near 0 it is huge.",
        lambda net, i: net.cost_slope,
        right="delta = ∂C/∂a · f′(z)",
    ),
    Mistake(
        "cost",
        "only -y / a is left of the cost",
        "∂C/∂a = -y / a",
        "Only the right digit's output is pushed, always upwards.",
        lambda net, i: -net.y / net.a[i],
        right="∂C/∂a = -y / a + (1 - y) / (1 - a)",
    ),
    Mistake(
        "cost",
        "brackets missing around the two terms of ∂C/∂a",
        "∂C/∂a = -y / a - (1 - y) / (1 - a)",
        "Every output rises, whatever the digit.",
        lambda net, i: -net.y / net.a[i] - (1 - net.y) / (1 - net.a[i]),
        ("sigmoid", "softmax"),
        "∂C/∂a = -(y / a - (1 - y) / (1 - a))",
    ),
    Mistake(
        "slope",
        "the error times the output",
        "delta = (a - y) * a",
        "Outputs near 0 hardly learn, although half of them should rise.",
        lambda net, i: net.a[i],
        right="delta = ∂C/∂a · f′(z)",
        at="outputs",
    ),
    Mistake(
        "slope",
        "the slope computed from the error",
        "delta = e * e * (1 - e), e = a - y",
        "The error of the right digit is negative, and then the sign is wrong.",
        lambda net, i: net.error * (1 - net.error),
        at="outputs",
    ),
    Mistake(
        "delta",
        "brackets missing around a - y",
        "delta = a - y * a * (1 - a)",
        "Outputs of wrong digits fall as they should, that of the right digit too.",
        _without_brackets,
        right="delta = (a - y) * a * (1 - a)",
        at="outputs",
    ),
    Mistake(
        "delta",
        "brackets missing around 1 - a",
        "delta = (a - y) * a * 1 - a",
        "Neurons are pushed up, whatever the error.",
        lambda net, i: _message(net, i) * net.a[i] - net.a[i],
        ("sigmoid", "softmax"),
        "delta = (a - y) * a * (1 - a)",
    ),
    Mistake(
        "cost",
        "the cost used as its own derivative",
        "delta = (a - y) ** 2 ...",
        "A square has no sign: all outputs sink to 0.",
        lambda net, i: net.error**2,
        right="delta = (a - y) ...",
    ),
    Mistake(
        "cost",
        "the size of the error without its sign",
        "delta = abs(a - y) ...",
        "All outputs sink to 0.",
        lambda net, i: np.abs(net.error),
        right="delta = (a - y) ...",
    ),
    Mistake(
        "cost",
        "the errors summed over the outputs first",
        "(a - y).sum(axis=1, keepdims=True)",
        "All outputs get the same message; which digit was wrong is lost.",
        lambda net, i: _everywhere(net.error.sum(axis=1, keepdims=True), net.error.shape),
        right="a - y",
    ),
    Mistake(
        "cost",
        "the errors averaged over the examples first",
        "(a - y).mean(axis=0)",
        "Which image was wrong is lost.",
        lambda net, i: _everywhere(net.error.mean(axis=0), net.error.shape),
        right="a - y",
    ),
    Mistake(
        "cost",
        "the target left out",
        "a",
        "The labels are never looked at.",
        lambda net, i: net.a[i],
        right="a - y",
    ),
    Mistake(
        "cost",
        "the label instead of its one-hot row",
        "a - label",
        "All outputs are pushed towards a number far above 1.",
        lambda net, i: net.sign * (net.a[i] - net.y.argmax(axis=1)[:, np.newaxis]),
        right="a - y, y = eye(10)[label]",
    ),
    Mistake(
        "cost",
        "the outputs divided by the batch size before the targets are subtracted",
        "delta = a / n - y",
        "The targets count n times, so the output of the right digit is pushed up without end.",
        lambda net, i: net.sign * (net.a[i] / net.n - net.y),
        ("softmax", "sigmoid"),
        "delta = (a - y) / n",
    ),
    Mistake(
        "cost",
        "one-hot targets off by one",
        "y = eye(10)[label - 1]",
        "It learns perfectly well to name the digit before.",
        lambda net, i: net.sign * (net.a[i] - np.roll(net.y, -1, axis=1)),
        right="y = eye(10)[label]",
    ),
    Mistake(
        "cost",
        "only the right digit's output learns",
        "(a - y) * y",
        "Nothing ever pushes the wrong outputs down.",
        lambda net, i: net.error * net.y,
        right="a - y",
    ),
]

SLOPE = [
    Mistake(
        "delta",
        "the dropout mask not applied backward",
        "delta = (delta_next @ W_next) * f′(z)",
        "Neurons that were dropped are blamed too.",
        lambda net, i: net.carried[i] * net.slope[i],
        right="delta = (delta_next @ W_next) * f′(z) * mask",
        at="with dropout",
    ),
    Mistake(
        "slope",
        "the hidden slope left out",
        "delta = delta_next @ W_next",
        "For the sigmoid the signs are right. With ReLU neurons that were silent are blamed too.",
        lambda net, i: np.ones_like(net.a[i]),
        right="delta = (delta_next @ W_next) * f′(z)",
        at="hidden",
    ),
    Mistake(
        "slope",
        "ReLU tested by >= 0 on its output",
        "slope = (a >= 0)",
        "a is never below 0, so the slope is always 1.",
        lambda net, i: np.ones_like(net.a[i]),
        ("relu",),
        at="hidden",
    ),
    Mistake(
        "slope",
        "one test for the whole array, with any",
        "slope = 1 if (z > 0).any() else 0",
        "It is nearly always 1, as if the slope were left out.",
        lambda net, i: np.ones_like(net.a[i]),
        ("relu",),
        at="hidden",
    ),
    Mistake(
        "slope",
        "the function applied again in its derivative",
        "slope = f′(a)",
        "The slope has the right sign, but hardly depends on the neuron.",
        lambda net, i: FUNCTIONS[net.function(i)].slope(net.a[i]),
        ("sigmoid", "tanh"),
    ),
    Mistake(
        "slope",
        "the formula for activations fed with z",
        "slope = z * (1 - z)",
        "Beyond the range of a the slope is negative, and grows.",
        lambda net, i: net.z[i] * (1 - net.z[i]),
        ("sigmoid",),
        "slope = a * (1 - a)",
    ),
    Mistake(
        "slope",
        "one half of the formula for activations fed with z",
        "slope = a * (1 - z)",
        "Above 1 it is negative, and below it too large.",
        lambda net, i: net.a[i] * (1 - net.z[i]),
        ("sigmoid",),
        "slope = a * (1 - a)",
    ),
    Mistake(
        "slope",
        "the formula for activations fed with z, for tanh",
        "slope = 1 - z ** 2",
        "Beyond ±1 the slope is negative, and grows.",
        lambda net, i: 1 - net.z[i] ** 2,
        ("tanh",),
        "slope = 1 - a ** 2",
    ),
    Mistake(
        "slope",
        "the square of the wrong term, for tanh",
        "slope = (1 - tanh(z)) ** 2",
        "It is never negative, but grows to 4 where z is negative, where it should fall to 0.",
        lambda net, i: (1 - np.tanh(net.z[i])) ** 2,
        ("tanh",),
        "slope = 1 - tanh(z) ** 2",
    ),
    Mistake(
        "slope",
        "the function used as its own derivative",
        "slope = f(z)",
        "The more active a neuron is, the more it is changed; for tanh the sign is wrong below 0.",
        lambda net, i: net.a[i],
    ),
    Mistake(
        "slope",
        "the function of the activation used as the derivative",
        "slope = f(a)",
        "The more active a neuron is, the more it is changed.",
        lambda net, i: FUNCTIONS[net.function(i)].value(net.a[i]),
        ("sigmoid", "tanh"),
    ),
    Mistake(
        "slope",
        "a square forgotten",
        "slope = 1 - a",
        "The signs are right, the sizes are not.",
        lambda net, i: 1 - net.a[i],
        ("tanh", "sigmoid"),
        "slope = 1 - a ** 2, or a * (1 - a)",
    ),
    Mistake(
        "slope",
        "“1 -” forgotten",
        "slope = a * a",
        "The signs are right, the sizes are not.",
        lambda net, i: net.a[i] ** 2,
        ("tanh", "sigmoid"),
        "slope = 1 - a ** 2, or a * (1 - a)",
    ),
    Mistake(
        "slope",
        "plus instead of minus",
        "slope = a * (1 + a)",
        "The slope is largest where it should be smallest.",
        lambda net, i: net.a[i] * (1 + net.a[i]),
        ("sigmoid",),
        "slope = a * (1 - a)",
    ),
    Mistake(
        "slope",
        "plus instead of minus, for tanh",
        "slope = 1 + a ** 2",
        "The signs are right, the sizes are not.",
        lambda net, i: 1 + net.a[i] ** 2,
        ("tanh",),
        "slope = 1 - a ** 2",
    ),
    Mistake(
        "slope",
        "the slope of the sigmoid for another function",
        "slope = a * (1 - a)",
        "Above 1 it has the wrong sign.",
        lambda net, i: net.a[i] * (1 - net.a[i]),
        ("relu", "tanh", "leaky ReLU", "identity"),
    ),
    Mistake(
        "slope",
        "the slope of the sigmoid, of z, for another function",
        "slope = s(z) * (1 - s(z)), s = sigmoid",
        "The signs are right.",
        lambda net, i: FUNCTIONS["sigmoid"].slope(net.z[i]),
        ("relu", "tanh", "leaky ReLU", "identity"),
    ),
    Mistake(
        "slope",
        "the slope of ReLU for another function",
        "slope = (z > 0)",
        "The signs are right; neurons with a negative z never learn.",
        lambda net, i: (net.z[i] > 0) * 1.0,
        ("sigmoid", "tanh", "identity"),
    ),
    Mistake(
        "slope",
        "the slope of tanh for another function",
        "slope = 1 - a ** 2",
        "For the sigmoid the signs are right.",
        lambda net, i: 1 - net.a[i] ** 2,
        ("relu", "sigmoid", "leaky ReLU", "identity"),
    ),
    Mistake(
        "slope",
        "the slope of tanh, of z, for another function",
        "slope = 1 - tanh(z) ** 2",
        "The signs are right.",
        lambda net, i: FUNCTIONS["tanh"].slope(net.z[i]),
        ("relu", "sigmoid", "leaky ReLU", "identity"),
    ),
    Mistake(
        "slope",
        "ReLU tested on what comes back instead of z",
        "slope = (delta_next @ W_next > 0)",
        "Negative messages are lost, so all active neurons sink.",
        lambda net, i: (net.turned * net.carried[i] > 0) * 1.0,
        ("relu",),
        "slope = (z > 0)",
        at="hidden",
    ),
    Mistake(
        "slope",
        "leaky ReLU tested on what comes back instead of z",
        "slope = np.where(delta_next @ W_next > 0, 1, leak)",
        "Negative messages are made small, so all neurons sink.",
        lambda net, i: np.where(net.turned * net.carried[i] > 0, 1.0, _leak(net, i)),
        ("leaky ReLU",),
        "slope = np.where(z > 0, 1, leak)",
        at="hidden",
    ),
    Mistake(
        "slope",
        "the leaky branch unscaled",
        "slope = 1 where z <= 0",
        "It acts as if the slope were left out.",
        lambda net, i: np.ones_like(net.a[i]),
        ("leaky ReLU",),
        at="hidden",
    ),
    Mistake(
        "slope",
        "the leaky branch forgotten",
        "slope = (z > 0)",
        "Neurons with a negative z never learn; the others learn just as well.",
        lambda net, i: (net.z[i] > 0) * 1.0,
        ("leaky ReLU",),
        at="hidden",
    ),
    Mistake(
        "slope",
        "another leak in the slope",
        "slope = np.where(z > 0, 1, 0.01), after np.maximum(0.1 * z, z)",
        "Neurons with a negative z learn more slowly, or faster.",
        lambda net, i: leaky_slope(_other_leak(net, i), net.z[i]),
        ("leaky ReLU",),
        at="hidden",
    ),
    Mistake(
        "delta",
        "the leaky branch assigned instead of multiplied",
        "delta[z <= 0] = leak",
        "Silent neurons are pushed down in every example.",
        lambda net, i: np.where(
            net.z[i] > 0,
            net.carried[i] * net.slope[i] * net.mask.get(i, 1.0),
            net.own_slope(i) * net.mask.get(i, 1.0),
        ),
        ("leaky ReLU",),
        "delta[z <= 0] *= leak",
        at="hidden",
    ),
    Mistake(
        "slope",
        "ReLU's test the wrong way round",
        "slope = (z < 0)",
        "Only neurons that were silent are changed.",
        lambda net, i: (net.z[i] < 0) * 1.0,
        ("relu",),
        "slope = (z > 0)",
    ),
    Mistake(
        "slope",
        "one slope for the whole array",
        "slope = f′(z).mean()",
        "It is a stray factor, which differs from batch to batch.",
        lambda net, i: _everywhere(net.own_slope(i).mean(), net.a[i].shape),
    ),
    Mistake(
        "delta",
        "the first layer skipped",
        "for layer in range(last, 1, -1)",
        "Random features are kept; the layers above learn to use them.",
        lambda net, i: np.zeros_like(net.a[i]),
        right="for layer in range(last, 0, -1)",
        at="first",
    ),
    Mistake(
        "slope",
        "one test for the whole array",
        "slope = 1 if (z > 0).all() else 0",
        "It is nearly always 0: the layer never learns.",
        lambda net, i: np.zeros_like(net.a[i]),
        ("relu", "leaky ReLU"),
    ),
    Mistake(
        "slope",
        "the slope averaged over the examples",
        "slope = f′(z).mean(axis=0)",
        "The signs are right.",
        lambda net, i: _everywhere(net.own_slope(i).mean(axis=0), net.a[i].shape),
    ),
    Mistake(
        "slope",
        "the slope of the wrong layer",
        "slope = f′(z_prev), or of the next",
        "It needs layers of equal size; a neuron is changed by whether another one fired.",
        lambda net, i: FUNCTIONS[net.function(i)].slope(_another(net.z, net.z[i].shape, i)),
    ),
    Mistake(
        "slope",
        "half of the slope of the wrong layer",
        "slope = a * (1 - a_next)",
        "It needs layers of equal size.",
        lambda net, i: net.a[i] * (1 - _another(net.a, net.a[i].shape, i)),
        ("sigmoid",),
        "slope = a * (1 - a)",
    ),
    Mistake(
        "slope",
        "the slope applied twice",
        "slope = f′(z) * f′(z)",
        "The signs are right; with the sigmoid, learning is slower.",
        lambda net, i: net.own_slope(i) ** 2,
        ("sigmoid", "tanh"),
    ),
    Mistake(
        "slope",
        "the slope computed from what comes back",
        "slope = e * (1 - e), e = delta_next @ W_next",
        "The slope takes the sign of the error, so delta has none.",
        lambda net, i: net.turned * net.carried[i] * (1 - net.turned * net.carried[i]),
        at="hidden",
    ),
    Mistake(
        "delta",
        "the slope by a matrix product",
        "delta = np.dot(delta_next @ W_next, f′(z))",
        "Every neuron of the layer gets the same delta.",
        lambda net, i: _everywhere(
            (net.carried[i] * net.own_slope(i)).sum(axis=1, keepdims=True), net.a[i].shape
        ),
    ),
]

CARRIED = [
    Mistake(
        "carried",
        "the raw error carried back, without the upper slope",
        "(a_next - y) @ W_next",
        "Neurons that had no part in the error pass it on all the same.",
        lambda net, i: net.carried[i + 1] @ net.W[i + 1],
    ),
    Mistake(
        "carried",
        "W not transposed on the way back",
        "delta_next @ W_next.T",
        "It needs layers of equal size. The direction is random, and yet W adapts to it.",
        lambda net, i: net.delta[i + 1] @ _square(net.W[i + 1]).T,
    ),
    Mistake(
        "carried",
        "only the last neuron of the next layer carried back",
        "error = delta_next[k] * W_next[k, j] in the loop over k, without +=",
        "Each round of the loop overwrites the one before.",
        lambda net, i: net.delta[i + 1][:, -1:] * net.W[i + 1][-1],
    ),
    Mistake(
        "carried",
        "the sum not reset for each neuron",
        "error += delta_next[k] * W_next[k, j], with error = 0 before the loop over j",
        "Each neuron is blamed for those before it, too.",
        lambda net, i: np.cumsum(net.delta[i + 1] @ net.W[i + 1], axis=1),
    ),
    Mistake(
        "carried",
        "W reshaped instead of transposed",
        "W_next.reshape(n_in, n_out) @ delta_next, for weights (n_out, n_in)",
        "The numbers keep their order, so each connection gets another's weight.",
        lambda net, i: net.delta[i + 1] @ _reshaped(net.W[i + 1]).T,
    ),
    Mistake(
        "carried",
        "W reshaped instead of transposed, from (n_in, n_out)",
        "delta_next @ W_next.reshape(n_out, n_in), for weights (n_in, n_out)",
        "The numbers keep their order, so each connection gets another's weight.",
        lambda net, i: net.delta[i + 1] @ _reshaped(net.W[i + 1].T),
    ),
    Mistake(
        "carried",
        "updated too early: delta goes back through new weights",
        "W_next -= rate * dW_next, then delta_next @ W_next",
        "Each step makes active neurons a little more active, and with ReLU nothing stops that.",
        _too_early,
        right="delta_next @ W_next, then W_next -= rate * dW_next",
    ),
    Mistake(
        "carried",
        "the raw error carried back, and through new weights",
        "W_next -= rate * dW_next, then (a_next - y) @ W_next",
        "The slope of the layer above is missing, and its weights are updated too early.",
        lambda net, i: net.carried[i + 1] @ (net.W[i + 1] - net.rate * net.dW[i + 1]),
    ),
    Mistake(
        "carried",
        "another layer's W",
        "delta_next @ W",
        "It needs layers of equal size; the direction is random.",
        lambda net, i: net.delta[i + 1] @ _another(net.W, net.W[i + 1].shape, i + 1),
    ),
    Mistake(
        "carried",
        "another layer's error",
        "what comes back from a layer further up",
        "It needs layers of equal size; the direction is random.",
        lambda net, i: _another(
            {j: array for j, array in net.carried.items() if j > i}, net.a[i].shape, i
        ),
        right="delta_next @ W_next",
    ),
    Mistake(
        "carried",
        "the delta of the next layer as it is, without W",
        "delta_next",
        "It needs layers of equal size; each neuron gets the message of one other.",
        lambda net, i: _of_shape(net.delta[i + 1], net.a[i]),
    ),
    Mistake(
        "carried",
        "W left out",
        "delta_next.sum(axis=1, keepdims=True)",
        "All neurons of the layer get the same message.",
        lambda net, i: _everywhere(net.delta[i + 1].sum(axis=1, keepdims=True), net.a[i].shape),
    ),
    Mistake(
        "carried",
        "the sum of all outgoing weights for every unit",
        "delta_next.sum(axis=1, keepdims=True) * W_next.sum()",
        "All neurons of the layer get the same message.",
        lambda net, i: _everywhere(
            net.delta[i + 1].sum(axis=1, keepdims=True) * net.W[i + 1].sum(), net.a[i].shape
        ),
    ),
    Mistake(
        "carried",
        "deltas and weights summed over the outputs before they are multiplied",
        "delta_next.sum(axis=1, keepdims=True) * W_next.sum(axis=0)",
        "Which output was wrong is lost.",
        lambda net, i: net.delta[i + 1].sum(axis=1, keepdims=True) * net.W[i + 1].sum(axis=0),
    ),
    Mistake(
        "carried",
        "what comes back summed over all units",
        "(delta_next @ W_next).sum(axis=1, keepdims=True)",
        "All neurons of the layer get the same message.",
        lambda net, i: _everywhere(
            (net.delta[i + 1] @ net.W[i + 1]).sum(axis=1, keepdims=True), net.a[i].shape
        ),
    ),
    Mistake(
        "carried",
        "the wrong column taken for the bias",
        "delta_next @ W_with_bias[:, :-1]",
        "Every neuron gets the message of its neighbour.",
        _shifted,
        right="delta_next @ W_with_bias[:, 1:]",
    ),
    Mistake(
        "carried",
        "the error shared out in proportion to the weights",
        "delta_next @ (W_next / W_next.sum(axis=1))",
        "It is a book's first intuition. Where a sum of weights is near 0, it is huge.",
        lambda net, i: net.delta[i + 1] @ (net.W[i + 1] / net.W[i + 1].sum(axis=1, keepdims=True)),
    ),
    Mistake(
        "carried",
        "the deltas averaged over the examples before they go back",
        "delta_next.mean(axis=0) @ W_next",
        "Which image was wrong is lost.",
        lambda net, i: _everywhere(net.delta[i + 1].mean(axis=0) @ net.W[i + 1], net.a[i].shape),
    ),
    Mistake(
        "carried",
        "the sign of the weights only",
        "delta_next @ np.abs(W_next)",
        "Neurons that should be quiet are told to fire.",
        lambda net, i: net.delta[i + 1] @ np.abs(net.W[i + 1]),
    ),
]

WEIGHTS = [
    Mistake(
        "weights",
        "the slope missing in the weights' gradient",
        "dW = (delta before f′).T @ a_prev",
        "The signs are right, but neurons that were silent change too.",
        lambda net, i: net.carried[i].T @ net.a[i - 1],
    ),
    Mistake(
        "input",
        "z instead of a",
        "dW = delta.T @ z_prev",
        "Where the activation function has changed z, weights move as if it had not.",
        lambda net, i: net.z[i - 1],
        at="after the first",
    ),
    Mistake(
        "input",
        "the own activation instead of the previous",
        "dW = delta.T @ a",
        "It needs layers of equal size.",
        lambda net, i: _of_shape(net.a[i], net.a[i - 1]),
    ),
    Mistake(
        "weights",
        "the last example only",
        "dW = delta[-1:].T @ a_prev[-1:]",
        "It learns, from a tenth of the examples, more noisily.",
        lambda net, i: net.delta[i][-1:].T @ net.a[i - 1][-1:],
    ),
    Mistake(
        "weights",
        "the first example only",
        "dW = delta[:1].T @ a_prev[:1]",
        "It learns, from a tenth of the examples, more noisily.",
        lambda net, i: net.delta[i][:1].T @ net.a[i - 1][:1],
    ),
    Mistake(
        "weights",
        "the weight instead of the input",
        "dW = delta * W",
        "It does not matter what the neuron saw.",
        lambda net, i: net.delta[i].sum(axis=0)[:, np.newaxis] * net.W[i],
    ),
    Mistake(
        "weights",
        "the input left out",
        "dW = delta",
        "All weights of a neuron change alike.",
        lambda net, i: _everywhere(net.delta[i].sum(axis=0)[:, np.newaxis], net.W[i].shape),
    ),
    Mistake(
        "weights",
        "the inputs averaged first",
        "dW = delta.sum(axis=0) ⊗ a_prev.mean(axis=0)",
        "Which image was wrong is lost.",
        lambda net, i: np.outer(net.delta[i].sum(axis=0), net.a[i - 1].mean(axis=0)),
    ),
    Mistake(
        "weights",
        "the gradient transposed",
        "dW = a_prev.T @ delta",
        "It needs layers of equal size.",
        lambda net, i: _square(net.delta[i].T @ net.a[i - 1]).T,
    ),
    Mistake(
        "weights",
        "reshaped instead of transposed",
        "dW = (a_prev.T @ delta).reshape(W.shape)",
        "The numbers are right, but in the wrong places.",
        lambda net, i: (net.a[i - 1].T @ net.delta[i]).reshape(net.W[i].shape),
    ),
    Mistake(
        "weights",
        "a number instead of an outer product",
        "dW = np.sum(delta * a_prev)",
        "All weights change alike.",
        lambda net, i: _everywhere((net.delta[i] * net.a[i - 1]).sum(), net.W[i].shape),
    ),
    Mistake(
        "weights",
        "one number for the whole matrix",
        "dW = (delta.T @ a_prev).sum()",
        "All weights change alike.",
        lambda net, i: _everywhere((net.delta[i].T @ net.a[i - 1]).sum(), net.W[i].shape),
    ),
    Mistake(
        "weights",
        "elementwise instead of an outer product",
        "dW = delta * a_prev",
        "It needs layers of equal size.",
        lambda net, i: _everywhere((net.delta[i] * net.a[i - 1]).sum(axis=0), net.W[i].shape),
    ),
    Mistake(
        "input",
        "the slope of the input instead of the input",
        "dW = delta.T @ f′(z_prev)",
        "Slopes are never negative, so for the sigmoid and ReLU the signs are right.",
        lambda net, i: net.own_slope(i - 1),
        at="after the first",
    ),
    Mistake(
        "input",
        "the activations are overwritten by their slope",
        "a[a > 0] = 1, in the function of the slope",
        "The signs are right, the sizes are not.",
        lambda net, i: (net.a[i - 1] > 0) * 1.0,
        right="slope = (a > 0)",
        at="after the first",
    ),
    Mistake(
        "input",
        "the activations are overwritten before they are used",
        "a **= 2, in the function of the slope",
        "For the sigmoid and ReLU the signs are right.",
        lambda net, i: net.a[i - 1] ** 2,
        right="slope = 1 - a ** 2",
        at="after the first",
    ),
    Mistake(
        "input",
        "the activation function applied to the input again",
        "dW = delta.T @ f(a_prev)",
        "f(a) grows with a.",
        lambda net, i: FUNCTIONS[net.recipe.hidden].value(net.a[i - 1]),
    ),
    Mistake(
        "input",
        "the image instead of the hidden activations",
        "dW = delta.T @ images",
        "It needs layers of equal size.",
        lambda net, i: _of_shape(net.a[0], net.a[i - 1]),
        at="after the first",
    ),
    Mistake(
        "weights",
        "the raw output error at the hidden layer",
        "dW = (a_out - y).T @ a_prev",
        "It needs layers of equal size.",
        lambda net, i: net.error.T @ net.a[i - 1] + 0 * net.W[i],
    ),
    Mistake(
        "weights",
        "the weights are never updated",
        "dW is computed, and not used",
        "If it is one layer, the others learn around it.",
        lambda net, i: np.zeros_like(net.W[i]),
    ),
    Mistake(
        "weights",
        "the absolute gradient",
        "dW = abs(delta.T @ a_prev)",
        "All weights only fall.",
        lambda net, i: np.abs(net.delta[i].T @ net.a[i - 1]),
    ),
    Mistake(
        "weights",
        "the sign of the gradient only",
        "dW = np.sign(delta.T @ a_prev)",
        "This is a method in its own right, sign descent.",
        lambda net, i: np.sign(net.delta[i].T @ net.a[i - 1]),
    ),
]

BIASES = [
    Mistake(
        "biases",
        "one number for all biases of a layer",
        "db = np.sum(delta)",
        "The weights do most of the work.",
        lambda net, i: _everywhere(net.delta[i].sum(), net.b[i].shape),
        right="db = delta.sum(axis=0)",
    ),
    Mistake(
        "biases",
        "the biases are never updated",
        "b stays as it was",
        "The weights do most of the work.",
        lambda net, i: np.zeros_like(net.b[i]),
        right="b -= rate * db",
    ),
    Mistake(
        "biases",
        "the slope missing in the biases' gradient",
        "db = (delta before f′).sum(axis=0)",
        "The signs are right.",
        lambda net, i: net.carried[i].sum(axis=0),
    ),
    Mistake(
        "biases",
        "not summed over the examples",
        "db = delta",
        "The biases grow to a row for each example, or the step fails.",
        lambda net, i: net.delta[i],
    ),
    Mistake(
        "biases",
        "summed over the wrong axis",
        "db = delta.sum(axis=1)",
        "There is a number for each example instead of one for each neuron.",
        lambda net, i: net.delta[i].sum(axis=1),
    ),
    Mistake(
        "biases",
        "the biases of the last example only",
        "db = delta[-1]",
        "It learns, more noisily.",
        lambda net, i: net.delta[i][-1],
    ),
    Mistake(
        "biases",
        "the biases of the first example only",
        "db = delta[0]",
        "It learns, more noisily.",
        lambda net, i: net.delta[i][0],
    ),
    Mistake(
        "biases",
        "the bias gradient times the own activation",
        "db = (delta * a).sum(axis=0)",
        "For the sigmoid and ReLU the signs are right.",
        lambda net, i: (net.delta[i] * net.a[i]).sum(axis=0),
    ),
    Mistake(
        "biases",
        "the bias gradient times the bias",
        "db = delta.sum(axis=0) * b",
        "Biases that start at 0 stay there.",
        lambda net, i: net.delta[i].sum(axis=0) * net.b[i],
    ),
    Mistake(
        "biases",
        "the bias gradient times the sum of the inputs",
        "db = (delta.T @ a_prev).sum(axis=1)",
        "The signs are mostly right, the sizes are not.",
        lambda net, i: (net.delta[i].T @ net.a[i - 1]).sum(axis=1),
    ),
    Mistake(
        "biases",
        "the bias gradient is that of another layer",
        "db = delta_other.sum(axis=0)",
        "It runs with layers of equal size, or a single output. The weights make up for it.",
        _another_bias,
    ),
    Mistake(
        "biases",
        "the square of the delta",
        "db = (delta ** 2).sum(axis=0)",
        "A square has no sign: all biases only fall.",
        lambda net, i: (net.delta[i] ** 2).sum(axis=0),
    ),
]

# How a gradient is scaled. The matcher tells these from factors, not by trying each.
NO_AVERAGE = Mistake(
    "scale weights",
    "the sum over the batch, no average",
    "dW, db without / n",
    "The learning rate is n times as large as it says.",
    lambda net, i: net.dW[i] + net.decay * net.W[i],
)
BIASES_SUMMED = Mistake(
    "scale biases",
    "average for the weights, sum for the biases",
    "db without / n",
    "The biases take larger steps.",
    lambda net, i: net.db[i],
)
WEIGHTS_SUMMED = Mistake(
    "scale weights",
    "average for the biases, sum for the weights",
    "dW without / n",
    "The weights take larger steps.",
    lambda net, i: net.dW[i],
)
WHOLE_FILE = Mistake(
    "scale weights",
    "divided by the size of the whole file",
    "dW / 60000",
    "The learning rate is thousands of times smaller than it says.",
    lambda net, i: net.dW[i] / 60000,
)
INPUTS_COUNTED = Mistake(
    "scale weights",
    "divided by the number of inputs instead of examples",
    "m = X.shape[0], but the examples are columns",
    "The learning rate is smaller than it says.",
    lambda net, i: net.dW[i] / net.a[0].shape[1],
)
TWICE_AVERAGED = Mistake(
    "scale weights",
    "averaged over the batch twice",
    "dW / n / n",
    "The learning rate is smaller than it says.",
    lambda net, i: net.dW[i] / net.n**2,
)
BIASES_TWICE = Mistake(
    "scale biases",
    "the biases' gradient averaged over the batch twice",
    "db / n / n",
    "The biases take smaller steps, and the weights do most of the work.",
    lambda net, i: net.db[i] / net.n**2,
)
STRAY_CONSTANT = Mistake(
    "scale weights",
    "a stray constant",
    "3 * dW / n",
    "It is part of the learning rate.",
    lambda net, i: 3 * net.dW[i] / net.n,
)
RATE_TWICE = Mistake(
    "step",
    "the learning rate applied twice",
    "velocity -= rate * dW, then W += rate * velocity",
    "It is the same as a much smaller learning rate.",
    lambda net, i: net.rate * net.dW[i],
    right="velocity -= rate * dW, then W += velocity",
)
STRAY_BIAS = Mistake(
    "scale biases",
    "a stray constant in the biases' gradient",
    "3 * db / n",
    "It is part of the learning rate.",
    lambda net, i: 3 * net.db[i] / net.n,
)
UPHILL = Mistake(
    "scale weights",
    "the step goes uphill",
    "W += rate * dW",
    "The cost rises.",
    lambda net, i: -net.dW[i] / net.n,
    right="W -= rate * dW",
)
UPHILL_BIASES = Mistake(
    "scale biases",
    "the biases' step goes uphill",
    "b += rate * db",
    "The biases work against the weights.",
    lambda net, i: -net.db[i] / net.n,
    right="b -= rate * db",
)
TWICE = Mistake(
    "cost",
    "the factor 2 of squared error straight after softmax",
    "delta = 2 * (a - y)",
    "It is part of the learning rate.",
    lambda net, i: 2 * net.error,
    right="delta = a - y",
)
SUBTRACTED = Mistake(
    "cost",
    "y - a, and then subtracted",
    "delta = y - a",
    "The cost rises.",
    lambda net, i: -LINES["cost"].compute(net, i),
    right="delta = a - y",
)
DECAYED_BIASES = Mistake(
    "scale biases",
    "L2 on the biases",
    "db + decay * b",
    "The biases are small anyway.",
    lambda net, i: net.db[i] / net.n + (net.decay or 0.1) * net.b[i],
)
DECAY_UPHILL = Mistake(
    "scale weights",
    "L2 with the wrong sign",
    "dW - decay * W",
    "The weights grow.",
    lambda net, i: net.dW[i] / net.n - (net.decay or 0.1) * net.W[i],
    right="dW + decay * W",
)
DECAY_FACTOR = Mistake(
    "scale weights",
    "L2 with the wrong factor",
    "dW + 2 * decay * W",
    "Weights shrink faster, or more slowly, than the cost says.",
    lambda net, i: net.dW[i] / net.n + 2 * (net.decay or 0.1) * net.W[i],
    right="dW + decay * W",
)
DECAY_LEFT_OUT = Mistake(
    "scale weights",
    "L2 only in the cost",
    "dW without decay * W",
    "It learns as if there were no L2.",
    lambda net, i: net.dW[i] / net.n,
    right="dW + decay * W",
)
NOT_RESET = Mistake(
    "step",
    "gradients not reset",
    "self.dW += delta.T @ a_prev, step after step",
    "It acts like momentum that never fades: steps grow and overshoot.",
    lambda net, i: 2 * net.dW[i],
    right="self.dW = delta.T @ a_prev",
)
OVERWRITTEN = Mistake(
    "step",
    "the arguments are overwritten",
    "images -= images.mean(), or a list of weights copied by list(weights), then w -= rate * dw",
    "A batch that is used again is no longer what it was; a shallow copy shares its arrays.",
    lambda net, i: net.dW[i],
    right="images = images - images.mean(), copy.deepcopy(weights)",
)
MASK_UNSCALED = Mistake(
    "delta",
    "the dropout mask without its division",
    "delta = (delta_next @ W_next) * f′(z) * (mask > 0)",
    "The forward pass divides by the fraction kept, so these steps are shorter by that factor.",
    lambda net, i: net.carried[i] * net.slope[i] * (net.mask[i] > 0),
    right="delta = (delta_next @ W_next) * f′(z) * (mask > 0) / keep",
    at="with dropout",
)
STOPS = Mistake(
    "squish",
    "max used like maximum",
    "a = np.max(0, z)",
    "NumPy takes z for an axis, and stops. The rest is checked as if this line were right.",
    lambda net, i: np.maximum(0, net.z[i]),
    right="a = np.maximum(0, z)",
)
VELOCITY_RESET = Mistake(
    "step",
    "the velocity is reset before each step",
    "velocity = 0, then velocity = momentum * velocity - rate * dW",
    "There is no momentum, so it learns as plain gradient descent does.",
    lambda net, i: net.dW[i],
    right="velocity = momentum * velocity - rate * dW, from 0 before the first step",
)
VELOCITY_SUBTRACTED = Mistake(
    "step",
    "the old velocity has the wrong sign",
    "velocity = rate * dW - momentum * velocity",
    "It brakes where momentum should drive.",
    lambda net, i: net.dW[i],
    right="velocity = momentum * velocity - rate * dW, then W += velocity",
)
ROOT_FORGOTTEN = Mistake(
    "step",
    "the square root forgotten",
    "W -= rate * m / (v + epsilon)",
    "The smaller the gradient, the larger the step.",
    lambda net, i: 1 / net.dW[i],
    right="W -= rate * m / (np.sqrt(v) + epsilon)",
)
UNCORRECTED = Mistake(
    "step",
    "Adam's averages are not corrected",
    "m / (np.sqrt(v) + epsilon)",
    "Averages that begin at 0 are too small, v more than m, so the first steps are too large.",
    lambda net, i: np.sign(net.dW[i]),
    right="m / (1 - beta1 ** t), v / (1 - beta2 ** t)",
)
MISCORRECTED = Mistake(
    "step",
    "Adam's averages are corrected wrongly",
    "v / (1 - beta1 ** t), only one of them, or with the same t at each step",
    "The first steps are too large, or too small.",
    lambda net, i: np.sign(net.dW[i]),
    right="m / (1 - beta1 ** t), v / (1 - beta2 ** t), t = 1, 2, 3, ...",
)
BETAS_SWAPPED = Mistake(
    "step",
    "Adam's betas are swapped",
    "m = 0.999 * m + 0.001 * dW, v = 0.9 * v + 0.1 * dW ** 2",
    "The direction is an average over a thousand steps, and turns too late.",
    lambda net, i: np.sign(net.dW[i]),
    right="m = 0.9 * m + 0.1 * dW, v = 0.999 * v + 0.001 * dW ** 2",
)
STEP = [
    NOT_RESET,
    OVERWRITTEN,
    STOPS,
    VELOCITY_RESET,
    VELOCITY_SUBTRACTED,
    ROOT_FORGOTTEN,
    UNCORRECTED,
    MISCORRECTED,
    BETAS_SWAPPED,
]
NOTED = {  # by the note of a trial
    "not reset": NOT_RESET,
    "overwritten": OVERWRITTEN,
    "stops": STOPS,
    "velocity reset": VELOCITY_RESET,
    "velocity subtracted": VELOCITY_SUBTRACTED,
    "no root": ROOT_FORGOTTEN,
    "not corrected": UNCORRECTED,
    "corrected wrongly": MISCORRECTED,
    "betas swapped": BETAS_SWAPPED,
}
SCALE = [
    NO_AVERAGE,
    BIASES_SUMMED,
    WEIGHTS_SUMMED,
    WHOLE_FILE,
    INPUTS_COUNTED,
    TWICE_AVERAGED,
    BIASES_TWICE,
    STRAY_CONSTANT,
    STRAY_BIAS,
    RATE_TWICE,
    MASK_UNSCALED,
    UPHILL,
    UPHILL_BIASES,
    TWICE,
    SUBTRACTED,
    DECAYED_BIASES,
    DECAY_UPHILL,
    DECAY_FACTOR,
    DECAY_LEFT_OUT,
]

ROOMS = {
    "forward": FORWARD,
    "output": OUTPUT,
    "slope": SLOPE,
    "carried": CARRIED,
    "weights": WEIGHTS,
    "biases": BIASES,
    "scale": SCALE,
    "step": STEP,
}
MUSEUM = [mistake for room in ROOMS.values() for mistake in room]
