"""The verdict on every claim, computed from its findings: as JSON, as a page, and as a table."""

from claim import CONTROL, KNOBS, RESULTS, Finding, knobs
from command import RAW, run

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
from scipy import stats

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import whole_file
from mnist_mlp.data.mirrors import is_complete

CLAIMS = Path("metrics/claims.json")
PAGE = Path("metrics/claims.md")
PICTURES = Path("metrics/claims")
HOLDS = {True: "yes", False: "no", None: ""}
INTRODUCTION = """\
`make claims` measures these claims and writes this page; `claims/params.yaml` holds the recipes,
seeds, sample sizes and bounds. A finding holds if the whole confidence interval of its mean
over the seeds ({:.0%}, Student's) is within the bounds, and does not if it is outside. Spread is
the standard deviation over the seeds. A control decides whether the measurement means anything.

Unless a claim says otherwise, it is about 784-16-16-10 by the project's default recipe, that of
`params.yaml`. The literal recipe is the videos': sigmoid, squared error, random initial weights
and plain gradient descent, with the numbers of Nielsen's book where the videos give none.
"""
SCRIPTS = Path("claims")
BEGIN, END = "<!-- claims -->\n", "<!-- end of claims -->\n"


def summary(
    table: Annotated[
        Path | None,
        typer.Option(help="Judge nothing; renew the table in this file from metrics/claims.json."),
    ] = None,
) -> None:
    """Judge every claim under data/claims.

    Reads the findings and pictures there, and the level of confidence in claims/params.yaml;
    writes metrics/claims.json, metrics/claims.md and metrics/claims/.
    """
    if table:
        put_table(table, _recorded())
        return
    level = knobs("summary")["confidence"]
    if not isinstance(level, float) or not 0 < level < 1:
        raise InputError(
            f"{KNOBS}: summary: confidence: expected a number between 0 and 1, found {level!r}"
        )
    claims = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in (RESULTS / script.stem / "findings.json" for script in SCRIPTS.glob("*.py")):
        if not path.exists():
            continue
        claim = judge(json.loads(path.read_text(encoding="utf-8")), level)
        picture = path.with_name("picture.png")
        if picture.exists():
            claim["picture"] = f"claims/{path.parent.name}.png"
            with whole_file(CLAIMS.parent / claim["picture"]) as file:
                file.write(picture.read_bytes())
        claims.append(claim)
    if not claims:
        raise InputError(f"{RESULTS}: expected findings, found none; run `dvc --cd claims repro`")
    if not is_complete(RAW):
        print(f"warning: {RAW} has not MNIST: these claims are of the sample", file=sys.stderr)
    claims.sort(key=lambda claim: claim["number"])
    result = {"confidence": level, "claims": claims}
    with whole_file(CLAIMS) as file:
        file.write((json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode())
    with whole_file(PAGE) as file:
        file.write(as_page(result).encode())
    for claim in claims:
        print(f"{claim['number']:2}. {claim['said']} {claim['verdict']}")


def _recorded() -> dict[str, Any]:
    """Read metrics/claims.json. Raises InputError if it is not what `summary` writes."""
    try:
        return msgspec.json.decode(CLAIMS.read_bytes(), type=dict[str, Any])
    except ValueError as error:
        raise InputError(
            f"{CLAIMS}: expected claims; {error}; run `dvc --cd claims repro --force "
            "--single-item summary`"
        ) from None


def judge(result: dict[str, Any], level: float) -> dict[str, Any]:
    """Return a claim with the figures of its findings and the verdict that follows from them."""
    findings = [measure(Finding(**finding), level) for finding in result["findings"]]
    deciding = [f for f in findings if bounds(f) and f["case"] != CONTROL]
    lines = as_lines(deciding)
    return result | {"verdict": verdict(findings, level), "measured": lines, "findings": findings}


def measure(finding: Finding, level: float) -> dict[str, Any]:
    """Return a finding with mean, standard deviation and the confidence interval of the mean.

    The interval is Student's, over the seeds; a single value, and values that are no independent
    draws, have none. The finding holds if the whole interval is within the bounds, does not if it
    is outside, and is not decided, None, in between or where there are no bounds.
    """
    n, mean = len(finding.values), float(np.mean(finding.values))
    deviation = float(np.std(finding.values, ddof=1)) if n > 1 else 0.0
    half = 0.0
    if n > 1 and finding.of == "seeds":
        half = float(stats.t.ppf((1 + level) / 2, n - 1)) * deviation / n**0.5
    low, high = mean - half, mean + half
    bottom = -np.inf if finding.at_least is None else finding.at_least
    top = np.inf if finding.at_most is None else finding.at_most
    holds: bool | None = None
    if high < bottom or low > top:
        holds = False
    elif (bottom, top) != (-np.inf, np.inf) and bottom <= low and high <= top:
        holds = True
    figures = {"n": n, "mean": mean, "deviation": deviation, "low": low, "high": high}
    told = finding._asdict()
    del told["values"]
    return told | {name: round(value, 6) for name, value in figures.items()} | {"holds": holds}


def verdict(findings: list[dict[str, Any]], level: float) -> str:
    """Return in words for which cases a claim holds, and how sure that is.

    A case holds if all its findings do.
    """
    decided: dict[str, set[bool | None]] = {}
    for finding in findings:
        if bounds(finding):
            decided.setdefault(finding["case"], set()).add(finding["holds"])
    if decided.pop(CONTROL, {True}) != {True}:
        return "Not decided: a control failed."
    kinds = {
        "Holds": [case for case, found in decided.items() if found == {True}],
        "Does not hold": [case for case, found in decided.items() if False in found],
        "Not decided": [c for c, found in decided.items() if None in found and False not in found],
    }
    chance = any(f["n"] > 1 for f in findings if f["case"] in decided)
    sure = f" (each with {level:.0%} confidence)" if chance else ""
    for word, cases in kinds.items():
        if len(cases) == len(decided):
            return f"{word}{sure}."
    words = [f"{word} for: {'; '.join(cases)}." for word, cases in kinds.items() if cases]
    return " ".join(words).replace("Holds for", "Holds only for") + sure


def as_lines(findings: list[dict[str, Any]]) -> list[str]:
    """Write means and, where there are seeds, confidence intervals: a line for each measure."""
    lines: dict[str, list[str]] = {}
    for f in findings:
        mean, low, high = (format(f[name], f["unit"]) for name in ("mean", "low", "high"))
        figures = mean if low == mean == high else f"{mean} ({low} to {high})"
        measure = f"{f['measure']} (to hold: {bounds(f)})"
        lines.setdefault(measure, []).append(f"{f['case']} {figures}")
    return [f"{measure}: {'; '.join(cases)}" for measure, cases in lines.items()]


def bounds(finding: dict[str, Any]) -> str:
    """Write between which bounds a claim was to hold."""
    names = {"at_least": "at least", "at_most": "at most"}
    given = {word: finding[name] for name, word in names.items() if finding[name] is not None}
    if len(set(given.values())) == 1 and len(given) == 2:
        given = {"exactly": finding["at_least"]}
    return " and ".join(f"{word} {format(value, finding['unit'])}" for word, value in given.items())


def as_table(result: dict[str, Any]) -> str:
    """Write a line for each claim: what is said, what was measured to decide it, the verdict."""
    lines = [
        "| what is said | measured: mean (interval that holds it with "
        f"{result['confidence']:.0%} confidence) | verdict |",
        "| --- | --- | --- |",
    ]
    for claim in result["claims"]:
        link = f"[{claim['number']}. {claim['said']}]({PAGE}#{claim['name']})"
        lines.append(f"| {link} | {'<br>'.join(claim['measured'])} | {claim['verdict']} |")
    return "\n".join(lines) + "\n"


def as_page(result: dict[str, Any]) -> str:
    """Write a section for each claim: the verdict, its picture, and every finding."""
    text = "# Every claim of the videos, measured\n\n" + INTRODUCTION.format(result["confidence"])
    for claim in result["claims"]:
        text += f'\n<a id="{claim["name"]}"></a>\n\n'
        text += f"## {claim['number']}. {claim['said']}\n\n**{claim['verdict']}**\n\n"
        text += f"{claim['how']}\n\n"
        if "picture" in claim:
            text += f"![{claim['said']}]({claim['picture']})\n\n"
        text += "| case | measured | mean | interval | spread | of | to hold | holds |\n"
        text += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        for f in claim["findings"]:
            mean, low, high, deviation = (
                format(f[name], f["unit"]) for name in ("mean", "low", "high", "deviation")
            )
            interval = f"{low} to {high}" if f["of"] == "seeds" else ""
            spread = [interval, deviation, f"{f['n']} {f['of']}"] if f["n"] > 1 else ["", "", ""]
            row = [f["case"], f["measure"], mean, *spread, bounds(f), HOLDS[f["holds"]]]
            text += f"| {' | '.join(row)} |\n"
    return text


def put_table(path: Path, result: dict[str, Any]) -> None:
    """Put the table of claims between its two marks in a Markdown file."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path}: expected the lines {BEGIN.strip()} and {END.strip()}")
    with whole_file(path) as file:
        file.write((before + begin + as_table(result) + end + after).encode())


if __name__ == "__main__":
    run(summary)
