"""Stage 1, download: every knob checked; the four files of MNIST, or of the sample instead."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import PARAMS, RAW, ParamsFile, RawFolder, run

import re
from configparser import Error as ConfigError
from configparser import RawConfigParser
from contextlib import suppress
from hashlib import sha256
from shutil import rmtree
from typing import Annotated

import typer

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import UNFINISHED, atomic_write
from mnist_mlp.base.params import Params, load_params, restorable
from mnist_mlp.data.dataset import draw_split
from mnist_mlp.data.idx import read_idx
from mnist_mlp.data.mirrors import download as download_mnist
from mnist_mlp.data.mirrors import (
    find_spellings,
    has_content,
    has_file,
    is_complete,
    read_file,
    top,
)
from mnist_mlp.data.mnist import FILES, MIRRORS, TRAIN_LABELS, File

SAMPLE = Path("data/sample")
NOT_MNIST = "NOT_MNIST"  # a file in data/raw after a run that fell back to the sample
WITHOUT_NETWORK = "set MNIST_MIRROR to a folder with the four files, or choose `dataset: sample`"


def download(
    params_file: ParamsFile = PARAMS,
    raw: RawFolder = RAW,
    sample: Annotated[Path, typer.Option(help="The small sample.")] = SAMPLE,
    mirror: Annotated[
        str | None,
        typer.Option(envvar="MNIST_MIRROR", help="A folder or an address that has MNIST."),
    ] = None,
) -> None:
    """Check every knob, and bring the four MNIST files into data/raw.

    Reads all knobs, and data/sample if it is chosen or MNIST is unavailable; writes data/raw.
    MNIST's files in data/raw are used under any usual name, packed or not; any other file there is
    refused. After a run that fell back to the sample, the next ones keep to it until
    data/raw/NOT_MNIST is removed, so that experiments have the same digits.
    """
    params = load_params(params_file)
    if params.dataset == "sample":
        _check_split(params, sample, params_file)
    _expect_no_others(raw, sample)
    for file in FILES:
        _rename(raw, file)
    fell_back = _provide(params.dataset, raw, sample, mirror)
    for path in raw.iterdir():
        if _is_leftover(path) and not (fell_back and path.name == NOT_MNIST):
            path.unlink()
    _check_split(params, raw, params_file)


def _check_split(params: Params, folder: Path, params_file: Path) -> None:
    """Refuse knobs that leave too few of the training images in a folder to train on."""
    labels = read_idx(folder / TRAIN_LABELS.name, dimensions=1)
    with restorable(params_file):
        draw_split(len(labels), params)


def _expect_no_others(raw: Path, sample: Path) -> None:
    """Refuse any file in data/raw that is not MNIST's or the sample's, or left by a killed run."""
    for path in sorted(raw.rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        is_leftover = path.name == ".DS_Store" or (path.parent == raw and _is_leftover(path))
        if not is_folder and not is_leftover and not _is_known(path, raw, sample):
            raise InputError(
                f"{path}: expected one of MNIST's four files, found another; move it out of {raw}"
            )


def _is_leftover(path: Path) -> bool:
    """Return whether a file in data/raw was left by a killed run, by DVC, or by Finder."""
    names = {f"{file.name}{end}" for file in FILES for end in (UNFINISHED, f".lock{UNFINISHED}")}
    is_dvcs = re.fullmatch(r"\.\w{22}\.tmp", path.name)
    return path.name in names | {NOT_MNIST, ".DS_Store"} or bool(is_dvcs)


def _is_known(path: Path, raw: Path, sample: Path) -> bool:
    """Return whether a file has the name of one of the four, and its content or the sample's."""
    for file in FILES:
        if path in find_spellings(raw, file):
            content = (sample / file.name).read_bytes()
            its_sample = file._replace(size=len(content), sha256=sha256(content).hexdigest())
            return has_content(path, file) or has_content(path, its_sample)
    return False


