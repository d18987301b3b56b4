"""What mistakes do to the accuracy, as claims/mistakes.py has measured it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__)
PLACES = (HERE.parents[3] / "metrics/mistakes.json", HERE.with_name("mistakes.json"))


@cache
def load_measured() -> dict[str, Any]:
    """Read the measurements: those of a clone, or those that an installed package has."""
    for path in PLACES:
        if path.exists():
            measured: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return measured
    return {"without": [], "with": {}, "not_trained": {}}


def without_mistakes() -> str:
    """Return the accuracy of the default training without a mistake, or nothing."""
    without = load_measured()["without"]
    return _mean(without[0]) if without else ""


def in_table(name: str) -> str:
    """Return what a mistake does to the accuracy, as a cell of a table: "93.1 %"."""
    measured = load_measured()
    if name not in measured["with"]:
        return str(measured["not_trained"].get(name, ""))
    entry = measured["with"][name]
    usual, without = measured["without"][0], _without(entry)
    unusual = [_named(entry[key]) for key in ("hidden", "cost") if entry[key] != usual[key]]
    note = f" ({', '.join(unusual)}: {_mean(without)} without)" if unusual else ""
    return _mean(entry) + note


def in_report(name: str) -> str:
    """Return a sentence on what a mistake does to the accuracy, or nothing."""
    entry = load_measured()["with"].get(name)
    if not entry:
        return ""
    result = "it ends in NaN or infinity"
    if None not in entry["accuracies"]:
        result = f"it reads {_mean(entry)} of the test digits"
    return (
        f"Measured: made in every layer, with {_named(entry['hidden'])} neurons and "
        f"{_named(entry['cost'])}, {result}; without it, {_mean(_without(entry))}."
    )


def _without(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the training without a mistake that another is compared with."""
    return next(
        each
        for each in load_measured()["without"]
        if (each["hidden"], each["cost"]) == (entry["hidden"], entry["cost"])
    )


def _mean(entry: dict[str, Any]) -> str:
    accuracies = entry["accuracies"]
    return "NaN" if None in accuracies else f"{100 * np.mean(accuracies):.1f} %"


def _named(word: str) -> str:
    return word.replace("relu", "ReLU").replace("cross_", "cross-").replace("_", " ")
