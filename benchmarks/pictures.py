"""Measure how well `mnist-mlp predict` reads a folder of real pictures of handwriting.

    PYTHONPATH=.:src python benchmarks/pictures.py FOLDER --model data/model.npz --half first

The folder has a truth.csv with the columns file, holds, truth and kind: `holds` is digit, number
(its lines parted by a space) or none. Work with one half; open the other only at the end. Prints
Markdown tables, with MNIST digits on ruled, squared, framed and circled paper, drawn by this
program, and the time that a photo takes from start to answer.
"""

import csv
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from PIL import Image, ImageDraw
from tqdm import tqdm

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import SIDE, load_dataset
from mnist_mlp.learning.likeness import Likeness, likeness_file, load_likeness
from mnist_mlp.learning.model import load_network, reads_straightened
from mnist_mlp.learning.network import Network
from mnist_mlp.reading.framing import look
from mnist_mlp.reading.numbers import read_sheet
from mnist_mlp.reading.photos import open_photo

ROOT = Path(__file__).resolve().parents[1]
SHEET = 400  # pixels along each side of a drawn sheet
EVERY = 50  # pixels between its lines
LINE = (150, 180, 220)
ON_PAPER = 60  # digits on each kind of paper
PHOTO = (4000, 3000)  # pixels: 12 million


class Half(StrEnum):
    """Which pictures to look at."""

    first = "first"
    second = "second"
    both = "both"


class Row(NamedTuple):
    """A picture, what it holds, and what was read: the text, or nothing if it cannot be read."""

    holds: str
    truth: str
    kind: str
    text: str
    sure: bool  # neither unsure nor "not a digit"

    @property
    def no_digit(self) -> bool:
        """Whether something in it does not look like a digit."""
        return "?" in self.text

    @property
    def right(self) -> bool:
        """Whether every digit was read right."""
        return self.text == self.truth


class Reader(NamedTuple):
    """A network, and what read_sheet needs to know of it."""

    network: Network
    likeness: Likeness | None
    straightened: bool


def load_reader(model: Path) -> Reader:
    """Load a network with what lies beside it."""
    network = load_network(model)
    return Reader(network, load_likeness(likeness_file(model), network), reads_straightened(model))


def read(reader: Reader, picture: Image.Image) -> tuple[str, bool]:
    """Return what is read in a picture, "" if it cannot be read, and whether all of it is sure."""
    try:
        reading = read_sheet(reader.network, look(picture), reader.likeness, reader.straightened)
    except InputError:
        return "", False
    return reading.number.replace("\n", " "), not (reading.unsure or reading.refused)


def read_folder(folder: Path, half: Half, reader: Reader) -> list[Row]:
    """Read the pictures of a half."""
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    digits = sum(one["holds"] == "digit" for one in listed)
    rows = []
    for one in tqdm(listed, unit="picture", leave=False):
        number = int(re.findall(r"\d+", one["file"])[-1])
        first = number <= digits // 2 if one["holds"] == "digit" else number % 2 == 1
        if half in (Half.both, Half.first if first else Half.second):
            text, sure = read(reader, open_photo(folder / one["file"]))
            rows.append(Row(one["holds"], one["truth"], one["kind"], text, sure))
    return rows


def share(true: Iterable[bool]) -> str:
    """Return how many are true, as a count and a percentage."""
    found = list(true)
    return f"{sum(found)} of {len(found)}, {np.mean(found):.1%}" if found else "none"


