"""Interfaces: how to call the backpropagation of a learner's file, found by names and by trying.

Every layout of arrays is tried. All layers and the mini-batch differ in size, so that a wrong
layout fails, or does not return gradients of the right shapes.
"""

from collections.abc import Iterator

from mnist_mlp.checking.functions import adapter_trials, function_trials
from mnist_mlp.checking.layered import layer_trials
from mnist_mlp.checking.learner import EndlessError, Learner, describe
from mnist_mlp.checking.objects import object_trials
from mnist_mlp.checking.trial import Trial
from mnist_mlp.checking.watch import watched_trials

ADAPTERS = {"check_gradients", "check_step"}


def trials(learner: Learner) -> Iterator[Trial]:
    """Yield the ways in which the file's gradients can be had, the likely ones first."""
    if ADAPTERS & set(learner.functions()):
        yield from adapter_trials(learner)
        return
    for source in (function_trials, object_trials, layer_trials, watched_trials):
        try:
            yield from source(learner)
        except (Exception, EndlessError) as error:  # noqa: BLE001
            learner.errors.append(describe(error))
