"""The process that looks at a learner's data: `python -m mnist_mlp.checking.data_child FILE ...`.

It writes what it found to a file: a line for each array, and one for each fault.
"""

import json
import os
import sys
from pathlib import Path

from mnist_mlp.checking.absent import Finder
from mnist_mlp.checking.data_faults import find_faults
from mnist_mlp.checking.datasets import Data, find_data, is_data
from mnist_mlp.checking.learner import EndlessError, Learner, describe

PATIENCE = 60.0  # seconds of computing for one statement or call
PLOTS = {"matplotlib", "seaborn", "plotly", "IPython"}


def main(file: Path, account: Path, layout: str) -> None:
    """Run the file's statements that make data, and write its faults.

    `layout` is that of the learner's network: "rows", "columns" or "".
    """
    sys.meta_path.insert(0, Finder(PLOTS))
    sys.argv = [str(file)]
    try:
        learner, data = load(file)
        if not data.images and any("FileNotFound" in problem for problem in learner.problems):
            os.chdir(file.parent)
            learner, data = load(file)
        faults = list(find_faults(learner, data, {"rows": False, "columns": True}.get(layout)))
        arrays = [str(array) for array in (*data.images, *data.labels)]
        found = {"arrays": arrays, "faults": faults, "problems": learner.problems}
    except SyntaxError as error:
        found = {"problems": [f"this is not Python: line {error.lineno}: {error.msg}"]}
    except EndlessError as error:
        found = {"problems": [describe(error)]}
    account.write_text(json.dumps(found), "utf-8")


def load(file: Path) -> tuple[Learner, Data]:
    """Run a file, and find its data."""
    learner = Learner(file, is_data, PATIENCE)
    return learner, find_data(learner)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
