"""Training: gradient descent over mini-batches, epoch by epoch."""

import hashlib
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS, Dataset
from mnist_mlp.learning.augmentation import AUGMENTATIONS
from mnist_mlp.learning.backprop import Memory, backprop
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.network import Network, initialise_weights


class Epoch(NamedTuple):
    """What one pass over the training images gave: a row of metrics/history.csv.

    A training image counts as it was answered when its turn came, just before the network
    learned from it. The validation images count as they are answered after the epoch; both
    values are None where no images were set aside. `parameters` tells whether two runs have the
    same ones after the epoch: the first 12 hexadecimal digits of their SHA-256.
    """

    epoch: int
    training_cost: float
    training_accuracy: float
    validation_cost: float | None
    validation_accuracy: float | None
    parameters: str


class Progress:
    """How far a training has come: what it needs, beside the network, to go on after an epoch.

    velocity   the last step, with the layout of `network.parameters`, where there is momentum
    average    the mean of the parameters after the last epochs, where there is averaging
    history    the epochs that are done
    """

    def __init__(self, network: Network) -> None:
        self.velocity = np.zeros_like(network.parameters)
        self.average = np.zeros_like(network.parameters)
        self.history: list[Epoch] = []


def new_network(params: Params) -> Network:
    """Return a network with the random weights that its training begins with."""
    network = Network([PIXELS, *params.hidden, DIGITS], params.activation, params.cost)
    initialise_weights(network, params.initial_weights, generator(params.seed, "initial weights"))
    return network


def train(
    network: Network,
    training: Dataset,
    validation: Dataset,
    params: Params,
    progress: Progress | None = None,
) -> Iterator[Epoch]:
    """Train the network in place, reporting after every epoch that is still to be done.

    In the end the network has the mean of the last parameters, if `averaging` asks for it.

    Raises InputError once a parameter or a validation image's answer is no finite number.
    """
    progress = progress or Progress(network)
    for epoch in range(len(progress.history), params.epochs):
        done = Epoch(
            epoch + 1,
            *train_epoch(network, training, params, epoch, progress.velocity),
            *_validate(network, validation, epoch + 1),
            hashlib.sha256(network.parameters.data).hexdigest()[:12],
        )
        _record(network, done, params, progress)
        yield done
    if params.averaging:
        network.parameters[:] = progress.average


def train_epoch(
    network: Network, training: Dataset, params: Params, epoch: int, velocity: Array
) -> tuple[float, float]:
    """Learn from every training image once; return the mean cost and the accuracy on the way.

    They are those of the images as they were changed, of the targets as they were smoothed, and
    of the network without its silent neurons. `epoch` counts from 0, and `velocity` is the last
    step, which the next ones overwrite.
    """
    n, size = len(training.images), params.batch_size
    memories = {count: Memory(network, count) for count in {size, n % size}}
    order = shuffled(n, generator(params.seed, "shuffling", epoch))
    augmentation = generator(params.seed, "augmentation", epoch)
    dropping = generator(params.seed, "dropout", epoch)
    targets = training.targets[order]
    labels = targets.argmax(axis=1)
    outputs = np.empty_like(targets)
    for start in range(0, n, size):
        batch = slice(start, start + size)
        rows = order[batch]
        memory = memories[len(rows)]
        time = (epoch + start / n) / params.epochs
        rate = learning_rate(params, time)
        images = training.images.take(rows, 0, memory.images, "clip")  # "raise" copies twice
        AUGMENTATIONS[params.augment](images, augmentation, strength(params, time))
        if params.dropout:
            memory.drop_out(params.dropout, dropping)
        gradient = backprop(network, images, targets[batch], memory, factor=rate)
        outputs[batch] = memory.activations[-1]
        descend(network, gradient, rate, params, velocity)
    return COSTS[network.cost].mean(outputs, targets), accuracy(outputs, labels)


def descend(
    network: Network, gradient: Array, rate: float, params: Params, velocity: Array
) -> None:
    """Take a step against a gradient that was multiplied by the learning rate, and overwrite it.

    `gradient` and `velocity` have the layout of `network.parameters`. Momentum adds a share of
    the last step (Nielsen, chapter 3). With Nesterov's the parameters are those that are looked
    ahead to (Bengio, Boulanger-Lewandowski and Pascanu 2013). Weight decay shrinks weights apart
    from the gradient (Loshchilov and Hutter 2019).
    """
    if params.momentum:
        velocity *= params.momentum
        velocity += gradient
        if params.nesterov:
            gradient += params.momentum * velocity
        else:
            gradient = velocity
    if params.weight_decay:
        network.parameters[: network.n_weights] *= 1 - rate * params.weight_decay
    network.parameters -= gradient


def shuffled(
    n: int, random: np.random.Generator, block: int = 65_536, run: int = 256
) -> NDArray[np.intp]:
    """Return the rows of n examples, each once, in random order.

    Up to a block of examples any order is as likely as any other. More may not fit in memory,
    so a block is then put together from runs of neighbours, drawn at random from the whole set,
    and shuffled; only one block is read at a time. As preprocessing laid the examples down in
    random order, a run is a random sample too, and so is each mini-batch.
    """
    if n <= block:
        return random.permutation(n)
    runs = random.permutation(-(-n // run))
    order = (run * runs[:, np.newaxis] + np.arange(run)).ravel()
    order = order[order < n]
    for start in range(0, n, block):
        random.shuffle(order[start : start + block])
    return order


def learning_rate(params: Params, time: float) -> float:
    """Return the length of a step; `time` goes from 0 at the first step to 1 at the end.

    The cosine schedule falls from the full rate to 0 along half a cosine wave (Loshchilov and
    Hutter 2017).
    """
    if params.schedule == "cosine":
        return params.learning_rate * 0.5 * (1 + math.cos(math.pi * time))
    return params.learning_rate


def strength(params: Params, time: float) -> float:
    """Return how strongly training images are changed; `time` is as for the learning rate.

    Up to half-time it is 1, and then it falls evenly to `final_strength`: images that look more
    like real ones refine what was learned from those that were changed a lot (He et al. 2019,
    Data Augmentation Revisited).
    """
    return 1 - (1 - params.final_strength) * max(0, 2 * time - 1)


def _record(network: Network, epoch: Epoch, params: Params, progress: Progress) -> None:
    """Add an epoch to the history, and its parameters to the mean, if they belong to it."""
    progress.history.append(epoch)
    in_mean = epoch.epoch - params.epochs + max(1, round(params.averaging * params.epochs))
    if in_mean > 0:
        progress.average += (network.parameters - progress.average) / in_mean


def _validate(
    network: Network, validation: Dataset, epoch: int
) -> tuple[float | None, float | None]:
    """Return cost and accuracy, or None where there are no images to validate with.

    Raises InputError if a parameter, or an answer, is no finite number.
    """
    if not np.isfinite(network.parameters).all():
        raise InputError(
            f"training: epoch {epoch}: the cost is no longer a finite number; "
            "try a smaller learning_rate, momentum or weight_decay"
        )
    if len(validation.images) == 0:
        return None, None
    answers = answer(network, validation.images)
    cost = COSTS[network.cost].mean(answers, validation.targets)
    return cost, accuracy(answers, validation.labels)
