"""Measure how many digits drawn on the page it reads right, and put a table in docs/results.md."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from named import put
from tqdm import tqdm

from mnist_mlp.showing.report_page import bundle
from tests.browser import BROWSER, DRIVER, Listener, open_browser, quick_mouse, text, visit
from tests.hand import APART, HAND, WAYS, Stroke, drawings, scaled

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs/results.md"
FLAGS = (
    "Ones with flags of five lengths, up to those of Germany and France, each at four angles and "
    "with three slants. MNIST was written by Americans, whose ones are mostly a bare line:"
)

Read = Callable[[list[Stroke]], str]  # draws strokes, and returns the answer that the page shows


def read_ways(read: Read) -> list[str]:
    """Draw every digit in every way; return a table with a row for each way."""
    lines = ["| drawn | read right | slashed 0 | 1 with a flag |", "| --- | --- | --- | --- |"]
    for way in tqdm(WAYS, unit="way", leave=False):
        right = {name: read(digit) == name[0] for name, digit in drawings(way).items()}
        apart = {kind: [name for name in HAND if kind in name] for kind in APART}
        usual = [name for name in HAND if not any(name in names for names in apart.values())]
        counts = [share([right[name] for name in names]) for names in apart.values()]
        mean = np.mean([right[name] for name in usual])
        lines.append(" | ".join([f"| {way}", f"{mean:.1%} of {len(usual)}", *counts]) + " |")
    return lines


def read_flags(read: Read, ones: list[dict[str, Any]]) -> list[str]:
    """Draw ones with flags; return a table with a column for each length of the flag."""
    right: dict[float, list[bool]] = {}
    for one in tqdm(ones, unit="digit", leave=False):
        strokes = scaled([np.array(stroke) for stroke in one["strokes"]], 0.7)
        right.setdefault(one["flag"], []).append(read(strokes) == "1")
    return [
        " | ".join(["| flag, of the height", *(f"{flag:.0%}" for flag in right)]) + " |",
        "| --- " * (len(right) + 1) + "|",
        " | ".join(["| read as 1", *map(share, right.values())]) + " |",
    ]


def share(right: list[bool]) -> str:
    return f"{sum(right)} of {len(right)}"


def main(
    page: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A page that `report` made.")
    ] = ROOT / "metrics/report.html",
) -> None:
    """Draw the digits of tests/hand.py, and ones with flags, on the page in a browser."""
    if not BROWSER or not DRIVER:
        sys.exit("error: expected a browser: `apt-get install chromium chromium-driver`")
    with open_browser(Listener()) as chrome, quick_mouse(chrome) as draw:
        visit(chrome, page.resolve())

        def read(strokes: list[Stroke]) -> str:
            chrome.execute_script("document.querySelector('#clear').click()")
            draw([stroke.tolist() for stroke in strokes])
            return text(chrome, "#answer")

        script = bundle(["framing.js", "ones.js"]) + "return flaggedOnes();"
        ones = chrome.execute_script(script)
        lines = [*read_ways(read), "", FLAGS, "", *read_flags(read, ones), ""]
    print("\n".join(lines))
    put(RESULTS, "drawn digits", "\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
