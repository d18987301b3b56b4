"""The command mnist-mlp: classify images, inspect the network, compare and sweep runs.

A command imports what it needs when it runs, so that --help is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnist_mlp.base.errors import InputError, in_one_line, printable
from mnist_mlp.base.process import catch_ctrl_c

if TYPE_CHECKING:
    from mnist_mlp.course.marks import Mark
    from mnist_mlp.learning.network import Network
    from mnist_mlp.runs.versus import Answers

PIPELINE = Path("stages/train.py")  # no other project has one beside its dvc.yaml


def _find_clone() -> Path:
    """Return the top of the clone that has this file, or else the current folder."""
    top = Path(__file__).resolve().parents[2]
    if not (top / PIPELINE).exists():
        return Path()
    try:
        return Path(os.path.relpath(top))
    except (OSError, ValueError):  # no current folder, or one on another drive of Windows
        return top


TOP = _find_clone()
MODEL = TOP / "data/model.npz"
PREPARED = TOP / "data/prepared"
REPORT = TOP / "metrics/report.html"
ACCURACY = TOP / "metrics/accuracy.json"
PARAMS = TOP / "params.yaml"
LOCK = TOP / "dvc.lock"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Classify your own digits, inspect the network, and compare runs.",
)

ModelFile = Annotated[Path, typer.Option("--model", help="The trained network.")]
PreparedFolder = Annotated[
    Path, typer.Option("--prepared", help="The arrays to train and test with.")
]


def main() -> None:
    """Run a command. User errors end in one line on standard error and exit code 1."""
    catch_ctrl_c()
    if sys.stdout:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="mnist-mlp")
    except (InputError, OSError) as error:
        sys.exit(f"error: {in_one_line(error)}")
    except MemoryError:
        sys.exit("error: there is not enough memory for this")


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Pictures of digits: PNG, JPEG, ...")],
    *,
    model: ModelFile = MODEL,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="Print every layer's activations.")
    ] = False,
    show: Annotated[
        Path | None,
        typer.Option("--show", help="Write what the network saw to a PNG file."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if something does not look like a digit.")
    ] = False,
) -> None:
    """Read the digits in each image: drawn or photographed, dark on light or light on dark.

    Of one digit, prints it, the runner-up and the ten outputs; of several the number, line by line,
    and where each digit is. All images are tried; if one cannot be read, a line on standard error
    says why, and the exit code is 1. With --json, one image gives an object, several a list, with
    an "error" for each that could not be read. An image that does not look like a digit is
    reported as such, and is a question mark in a number; `evaluate` writes what digits look like
    beside the model.
    """
    import json

    from mnist_mlp.base.files import atomic_write
    from mnist_mlp.learning.likeness import likeness_file, load_likeness
    from mnist_mlp.learning.model import reads_straightened
    from mnist_mlp.reading.numbers import draw_readings, read_sheet
    from mnist_mlp.reading.photos import look_at_file

    network = _load(model)
    likeness, straightened = load_likeness(likeness_file(model), network), reads_straightened(model)
    missing = f"{likeness_file(model)} is missing, or of another model; `dvc repro` writes it"
    if strict and not likeness:
        raise InputError(f"--strict: {missing}")
    seen, results = [], []
    for path in images:
        try:
            picture, sheet = look_at_file(path)
        except (InputError, OSError) as error:
            print(f"error: {in_one_line(error)}", file=sys.stderr)
            results.append({"image": str(path), "error": in_one_line(error)})
            continue
        reading = read_sheet(network, sheet, likeness, straightened)
        seen.append((picture, reading))
        results.append({"image": str(path), **reading.data(layers)})
        if not as_json:
            print(f"{printable(path)}: {reading.text(layers, _has_blocks())}\n", flush=True)
    if as_json:
        print(json.dumps(results if len(results) > 1 else results[0], indent=2))
    if show and seen:
        with atomic_write(show) as file:
            draw_readings(seen).save(file, "PNG")
    if seen and not likeness:
        print(f"note: everything was read as digits: {printable(missing)}", file=sys.stderr)
    if len(seen) < len(images) or (strict and any(reading.refused for _, reading in seen)):
        sys.exit(1)


@app.command()
def check(  # noqa: PLR0917
    files: Annotated[list[Path] | None, typer.Argument(help="Your own program, as it is.")] = None,
    cost: Annotated[
        str | None,
        typer.Option(help="The cost you mean: cross_entropy, squared_error, binary_cross_entropy."),
    ] = None,
    new: Annotated[
        Path | None, typer.Option("--new", help="Write a template of an adapter to this file.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write a row for each file, for a spreadsheet.")
    ] = None,
    train: Annotated[
        int, typer.Option(min=0, help="With --table: train for so many epochs, for the accuracy.")
    ] = 0,
    data: Annotated[
        bool, typer.Option("--data", help="Check the data and the initial weights too.")
    ] = False,
) -> None:
    """Name the mistake in your own backpropagation.

    Runs your file in a process of its own, calls its functions on small random networks, and
    compares the gradients with those of a hundred known mistakes. The exit code is 1 if something
    is wrong. Checking a file runs it: check only files that you trust.
    """
    from mnist_mlp.checking.data_check import DataReport, check_data
    from mnist_mlp.checking.template import write_template
    from mnist_mlp.checking.words import report
    from mnist_mlp.course.marks import mark, write_marks
    from mnist_mlp.learning.costs import COSTS

    if new:
        write_template(new)
        return
    if not files:
        raise InputError("name the file to check: mnist-mlp check mine.py")
    if cost not in (None, *COSTS):
        raise InputError(f"--cost: expected one of {', '.join(COSTS)}, found {cost}")
    marks, data_reports = [], list[DataReport]()
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: not found")
        marks.append(mark(file, cost))
        if marks[-1].parts:
            print(printable(file), *marks[-1].lines, sep="\n", end="\n\n", flush=True)
        if marks[-1].needs_report:
            print(report(marks[-1].diagnosis, printable(file)), end="\n\n", flush=True)
        if data:
            trial = marks[-1].diagnosis.trial
            data_reports.append(check_data(file, trial.layout.data if trial else ""))
            print(*map(printable, data_reports[-1].lines), sep="\n", end="\n\n", flush=True)
    if table:
        if train:
            marks = [_trained(each, file, train) for each, file in zip(marks, files, strict=True)]
        write_marks(table, marks)
    if not all(each.is_right for each in marks) or not all(each.is_right for each in data_reports):
        sys.exit(1)


@app.command("show")
def show_report(
    page: Annotated[Path, typer.Argument(help="The page to open.")] = REPORT,
) -> None:
    """Open the report page in the browser, or print its path."""
    import webbrowser

    if not page.is_file():
        raise InputError(f"{page}: not found; `make`, in a clone of the project, writes it")
    if not webbrowser.open(page.resolve().as_uri()):
        print(f"There is no browser here; open {page.resolve()} in one.")


@app.command()
def info(model: ModelFile = MODEL) -> None:
    """Print the network's layers, knobs and accuracy.

    Knobs and accuracy are those that dvc.lock and metrics/accuracy.json record for the model.
    """
    from mnist_mlp.learning.costs import COSTS
    from mnist_mlp.runs.record import read_record

    network = _load(model)
    record = read_record(model, LOCK, ACCURACY)
    print(
        f"{model}\n"
        f"layers      {'-'.join(map(str, network.sizes))}\n"
        f"parameters  {network.parameters.size:,} weights and biases\n"
        f"hidden      {network.activation if len(network.sizes) > 2 else 'none'}\n"
        f"outputs     {COSTS[network.cost].output}, for {network.cost}"
    )
    if not (TOP / PIPELINE).exists():
        return  # only the clone that made the model has its record
    if record.results:
        print(f"accuracy    {record.results['test_accuracy']:.2%} of the test digits")
    else:
        print(f"accuracy    {ACCURACY} is not of this model; run `dvc repro`")
    if record.knobs is None:
        print(f"knobs       {LOCK} has no record of this model; run `dvc repro`")
        return
    print("knobs")
    for knob, value in record.knobs.items():
        print(f"  {knob:15} {value}")
    _print_changes(record.knobs)


@app.command()
def sweep(
    grid: Annotated[list[str], typer.Argument(help="Knobs with the values to try: hidden=16,32")],
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Networks per combination.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, tcp://HOST:8786, instead of this machine")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time here; by default one per core.")
    ] = None,
    params: Annotated[Path, typer.Option(help="The file with the other knobs.")] = Path(
        "params.yaml"
    ),
    raw: Annotated[Path, typer.Option(help="The folder with the four files.")] = Path("data/raw"),
    kept: Annotated[Path, typer.Option(help="The folder with earlier results.")] = Path(
        "data/sweep"
    ),
    table: Annotated[Path, typer.Option(help="A row per network.")] = Path("metrics/sweep.csv"),
    picture: Annotated[Path, typer.Option(help="A chart of the combinations.")] = Path(
        "metrics/sweep.png"
    ),
) -> None:
    """Train networks with every combination of some knobs, and compare them on validation images.

    Run it at the top of a clone. Each network is identical to that of `dvc exp run` with the same
    knobs. Results are kept in data/sweep: an interrupted sweep continues. With --seeds 5 or more,
    it also trains params.yaml as it stands, and says whether the best combination is better than
    that and than the second best, or whether the difference may be luck.
    """
    _expect_pipeline()
    try:
        from mnist_mlp.runs.sweep import sweep as train_all
    except ModuleNotFoundError as error:
        raise InputError(f"a sweep needs {error.name}; `make .venv/claims` installs it") from None

    train_all(
        grid,
        seeds=seeds,
        scheduler=scheduler,
        workers=workers,
        params=params,
        raw=raw,
        kept=kept,
        table=table,
        picture=picture,
    )


@app.command()
def compare(
    recorded: Annotated[str, typer.Argument(help="The commit to compare with.")] = "HEAD",
) -> None:
    """Print the first stage and the first epoch whose bytes differ from a commit's.

    Run it at the top of a clone. Reads dvc.lock and metrics/history.csv, here and in the commit.
    The exit code is 1 if the runs differ, or if there is no complete run here.
    """
    _expect_pipeline()
    from mnist_mlp.runs.compare import compare as has_same_bytes

    if not has_same_bytes(recorded):
        sys.exit(1)


@app.command()
def versus(
    other: Annotated[
        str,
        typer.Argument(
            help="The network to compare with: predictions (.csv), a model (.npz) or a commit."
        ),
    ],
    one: Annotated[
        str, typer.Argument(help="The network to judge, given likewise.")
    ] = "metrics/predictions.csv",
) -> None:
    """Print whether two networks differ on the test digits, or whether it may be luck.

    Run it at the top of a clone. `mnist-mlp versus HEAD` compares this run with the last commit.
    Counts the test digits that only one of the two reads right. A difference does not mean that one
    recipe is better than another: `mnist-mlp sweep` compares recipes.
    """
    _expect_pipeline()
    from mnist_mlp.runs.versus import compare_answers

    try:
        comparison = compare_answers(_answers(one), _answers(other))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not found; run `dvc repro`") from None
    print(
        f"Of {comparison.digits:,} test digits, {comparison.only_one:,} are read correctly only by "
        f"{one}, and {comparison.only_other:,} only by {other}.\n{comparison.verdict}"
    )


@app.command()
def mend() -> None:
    """Repair what a killed DVC left broken, and warn of what will fail in this clone.

    Run it at the top of a clone; `make` does so too. If dvc.lock, or DVC's list of the files in use
    (rwlock), is broken, DVC refuses to run. This removes it, and `dvc repro` writes it again. Valid
    files are kept.
    """
    _expect_pipeline()
    from mnist_mlp.runs.mend import mend as remove_broken
    from mnist_mlp.runs.place import check_place

    remove_broken()
    check_place()


@app.command()
def train(
    file: Annotated[Path, typer.Argument(help="Your own program.")],
    folder: Annotated[
        Path | None, typer.Option(help="The folder to write into; by default, beside the file.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 15,
    minutes: Annotated[int, typer.Option(min=1, help="Give up after this time.")] = 10,
    prepared: PreparedFolder = PREPARED,
) -> None:
    """Train the default network with your own backpropagation, and compare.

    The file is called as in `mnist-mlp check`, so train only files that you trust. Writes
    model.npz and results.json, and changes nothing in data/ or metrics/.
    """
    from mnist_mlp.course.marks import mark
    from mnist_mlp.course.own_training import train_own, train_project, way_of, write_results

    if not file.is_file():
        raise InputError(f"{file}: not found")
    _expect_digits(prepared)
    checked = mark(file)
    print(*checked.lines, sep="\n", flush=True)
    way = way_of(checked.diagnosis)
    if not way:
        raise InputError(f"{file}: no gradients to train with; see `mnist-mlp check`")
    folder = folder or file.with_name(f"{file.stem}-trained")
    own = train_own(
        file,
        way,
        prepared,
        epochs=epochs,
        seconds=60 * minutes,
        model=folder / "model.npz",
    )
    project = train_project(way.recipe, prepared, epochs)
    write_results(folder, own, project)
    print(f"yours      {own.accuracy:.2%} of the test digits, trained in {own.seconds:.1f} s")
    print(f"project's  {project.accuracy:.2%} of the test digits, in {project.seconds:.1f} s")
    print(f"{printable(folder)}/model.npz is your network: mnist-mlp predict --model reads with it")


@app.command()
def weights(
    folder: Annotated[Path, typer.Argument(help="The folder to write into.")],
    model: ModelFile = MODEL,
    prepared: PreparedFolder = PREPARED,
) -> None:
    """Write the trained weights as plain arrays, to compare with a program of your own.

    Writes weights.npz, activations.npz, the activations of a few test images in every layer, and
    README.txt, which says how to load them.
    """
    from mnist_mlp.course.plain_weights import write_weights
    from mnist_mlp.data.dataset import load_dataset

    network = _load(model)
    try:
        print(write_weights(folder, network, load_dataset(prepared, "test")), end="")
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not found; run `make` in a clone") from None


@app.command("hand-in")
def hand_in(
    folder: Annotated[Path, typer.Argument(help="The folder to write into.")],
    name: Annotated[
        str | None, typer.Option(help="Your name; by default, that of the folder.")
    ] = None,
    program: Annotated[
        Path | None, typer.Option(help="Your own program, to check as well.")
    ] = None,
) -> None:
    """Put the knobs, the results and the page of the present experiment into one folder.

    With --program, what `mnist-mlp check` says of it is added.
    """
    from mnist_mlp.course.hand_in import write_hand_in
    from mnist_mlp.course.marks import mark
    from mnist_mlp.runs.record import is_page_of, read_record

    _load(MODEL)
    record = read_record(MODEL, LOCK, ACCURACY)
    if record.knobs is None or record.results is None or not is_page_of(MODEL, REPORT, LOCK):
        raise InputError("the results or the page are not of this model; run `dvc repro`")
    if program and not program.is_file():
        raise InputError(f"{program}: not found")
    name = name or folder.resolve().name
    check = mark(program).lines if program else []
    write_hand_in(
        folder, name, knobs=record.knobs, results=record.results, page=REPORT, check=check
    )
    print(f"{printable(folder)} has the experiment of {printable(name)}.")


@app.command()
def leaderboard(
    folders: Annotated[list[Path], typer.Argument(help="What was handed in.")],
    table: Annotated[Path, typer.Option(help="For a spreadsheet.")] = Path("leaderboard.csv"),
    page: Annotated[Path, typer.Option(help="For a browser.")] = Path("leaderboard.html"),
) -> None:
    """Compare the experiments in several folders, written by `mnist-mlp hand-in`.

    If a folder cannot be read, a line on standard error says why, and the exit code is 1.
    """
    from mnist_mlp.course.hand_in import rank, read_hand_in, write_leaderboard

    found = {}
    for folder in folders:
        try:
            found[Path(os.path.relpath(folder, page.parent)).as_posix()] = read_hand_in(folder)
        except (InputError, OSError) as error:
            print(f"error: {in_one_line(error)}", file=sys.stderr)
    write_leaderboard(rank(found), table, page)
    print(f"{printable(table)} and {printable(page)} compare {len(found)} experiments.")
    if len(found) < len(folders):
        sys.exit(1)


def _trained(mark: Mark, file: Path, epochs: int) -> Mark:
    """Return a mark with the accuracy of a network trained with the file, if that can be."""
    from mnist_mlp.course.own_training import train_own, way_of

    _expect_digits(PREPARED)
    way = way_of(mark.diagnosis)
    if not way:
        return mark
    print(f"training with {printable(file)}", flush=True)
    try:
        own = train_own(file, way, PREPARED, epochs=epochs, seconds=600, model=None)
    except InputError as error:
        print(f"error: {in_one_line(error)}", file=sys.stderr)
        return mark
    return mark._replace(accuracy=own.accuracy)


def _expect_digits(prepared: Path) -> None:
    """Raise InputError if there are no arrays to train and test with."""
    if not (prepared / "test_images.npy").exists():
        raise InputError(f"{prepared}: no digits; run `make` in a clone, or name it by --prepared")


def _expect_pipeline() -> None:
    """Raise InputError if the current folder is not the top of a clone."""
    if not PIPELINE.exists():
        raise InputError(f"{PIPELINE}: not found; run this at the top of a clone of the project")


def _answers(source: str) -> Answers:
    """Return a model's answers to the test images, or recorded predictions."""
    from mnist_mlp.runs.versus import Answers, read_answers

    if not source.endswith(".npz"):
        return read_answers(source)
    from mnist_mlp.data.dataset import load_dataset, load_description
    from mnist_mlp.learning.evaluation import answer
    from mnist_mlp.learning.model import load_network, reads_straightened

    prepared = Path("data/prepared")
    _, straightened = load_description(prepared)
    if reads_straightened(Path(source)) != straightened:
        raise InputError(
            f"{source}: expected a network that learned {'' if straightened else 'un'}straightened "
            f"digits, as in {prepared}, found another"
        )
    test = load_dataset(prepared, "test")
    outputs = answer(load_network(Path(source)), test.images)
    return Answers(source, test.labels.tolist(), outputs.argmax(axis=1).tolist())


def _print_changes(knobs: dict[str, Any]) -> None:
    """Print which knobs in params.yaml have changed since the model was trained."""
    from msgspec import to_builtins

    from mnist_mlp.base.params import load_params

    if not PARAMS.exists():
        return
    for knob, value in to_builtins(load_params(PARAMS)).items():
        if knob in knobs and _values(value) != _values(knobs[knob]):
            print(f"{PARAMS} now has {knob}: {value}; `dvc repro` trains a network with it")


def _values(knob: Any) -> list[Any]:
    """Return a knob's values in one form: 16 is [16], and 1e-05 may have been read as text."""
    values: list[Any] = []
    for value in knob if isinstance(knob, list | tuple) else [knob]:
        try:
            values.append(float(value))
        except (TypeError, ValueError):
            values.append(value)
    return values


def _load(model: Path) -> Network:
    from mnist_mlp.learning.model import load_network

    try:
        return load_network(model)
    except FileNotFoundError:
        raise InputError(
            f"{model}: not found; name a model with --model FILE, or run `make` in a clone of the "
            "project"
        ) from None


def _has_blocks() -> bool:
    try:
        "█▏░".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()
