"""Train the default network with a learner's own gradient function, and with the project's.

The learner's file runs in a process of its own: `python -m mnist_mlp.course.own_training FILE
FOLDER PREPARED KNOBS SECONDS`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import Params
from mnist_mlp.base.randomness import generator
from mnist_mlp.checking.absent import install
from mnist_mlp.checking.child import set_limits
from mnist_mlp.checking.isolation import run_alone
from mnist_mlp.checking.learner import Learner, describe
from mnist_mlp.checking.lines import Recipe
from mnist_mlp.data.dataset import Dataset, draw_split, load_dataset
from mnist_mlp.learning.backprop import backprop
from mnist_mlp.learning.batches import mini_batches, shuffled
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network, save_network
from mnist_mlp.learning.network import ACTIVATIONS, Network
from mnist_mlp.learning.refinements import Refinements
from mnist_mlp.learning.training import new_network

Step = Callable[[list[Array], list[Array], Array, Array, float], Any]


class Result(NamedTuple):
    """How a network did: its accuracy on the test digits, and the seconds its training took."""

    accuracy: float
    seconds: float


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
            refine.decay_weights(rate)
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
    file: Path, recipe: Recipe, prepared: Path, *, epochs: int, seconds: int, model: Path | None
) -> Result:
    """Train with the gradients of a learner's file, and write the network to `model`.

    Prints a line for each epoch. Raises InputError, in one line, if the file fails.
    """
    params = _params(recipe, epochs)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        seen = 0

        def watch() -> None:
            nonlocal seen
            while (made / f"{seen + 1}").exists():
                seen += 1
                print(f"epoch {seen}/{epochs}", flush=True)

        knobs = msgspec.json.encode(params).decode()
        arguments = (file.resolve(), made, prepared.resolve(), knobs, str(seconds))
        problem = run_alone("mnist_mlp.course.own_training", arguments, seconds, watch)
        watch()
        if not problem and (made / "account.json").exists():
            account = json.loads((made / "account.json").read_bytes())
            problem = account.get("problem", "")
        if problem:
            raise InputError(f"{file}: {problem}")
        network = load_network(made / "model.npz")
    if model:
        save_network(model, network)
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


def main(file: Path, folder: Path, prepared: Path, knobs: str, seconds: int) -> None:
    """Train, and write a file for each epoch, then the network and an account."""
    set_limits(seconds)
    sys.path.insert(0, str(file.parent))
    install()
    account: dict[str, Any] = {}
    try:
        params = msgspec.json.decode(knobs, type=Params)
        network = new_network(params)
        step = _step(Learner(file))
        digits = load_dataset(prepared, "training")
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            for epoch in descend(network, step, digits, params):
                (folder / str(epoch)).touch()
        account["seconds"] = time.perf_counter() - start
        save_network(folder / "model.npz", network)
    except (ArithmeticError, InputError) as error:
        account["problem"] = str(error)
    except Exception as error:  # noqa: BLE001
        account["problem"] = describe(error)
    (folder / "account.json").write_text(json.dumps(account), "utf-8")


def _step(learner: Learner) -> Step:
    """Return the step that a file makes. In the adapters, labels are digits."""
    functions = learner.functions()
    if gradient := functions.get("check_gradients"):
        return downhill(
            lambda w, b, images, targets: gradient(w, b, images, targets.argmax(axis=1))
        )
    if own := functions.get("check_step"):
        return lambda weights, biases, images, targets, rate: [
            [old - new for old, new in zip(olds, news, strict=True)]
            for olds, news in zip(
                (weights, biases),
                own(*_copies(weights, biases), images, targets.argmax(axis=1), rate),
                strict=True,
            )
        ]
    if "backprop" in functions:
        return downhill(functions["backprop"])
    raise InputError(
        "expected backprop(weights, biases, images, targets), as in examples/exercises, or an "
        "adapter: mnist-mlp check --new mine_check.py"
    )


def _copies(*parts: list[Array]) -> Iterator[list[Array]]:
    return ([array.copy() for array in part] for part in parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
