"""Training: gradient descent over mini-batches, epoch by epoch."""

from collections.abc import Iterable, Iterator
from functools import partial

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data.dataset import DIGITS, PIXELS, Dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.batches import mini_batches, shuffled
from mnist_mlp.learning.network import Network, initialise_weights, zero_parameters
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.refinements import Refinements
from mnist_mlp.learning.sharing import blocks, share


def new_network(params: Params) -> Network:
    """Return an untrained network: random weights, and biases of zero."""
    network = Network([PIXELS, *params.hidden, DIGITS], params.activation, params.cost)
    initialise_weights(network, params.initial_weights, generator(params.seed, "initial weights"))
    return network


def train(
    network: Network,
    digits: Dataset,
    params: Params,
    progress: Progress | None = None,
    at_steps: Iterable[int] = (),
) -> Iterator[Moment]:
    """Train the network in place; yield after every epoch, and after the steps `at_steps`, from 1.

    The fraction `params.validation` of the digits is held out for validation. With a `progress`,
    begun with the same three, training resumes after the epochs already done. At the end the
    parameters are averaged, if a knob says so. Raises InputError if a number becomes NaN or
    infinite.
    """
    progress = progress or Progress(network, digits, params)
    at_steps = set(at_steps)
    for epoch in range(len(progress.history), params.epochs):
        progress.answers.clear()  # those of an epoch that was stopped in the middle
        for answers in train_epoch(network, progress, params, epoch):
            progress.answers.append(answers)
            if at_steps and progress.step in at_steps:
                yield progress.measure()
        yield progress.end_epoch()
    progress.average_parameters()


def train_epoch(
    network: Network, progress: Progress, params: Params, epoch: int
) -> Iterator[tuple[Array, Array]]:
    """Learn from every training image once, in a new random order.

    Yields, after each step of gradient descent, the outputs (n, 10) of its mini-batch, computed
    before the update, and the targets (n, 10). Each line with `refine` does nothing but what a knob
    asks for: without them this is plain gradient descent.
    """
    digits, rows = progress.digits, progress.split.training
    refine = Refinements(network, params, epoch, len(rows), progress.velocity)
    gradient = zero_parameters(network.sizes)
    parts = blocks(network.parameters, refine.weights, gradient.vector, refine.velocity)

    def descend(learning_rate: float, part: list[Array]) -> None:
        parameters, weights, gradient, velocity = part
        refine.decay_weights(weights, learning_rate)
        parameters -= learning_rate * refine.with_momentum(gradient, velocity)

    order = rows[shuffled(len(rows), generator(params.seed, "shuffling", epoch))]
    batches = mini_batches(digits, order, params.batch_size)
    for learning_rate, (images, targets) in zip(refine.learning_rates, batches, strict=True):
        refine.augment(images)
        thinned = refine.drop_out(network, len(images))
        activations = thinned.forward(images)
        backprop(thinned, activations, targets, out=gradient)
        share(partial(descend, learning_rate), parts)
        yield activations[-1], targets
