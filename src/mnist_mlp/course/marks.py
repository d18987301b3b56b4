"""Marks: which parts of a learner's program are right, and what is wrong with the others."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mnist_mlp.checking.diagnosis import Diagnosis, judge
from mnist_mlp.checking.isolation import Outcome, run_file
from mnist_mlp.checking.matcher import Factor, Finding, Reading, match
from mnist_mlp.checking.parts import HINTS, PARTS, exercises_in
from mnist_mlp.course.spreadsheets import write_table

FORWARD = ("sum", "squish")  # lines of the forward pass


class Mark(NamedTuple):
    """What a learner's program gets.

    name       of the learner, or of the file
    parts      what is wrong with each part that it has; nothing if it is right
    diagnosis  of its gradients
    accuracy   of the network that it trained, from 0 to 1, if it trained one
    """

    name: str
    parts: dict[str, list[str]]
    diagnosis: Diagnosis
    accuracy: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.parts.values()) if self.parts else self.diagnosis.is_right

    @property
    def needs_report(self) -> bool:
        """Whether there is more to say of the gradients."""
        reading = self.diagnosis.reading
        return not self.parts or bool(self.parts.get("backprop") and reading and reading.findings)

    @property
    def lines(self) -> list[str]:
        """What there is to say, a line for each part and for what else is wrong."""
        parts = [f"{name}: {'; '.join(found) or 'right'}" for name, found in self.parts.items()]
        return parts if "backprop" in self.parts else parts + list(self._gradients())

    def _gradients(self) -> Iterator[str]:
        if self.diagnosis.is_right:
            yield "gradients: right"
        elif self.diagnosis.reading:
            yield from map(say, self.diagnosis.findings)
        elif not self.parts:
            yield self.diagnosis.problem


def mark(file: Path, cost: str | None = None) -> Mark:
    """Check a learner's file, which runs in a process of its own."""
    outcome = run_file(file)
    if exercises_in(file.read_text("utf-8", "replace")):
        cost = cost or "cross_entropy"
    diagnosis = judge(outcome, cost)
    return Mark(file.stem, judge_parts(outcome, diagnosis), diagnosis)


def judge_parts(outcome: Outcome, diagnosis: Diagnosis) -> dict[str, list[str]]:
    """Return what is wrong with each part that a file has, nothing if it is right."""
    parts = {name: list(outcome.parts[name]) for name in PARTS if name in outcome.parts}
    reading = diagnosis.reading
    if outcome.forward and not parts["forward"]:
        forward = match(outcome.forward)[0]
        parts["forward"] += _read(forward, forward=True)
    if "backprop" in parts and not parts["backprop"]:
        if reading:
            parts["backprop"] += _read(reading, forward=False)
            parts["backprop"] += _read_factors(reading)
        else:
            parts["backprop"].append(diagnosis.problem)
    return parts


def _read(reading: Reading, forward: bool) -> Iterator[str]:
    """Yield what is wrong with the forward pass, or with the gradients."""
    for finding in reading.findings:
        if (finding.mistakes[0].line in FORWARD) is forward:
            yield say(finding)
    unknown = [t for t in reading.unknown if (t.kind == "activations") is forward]
    for kind, layer in unknown[:1]:  # the others follow from it
        part = "biases" if kind == "biases" else "weights"
        what = "result" if forward else f"gradient of the {part}"
        of_gradients = "it is δᵀ a for weights and Σ δ for biases; look at the brackets of δ, too"
        hint = HINTS["forward"] if forward else of_gradients
        yield f"layer {layer}: the {what} is not as expected; {hint}"


def _read_factors(reading: Reading) -> Iterator[str]:
    """Yield what is wrong with the size of gradients, which must fit the part `step`."""
    kinds: dict[str, set[str]] = {}
    for (kind, _), factor in reading.factors.items():
        for wrong in _wrong_size(factor, reading.recipe.cost):
            kinds.setdefault(wrong, set()).add(kind)
    for wrong, some in kinds.items():
        yield f"the gradients{'' if len(some) > 1 else f' of the {min(some)}'} {wrong}"


def _wrong_size(factor: Factor, cost: str) -> Iterator[str]:
    size = abs(factor.constant)
    if factor.constant < 0:
        yield "have the opposite sign: expected a - y, found as if y - a"
    if factor.constant and factor.power == 0:
        yield "are summed over the examples: divide delta by their number, once"
    elif factor.constant and factor.power < -1:
        yield "are divided by the number of examples twice; delta is so already"
    elif size and abs(size - 1) > 2e-3 and (cost, round(size, 3)) != ("squared_error", 0.5):
        yield f"are multiplied by {size:.4g}"


def say(finding: Finding) -> str:
    """Say where a mistake is and what is wrong, with the names of all that have its effect."""
    first = finding.mistakes[0]
    where = f"layer{'s' * (len(finding.layers) > 1)} {', '.join(map(str, sorted(finding.layers)))}"
    names = ", or ".join(mistake.name for mistake in finding.mistakes[:3])
    return f"{where}: {names}: expected {first.formula}, found as if {first.wrong}"


def write_marks(path: Path, marks: Iterable[Mark]) -> None:
    """Write a table with a row for each learner."""
    rows = [
        [
            mark.name,
            *(_word(mark.parts.get(part)) for part in PARTS),
            sum(not found for found in mark.parts.values()),
            "; ".join(line for line in mark.lines if not line.endswith(": right")),
            "" if mark.accuracy is None else mark.accuracy,
        ]
        for mark in marks
    ]
    write_table(path, ["name", *PARTS, "right", "findings", "accuracy"], rows)


def _word(findings: list[str] | None) -> str:
    return "" if findings is None else "wrong" if findings else "right"