def _rename(raw: Path, file: File) -> None:
    """Give a file of MNIST that the user put into data/raw its own name there, unpacked.

    A copy of the sample's under another name, which an older version left, is removed.
    """
    target = raw / file.name
    renamed = target.with_name(file.name + UNFINISHED)  # the user's folder may have the name
    others = [path for path in find_spellings(raw, file) if path != target]
    given = [path for path in others if has_content(path, file)]
    if given and not has_file(raw, file):
        with atomic_write(renamed) as output:
            output.write(read_file(given[0], file))
    for path in others:
        path.unlink()
        _remove_empty(path.parent, raw)
    _remove_empty(target, raw)
    if has_content(renamed, file):  # also if a run was killed before this
        renamed.replace(target)
    for path in given:
        typer.echo(f"{path} is now {target}, unpacked.")


def _remove_empty(folder: Path, raw: Path) -> None:
    """Remove a folder in data/raw if there is nothing in it but what Finder leaves."""
    if folder == raw or not folder.is_dir() or folder.is_symlink():
        return
    if all(path.name == ".DS_Store" for path in folder.iterdir()):
        rmtree(folder)


def _provide(dataset: str, raw: Path, sample: Path, mirror: str | None) -> bool:
    """Provide the files that `dataset` asks for; return whether the sample replaces MNIST."""
    if dataset == "sample":
        _copy_sample(sample, raw)
        return False
    for file in FILES:
        _restore(raw, file)
    if is_complete(raw):
        return False
    if dataset == "mnist" or mirror or not (raw / NOT_MNIST).exists():
        failures: list[str] = []

        def warn(failure: str) -> None:
            failures.append(failure)
            if not mirror:
                typer.secho(f"warning: {failure}", err=True, fg="yellow")

        if download_mnist(raw, [mirror] if mirror else MIRRORS, warn):
            typer.echo(f"MNIST is in {raw}, its four files checked.")
            return False
        if mirror:
            raise InputError(
                f"MNIST_MIRROR: {failures[0]}; correct it, or unset it to use the public mirrors"
            )
        if dataset == "mnist":
            raise InputError(f"no mirror has MNIST: {'; '.join(failures)}; {WITHOUT_NETWORK}")
        if top() != Path.cwd():
            raise InputError(
                f"no mirror has MNIST: {'; '.join(failures)}; an experiment in a folder of its own "
                f"does not fall back to the sample: {WITHOUT_NETWORK}"
            )
    _copy_sample(sample, raw)
    (raw / NOT_MNIST).write_text("These are the digits of data/sample.\n", encoding="utf-8")
    _print_banner(
        "THIS IS NOT MNIST",
        "MNIST could not be downloaded. This run uses the small sample instead:",
        "1,797 digits, not 70,000, so accuracies differ. Once you are online, run",
        "make again.",
    )
    return True


def _restore(raw: Path, file: File) -> None:
    """Take a file of MNIST that is missing in data/raw from DVC's cache, if it is there."""
    cached = _cached(file)
    if not has_file(raw, file) and has_content(cached, file):
        with atomic_write(raw / file.name) as output:
            output.write(cached.read_bytes())


def _cached(file: File) -> Path:
    """Return where DVC's cache keeps a file of MNIST."""
    settings = top() / ".dvc"
    config = RawConfigParser()
    with suppress(ConfigError, ValueError):
        config.read([settings / "config", settings / "config.local"], encoding="utf-8")
    cache = settings / config.get("cache", "dir", fallback="cache")
    return cache / "files/md5" / file.md5[:2] / file.md5[2:]


def _copy_sample(sample: Path, raw: Path) -> None:
    for file in FILES:
        if has_file(raw, file) and not has_content(_cached(file), file):
            raise InputError(
                f"{raw / file.name}: MNIST's, of which DVC's cache has no copy, and the sample's "
                f"would replace it; move MNIST's files out of {raw}, or add those that are missing"
            )
    for file in FILES:
        with atomic_write(raw / file.name) as copy:
            copy.write((sample / file.name).read_bytes())


def _print_banner(*lines: str) -> None:
    width = max(map(len, lines))
    edge = "!" * (width + 6)
    text = "\n".join([edge, *(f"!! {line:{width}} !!" for line in lines), edge])
    typer.secho(text, err=True, fg="red", bold=True)


if __name__ == "__main__":
    run(download)
