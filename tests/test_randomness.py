"""The random streams: each purpose has its own."""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.randomness import Purpose, generator

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def draws(seed: int, purpose: Purpose) -> NDArray[np.float64]:
    return generator(seed, purpose).random(100)


def test_same_seed_and_purpose_give_the_same_draws() -> None:
    np.testing.assert_array_equal(draws(10**30, "shuffling"), draws(10**30, "shuffling"))


def test_another_purpose_or_seed_gives_different_draws() -> None:
    every = np.concatenate([draws(seed, purpose) for seed in (0, 1, 2) for purpose in PURPOSES])
    assert np.unique(every).size == every.size


def test_each_part_of_a_purpose_has_draws_of_its_own() -> None:
    first, second = (generator(0, "shuffling", epoch).random(100) for epoch in (0, 1))
    assert not np.intersect1d(first, second).size


def test_draws_for_one_purpose_do_not_affect_the_others() -> None:
    shuffling = generator(0, "shuffling")
    first = shuffling.random(50)
    draws(0, "initial weights")
    assert np.array_equal([*first, *shuffling.random(50)], draws(0, "shuffling"))


def test_streams_are_those_that_numpy_spawns_from_the_seed() -> None:
    streams = np.random.SeedSequence(5).spawn(len(PURPOSES))
    for purpose, stream in zip(PURPOSES, streams, strict=True):
        expected = np.random.default_rng(stream).random(100)
        np.testing.assert_array_equal(draws(5, purpose), expected)
