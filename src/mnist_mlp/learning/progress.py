"""Progress: what training has reached, epoch by epoch, and what it needs to resume."""

import hashlib
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset, draw_split, relabelled
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.network import Network


class Moment(NamedTuple):
    """The state of training after an epoch, as in metrics/history.csv, or after a step.

    epoch                 epochs done: 2.0 after the second, 2.5 in the middle of the third
    step                  steps of gradient descent done
    training_cost         running averages over the epoch so far: each mini-batch is scored just
    training_accuracy     before the step that learns from it
    validation_cost       of the network at this moment, on the images held out;
    validation_accuracy   None if there are none
    parameters_hash       first 12 hexadecimal digits of the parameters' SHA-256
    """

    epoch: float
    step: int
    training_cost: float
    training_accuracy: float
    validation_cost: float | None
    validation_accuracy: float | None
    parameters_hash: str


class Progress:
    """How far a network's training has come.

    digits     the data set to train on, its labels shuffled if the knob `labels` says so
    split      its rows to train on, and those held out
    velocity   the running sum of gradients, for momentum
    average    the running mean of the parameters over the last epochs, for averaging
    history    a Moment for each epoch done
    answers    outputs and targets, (n, 10) each, of every mini-batch of the epoch so far
    """

    def __init__(self, network: Network, digits: Dataset, params: Params) -> None:
        """Start before the first epoch. Raises InputError if `params` leave nothing to train on."""
        self.network = network
        self.params = params
        self.split = draw_split(len(digits.images), params)
        self.digits = relabelled(digits, self.split, params)
        self.velocity = np.zeros_like(network.parameters)
        self.average = np.zeros_like(network.parameters)
        self.history: list[Moment] = []
        self.answers: list[tuple[Array, Array]] = []

    @property
    def step(self) -> int:
        """Steps of gradient descent done."""
        return (self.history[-1].step if self.history else 0) + len(self.answers)

    def measure(self) -> Moment:
        """Return the state of training.

        Raises InputError if a parameter is NaN or infinite, or so large that outputs are.
        """
        outputs, targets = map(np.concatenate, zip(*self.answers, strict=True))
        epoch = len(self.history) + len(outputs) / len(self.split.training)
        overflow = InputError(
            f"training: epoch {int(np.ceil(epoch))}: the parameters became NaN or infinite; "
            "try a smaller learning_rate, momentum or weight_decay"
        )
        if not np.isfinite(self.network.parameters).all():
            raise overflow
        try:
            validated = self.validate()
        except InputError:
            raise overflow from None
        return Moment(
            epoch,
            self.step,
            COSTS[self.network.cost].mean(outputs, targets),
            accuracy(outputs, targets.argmax(axis=1)),
            *validated,
            hashlib.sha256(self.network.parameters.data).hexdigest()[:12],
        )

    def end_epoch(self) -> Moment:
        """End an epoch: measure, add to the history, and update the average of the parameters."""
        self.history.append(self.measure())
        self.answers.clear()
        averaged = max(1, round(self.params.averaging * self.params.epochs))  # epochs at the end
        n = len(self.history) - self.params.epochs + averaged
        if n > 0:
            self.average += (self.network.parameters - self.average) / n
        return self.history[-1]

    def average_parameters(self) -> None:
        """Give the network the averaged parameters, if `averaging` is on (Izmailov et al. 2018)."""
        if self.params.averaging:
            self.network.parameters[:] = self.average

    def validate(self) -> tuple[float | None, float | None]:
        """Return the network's cost and accuracy on the images held out, or None without any."""
        rows = self.split.validation
        if not len(rows):
            return None, None
        outputs, targets = answer(self.network, self.digits.images, rows), self.digits.targets[rows]
        cost = COSTS[self.network.cost].mean(outputs, targets)
        return cost, accuracy(outputs, targets.argmax(axis=1))
