"""Layouts: the shapes in which a learner's program keeps weights, biases, images and targets."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import Problem

SINGLE = {"vector", "column", "row"}  # one example at a time


class Layout(NamedTuple):
    """How arrays are laid out.

    data       "rows" or "columns" for a mini-batch; "vector", "column" or "row" for one example
    inputs     whether weights are (n_in, n_out) instead of (n_out, n_in)
    bias       "flat", "column" or "row"
    targets    "one-hot", or "labels"
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
        return f"{examples}, weights {weights}, targets as {self.targets}"

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
        return int(labels[0]) if self.data in SINGLE else labels

    def weight(self, array: Array) -> Array:
        """Lay out a weight matrix, (n_out, n_in)."""
        return array.T.copy() if self.inputs else array.copy()

    def biases(self, array: Array) -> Array:
        """Lay out the biases of a layer, (n_out,)."""
        shape = {"flat": (-1,), "column": (-1, 1), "row": (1, -1)}[self.bias]
        return array.reshape(shape).copy()

    def read_examples(self, array: Array) -> Array:
        """Return activations as (n, m)."""
        return np.atleast_2d(array.T if self.data in ("columns", "column") else array)

    def read_bias(self, array: Array, n_out: int) -> Array:
        """Return a bias gradient as (n_out,), or as rows of examples if it is something else."""
        if array.size == n_out:
            return array.reshape(-1)
        return self.read_examples(array) if array.ndim > 1 else array


def layouts(singles: bool) -> Iterator[Layout]:
    """Yield every layout, the likely ones first: of mini-batches, or of single examples."""
    kinds = ("column", "vector", "row") if singles else ("columns", "rows")
    for targets in ("one-hot", "labels"):
        for data in kinds:
            outputs_first = data in ("columns", "column")
            for inputs in (not outputs_first, outputs_first):
                first = "column" if outputs_first else "row" if data in ("rows", "row") else "flat"
                for bias in dict.fromkeys((first, "flat", "row", "column")):
                    yield Layout(data, inputs, bias, targets)
