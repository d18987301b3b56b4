"""The check of a learner's data: what is wrong with its arrays, its initial weights, its accuracy.

The file runs in a process of its own, which may read files and import packages.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mnist_mlp.checking.isolation import run_alone

SECONDS = 180.0  # by the clock, to load the data


class DataReport(NamedTuple):
    """What was found in a learner's file.

    arrays     the images and labels, with their shapes
    faults     what is wrong, a line for each
    problem    why there are no images, in one line, or nothing
    notes      statements of the file that failed
    """

    arrays: list[str]
    faults: list[str]
    problem: str
    notes: list[str]

    @property
    def is_right(self) -> bool:
        """Whether there were images, and nothing is wrong."""
        return not self.faults and not self.problem

    @property
    def lines(self) -> Iterator[str]:
        """What there is to say."""
        if self.problem:
            yield f"data: {self.problem}"
        else:
            yield f"data: {', '.join(self.arrays)}"
            yield from (f"  failed: {note}" for note in self.notes[:5])
        yield from self.faults or (
            [] if self.problem else ["Everything that was checked is right."]
        )


def check_data(file: Path, layout: str = "") -> DataReport:
    """Look for faults in the data and training of a learner's file.

    `layout` says how its network takes examples: "rows", "columns", or "" if that is not known.
    """
    with tempfile.TemporaryDirectory() as folder:
        account = Path(folder) / "account.json"
        problem = run_alone("mnist_mlp.checking.data_child", file, [str(account), layout], SECONDS)
        found = json.loads(account.read_text("utf-8")) if account.exists() else {}
    arrays = found.get("arrays", [])
    if not any("784" in array or "28, 28" in array for array in arrays):
        problem = problem or _why(found.get("problems", []))
    return DataReport(arrays, found.get("faults", []), problem, found.get("problems", []))


def _why(problems: list[str]) -> str:
    """Return why no images were found, and what is needed."""
    first = next((p for p in problems if "Error" in p or "not Python" in p), "")
    if "ModuleNotFoundError" in first:
        return f"could not be loaded: {first}; install that package beside mnist-mlp"
    if "FileNotFoundError" in first:
        return f"could not be loaded: {first}; run this in the folder that has the file"
    if first:
        return f"could not be loaded: {first}"
    return (
        "no images found: assign them at the top of the file (X_train, y_train), or return them "
        "from a function without parameters, such as load_data()"
    )
