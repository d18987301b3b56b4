"""The verdict on each claim, computed from its findings: as JSON, as a page and as a table."""

from claim import (
    CONTROL,
    REPRO,
    RESULTS,
    SCRIPTS,
    SETTINGS,
    UNITS,
    Finding,
    load_settings,
    write_value,
)
from command import RAW, run

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import msgspec
import numpy as np
import typer
from scipy import stats

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write
from mnist_mlp.data.mirrors import is_complete

CLAIMS = Path("metrics/claims.json")
PAGE = Path("metrics/claims.md")
PICTURES = Path("metrics/claims")
MARKS = {"Holds.": "✓", "Does not hold.": "✗"}
DEPENDS = "◐"
NOT_CLAIMS = {"claim", "mistakes", "networks", "summary"}  # scripts
HOLDS = {True: "yes", False: "no", None: "undecided"}
INTRODUCTION = """\
# The videos' claims, measured

`make claims` measures these claims and writes this page. The recipes, seeds, sample sizes and
bounds are in `claims/params.yaml`. ✓ means that a claim holds, ✗ that it does not, and ◐ that it
depends on the case, or is undecided.

A finding holds if the whole {level} confidence interval of its mean over the seeds (Student's t) is
within its bounds. It does not hold if the whole interval is outside, and is undecided otherwise.
Intervals end at the limits of what is possible, such as 100 %. A control checks that a
measurement means anything.

Unless a claim says otherwise, it is about 784-16-16-10, trained by the project's default recipe,
which is that of `params.yaml`. The videos' recipe is sigmoid, squared error, random initial weights
and plain gradient descent; if the videos give no number, it is that of Nielsen's book.
"""
BEGIN, END = "<!-- claims -->\n", "<!-- end of claims -->\n"


class Row(TypedDict):
    """What the table shows of a claim."""

    name: str
    statement: str
    source: str
    brief: str
    verdict: str


class Record(TypedDict):
    """What the table needs of metrics/claims.json."""

    claims: list[Row]


