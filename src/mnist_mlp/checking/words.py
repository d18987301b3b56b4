"""Words: a diagnosis as a learner reads it."""

from collections.abc import Iterator
from textwrap import fill

import numpy as np

from mnist_mlp.checking.diagnosis import Diagnosis, common_factor, touches
from mnist_mlp.checking.lines import LINES, finite_difference, run
from mnist_mlp.checking.matcher import (
    Answer,
    Factor,
    Finding,
    Reading,
    Tensor,
    nearest,
)
from mnist_mlp.checking.measured import in_report

WIDTH = 88
COSTS = {
    "cross_entropy": "cross-entropy, -Σ y ln a",
    "binary_cross_entropy": "binary cross-entropy, -Σ [y ln a + (1 - y) ln(1 - a)]",
    "squared_error": "squared error, Σ (a - y)²",
}
NAMES = {"relu": "ReLU", "identity": "linear"}


def report(diagnosis: Diagnosis, name: str) -> str:
    """Return the lines that `mnist-mlp check` prints for a file of this name."""
    return "\n".join(_report(diagnosis, name))


def _report(diagnosis: Diagnosis, name: str) -> Iterator[str]:
    trial, reading = diagnosis.trial, diagnosis.reading
    if diagnosis.problem or not trial or not reading:
        yield f"{name}: {diagnosis.problem}"
        yield from (f"  {note}" for note in diagnosis.notes[:5])
        return
    yield f"{name}: called {trial.how}; {trial.layout}"
    hidden, output, cost = reading.recipe
    neurons = f"{NAMES.get(hidden, hidden)} hidden neurons, " if reading.nets[0].last > 1 else ""
    yield f"network: {neurons}{NAMES.get(output, output)} outputs; the cost is {COSTS[cost]}"
    yield ""
    yield from _table(diagnosis, reading)
    for number, finding in enumerate(diagnosis.findings, 1):
        yield ""
        yield from _finding(number, finding, reading.nets[0].last)
    for tensor in reading.unknown:
        yield ""
        yield from _unknown(tensor, reading, trial.answers)
    if diagnosis.conventions:
        yield ""
        yield from (_wrapped(convention) for convention in diagnosis.conventions)
    yield from _other_costs(diagnosis, reading)
    yield ""
    yield "Everything that was checked is right." if diagnosis.is_right else "Something is wrong."


def _table(diagnosis: Diagnosis, reading: Reading) -> Iterator[str]:
    """Yield a row for each layer: whether its weights' and biases' gradients are right."""
    last = reading.nets[0].last
    for i in range(1, last + 1):
        verdicts = [
            f"{kind} {_verdict(diagnosis, reading, Tensor(kind, i))}"
            for kind in ("weights", "biases")
        ]
        place = " (outputs)" if i == last else ""
        yield (
            f"  layer {i}{place}".ljust(20)
            + "".join(verdict.ljust(28) for verdict in verdicts).rstrip()
        )


def _verdict(diagnosis: Diagnosis, reading: Reading, tensor: Tensor) -> str:
    if {tensor, Tensor("delta", tensor.layer)} & set(reading.unknown):
        return "wrong (unknown)"
    if tensor not in reading.factors:
        return "not seen"
    numbers = [
        str(n) for n, finding in enumerate(diagnosis.findings, 1) if touches(finding, tensor)
    ]
    return f"wrong ({', '.join(numbers)})" if numbers else "right"


def _finding(number: int, finding: Finding, last: int) -> Iterator[str]:
    first, *others = finding.mistakes
    yield f"{number}. {first.name[0].upper()}{first.name[1:]} ({_layers(finding.layers, last)})"
    yield f"   wrong  {first.wrong}"
    yield f"   right  {first.formula}"
    yield _wrapped(first.learns, "   ")
    if measured := in_report(first.name):
        yield _wrapped(measured, "   ")
    at_outputs = first.line in ("slope", "delta") and finding.layers == (last,)
    yield f"   Nielsen, chapter 2: {'BP1' if at_outputs else LINES[first.line].equation}"
    for other in others:
        yield _wrapped(f"or, with the same gradients: {other.name}, {other.wrong}", "   ")


def _layers(layers: tuple[int, ...], last: int) -> str:
    if len(layers) == last:
        return "all layers"
    *others, last_one = map(str, sorted(layers))
    return f"layers {', '.join(others)} and {last_one}" if others else f"layer {last_one}"


def _unknown(tensor: Tensor, reading: Reading, answers: list[Answer]) -> Iterator[str]:
    """Yield the entries furthest off, with their finite differences, and the nearest mistakes."""
    kind, i = tensor
    if kind == "activations":
        yield f"The activations of layer {i} are not those of any function known here."
        return
    shown = Tensor("biases" if kind == "biases" else "weights", i)
    found, problem = getattr(answers[0], shown.kind)[i - 1], answers[0].problem
    yield (
        f"The gradient of the {shown.kind} of layer {i} is wrong, and no known mistake explains it."
    )
    right = getattr(run(problem, reading.recipe, {}), "db" if kind == "biases" else "dW")[i]
    if found.shape != right.shape:
        yield f"   its shape is {found.shape}; expected {right.shape}"
        return
    constant, power = common_factor(reading) or Factor(1.0, -1)
    scale = constant * len(problem.images) ** (power + 1)
    for place in np.argsort(np.abs(found - scale * right), axis=None)[::-1][:3]:
        at = tuple(int(k) for k in np.unravel_index(place, right.shape))
        expected = scale * finite_difference(problem, reading.recipe, shown.kind, i, at)
        yield f"   entry {list(at)}: {found[at]:.6g}; the finite difference is {expected:.6g}"
    names = [mistake.name for mistake in nearest(reading, answers, tensor)]
    yield _wrapped(f"nearest known mistakes: {'; '.join(names)}", "   ")


def _other_costs(diagnosis: Diagnosis, reading: Reading) -> Iterator[str]:
    for other in diagnosis.others:
        known = {finding.mistakes for finding in reading.findings}
        new = [f.mistakes[0] for f in other.findings if f.mistakes not in known]
        cost = COSTS[other.recipe.cost].split(",")[0]
        if new:
            yield ""
            yield _wrapped(
                f"If you mean {cost}: {'; '.join(m.name for m in new)} "
                f"(wrong {new[0].wrong}; right {new[0].formula})."
            )


def _wrapped(text: str, indent: str = "") -> str:
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
