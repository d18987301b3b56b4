"""Charts: the coordinates of curves over epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

WIDTH, HEIGHT = 420, 260  # of the whole chart
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40  # margins around the curves
MAX_POINTS = 400  # of a curve; of more epochs, evenly spaced ones are drawn


def draw_curves(
    title: str,
    epochs: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    lowest: float | None = None,
    percent: bool = False,
) -> dict[str, Any]:
    """Lay out a chart of curves, each with a value for every epoch; NaN is left out.

    The x-axis starts at epoch 0, the y-axis at `lowest`, or if it is None, at the tick below the
    smallest value. If `percent`, the ticks of fractions are labelled in per cent. Coordinates are
    strings with one decimal, from the upper left corner of WIDTH × HEIGHT.
    """
    shown = np.unique(np.linspace(0, len(epochs) - 1, MAX_POINTS).round().astype(int))
    finite = [value for curve in curves.values() for value in curve if math.isfinite(value)]
    lowest = min(finite) if lowest is None else lowest
    y_ticks = nice_steps(lowest, max(finite))
    x_ticks = [tick for tick in nice_steps(0, epochs[-1]) if tick <= epochs[-1]]
    x_range, y_range = (0, epochs[-1]), (y_ticks[0], y_ticks[-1])

    def x(epoch: float) -> str:
        return _place(epoch, x_range, LEFT, WIDTH - RIGHT)

    def y(value: float) -> str:
        return _place(value, y_range, HEIGHT - BOTTOM, TOP)

    return {
        "title": title,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "x_ticks": [(x(tick), f"{tick:g}") for tick in x_ticks if tick == int(tick)],
        "y_ticks": [(y(tick), f"{100 * tick:g} %" if percent else f"{tick:g}") for tick in y_ticks],
        "lines": [
            {
                "name": name,
                "points": [(x(epochs[i]), y(curve[i])) for i in shown if math.isfinite(curve[i])],
            }
            for name, curve in curves.items()
            if any(map(math.isfinite, curve))
        ],
    }


def place_of_epochs(epochs: Sequence[float]) -> dict[str, float]:
    """Return where every chart has its epochs: 0 at x = left, the last one at x = right."""
    return {"left": LEFT, "right": WIDTH - RIGHT, "last": epochs[-1]}


def nice_steps(low: float, high: float) -> list[float]:
    """Return about five ticks from low to high: multiples of 1, 2 or 5 times a power of ten."""
    span = (high - low) or abs(high) or 1
    power = 10 ** math.floor(math.log10(span / 4))
    step = power * next(factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 5)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    return [round(step * k, 12) for k in range(first, last + 1)]


def _place(value: float, limits: tuple[float, float], start: float, end: float) -> str:
    fraction = (value - limits[0]) / ((limits[1] - limits[0]) or 1)
    return f"{start + fraction * (end - start):.1f}"
