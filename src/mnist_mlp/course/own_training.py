"""Train the default network with a learner's own gradient function, and with the project's.

The learner's file runs in a process of its own: `python -m mnist_mlp.course.own_training FILE
FOLDER TASK`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.checking.child import prepare
from mnist_mlp.checking.diagnosis import Diagnosis, common_factor
from mnist_mlp.checking.interfaces import trials
from mnist_mlp.checking.isolation import run_alone
from mnist_mlp.checking.layouts import SINGLE, Layout
from mnist_mlp.checking.learner import Learner, describe
from mnist_mlp.checking.lines import Problem, Recipe
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.parts import examine
from mnist_mlp.data.dataset import Dataset, draw_split, load_dataset, load_description
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.batches import mini_batches, shuffled
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network, save_network
from mnist_mlp.learning.network import ACTIVATIONS, Network
from mnist_mlp.learning.refinements import Refinements
from mnist_mlp.learning.training import new_network

MODULE = "mnist_mlp.course.own_training"
Step = Callable[[list[Array], list[Array], Array, Array, float], Any]


class Result(NamedTuple):
    """How a network did: its accuracy on the test digits, and the seconds its training took."""

    accuracy: float
    seconds: float


class Way(NamedTuple):
    """How a learner's program is called, and what it computes.

    recipe   its functions and its cost
    how      what is called, in words
    layout   of its arrays
    sign     -1 if its gradients point downhill, else 1
    summed   whether they are sums over examples, not averages
    """

    recipe: Recipe
    how: str
    layout: Layout
    sign: int = 1
    summed: bool = False


class Task(NamedTuple):
    """What the process of the file has to do."""

    prepared: str
    params: Params
    way: Way
    seconds: int


def way_of(diagnosis: Diagnosis) -> Way | None:
    """Return how a program is called that was diagnosed, if it has gradients."""
    trial, reading = diagnosis.trial, diagnosis.reading
    if not trial or not reading:
        return None
    factor = common_factor(reading)
    downward = bool(factor and factor.constant < 0 and not trial.step)
    summed = trial.layout.data in SINGLE or bool(factor and factor.power == 0)
    return Way(reading.recipe, trial.how, trial.layout, -1 if downward else 1, summed)


def descend(network: Network, step: Step, digits: Dataset, params: Params) -> Iterator[int]:
    """Train a network as the pipeline does, with another step; yield the epochs done.

    A step is given weights, biases, images, (n, 784), targets, (n, 10), and the learning rate, and
    returns what to subtract from the weights and from the biases, a list of arrays each. Raises
    ArithmeticError if a number becomes NaN or infinite.
    """
    rows = draw_split(len(digits.images), params).training
    for epoch in range(params.epochs):
        refine = Refinements(network, params, epoch, len(rows), np.zeros(0))
        order = rows[shuffled(len(rows), generator(params.seed, "shuffling", epoch))]
        batches = mini_batches(digits, order, params.batch_size)
        for rate, (images, targets) in zip(refine.learning_rates, batches, strict=True):
            changes = step([*network.weights], [*network.biases], images, targets, rate)
            refine.decay_weights(refine.weights, rate)
            for arrays, by in zip((network.weights, network.biases), changes, strict=True):
                for array, change in zip(arrays, by, strict=True):
                    np.subtract(array, change, out=array)
        if not np.isfinite(network.parameters).all():
            raise ArithmeticError(f"in epoch {epoch + 1} weights became NaN or infinite")
        yield epoch + 1


def downhill(gradient: Callable[..., Any]) -> Step:
    """Return the step that follows a gradient: of weights, biases, images and targets."""
    return lambda weights, biases, images, targets, rate: [
        [rate * slope for slope in slopes] for slopes in gradient(weights, biases, images, targets)
    ]


def train_own(
    file: Path, way: Way, prepared: Path, *, epochs: int, seconds: int, model: Path | None
) -> Result:
    """Train with the gradients of a learner's file, and write the network to `model`.

    Prints a line for each epoch. Raises InputError, in one line, if the file fails.
    """
    params = _params(way.recipe, epochs)
    _, straightened = load_description(prepared)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        seen = 0

        def watch() -> None:
            nonlocal seen
            while (made / f"{seen + 1}").exists():
                seen += 1
                print(f"epoch {seen}/{epochs}", flush=True)

        task = msgspec.json.encode(Task(str(prepared.resolve()), params, way, seconds)).decode()
        problem = run_alone(MODULE, file, [name, task], seconds, watch)
        watch()
        if not problem and (made / "account.json").exists():
            account = json.loads((made / "account.json").read_bytes())
            problem = account.get("problem", "")
        if problem:
            raise InputError(f"{file}: {problem}")
        network = load_network(made / "model.npz")
    if model:
        save_network(model, network, straightened)
    return Result(_accuracy(network, prepared), account["seconds"])


def train_project(recipe: Recipe, prepared: Path, epochs: int) -> Result:
    """Train the same network with the project's gradients."""
    params = _params(recipe, epochs)
    network = new_network(params)

    def gradient(_: Any, __: Any, images: Array, targets: Array) -> Any:
        found = backprop(network, network.forward(images), targets)
        return found.weights, found.biases

    start = time.perf_counter()
    for _ in descend(network, downhill(gradient), load_dataset(prepared, "training"), params):
        pass
    return Result(_accuracy(network, prepared), time.perf_counter() - start)


