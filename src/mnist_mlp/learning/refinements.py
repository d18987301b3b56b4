"""Refinements: what knobs add to plain gradient descent. Each does nothing if its knob is off."""

import copy
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.learning.augmentation import AUGMENTATIONS
from mnist_mlp.learning.network import Network

Function = Callable[[Array], Array]


class Refinements:
    """The refinements for one epoch; `learning_rates` has one for each mini-batch."""

    def __init__(
        self, network: Network, params: Params, epoch: int, n: int, velocity: Array
    ) -> None:
        """Begin an epoch, counted from 0, of n examples; momentum updates `velocity` in place."""
        self.params = params
        self.velocity = velocity
        n_weights = sum(weights.size for weights in network.weights)
        self.weights = network.parameters[:n_weights]
        self.augmentation = generator(params.seed, "augmentation", epoch)
        self.dropping = generator(params.seed, "dropout", epoch)
        times = (epoch + np.arange(0, n, params.batch_size) / n) / params.epochs
        self.learning_rates: list[float] = learning_rates(params, times).tolist()
        self.strengths: Iterator[float] = iter(strengths(params, times).tolist())

    def augment(self, images: Array) -> None:
        """Augment images, (n, 784), in place."""
        if self.params.augment != "none":
            AUGMENTATIONS[self.params.augment](images, self.augmentation, next(self.strengths))

    def drop_out(self, network: Network, n: int) -> Network:
        """Return a network that shares the parameters, with hidden neurons dropped at random.

        Each of the n examples has its own dropout mask. The activations that are kept are scaled
        up, so that the weighted sums stay the same on average (Srivastava et al. 2014).
        """
        if not self.params.dropout:
            return network
        kept = 1 - self.params.dropout
        thinned = copy.copy(network)
        hidden = zip(network.sizes[1:-1], network.functions[:-1], network.slopes, strict=True)
        masked = [
            _masked(function, slope, self.dropping.random((n, size), np.float32) < kept, kept)
            for size, function, slope in hidden
        ]
        thinned.functions = [function for function, _ in masked] + network.functions[-1:]
        thinned.slopes = [slope for _, slope in masked]
        return thinned

    def decay_weights(self, weights: Array, learning_rate: float) -> None:
        """Shrink weights a little: decoupled weight decay (Loshchilov and Hutter 2019)."""
        if self.params.weight_decay:
            weights *= 1 - learning_rate * self.params.weight_decay

    def with_momentum(self, gradient: Array, velocity: Array) -> Array:
        """Return what the learning rate multiplies: the gradient or, with momentum, the velocity.

        The velocity is a running sum of gradients, which each step first multiplies by `momentum`
        (Nielsen, chapter 3); it is updated in place. Nesterov momentum looks one step ahead
        (Bengio, Boulanger-Lewandowski and Pascanu 2013).
        """
        if not self.params.momentum:
            return gradient
        velocity *= self.params.momentum
        velocity += gradient
        if self.params.nesterov:
            return gradient + self.params.momentum * velocity
        return velocity


def learning_rates(params: Params, times: Array) -> Array:
    """Return the learning rate at each time: 0 is the first step of training, 1 its end.

    It is constant, or falls to 0 along half a cosine wave (Loshchilov and Hutter 2017).
    """
    if params.schedule == "cosine":
        wave: Array = (1 + np.cos(np.pi * times)) / 2
        return params.learning_rate * wave
    return np.full_like(times, params.learning_rate)


def strengths(params: Params, times: Array) -> Array:
    """Return the strength of augmentation at each time: 0 is the first step of training, 1 its end.

    In the second half of training it falls linearly to `final_strength`: images closer to real
    ones refine what was learned from strongly changed ones (He et al. 2019, Data Augmentation
    Revisited).
    """
    return 1 - (1 - params.final_strength) * np.maximum(0, 2 * times - 1)


def _masked(
    function: Function, slope: Function, kept: NDArray[np.bool_], fraction: float
) -> tuple[Function, Function]:
    """Return an activation function and its slope with a dropout mask, which keeps a fraction."""
    mask = kept / np.float32(fraction)
    return lambda z: function(z) * mask, lambda a: slope(a * fraction) * mask
