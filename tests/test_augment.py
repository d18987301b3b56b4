"""Augmentation: what it changes, how far, and what it leaves alone."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_mlp.learning.augmentation import (
    AUGMENTATIONS,
    POINTS_AT,
    SHIFT,
    SPLINE,
    deform,
    sample,
    shift,
)

Images = NDArray[np.float32]
Augment = Callable[[Images, np.random.Generator, float], None]
GRID = np.arange(28) - 13.5


@pytest.fixture
def images() -> Images:
    """Make 40 smooth pictures with a blank margin of six pixels."""
    pictures = np.zeros((40, 28, 28), np.float32)
    pictures[:, 6:22, 6:22] = np.random.default_rng(0).random((40, 4, 4)).repeat(4, 1).repeat(4, 2)
    return pictures.reshape(40, 784)


def centres(images: Images) -> NDArray[np.float64]:
    pictures = images.reshape(-1, 28, 28)
    mass = pictures.sum((1, 2))
    return np.stack([pictures.sum(2) @ GRID / mass, pictures.sum(1) @ GRID / mass], 1)


def test_none_leaves_images_alone(images: Images) -> None:
    before = images.copy()
    AUGMENTATIONS["none"](images, np.random.default_rng(0), 1)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_zero_strength_changes_nothing(kind: str, images: Images) -> None:
    before = images.copy()
    AUGMENTATIONS[kind](images, np.random.default_rng(0), 0)
    np.testing.assert_allclose(images, before, atol=1e-5)


@pytest.mark.parametrize("augment", [shift, deform])
def test_half_the_strength_moves_images_half_as_far(augment: Augment, images: Images) -> None:
    whole, half = images.copy(), images.copy()
    augment(whole, np.random.default_rng(0), 1)
    augment(half, np.random.default_rng(0), 0.5)
    far, near = (np.abs(centres(moved) - centres(images)).mean() for moved in (whole, half))
    assert 0.3 * far < near < 0.7 * far


def test_the_same_random_stream_gives_the_same_bytes(images: Images) -> None:
    for augment in (shift, deform):
        one, other, third = images.copy(), images.copy(), images.copy()
        augment(one, np.random.default_rng(5))
        augment(other, np.random.default_rng(5))
        augment(third, np.random.default_rng(6))
        assert one.tobytes() == other.tobytes() != third.tobytes()


def test_a_shift_moves_each_image_by_whole_pixels_in_every_direction(images: Images) -> None:
    pictures = images.copy().reshape(-1, 28, 28)
    shift(images, np.random.default_rng(0))
    seen = set()
    for before, after in zip(pictures, images.reshape(-1, 28, 28), strict=True):
        moves = [
            (down, across)
            for down in range(-SHIFT, SHIFT + 1)
            for across in range(-SHIFT, SHIFT + 1)
            if np.array_equal(np.roll(before, (down, across), (0, 1)), after)
        ]
        assert len(moves) == 1
        seen.update(moves)
    for axis in (0, 1):
        assert {move[axis] for move in seen} == set(range(-SHIFT, SHIFT + 1))


def test_ink_that_is_shifted_out_of_the_picture_is_lost() -> None:
    edge = np.zeros((200, 28, 28), np.float32)
    edge[:, 0] = 1
    images = edge.reshape(200, 784).copy()
    shift(images, np.random.default_rng(0))
    rows = images.reshape(200, 28, 28).max(2).argmax(1)
    inked = images.max(1) > 0
    assert (~inked).any()
    assert set(rows[inked]) == {0, 1, 2}


def test_deformed_images_stay_in_range_and_differ_from_each_other(images: Images) -> None:
    images[:] = images[0]
    deform(images, np.random.default_rng(0))
    assert images.min() >= 0
    assert images.max() <= 1
    assert len(np.unique(images, axis=0)) == len(images)


def test_deformed_strokes_are_as_sharp_as_before() -> None:
    far = np.hypot(GRID[:, np.newaxis], GRID)
    ring = np.clip(2.5 - np.abs(far - 8), 0, 1).astype(np.float32)
    images = np.tile(ring.ravel(), (200, 1))
    between = np.broadcast_to(GRID.astype(np.float32) + 0.5, (200, 28, 28))
    blurred = sample(images, between.swapaxes(1, 2), between)
    deform(images, np.random.default_rng(0))
    grey = [np.mean((each > 0.1) & (each < 0.9)) for each in (ring, images, blurred)]
    assert grey[1] == pytest.approx(grey[0], rel=0.2)
    assert grey[2] > 1.5 * grey[0]


def test_deformed_digits_stay_near_their_place(images: Images) -> None:
    before = centres(images)
    deform(images, np.random.default_rng(0))
    moves = centres(images) - before
    assert 0.5 < np.abs(moves).max() < 5
    assert np.abs(moves.mean(0)).max() < 1


def test_sampling_at_the_pixels_is_the_identity_and_blank_outside() -> None:
    images = np.random.default_rng(0).random((3, 784), np.float32)
    rows = np.broadcast_to(GRID[:, np.newaxis], (3, 28, 28)).astype(np.float32)
    columns = np.broadcast_to(GRID, (3, 28, 28)).astype(np.float32)
    np.testing.assert_allclose(sample(images, rows, columns), images, atol=1e-5)
    moved = sample(images, rows + 3, columns - 2).reshape(3, 28, 28)
    expected = np.zeros((3, 28, 28))
    expected[:, :-3, 2:] = images.reshape(3, 28, 28)[:, 3:, :-2]
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert sample(images, rows + 100, columns).max() < 0.01


def test_sampling_between_pixels_is_linear() -> None:
    ramp = np.broadcast_to(np.arange(28) / 28, (1, 28, 28)).astype(np.float32).reshape(1, 784)
    rows = np.broadcast_to(GRID[:, np.newaxis], (1, 28, 28)).astype(np.float32)
    columns = np.broadcast_to(GRID, (1, 28, 28)).astype(np.float32)
    found = sample(ramp, rows, columns + 0.25).reshape(28, 28)
    expected = np.tile((np.arange(27) + 0.25) / 28, (28, 1))
    np.testing.assert_allclose(found[:, :27], expected, atol=1e-5)


def test_the_spline_keeps_straight_lines_straight() -> None:
    np.testing.assert_allclose(SPLINE.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(SPLINE @ POINTS_AT, GRID, atol=1e-5)
    assert SPLINE.min() >= 0
