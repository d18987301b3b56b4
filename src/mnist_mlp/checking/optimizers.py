"""Optimizers: what is wrong with momentum, or with Adam, told from the first two steps.

Both steps begin with the same parameters, and as a rule with the same gradient. So the second shows
what was carried over from the first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.matcher import Answer

BETA1, BETA2 = 0.9, 0.999
NEAR = 0.01  # relative error of a factor
SMALL = 0.1  # of the largest gradient; smaller ones are left out


def faults(
    gradient: Answer, first: Answer, second: Answer, known: Mapping[str, float], source: str
) -> Iterator[str]:
    """Yield the notes of a program with an optimizer.

    `first` and `second` are its steps over the learning rate, and `known` are its numbers by name.
    """
    g, one, two = (answer.weights[-1] for answer in (gradient, first, second))
    if g is None or one is None or two is None or not g.any() or not one.any():
        return
    large = np.abs(g) > SMALL * np.abs(g).max()
    own, one, two = g[large], one[large], two[large]
    ratio, size = _constant(two / one), _constant(one / np.sign(own))
    momentum = [v for k, v in known.items() if re.search(r"(?i)mom", k) and 0 < v < 1]
    if re.search(r"(?i)adam", source):
        yield from _corrections(size if first.rate != 1 else None, ratio)
    elif momentum and ratio is not None:
        if _near(ratio, 1):
            yield "velocity reset"
        elif _near(ratio, 1 - momentum[0]):
            yield "velocity subtracted"
    if size is None and _constant(one * own):
        yield "no root"


def _corrections(size: float | None, ratio: float | None) -> Iterator[str]:
    """Yield what is wrong with Adam's corrections, from the first step's size over the rate."""
    if size is None:
        return
    m, v = 1 - BETA1, np.sqrt(1 - BETA2)
    wrong = (m, 1 / v, np.sqrt(m) / v, m / v**2)  # one of them, or both with the same beta
    ratios = (
        (1 + BETA1) / np.sqrt(1 + BETA2),  # with t = 1 again
        np.sqrt(1 - BETA2**2) / (1 - BETA1**2),  # with the corrected averages kept
    )
    if _near(size, m / v):
        yield "not corrected"
    elif any(_near(size, each) for each in wrong) or (
        _near(size, 1) and any(_near(ratio or 0, each) for each in ratios)
    ):
        yield "corrected wrongly"


def goes_uphill(gradient: Answer, step: Answer) -> bool:
    """Tell whether each step is a multiple of its gradient, and some of them go uphill."""
    pairs = zip(gradient.weights, step.weights, strict=True)
    factors = [
        _constant(s[g != 0] / g[g != 0])
        for g, s in pairs
        if g is not None and s is not None and g.any()
    ]
    return None not in factors and any(factor < 0 for factor in factors if factor)


def are_swapped(gradients: Iterable[Array | None], kept: Iterable[Array]) -> bool:
    """Tell whether Adam's β₁ and β₂ are swapped, from the averages that it keeps."""
    kept = list(kept)
    for g in gradients:
        if g is None or not g.any():
            continue
        large = np.abs(g) > SMALL * np.abs(g).max()
        same = [array[large] for array in kept if array.shape == g.shape and array.any()]
        if any(_near(_constant(a / g[large]) or 0, 1 - BETA2) for a in same) and any(
            _near(_constant(a / g[large] ** 2) or 0, 1 - BETA1) for a in same
        ):
            return True
    return False


def _constant(values: Array) -> float | None:
    """Return the value that all have, or None."""
    middle = float(np.median(values))
    same = np.isfinite(middle) and bool(np.allclose(values, middle, NEAR, 0))
    return middle if same else None


def _near(one: float, other: float) -> bool:
    return abs(one - other) < NEAR * abs(other)
