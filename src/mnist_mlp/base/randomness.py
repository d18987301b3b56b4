"""Random numbers: one seed, and from it an independent stream for each purpose."""

from typing import Literal, get_args

import numpy as np

Purpose = Literal[
    "validation split",
    "initial weights",
    "shuffling",
    "random labels",
    "noise",
    "claim",
    "augmentation",
    "dropout",
    "order",
]


def generator(seed: int, purpose: Purpose, *part: int) -> np.random.Generator:
    """Return the generator for one purpose; no other purpose ever changes its draws.

    A purpose may have parts, such as epochs, each with its own stream. Every result depends on the
    order of `Purpose`: add new purposes at the end.
    """
    stream = get_args(Purpose).index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *part)))
