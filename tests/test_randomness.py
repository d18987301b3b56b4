"""Tests of the random streams, of which each purpose has its own."""

from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.base.randomness import Purpose, generator

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
SEEDS = [0, 1, 10**30]


def draws(seed: int, purpose: Purpose) -> NDArray[np.float64]:
    return generator(seed, purpose).random(100)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_and_purpose_give_the_same_draws(seed: int, purpose: Purpose) -> None:
    np.testing.assert_array_equal(draws(seed, purpose), draws(seed, purpose))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("one", "other"), list(combinations(PURPOSES, 2)))
def test_another_purpose_gives_other_draws(seed: int, one: Purpose, other: Purpose) -> None:
    assert not np.intersect1d(draws(seed, one), draws(seed, other)).size


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize(("one", "other"), list(combinations(SEEDS, 2)))
def test_another_seed_gives_other_draws(one: int, other: int, purpose: Purpose) -> None:
    assert not np.intersect1d(draws(one, purpose), draws(other, purpose)).size


def test_draws_for_one_purpose_leave_the_others_alone() -> None:
    shuffling = generator(0, "shuffling")
    first = shuffling.random(50)
    draws(0, "initial weights")
    assert np.array_equal([*first, *shuffling.random(50)], draws(0, "shuffling"))


def test_purposes_are_the_streams_that_numpy_spawns_from_the_seed() -> None:
    streams = np.random.SeedSequence(5).spawn(len(PURPOSES))
    for purpose, stream in zip(PURPOSES, streams, strict=True):
        expected = np.random.default_rng(stream).random(100)
        np.testing.assert_array_equal(draws(5, purpose), expected)