def write_results(folder: Path, own: Result, project: Result) -> None:
    """Write both results into the folder."""
    results = {"own": own._asdict(), "project": project._asdict()}
    with atomic_write(folder / "results.json") as file:
        file.write(json.dumps(results, indent=2).encode() + b"\n")


def _accuracy(network: Network, prepared: Path) -> float:
    test = load_dataset(prepared, "test")
    return accuracy(answer(network, test.images), test.labels)


def _params(recipe: Recipe, epochs: int) -> Params:
    """Return the default knobs with the learner's activation function and cost."""
    if recipe.hidden not in ACTIVATIONS:
        raise InputError(f"expected {', '.join(ACTIVATIONS)} neurons, found {recipe.hidden}")
    usual = "cross_entropy" if recipe.output == "softmax" else "squared_error"
    fits = recipe.cost in COSTS and COSTS[recipe.cost].output == recipe.output
    cost = recipe.cost if fits else usual
    return Params(activation=recipe.hidden, cost=cost, epochs=epochs)  # type: ignore[arg-type]


# In the process of the learner's file


def main(file: Path, folder: Path, task: Task) -> None:
    """Train, and write a file for each epoch, then the network and an account."""
    prepare(task.seconds, folder)
    account: dict[str, Any] = {}
    try:
        network = new_network(task.params)
        step = _step(Learner(file), task.way)
        digits = load_dataset(Path(task.prepared), "training")
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            for epoch in descend(network, step, digits, task.params):
                (folder / str(epoch)).touch()
        account["seconds"] = time.perf_counter() - start
        save_network(folder / "model.npz", network)
    except (ArithmeticError, InputError) as error:
        account["problem"] = str(error)
    except Exception as error:  # noqa: BLE001
        account["problem"] = describe(error)
    (folder / "account.json").write_text(json.dumps(account), "utf-8")


def _step(learner: Learner, way: Way) -> Step:
    """Return the step that a file makes when it is called in this way."""
    if "backprop" in examine(learner).findings:
        return downhill(learner.functions()["backprop"])
    for trial in trials(learner):
        if trial.again and (trial.how, trial.layout) == (way.how, way.layout):
            return downhill(partial(_ask, trial.again, way))
    raise InputError(
        f"{way.how} cannot train; write an adapter: mnist-mlp check --new mine_check.py"
    )


def _ask(
    again: Callable[[Problem], Answer | None], way: Way, *problem: Any
) -> tuple[list[Array], list[Array]]:
    """Return the gradients of a mini-batch, or the mean of those of its examples."""
    weights, biases, images, targets = problem
    size = 1 if way.layout.data in SINGLE else len(images)
    scale = way.sign / len(images) if way.summed else way.sign
    sums = [np.zeros_like(a) for a in weights], [np.zeros_like(a) for a in biases]
    for i in range(0, len(images), size):
        answer = again(Problem(weights, biases, images[i : i + size], targets[i : i + size]))
        if not answer:
            raise InputError(f"{way.how} gave no gradients of a mini-batch")
        for arrays, found in zip(sums, (answer.weights, answer.biases), strict=True):
            for array, slope in zip(arrays, found, strict=True):
                if slope is not None:
                    np.add(array, slope * scale, out=array)
    return sums


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=Task))
