"""Digits as different people write them, as strokes, and how else they may be drawn.

A digit is written as its strokes, with " / " between them: points x,y in percent of its height,
joined by a smooth curve that has a corner where there is a "!".
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.float64]  # (points, 2): x and y, in shares of the pad, y downwards

HAND = {
    "0": "48,2 25,12 10,40 12,72 32,96 58,95 78,70 82,38 70,12 49,2",
    "0 narrow": "40,0 23,20 17,50 21,82 36,99 52,84 60,52 56,20 41,1",
    "0 not closed": "64,9 42,1 18,18 8,54 18,88 45,99 72,84 82,52 76,20 56,8",
    "0 overlapping": "60,12 42,0 18,14 6,48 16,84 42,100 70,86 82,50 74,16 50,2 34,8",
    "0 clockwise": "38,4 62,2 84,28 84,64 66,94 36,97 14,74 12,36 26,10 42,3",
    "0 leaning": "64,0 38,14 16,46 12,80 30,99 54,86 76,54 80,20 66,2",
    "0 wide": "50,4 20,18 2,50 16,84 52,97 88,82 100,48 84,16 54,3",
    "0 slashed": "48,2 22,14 10,50 22,88 48,98 74,86 86,50 74,14 50,2 / 88,4 10,98",
    "0 slashed inside": "48,2 25,12 10,42 16,76 42,98 68,88 82,52 70,12 50,2 / 64,26 32,76",
    "0 slashed narrow": "40,0 20,22 14,54 24,88 42,99 58,84 66,48 58,14 41,1 / 64,8 16,92",
    "1": "50,0 50,100",
    "1 leaning": "64,0 40,100",
    "1 leaning more": "74,0 34,100",
    "1 bowed": "46,0 53,40 50,100",
    "1 upwards": "46,100 52,50 55,0",
    "1 with a foot": "50,0 50,100 / 28,100 72,99",
    "1 short flag": "36,15 50,0! 50,100",
    "1 flag": "28,28 54,0! 52,100",
    "1 long flag": "12,46 56,0! 56,100",
    "1 longest flag": "2,62 58,0! 57,100",
    "1 curved flag": "18,36 40,24 56,0! 54,100",
    "1 short flag and foot": "34,16 50,0! 50,100 / 26,100 76,99",
    "1 long flag and foot": "18,40 54,0! 54,100 / 28,100 82,99",
    "2": "15,28 22,8 50,0 78,12 78,36 55,62 12,97! 88,96",
    "2 looped": "16,24 34,3 64,4 76,26 58,58 26,92 10,97 8,86 22,80 50,91 90,96",
    "2 small loop": "14,20 40,0 70,12 68,36 42,70 18,96 10,94 16,86 40,92 84,98",
    "2 swan": "18,20 44,0 74,14 66,44 32,78 10,98! 40,91 66,98 92,89",
    "2 round head": "28,34 14,20 32,2 64,2 82,22 70,52 40,80 12,99! 86,98",
    "2 angular": "14,12 50,2 78,12 72,34 14,98! 85,97",
    "2 narrow": "20,18 40,0 62,14 54,46 18,99! 68,97",
    "3": "16,14 42,0 74,12 70,36 42,46! 76,56 80,82 50,100 12,86",
    "3 flat": "14,4 80,3! 42,42! 74,52 82,78 54,100 14,90",
    "3 flat and pointed": "12,6 74,2! 36,44! 66,48 78,70 62,94 16,99",
    "3 round": "12,22 30,2 62,2 78,22 62,44 40,48! 66,50 84,72 66,98 30,100 8,82",
    "3 looped": "14,14 42,0 72,14 64,38 42,47 36,50 42,53 72,56 80,80 50,100 12,88",
    "3 narrow": "22,10 44,0 62,16 54,40 38,47! 58,54 66,78 46,100 18,90",
    "3 small head": "24,14 44,2 64,12 60,32 40,38! 76,48 86,76 58,100 14,92",
    "4 open": "22,2 14,52! 84,50 / 68,16 62,100",
    "4 open and round": "24,4 12,42 26,56 54,54 72,44 / 76,2 70,50 66,100",
    "4 like a u": "18,4 14,50! 68,50 / 72,0 66,100",
    "4 in parts": "20,2 14,50! 60,50 / 80,4 76,100",
    "4 open and wide": "20,0 6,56! 94,54 / 66,30 64,100",
    "4 closed": "62,100 64,0! 6,64! 90,64",
    "4 closed in two strokes": "60,0 8,62! 90,62 / 62,2 60,100",
    "4 like a sail": "56,0 12,60! 88,58 / 57,30 54,100",
    "5": "78,2 28,4! 22,44! 52,36 80,56 74,86 44,100 12,88",
    "5 in two strokes": "26,4 20,44! 54,36 82,58 74,88 42,100 12,88 / 26,4 82,2",
    "5 hat apart": "24,10 21,46! 52,38 78,60 68,90 38,100 10,90 / 32,4 80,1",
    "5 rounded": "78,4 44,4 26,18 34,40 66,54 76,78 52,98 14,92",
    "5 sharp": "76,0 24,0! 20,48! 56,43 78,66 62,92 14,97",
    "5 leaning": "88,0 40,3! 26,42! 56,36 74,54 62,84 34,100 4,90",
    "5 narrow": "64,2 28,3! 25,42! 50,40 66,62 56,90 34,100 18,92",
    "6": "66,0 36,24 14,62 22,92 50,100 74,84 68,60 44,54 17,72",
    "6 open": "66,2 34,26 14,64 26,94 54,98 74,80 62,60 38,64",
    "6 straight": "60,0 38,32 20,66 24,94 48,100 66,86 62,64 42,60 21,74",
    "6 large loop": "56,0 26,20 8,56 16,90 48,100 80,84 82,56 56,40 22,50 11,66",
    "6 small loop": "60,0 34,30 18,70 26,96 46,99 58,86 52,72 36,72 20,84",
    "6 curled": "78,12 60,0 32,18 14,58 24,92 52,100 76,82 68,60 42,56 16,74",
    "6 narrow": "50,0 32,28 22,66 28,94 44,100 56,84 50,66 36,64 24,78",
    "7": "10,5 85,4! 42,100",
    "7 curved": "8,8 45,4 88,5! 60,46 46,100",
    "7 with a serif": "12,24 13,5! 86,3! 44,100",
    "7 waved": "8,14 24,3 52,9 86,2! 58,48 48,100",
    "7 upright": "16,4 76,4! 66,40 62,100",
    "7 barred": "10,5 85,4! 42,100 / 34,52 82,47",
    "7 barred and curved": "8,8 45,4 88,5! 60,46 46,100 / 36,54 84,50",
    "7 barred with a serif": "12,22 13,5! 86,3! 44,100 / 38,52 80,50",
    "8": "72,14 46,0 22,14 30,36 62,56 78,78 52,100 22,82 34,56 64,36 73,16",
    "8 of two circles": "50,46 28,36 26,14 48,0 70,12 70,36 51,46"
    " / 50,46 22,60 20,88 48,100 78,88 76,60 51,46",
    "8 open": "78,12 56,1 28,10 30,34 60,54 76,78 54,100 24,88 32,60 60,40 70,24",
    "8 from the middle": "50,46 26,30 32,6 54,0 74,16 64,38 34,56 20,82 46,100 74,86 68,60 50,46",
    "8 narrow": "58,14 44,0 30,12 34,36 54,58 62,82 46,100 30,84 38,58 54,36 59,16",
    "8 leaning": "86,12 62,0 38,12 38,34 58,54 64,78 38,100 12,86 28,60 66,38 86,16",
    "8 small head": "62,12 48,2 34,12 38,30 66,50 82,76 52,100 16,82 28,54 56,32 62,16",
    "9": "74,22 50,2 20,16 22,42 50,50 74,26! 70,100",
    "9 hooked": "76,20 48,0 18,18 24,46 54,48 76,20! 77,60 64,94 36,99 18,88",
    "9 leaning": "78,16 50,0 22,20 28,46 56,44 78,16! 60,58 44,100",
    "9 in two strokes": "72,18 46,0 18,20 26,46 54,48 73,22 / 74,10 68,100",
    "9 round": "70,14 44,1 18,20 30,46 60,44 74,20 75,54 68,100",
    "9 small head": "66,14 48,1 30,12 34,32 54,34 67,16! 66,60 60,100",
    "9 large head": "80,26 48,0 10,22 20,56 54,60 80,28! 78,100",
    "9 curved": "74,16 46,1 18,22 30,46 60,40 74,14! 72,56 50,98",
}

APART = ("slashed", "flag")  # in the names of what MNIST hardly knows


def strokes_of(text: str) -> list[Stroke]:
    """Return the strokes of a digit of height 1 around the origin."""
    strokes = []
    for stroke in text.split(" / "):
        pieces = [
            np.array([[float(n) for n in point.split(",")] for point in piece.split()]) / 100
            for piece in _pieces(stroke)
        ]
        strokes.append(np.concatenate([smooth(piece) for piece in pieces]))
    points = np.concatenate(strokes)
    top, bottom = points.min(axis=0), points.max(axis=0)
    return [(stroke - (top + bottom) / 2) / (bottom - top)[1] for stroke in strokes]


def _pieces(stroke: str) -> list[str]:
    """Split a stroke at its corners, each of which ends one piece and starts the next."""
    pieces = stroke.split("! ")
    starts = ["", *(piece.split()[-1] + " " for piece in pieces[:-1])]
    return [start + piece for start, piece in zip(starts, pieces, strict=True)]


def smooth(points: Stroke, n: int = 5) -> Stroke:
    """Return a curve through points, n for each gap between two (Catmull and Rom 1974)."""
    if len(points) == 2:
        return points
    ends = 2 * points[[0, -1]] - points[[1, -2]]
    before, start, end, after = (
        np.concatenate([ends[:1], points, ends[1:]])[i : len(points) + i - 1] for i in range(4)
    )
    t = np.linspace(0, 1, n, endpoint=False)[:, np.newaxis, np.newaxis]
    slope, next_slope = (end - before) / 2, (after - start) / 2
    curve = start + slope * t
    curve = curve + (3 * (end - start) - 2 * slope - next_slope) * t**2
    curve = curve + (2 * (start - end) + slope + next_slope) * t**3
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def wobbly(strokes: list[Stroke], size: float, random: np.random.Generator) -> list[Stroke]:
    """Bend the plane smoothly: points move by about `size`, and neighbours alike."""
    waves = random.normal(0, 6, (6, 2))
    phases = random.uniform(0, 2 * np.pi, 6)
    moves = random.normal(0, size / np.sqrt(3), (6, 2))
    return [stroke + np.sin(stroke @ waves.T + phases) @ moves for stroke in strokes]


def scaled(strokes: list[Stroke], height: float, x: float = 0.5, y: float = 0.5) -> list[Stroke]:
    """Scale a digit to a height, in shares of the pad, with its middle at (x, y)."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = height / (high - low).max()
    return [(stroke - (low + high) / 2) * scale + (x, y) for stroke in strokes]


