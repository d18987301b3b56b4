"""Snapshots: the network at some moments of its training, its weights as 8-bit integers."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from mnist_mlp.base.params import Params
from mnist_mlp.learning.model import (
    Settings,
    open_arrays,
    read_settings,
    save_arrays,
    settings_of,
)
from mnist_mlp.learning.network import Network, count_parameters
from mnist_mlp.learning.progress import Moment, Progress

STEPS = (0, 1, 3, 10, 30, 100, 300, 1000)  # of gradient descent, after which to take one
MOMENTS = 20  # at most, the trained network among them
MAX_BYTES = 400_000  # of the file
HEADERS = 5_000  # of them, at most, are no parameters
LARGEST = 127  # integer that a weight becomes
TINY = np.finfo(np.float32).tiny
DECIMALS = 6  # of costs and accuracies, as in metrics/history.csv


class Quantised(NamedTuple):
    """A network's parameters, each weight as an integer times the scale of its row.

    weights   (n_weights,) int8 from -127 to 127, in the order of Parameters
    scales    one for each row of weights, so for each neuron: (n_neurons,) float32
    biases    (n_neurons,) float32
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    biases: NDArray[np.float32]


def quantise(network: Network) -> Quantised:
    """Round every weight to a multiple of its row's scale, the largest |weight| / 127."""
    scales = [np.abs(weights).max(axis=1) / LARGEST for weights in network.weights]
    rounded = [
        np.rint(weights / np.maximum(scale, TINY)[:, np.newaxis]).ravel()
        for weights, scale in zip(network.weights, scales, strict=True)
    ]
    return Quantised(
        np.concatenate(rounded).astype(np.int8),
        np.concatenate(scales),
        np.concatenate(network.biases),
    )


def dequantise(quantised: Quantised, network: Network) -> None:
    """Give a network of the same layout these parameters, each weight off by at most scale / 2."""
    n_in = np.repeat(network.sizes[:-1], network.sizes[1:])  # weights in each row
    weights = np.repeat(quantised.scales, n_in) * quantised.weights
    network.parameters[:] = np.concatenate([weights, quantised.biases])


class Snapshots(NamedTuple):
    """A network at k moments of its training, and the figures of these moments and of the end.

    The trained network is the last moment; its parameters are in the model file, not here.

    settings      sizes, activation and cost of the network
    measured_on   where costs and accuracies come from: "validation", the images held out, or if
                  there are none, "training", running averages over the epoch so far, as in Moment
    steps         steps of gradient descent done, (k + 1,) int64, ascending
    epochs        epochs done, (k + 1,) float64: 0.5 in the middle of the first
    costs         (k + 1,) float64; NaN if nothing was measured, as before the first step
    accuracies    likewise, from 0 to 1
    weights, scales, biases   as in Quantised, with a row for each of the k moments
    """

    settings: Settings
    measured_on: str
    steps: NDArray[np.int64]
    epochs: NDArray[np.float64]
    costs: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    biases: NDArray[np.float32]

    @property
    def early(self) -> set[int]:
        """The steps among STEPS; the others are ends of epochs."""
        return set(STEPS).intersection(self.steps.tolist())

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that training fills, by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    @property
    def moments(self) -> list[dict[str, float]]:
        """The k + 1 moments: step, epoch, cost and accuracy of each."""
        names = ("step", "epoch", "cost", "accuracy")
        columns = (self.steps, self.epochs, self.costs, self.accuracies)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @property
    def networks(self) -> list[Network]:
        """The networks at all moments but the last, k of them."""
        _, sizes, activation, cost = msgspec.structs.astuple(self.settings)
        networks = [Network(sizes, activation, cost) for _ in self.weights]
        for network, *parts in zip(networks, self.weights, self.scales, self.biases, strict=True):
            dequantise(Quantised(*parts), network)
        return networks

    def keep(self, network: Network, moment: Moment) -> None:
        """Keep what belongs to a moment, if it is one of these: its figures and the network."""
        for i in np.flatnonzero(self.steps == moment.step):
            self.epochs[i] = moment.epoch
            for what, kept in (("cost", self.costs), ("accuracy", self.accuracies)):
                kept[i] = round(getattr(moment, f"{self.measured_on}_{what}"), DECIMALS)
            if i < len(self.weights):
                self.weights[i], self.scales[i], self.biases[i] = quantise(network)


ARRAYS = Snapshots._fields[2:]