def table(rows: list[Row]) -> list[str]:
    """Return a table of all that was measured, and one by kind."""
    digits, numbers, others = (
        [r for r in rows if r.holds == h] for h in ("digit", "number", "none")
    )
    several = numbers + [row for row in others if "sheet" in row.kind]
    pairs = [pair for row in numbers for pair in pairs_of(row.truth, row.text)]
    lines = [
        "| pictures | measured |",
        "| --- | --- |",
        f"| one digit, read right | {share(row.right for row in digits)} |",
        f"| one digit, wrong and not called unsure | "
        f"{share(row.sure and not row.right for row in digits if row.text)} |",
        f"| one digit, cannot be read | {share(not row.text for row in digits)} |",
        f"| one digit, called no digit | {share(row.no_digit for row in digits)} |",
        f"| numbers read entirely right | {share(row.right for row in numbers)} |",
        f"| digits of numbers read right | {share(one == other for one, other in pairs)} |",
        f"| no digit, answered surely | {share(row.sure for row in others)} |",
        f"| no digit, called no digit | {share(row.no_digit for row in others)} |",
        f"| several digits and sheets, answered surely and wrong | "
        f"{share(row.sure and not row.right for row in several)} |",
        "",
        "| kind | read right | wrong | sure, of the wrong | called no digit | cannot be read |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind in dict.fromkeys((row.holds, row.kind) for row in rows):
        those = [row for row in rows if (row.holds, row.kind) == kind]
        wrong = [row for row in those if row.text and not row.right]
        lines.append(
            f"| {kind[0]}: {kind[1]} | {share(row.right for row in those)} | {len(wrong)} | "
            f"{sum(row.sure for row in wrong)} | {sum(row.no_digit for row in those)} | "
            f"{sum(not row.text for row in those)} |"
        )
    return lines


def pairs_of(truth: str, text: str) -> list[tuple[str, str]]:
    """Return each digit of a number with what was read, "" where something is missing."""
    text = text if len(text) == len(truth) else ""
    return [pair for pair in zip(truth, text.ljust(len(truth)), strict=True) if pair[0] != " "]


def on_paper(digit: Array, paper: str, random: np.random.Generator) -> Image.Image:
    """Draw a digit, (784,) in [0, 1], on a sheet of paper, about half as high as it."""
    sheet = Image.new("RGB", (SHEET, SHEET), "white")
    draw = ImageDraw.Draw(sheet)
    lines = range(EVERY // 2, SHEET, EVERY)
    if paper in ("ruled", "squared"):
        for at in lines:
            draw.line([(0, at), (SHEET, at)], LINE, 2)
    if paper == "squared":
        for at in lines:
            draw.line([(at, 0), (at, SHEET)], LINE, 2)
    ink = Image.fromarray(np.uint8(255 * digit.reshape(SIDE, SIDE)))
    ink = ink.resize((8 * SIDE, 8 * SIDE), Image.Resampling.BICUBIC)
    left, top = random.integers(70, 106, 2).tolist()
    sheet.paste((30, 30, 60), (left, top), ink)
    around = (left + 5, top + 5, left + 8 * SIDE - 5, top + 8 * SIDE - 5)
    if paper == "framed":
        draw.rectangle(around, outline=(30, 30, 60), width=4)
    if paper == "circled":
        draw.ellipse(around, outline=(30, 30, 60), width=4)
    return sheet


def time_of_a_photo(model: Path) -> float:
    """Return the seconds, median of five, from start to answer for a photo of 12 megapixels."""
    ink = Image.new("L", (400, 300), 200)
    ImageDraw.Draw(ink).line([(150, 60), (250, 60), (190, 240)], 40, 20, "curve")
    grain = np.random.default_rng(0).normal(0, 3, (PHOTO[1], PHOTO[0], 1))
    pixels = np.asarray(ink.resize(PHOTO).convert("RGB")) + grain
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        Image.fromarray(np.uint8(np.clip(pixels, 0, 255))).save(photo, quality=90)
        code = "from mnist_mlp.cli import main; main()"
        command = [sys.executable, "-P", "-c", code, "predict", str(photo), "--model", str(model)]
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main(
    folder: Annotated[Path, typer.Argument(help="Pictures, and their truth.csv.")],
    model: Annotated[Path, typer.Option(help="The trained network.")] = ROOT / "data/model.npz",
    half: Annotated[Half, typer.Option(help="Which pictures to read.")] = Half.first,
    prepared: Annotated[Path, typer.Option(help="MNIST, prepared.")] = ROOT / "data/prepared",
    digits: Annotated[
        str, typer.Option(help="MNIST digits to draw: training, for work, or test.")
    ] = "training",
) -> None:
    """Print how well a network reads the pictures in a folder."""
    reader = load_reader(model)
    lines = table(read_folder(folder, half, reader))
    mnist = load_dataset(prepared, digits)
    chosen = np.random.default_rng(0).permutation(len(mnist.images))[:ON_PAPER]
    lines += ["", f"| {digits} digits on paper | read right | called no digit |"]
    lines += ["| --- | --- | --- |"]
    for paper in ("plain", "ruled", "squared", "framed", "circled"):
        random = np.random.default_rng(1)
        sheets = [on_paper(mnist.images[i], paper, random) for i in chosen]
        texts = [read(reader, sheet)[0] for sheet in sheets]
        right = [text == str(mnist.labels[i]) for text, i in zip(texts, chosen, strict=True)]
        lines.append(f"| {paper} | {sum(right)} of {len(right)} | {texts.count('?')} |")
    lines += ["", f"A photo of 12 megapixels is answered in {time_of_a_photo(model):.2f} s."]
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