def turned(strokes: list[Stroke], degrees: float) -> list[Stroke]:
    """Turn a digit clockwise, as y points down."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [stroke @ np.array([[cos, sin], [-sin, cos]]) for stroke in strokes]


def slanted(strokes: list[Stroke], slope: float) -> list[Stroke]:
    """Move the top of a digit of height 1 to the right by a share of its height."""
    return [stroke - stroke[:, 1:] * (slope, 0) for stroke in strokes]


Drawing = Callable[[list[Stroke], np.random.Generator], list[Stroke]]
WAYS: dict[str, Drawing] = {
    "normal": lambda strokes, _: scaled(strokes, 0.7),
    "18 % high": lambda strokes, _: scaled(strokes, 0.18),
    "25 % high": lambda strokes, _: scaled(strokes, 0.25),
    "35 % high": lambda strokes, _: scaled(strokes, 0.35),
    "50 % high": lambda strokes, _: scaled(strokes, 0.5),
    "90 % high": lambda strokes, _: scaled(strokes, 0.9),
    "in a corner": lambda strokes, _: scaled(strokes, 0.3, 0.18, 0.82),
    "slanted to the right": lambda strokes, _: scaled(slanted(strokes, 0.2), 0.7),
    "slanted to the left": lambda strokes, _: scaled(slanted(strokes, -0.2), 0.7),
    "turned by 10°": lambda strokes, _: scaled(turned(strokes, 10), 0.7),
    "turned by -10°": lambda strokes, _: scaled(turned(strokes, -10), 0.7),
    "wobbly": lambda strokes, random: scaled(wobbly(strokes, 0.03, random), 0.7),
}


def drawings(way: str) -> dict[str, list[Stroke]]:
    """Draw each digit of HAND in one of the WAYS; its label is the first character of its name."""
    return {
        name: WAYS[way](wobbly(strokes_of(text), 0.01, random), random)
        for i, (name, text) in enumerate(HAND.items())
        for random in [np.random.default_rng(i)]
    }
