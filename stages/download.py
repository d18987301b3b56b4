"""Stage 1, download: the four files of MNIST, or the sample in their place."""

from command import PARAMS, RAW, ParamsFile, RawFolder, run

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.base.params import load_params
from mnist_mlp.data.mirrors import download as download_mnist
from mnist_mlp.data.mnist import FILES, MIRRORS

SAMPLE = Path("data/sample")
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
    """Bring the four MNIST files into data/raw.

    Reads the knob dataset, and data/sample where MNIST cannot be had; writes data/raw.
    """
    params = load_params(params_file)
    failures: list[str] = []

    def warn(failure: str) -> None:
        failures.append(failure)
        typer.secho(f"warning: {failure}", err=True, fg="yellow")

    if params.dataset == "sample":
        _copy_sample(sample, raw)
    elif download_mnist(raw, ([mirror] if mirror else []) + list(MIRRORS), warn):
        typer.echo(f"MNIST is in {raw}, its four files checked.")
    elif params.dataset == "mnist":
        raise InputError(f"no mirror gave MNIST: {'; '.join(failures)}; {WITHOUT_NETWORK}")
    else:
        _copy_sample(sample, raw)
        _shout(
            "THIS IS NOT MNIST",
            "No mirror gave MNIST, so what follows runs on the small sample: 1,797",
            "digits instead of 70,000, and other accuracies. Once there is a network,",
            "run make again.",
        )
    for path in set(raw.iterdir()) - {raw / file.name for file in FILES}:
        rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


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
