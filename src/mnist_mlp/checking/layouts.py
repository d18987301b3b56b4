"""Layouts: the shapes in which a learner's program keeps weights, biases, images and targets."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import Problem

SINGLE = {"vector", "column", "row"}  # one example at a time
FOLDED = ("first", "last")


class Layout(NamedTuple):
    """How arrays are laid out.

    data       "rows" or "columns" for a mini-batch; "vector", "column" or "row" for one example
    inputs     whether weights are (n_in, n_out) instead of (n_out, n_in)
    bias       "flat", "column" or "row"; "first" or "last" if biases are part of the weights, the
               weights of an input that is always 1
    targets    "one-hot"; or "labels", also as a "label matrix" with one row or one column
    """

    data: str
    inputs: bool
    bias: str
    targets: str

    def __str__(self) -> str:
        """Describe the layout to the learner."""
        examples = (
            f"one example as a {self.data}" if self.data in SINGLE else f"examples in {self.data}"
        )
        weights = "(inputs, outputs)" if self.inputs else "(outputs, inputs)"
        folded = f", the {self.bias} of them the bias" if self.folded else ""
        targets = "one-hot" if self.targets == "one-hot" else "labels"
        return f"{examples}, weights {weights}{folded}, targets as {targets}"

    @property
    def folded(self) -> bool:
        """Whether biases are part of the weights."""
        return self.bias in FOLDED

    def examples(self, array: Array) -> Array:
        """Lay out images or targets, (n, m)."""
        if self.data in ("columns", "column"):
            return array.T.copy()
        return array[0].copy() if self.data == "vector" else array.copy()

    def labels(self, problem: Problem) -> Any:
        """Lay out the targets of a problem."""
        if self.targets == "one-hot":
            return self.examples(problem.targets)
        labels = problem.targets.argmax(axis=1)
        if problem.targets.shape[1] == 1:  # a single output: yes or no
            labels = problem.targets[:, 0].astype(int)
        if self.targets == "label matrix":
            return self.examples(labels[:, None])
        return int(labels[0]) if self.data in SINGLE else labels

    def data_set(self, problem: Problem) -> tuple[list[Array], list[Any]]:
        """Lay out each example of a problem by itself: images and targets."""
        ones = [
            problem._replace(images=problem.images[i : i + 1], targets=problem.targets[i : i + 1])
            for i in range(len(problem.images))
        ]
        return [self.examples(one.images) for one in ones], [self.labels(one) for one in ones]

    def weight(self, array: Array) -> Array:
        """Lay out a weight matrix, (n_out, n_in)."""
        return array.T.copy() if self.inputs else array.copy()

    def biases(self, array: Array) -> Array:
        """Lay out the biases of a layer, (n_out,)."""
        shape = {"column": (-1, 1), "row": (1, -1)}.get(self.bias, (-1,))
        return array.reshape(shape).copy()

    def parameters(
        self, weights: Sequence[Array], biases: Sequence[Array]
    ) -> tuple[list[Array], list[Array]]:
        """Lay out all weights and biases. If they are folded, the second list is empty."""
        if not self.folded:
            return [self.weight(w) for w in weights], [self.biases(b) for b in biases]
        order = 1 if self.bias == "first" else -1
        joint = [np.hstack([b[:, None], w][::order]) for w, b in zip(weights, biases, strict=True)]
        return [self.weight(array) for array in joint], []

    def unfold(self, array: Array) -> tuple[Array, Array]:
        """Return the weights (n_out, n_in) and the biases (n_out,) of a folded matrix."""
        joint = self.weight(array)
        if self.bias == "first":
            return joint[:, 1:], joint[:, 0]
        return joint[:, :-1], joint[:, -1]

    def read_examples(self, array: Array) -> Array:
        """Return activations as (n, m)."""
        return np.atleast_2d(array.T if self.data in ("columns", "column") else array)

    def read_bias(self, array: Array, n_out: int) -> Array:
        """Return a bias gradient as (n_out,), or as rows of examples if it is something else."""
        if array.size == n_out:
            return array.reshape(-1)
        return self.read_examples(array) if array.ndim > 1 else array


def plain_layouts() -> Iterator[Layout]:
    """Yield the layouts of programs without NumPy: one example as a list, neurons as lists."""
    for bias in ("flat", "last", "first"):
        for targets in ("one-hot", "labels"):
            yield Layout("vector", False, bias, targets)


def layouts(singles: bool, *, folded: bool = False) -> Iterator[Layout]:
    """Yield every layout, the likely ones first: of mini-batches, or of single examples."""
    kinds = ("column", "vector", "row") if singles else ("columns", "rows")
    for targets in ("one-hot", "labels", "label matrix"):
        for data in kinds:
            outputs_first = data in ("columns", "column")
            for inputs in (not outputs_first, outputs_first):
                first = "column" if outputs_first else "row" if data in ("rows", "row") else "flat"
                biases = FOLDED if folded else dict.fromkeys((first, "flat", "row", "column"))
                for bias in biases:
                    yield Layout(data, inputs, bias, targets)
