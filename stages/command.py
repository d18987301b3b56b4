"""What the stage commands share: the import path, file names and error handling."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]

# The src/ beside this folder must be imported first, so that a clone, or an experiment in a folder
# of its own, runs its own code even if another copy is installed.
sys.path.insert(0, str(TOP / "src"))

from mnist_mlp.base.process import catch_ctrl_c, end_with_dvc

catch_ctrl_c()  # before the other imports, which take longer
end_with_dvc()

from argparse import ArgumentParser
from collections.abc import Callable
from types import TracebackType
from typing import Annotated


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print in one line which package is missing; other errors keep their traceback."""
    if not isinstance(error, ModuleNotFoundError):
        sys.__excepthook__(kind, error, trace)
        return
    print(
        f"error: {sys.executable}: {error}; run `make` once, and then `. .venv/bin/activate` "
        "before dvc or a stage",
        file=sys.stderr,
    )


sys.excepthook = _explain

import typer

from mnist_mlp.base.errors import InputError, in_one_line, printable
from mnist_mlp.base.kernels import choose_kernels
from mnist_mlp.base.params import load_params

PARAMS = Path("params.yaml")
RAW = Path("data/raw")
PREPARED = Path("data/prepared")
MODEL = Path("data/model.npz")
SNAPSHOTS = Path("data/snapshots.npz")
VALIDATION = Path("data/validation.npy")

ParamsFile = Annotated[Path, typer.Option("--params", help="The knobs.")]
RawFolder = Annotated[Path, typer.Option("--raw", help="The folder with the four files.")]
PreparedFolder = Annotated[
    Path, typer.Option("--prepared", help="The arrays to train and test with.")
]
ValidationFile = Annotated[
    Path, typer.Option("--validation", help="Which training images are held out.")
]
ModelFile = Annotated[Path, typer.Option("--model", help="The trained network.")]
SnapshotsFile = Annotated[
    Path, typer.Option("--snapshots", help="The network at moments of its training.")
]


def _choose_kernels() -> None:
    """Apply the knob `kernels`, before any module imports NumPy."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--params", type=Path, default=PARAMS)
    try:
        params = load_params(parser.parse_known_args()[0].params)
    except (InputError, OSError):
        return  # the command itself will read the file, and report the error
    choose_kernels(params.kernels)


_choose_kernels()


def run(command: Callable[..., None]) -> None:
    """Run a function as a Typer command. User errors end in one line and exit code 1."""
    if TOP in Path.cwd().parents:  # there, claims/params.yaml would be taken for params.yaml
        sys.exit(f"error: run this at the top of the project: `cd {printable(TOP)}`")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except FileNotFoundError as error:
        file = printable(error.filename)
        sys.exit(f"error: {file}: not found; run `dvc repro` at the top of the project")
    except (InputError, OSError) as error:
        sys.exit(f"error: {in_one_line(error)}")
    except MemoryError:
        sys.exit("error: there is not enough memory for arrays of this size; try fewer neurons")
