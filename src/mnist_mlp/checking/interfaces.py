"""Interfaces: how to call the backpropagation of a learner's file, found by names and by trying.

Every layout of arrays is tried. All layers and the mini-batch differ in size, so that a wrong
layout fails, or does not return gradients of the right shapes.
"""

from collections.abc import Iterator

from mnist_mlp.checking.functions import adapter_trials, function_trials
from mnist_mlp.checking.layered import layer_trials
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.loops import loop_trials
from mnist_mlp.checking.objects import object_trials
from mnist_mlp.checking.trial import Trial


def trials(learner: Learner) -> Iterator[Trial]:
    """Yield the ways in which the file's gradients can be had, the likely ones first."""
    yield from adapter_trials(learner)
    yield from function_trials(learner)
    yield from object_trials(learner)
    yield from layer_trials(learner)
    yield from loop_trials(learner)
