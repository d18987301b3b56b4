"""What the stage commands share: the library beside them, their paths, and how they fail."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:
    sys.exit(
        f"error: {sys.executable} is not the project's Python; run `make` once, and then "
        "`. .venv/bin/activate` before dvc or a stage"
    )

# The src/ beside this folder comes first, so that a clone, or an experiment in a folder of its
# own, runs its own code even where some other copy of the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

# One thread, unless the user says otherwise: more only slow small layers down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from mnist_mlp.errors import InputError

PARAMS = Path("params.yaml")
RAW = Path("data/raw")
PREPARED = Path("data/prepared")
MODEL = Path("data/model.npz")

ParamsFile = Annotated[Path, typer.Option("--params", help="The knobs.")]
RawFolder = Annotated[Path, typer.Option("--raw", help="The four IDX files.")]
PreparedFolder = Annotated[
    Path, typer.Option("--prepared", help="The arrays to train, validate and test with.")
]
ModelFile = Annotated[Path, typer.Option("--model", help="The trained network.")]


def run(command: Callable[..., None]) -> None:
    """Run a function as a Typer command; what a user can cause ends in one line and exit code 1."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")
    except FileNotFoundError as error:
        sys.exit(
            f"error: {error.filename}: not found; `dvc repro`, at the top of the project, runs all"
        )
    except OSError as error:
        sys.exit(f"error: {error.filename or ''}: {error.strerror or error}")
    except MemoryError:
        sys.exit("error: there is not enough memory for arrays of this size; try fewer neurons")