def summary(
    table: Annotated[
        Path | None,
        typer.Option(help="Only update the table in this file, from metrics/claims.json."),
    ] = None,
) -> None:
    """Compute the verdict on each claim.

    Reads the findings and pictures in data/claims, and the confidence level in claims/params.yaml;
    writes metrics/claims.json, metrics/claims.md and metrics/claims/.
    """
    if table:
        update_table(table, load_record()["claims"])
        return
    level = load_settings("summary")["confidence"]
    if not 0.5 <= level <= 0.999:
        raise InputError(
            f"{SETTINGS}: summary: confidence: expected a number from 0.5 to 0.999, found {level!r}"
        )
    claims = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in sorted({script.stem for script in SCRIPTS.glob("*.py")} - NOT_CLAIMS):
        path = RESULTS / name / "findings.json"
        if not path.exists():
            raise InputError(f"{path}: expected findings, found none; {REPRO}")
        try:
            claim = judge(json.loads(path.read_text(encoding="utf-8")), level)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path}: expected findings; {error!r}; {REPRO}") from None
        picture = path.with_name("picture.png")
        if picture.exists():
            claim["picture"] = f"claims/{path.parent.name}.png"
            with atomic_write(CLAIMS.parent / claim["picture"]) as file:
                file.write(picture.read_bytes())
        claims.append(claim)
    if not is_complete(RAW):
        print(
            f"warning: {RAW} does not hold MNIST: these claims are of the sample", file=sys.stderr
        )
    claims.sort(key=lambda claim: claim["number"])
    result = {"confidence": level, "claims": claims}
    with atomic_write(CLAIMS) as file:
        file.write((json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode())
    with atomic_write(PAGE) as file:
        file.write(as_page(result).encode())
    for claim in claims:
        print(f"{claim['number']:2}. {claim['statement']}. {claim['verdict']}")


def load_record() -> Record:
    """Read metrics/claims.json. Raises InputError if it is missing or damaged."""
    try:
        return msgspec.json.decode(CLAIMS.read_bytes(), type=Record)
    except FileNotFoundError:
        raise InputError(f"{CLAIMS}: not found; {REPRO}") from None
    except ValueError as error:
        raise InputError(
            f"{CLAIMS}: expected claims; {error}; {REPRO.rstrip('`')} --force "
            "--single-item summary`"
        ) from None


def judge(result: dict[str, Any], level: float) -> dict[str, Any]:
    """Return a claim with statistics of its findings, and the verdict that follows from them."""
    findings = [estimate(Finding(**finding), level) for finding in result["findings"]]
    deciding = [f for f in findings if bounds(f) and f["case"] != CONTROL]
    lines = as_lines(deciding)
    return result | {"verdict": verdict(findings), "measured": lines, "findings": findings}


def estimate(finding: Finding, level: float) -> dict[str, Any]:
    """Return a finding with the mean, standard deviation and confidence interval of its values.

    The interval is that of the mean over the seeds (Student's t), within what its unit allows; a
    single value, or values that are not independent draws, have none. `holds` is True if the whole
    interval is within the bounds, False if it is outside, and None otherwise or without bounds.
    """
    n, mean = len(finding.values), float(np.mean(finding.values))
    deviation = float(np.std(finding.values, ddof=1)) if n > 1 else 0.0
    half = 0.0
    if n > 1 and finding.over == "seeds":
        half = float(stats.t.ppf((1 + level) / 2, n - 1)) * deviation / n**0.5
    unit = UNITS[finding.unit]
    low, high = max(mean - half, unit.lowest), min(mean + half, unit.highest)
    bottom = -np.inf if finding.at_least is None else finding.at_least
    top = np.inf if finding.at_most is None else finding.at_most
    holds: bool | None = None
    if high < bottom or low > top:
        holds = False
    elif (bottom, top) != (-np.inf, np.inf) and bottom <= low and high <= top:
        holds = True
    figures = {"n": n, "mean": mean, "deviation": deviation, "low": low, "high": high}
    estimated = finding._asdict() | {name: round(value, 6) for name, value in figures.items()}
    del estimated["values"]
    return estimated | {"holds": holds}


def verdict(findings: list[dict[str, Any]]) -> str:
    """Say for which cases a claim holds. A case holds if all its findings do."""
    decided: dict[str, set[bool | None]] = {}
    for finding in findings:
        if bounds(finding):
            decided.setdefault(finding["case"], set()).add(finding["holds"])
    if decided.pop(CONTROL, {True}) != {True}:
        return "Undecided: a control failed."
    holds = [case for case, found in decided.items() if found == {True}]
    fails = [case for case, found in decided.items() if False in found]
    undecided = [case for case in decided if case not in holds + fails]
    for words, cases in (("Holds.", holds), ("Does not hold.", fails), ("Undecided.", undecided)):
        if len(cases) == len(decided):
            return words
    parts = {"holds for": holds, "fails for": fails, "undecided for": undecided}
    return "Depends: " + "; ".join(f"{k} {', '.join(v)}" for k, v in parts.items() if v) + "."


def as_lines(findings: list[dict[str, Any]]) -> list[str]:
    """Write means and confidence intervals: one line for each measure, with all its cases."""
    lines: dict[str, list[str]] = {}
    for f in findings:
        interval = f" ({_pair(f, 'low', 'to', 'high')})" if f["low"] < f["high"] else ""
        measure = f"{f['measure']} ({bounds(f)} to hold)"
        lines.setdefault(measure, []).append(f"{f['case']}: {_write(f, 'mean')}{interval}")
    return [f"{measure}. {'; '.join(cases)}" for measure, cases in lines.items()]


def bounds(finding: dict[str, Any]) -> str:
    """Write the bounds of a finding, or nothing if it has none."""
    least, most = finding["at_least"], finding["at_most"]
    if least is None and most is None:
        return ""
    if most is None:
        return f"at least {_write(finding, 'at_least')}"
    if least is None:
        return f"at most {_write(finding, 'at_most')}"
    if least == most:
        return f"exactly {_write(finding, 'at_least')}"
    return f"between {_pair(finding, 'at_least', 'and', 'at_most')}"


def _write(finding: dict[str, Any], name: str) -> str:
    return write_value(finding[name], finding["unit"], finding["decimals"])


def _pair(finding: dict[str, Any], one: str, word: str, other: str) -> str:
    number = _write(finding, one).removesuffix(UNITS[finding["unit"]].suffix)
    return f"{number} {word} {_write(finding, other)}"


def as_table(claims: Sequence[Mapping[str, Any]]) -> str:
    """Write a row for each claim: a mark for the verdict, the claim, its source and the result."""
    lines = ["| | claim | in | measured |", "| --- | --- | --- | --- |"]
    for claim in claims:
        mark = MARKS.get(claim["verdict"], DEPENDS)
        link = f"[{claim['statement']}]({PAGE}#{claim['name']})"
        source = claim["source"].removeprefix("3Blue1Brown ")
        lines.append(f"| {mark} | {link} | {source} | {claim['brief']} |")
    return "\n".join(lines) + "\n"


def as_page(result: dict[str, Any]) -> str:
    """Write a section for each claim: verdict, method, meaning, picture and all findings."""
    level = f"{100 * result['confidence']:g} %"
    text = INTRODUCTION.format(level=level)
    header = ["case", "measure", "mean", f"{level} confidence interval", "standard deviation"]
    header += ["values", "bounds", "within bounds"]
    for claim in result["claims"]:
        mark = MARKS.get(claim["verdict"], DEPENDS)
        text += f'\n<a id="{claim["name"]}"></a>\n\n'
        text += f"## {claim['number']}. {claim['statement']}\n\n"
        text += f"*{claim['source']}.* **{mark} {claim['verdict']}** {claim['brief']}.\n\n"
        text += f"**What it means.** {claim['meaning']}\n\n"
        text += f"**How it was measured.** {claim['how']}\n\n"
        if "picture" in claim:
            text += f"![{claim['statement']}]({claim['picture']})\n\n"
        text += f"| {' | '.join(header)} |\n|{' --- |' * len(header)}\n"
        for f in claim["findings"]:
            interval = _pair(f, "low", "to", "high") if f["n"] > 1 and f["over"] == "seeds" else ""
            deviation = _write(f, "deviation") if f["n"] > 1 else ""
            values = f"{f['n']} {f['over']}" if f["n"] > 1 else ""
            holds = HOLDS[f["holds"]] if bounds(f) else ""
            row = [f["case"], f["measure"], _write(f, "mean"), interval, deviation, values]
            text += f"| {' | '.join([*row, bounds(f), holds])} |\n"
    return text


def update_table(path: Path, claims: Sequence[Mapping[str, Any]]) -> None:
    """Replace the table of claims between its two marks in a Markdown file."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path}: expected the lines {BEGIN.strip()} and {END.strip()}")
    with atomic_write(path) as file:
        file.write((before + begin + as_table(claims) + end + after).encode())


if __name__ == "__main__":
    run(summary)