def plan_snapshots(progress: Progress) -> Snapshots:
    """Return the snapshots to take of a training: their steps are chosen, the rest is empty."""
    network, split = progress.network, progress.split
    steps = choose_steps(network.sizes, len(split.training), progress.params)
    layout = _layout(len(steps) - 1, network.sizes)
    arrays: dict[str, Any] = {
        name: np.zeros(shape, dtype) for name, (dtype, shape) in layout.items()
    }
    measured_on = "validation" if len(split.validation) else "training"
    return Snapshots(settings_of(network), measured_on, **arrays | {"steps": steps})


def choose_steps(sizes: Sequence[int], n_images: int, params: Params) -> NDArray[np.int64]:
    """Return the steps to take snapshots at, in a training on so many images; the last is its end.

    They are STEPS, as far as the training has them, and then ends of epochs in about a geometric
    sequence. Of a larger network there are fewer, evenly chosen from these.
    """
    an_epoch = math.ceil(n_images / params.batch_size)
    early = [step for step in STEPS if step < an_epoch * params.epochs]
    first = early[-1] // an_epoch + 1
    later = an_epoch * np.geomspace(first, params.epochs, MOMENTS - len(early)).round()
    steps = np.union1d(early, later).astype(np.int64)
    n_bytes = count_parameters(sizes) + 7 * sum(sizes[1:])  # of a snapshot: 1 a weight, 8 a neuron
    n = min(len(steps), (MAX_BYTES - HEADERS) // n_bytes + 1)
    chosen = np.linspace(len(steps) - 1, 0, n).round().astype(int)
    return np.sort(steps[chosen])


def take_snapshots(
    moments: Iterator[Moment], progress: Progress, snapshots: Snapshots
) -> Iterator[Moment]:
    """Take the snapshots of a training that yields `moments`, and pass on the ends of epochs.

    The training has to yield the early steps of the snapshots too. The last figures are those of
    the network when it has ended, whose parameters may have been averaged.
    """
    network, history = progress.network, progress.history
    if not history:
        snapshots.keep(network, Moment(0, 0, math.nan, math.nan, *progress.validate(), ""))
    for moment in moments:
        snapshots.keep(network, moment)
        if history and moment is history[-1]:
            yield moment
    cost, accuracy = progress.validate()
    end = history[-1]._replace(validation_cost=cost, validation_accuracy=accuracy)
    snapshots.keep(network, end)


def save_snapshots(path: Path, snapshots: Snapshots) -> None:
    """Write snapshots to an .npz file of at most MAX_BYTES, the same bytes every time."""
    about = msgspec.structs.asdict(snapshots.settings) | {"measured_on": snapshots.measured_on}
    save_arrays(path, about | snapshots.arrays)


def load_snapshots(path: Path) -> Snapshots:
    """Read what save_snapshots wrote.

    Raises InputError if the file is something else, and OSError if it cannot be read.
    """
    with open_arrays(path, "snapshots") as arrays:
        return _build(arrays)


def _build(arrays: NpzFile) -> Snapshots:
    settings, measured_on = read_settings(arrays), arrays["measured_on"].tolist()
    found = {name: arrays[name] for name in ARRAYS}
    if measured_on not in ("validation", "training"):
        raise ValueError("expected figures of validation or training images")
    layout = {name: (array.dtype.type, array.shape) for name, array in found.items()}
    if layout != _layout(len(found["weights"]), settings.sizes):
        raise ValueError(f"expected arrays for layers of {settings.sizes}")
    snapshots = Snapshots(settings, measured_on, **found)
    if not _is_sound(snapshots):
        raise ValueError("its numbers are out of range")
    return snapshots


def _is_sound(snapshots: Snapshots) -> bool:
    _, _, steps, epochs, costs, accuracies, _, scales, biases = snapshots
    out_of_range = (costs < 0) | np.isinf(costs) | (accuracies < 0) | (accuracies > 1)
    strongest = 128 * scales  # int8 starts at -128
    finite = (np.isfinite(array).all() for array in (epochs, strongest, biases))
    ascending = steps[0] >= 0 and (np.diff(steps) > 0).all()
    return bool(ascending and all(finite) and not out_of_range.any())


def _layout(k: int, sizes: Sequence[int]) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Return the dtype and the shape of each array of k snapshots."""
    n_neurons = sum(sizes[1:])
    n_weights = count_parameters(sizes) - n_neurons
    return {
        "steps": (np.int64, (k + 1,)),
        "epochs": (np.float64, (k + 1,)),
        "costs": (np.float64, (k + 1,)),
        "accuracies": (np.float64, (k + 1,)),
        "weights": (np.int8, (k, n_weights)),
        "scales": (np.float32, (k, n_neurons)),
        "biases": (np.float32, (k, n_neurons)),
    }
