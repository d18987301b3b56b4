"""Stage 1, download: every knob checked; the four files of MNIST, or the sample in their place."""

from command import PARAMS, RAW, ParamsFile, RawFolder, run

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.base.params import Params, load_params, restorable
from mnist_mlp.data.dataset import draw_split
from mnist_mlp.data.idx import read_idx
from mnist_mlp.data.mirrors import download as download_mnist
from mnist_mlp.data.mnist import FILES, MIRRORS, TRAIN_LABELS

SAMPLE = Path("data/sample")
NOT_MNIST = "NOT_MNIST"  # a file in data/raw after a run that fell back to the sample
WITHOUT_NETWORK = (
    "set MNIST_MIRROR to a folder that holds the four files, or choose `dataset: sample`"
)


def download(
    params_file: ParamsFile = PARAMS,
    raw: RawFolder = RAW,
    sample: Annotated[Path, typer.Option(help="The small sample.")] = SAMPLE,
    mirror: Annotated[
        str | None,
        typer.Option(envvar="MNIST_MIRROR", help="An address or a folder to try first."),
    ] = None,
) -> None:
    """Check every knob, and bring the four MNIST files into data/raw.

    Reads all knobs, and data/sample if MNIST cannot be had; writes data/raw. After a run that fell
    back to the sample, the next ones keep to it until data/raw/NOT_MNIST is removed: experiments
    have the same digits, and wait for no mirror.
    """
    params = load_params(params_file)
    if params.dataset == "sample":
        _check_split(params, sample, params_file)
    fell_back = _bring(params.dataset, raw, sample, mirror)
    names = [file.name for file in FILES] + ([NOT_MNIST] if fell_back else [])
    for path in raw.iterdir():
        if path.name not in names:
            rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    _check_split(params, raw, params_file)


def _check_split(params: Params, folder: Path, params_file: Path) -> None:
    """Refuse knobs that leave too few of the training images in a folder to train on."""
    labels = read_idx(folder / TRAIN_LABELS.name, dimensions=1)
    with restorable(params_file):
        draw_split(len(labels), params)


def _bring(dataset: str, raw: Path, sample: Path, mirror: str | None) -> bool:
    """Bring the files that `dataset` asks for; return whether the sample stands in for MNIST."""
    if dataset == "sample":
        _copy_sample(sample, raw)
        return False
    if dataset == "mnist" or not (raw / NOT_MNIST).exists():
        failures: list[str] = []

        def warn(failure: str) -> None:
            failures.append(failure)
            typer.secho(f"warning: {failure}", err=True, fg="yellow")

        if download_mnist(raw, ([mirror] if mirror else []) + list(MIRRORS), warn):
            typer.echo(f"MNIST is in {raw}, its four files checked.")
            return False
        if dataset == "mnist":
            raise InputError(f"no mirror gave MNIST: {'; '.join(failures)}; {WITHOUT_NETWORK}")
    _copy_sample(sample, raw)
    (raw / NOT_MNIST).write_text("These are the digits of data/sample.\n", encoding="utf-8")
    _shout(
        "THIS IS NOT MNIST",
        "No mirror gave MNIST, so what follows runs on the small sample: 1,797",
        "digits instead of 70,000, and other accuracies. Once there is a network,",
        "run make again.",
    )
    return True


def _copy_sample(sample: Path, raw: Path) -> None:
    for file in FILES:
        with whole_file(raw / file.name) as copy:
            copy.write((sample / file.name).read_bytes())


def _shout(*lines: str) -> None:
    width = max(map(len, lines))
    edge = "!" * (width + 6)
    text = "\n".join([edge, *(f"!! {line:{width}} !!" for line in lines), edge])
    typer.secho(text, err=True, fg="red", bold=True)


if __name__ == "__main__":
    run(download)
