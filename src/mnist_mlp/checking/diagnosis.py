"""The diagnosis: what is right and what is wrong in a learner's backpropagation, in words."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.isolation import Outcome, run_file
from mnist_mlp.checking.layouts import SINGLE
from mnist_mlp.checking.lines import Recipe
from mnist_mlp.checking.matcher import (
    RECIPES,
    SAME,
    SEVERAL,
    USUAL,
    Factor,
    Finding,
    Reading,
    Tensor,
    count_right,
    leaky_recipes,
    match,
)
from mnist_mlp.checking.museum import (
    BIASES_SUMMED,
    BIASES_TWICE,
    DECAY_FACTOR,
    DECAY_LEFT_OUT,
    DECAY_UPHILL,
    DECAYED_BIASES,
    INPUTS_COUNTED,
    MASK_UNSCALED,
    NOT_RESET,
    NOTED,
    OVERWRITTEN,
    RATE_TWICE,
    ROOMS,
    STOPS,
    STRAY_BIAS,
    STRAY_CONSTANT,
    SUBTRACTED,
    TWICE,
    TWICE_AVERAGED,
    UPHILL,
    UPHILL_BIASES,
    WEIGHTS_SUMMED,
    WHOLE_FILE,
    Mistake,
)
from mnist_mlp.checking.trial import LONGER, SQUARES, Trial
from mnist_mlp.data.dataset import PIXELS
from mnist_mlp.learning.costs import COSTS

FEW = 10  # inputs, up to which their number may be another constant
MANY = 500  # examples, from which a file is meant and no batch
USUAL_FACTORS = (0.1, 0.2, 0.5, 1.0)  # of costs that are halved, or averaged over the outputs
TOLERANCE = 2e-3  # of a constant, relative
EXACT = 1e-6  # relative error of a cost that is computed in the same way
SHARE = 1e-3  # of weight decay, that the rest of a cost has at least
SECONDS = 2.0  # of computing, after which no further way to call a program is looked at


class Diagnosis(NamedTuple):
    """What is known of a learner's file.

    trial         how its gradients were had; None if they were not
    reading       the cheapest reading of them
    findings      mistakes, each a class whose gradients are equal, and the layers
    conventions   what is different, and not wrong
    others        readings for other costs that are as good, or nearly so
    problem       why there is no answer, in one line, or nothing
    notes         errors on the way
    """

    trial: Trial | None
    reading: Reading | None
    findings: list[Finding]
    conventions: list[str]
    others: list[Reading]
    problem: str
    notes: list[str]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        unknown = bool(self.reading and self.reading.unknown)
        return self.trial is not None and not self.findings and not unknown and not self.problem


OF_OPTIMIZERS = {note for note, m in NOTED.items() if m not in (NOT_RESET, OVERWRITTEN, STOPS)}
SUMS = (WEIGHTS_SUMMED, BIASES_SUMMED, BIASES_TWICE)
OFF_BY_ONE = next(m for m in ROOMS["output"] if m.name == "one-hot targets off by one")
Read = tuple[Trial, list[Reading]]


def _recipes(cost: str | None, trials: Sequence[Trial]) -> list[Recipe]:
    leaky = (recipe for trial in trials for recipe in leaky_recipes(trial.answers))
    return [r for r in dict.fromkeys((*RECIPES, *leaky)) if cost in (None, r.cost)]


def check(file: Path, cost: str | None = None) -> Diagnosis:
    """Diagnose a learner's file, which runs in a process of its own.

    `cost` is that which the learner means; by default any will do.
    """
    return judge(run_file(file), cost)


def judge(outcome: Outcome, cost: str | None = None) -> Diagnosis:
    """Diagnose what a file answered."""
    gradients, steps = (
        read and _of_batch(read, outcome, cost)
        for step in (False, True)
        for read in [best_reading([t for t in outcome.trials if t.step == step], cost)]
    )
    own = next((c for read in (gradients, steps) if read and (c := own_cost(*read))), None)
    return diagnose(outcome, *(read and _with_cost(read, own) for read in (gradients, steps)))


def own_cost(trial: Trial, readings: Sequence[Reading]) -> str | None:
    """Return the cost that the program computes itself, if one of its numbers is a known one.

    It may be a sum or an average, and contain weight decay.
    """
    if not readings or not trial.numbers:
        return None
    nets = readings[0].nets
    decays = trial.numbers[SQUARES]
    sizes = np.array([net.n for net in nets], float)
    with np.errstate(all="ignore"):
        for cost, kind in COSTS.items():
            if (readings[0].recipe.output, cost) not in USUAL:
                continue
            values = np.array([kind.mean(net.a[net.last], net.y) for net in nets])
            for name, numbers in trial.numbers.items():
                if name == SQUARES:
                    continue
                for p, q in product((0, 1), (0, 1, -1)):
                    columns = np.stack([values * sizes**p, decays * sizes**q], 1)
                    if _is_made_of(np.array(numbers), columns):
                        return cost
    return None


def _is_made_of(numbers: Array, columns: Array) -> bool:
    """Tell whether numbers are a multiple of the first column, perhaps plus some of the second."""
    columns = columns / np.abs(columns).max(axis=0)
    if not np.isfinite([*columns.ravel(), *numbers]).all() or not numbers.any():
        return False
    for some in (columns[:, :1], columns):
        shares, *_ = np.linalg.lstsq(some, numbers)
        rest = np.abs(numbers - some @ shares).max()
        if shares[0] > SHARE * np.abs(shares).max() and rest < EXACT * np.abs(numbers).max():
            return True
    return False


def _with_cost(read: Read, cost: str | None) -> Read:
    """Return the readings, that for a cost first, if it explains everything."""
    trial, readings = read
    first = [r for r in readings if r.recipe.cost == cost and not r.unknown][:1]
    return trial, first + [r for r in readings if r not in first] if first else readings


def _of_batch(read: Read, outcome: Outcome, cost: str | None) -> Read:
    """Return the reading of the same call with a mini-batch, if that can be explained too.

    A single example hides what is wrong with softmax, such as one sum for the whole matrix.
    """
    trial, readings = read
    if trial.layout.data not in SINGLE or not readings or readings[0].recipe.output != "softmax":
        return read
    batches = [
        other
        for other in outcome.trials
        if other.how == trial.how
        and other.layout.data not in SINGLE
        and not _is_misshapen(other)
        and _is_finite(other)
        and not _is_same_step(trial, other)
    ]
    for other in batches[:1]:
        of_batch = match(other.answers, _recipes(cost, [other]))
        if not of_batch[0].unknown:
            return other, of_batch
    return read


def _is_same_step(trial: Trial, other: Trial) -> bool:
    """Tell whether two trials see the same step, as that of one example and of a mini-batch."""
    answers = (trial.answers[0], other.answers[0])
    steps = [a.rate * w for a in answers for w in a.weights[-1:] if w is not None]
    return trial.step and len(steps) == 2 and np.array_equiv(*(step.round(9) for step in steps))


def best_reading(
    trials: Sequence[Trial], cost: str | None, seconds: float = SECONDS
) -> Read | None:
    """Return the trial that can be read best, and its readings.

    A program may run in several layouts, by broadcasting. A mini-batch shows more than a single
    example, which hides what is wrong with sums over examples, so it comes first.
    """
    finite = [trial for trial in trials if _is_finite(trial)]
    recipes = _recipes(cost, finite)
    if not finite:
        return (trials[0], []) if trials else None
    counts = {id(trial): count_right(trial.answers, recipes) for trial in finite}

    def rank(trial: Trial) -> tuple[bool, bool, bool, int]:
        count = counts[id(trial)]
        return not count, _is_misshapen(trial), trial.layout.data in SINGLE, -count

    deadline = time.process_time() + seconds
    reads = list[Read]()
    for trial in sorted(finite, key=rank):
        reads.append((trial, match(trial.answers, recipes, thorough=False)))
        if _price(reads[-1]) < SEVERAL:  # being thorough would not change it
            return reads[-1]
        if time.process_time() > deadline:
            break
    best = min(reads, key=_price)
    for trial, _ in sorted(reads, key=_price):
        best = min(best, (trial, match(trial.answers, recipes)), key=_price)
        if not best[1][0].unknown or time.process_time() > deadline:
            break
    return best


def _price(read: Read) -> float:
    """Return the price of the best reading, rounded: others are as good."""
    return round(read[1][0].price / SAME) * SAME


def _is_misshapen(trial: Trial) -> bool:
    """Tell whether a bias gradient has another shape than the biases."""
    return any(
        array is not None and array.shape != bias.shape
        for answer in trial.answers
        for array, bias in zip(answer.biases, answer.problem.biases, strict=True)
    )


def _is_finite(trial: Trial) -> bool:
    return all(
        np.isfinite(array).all()
        for answer in trial.answers
        for array in (*answer.weights, *answer.biases)
        if array is not None
    )


def diagnose(outcome: Outcome, gradients: Read | None, steps: Read | None) -> Diagnosis:
    """Put together what the gradients and the steps tell."""
    main = gradients or steps
    if not main:
        problem = outcome.problem or _unclear(outcome)
        return Diagnosis(None, None, [], [], [], problem, outcome.notes)
    trial, readings = main
    if not readings:
        return Diagnosis(
            trial, None, [], [], [], f"{trial.how} gives NaN or infinity", outcome.notes
        )
    reading = readings[0]
    if not reading.factors and not reading.findings:
        problem = (
            f"{trial.how} was called, but what it answers resembles no network known here; "
            "write an adapter: mnist-mlp check --new mine_check.py"
        )
        return Diagnosis(None, None, [], [], [], problem, outcome.notes)
    findings = [*reading.findings, *_by_factors(reading, trial)]
    if gradients and steps and steps[0].answers[0].problem.decay:
        # Weight decay may be part of the step.
        findings = [finding for finding in findings if DECAY_LEFT_OUT not in finding.mistakes]
    if gradients and steps and steps[1] and not steps[1][0].unknown:
        step = steps[1][0]
        depths = (step.nets[0].last, reading.nets[0].last)
        more = [_moved(f, *depths) for f in (*step.findings, *_by_factors(step, steps[0]))]
        if step.nets[0].n > 1:  # a step may make up for what gradients lack
            theirs = [finding.mistakes[0] for finding in more]
            findings = [f for f in findings if f.mistakes[0] in theirs or f.mistakes[0] not in SUMS]
        findings += [new for finding in more if (new := _without(finding, findings)).layers]
    noted = dict.fromkeys(note for t in (gradients, steps) if t for note in t[0].notes)
    noted |= dict.fromkeys(n for t in outcome.trials for n in t.notes if n in OF_OPTIMIZERS)
    findings += [Finding((NOTED[note],), tuple(reading.nets[0].W)) for note in noted]
    conventions = list(_conventions(reading, trial))
    if trial.layout.targets != "one-hot" and any(OFF_BY_ONE in f.mistakes for f in findings):
        findings = [finding for finding in findings if OFF_BY_ONE not in finding.mistakes]
        conventions.append(
            "Labels are expected to be 1 to 10, as in Ng's course; with 0 to 9 the targets are "
            "off by one."
        )
    others = _for_other_costs(reading, readings)
    return Diagnosis(trial, reading, findings, conventions, others, "", outcome.notes)


def _for_other_costs(reading: Reading, readings: Sequence[Reading]) -> list[Reading]:
    """Return the cheapest reading for each other cost, if it takes one mistake more at most."""
    cheapest = {r.recipe.cost: r for r in reversed(readings) if not r.unknown}
    return [
        other
        for cost, other in reversed(cheapest.items())
        if cost != reading.recipe.cost
        and len(other.findings) <= len(reading.findings) + 1
        and (other.recipe.output, cost) in USUAL
    ]


def touches(finding: Finding, tensor: Tensor) -> bool:
    """Tell whether a finding is about the weights, or the biases, of a layer."""
    other = {"weights": "biases", "biases": "weights"}[tensor.kind]
    return tensor.layer in finding.layers and other not in finding.mistakes[0].line


def _moved(finding: Finding, depth: int, new: int) -> Finding:
    """Return a finding about a network of some depth for one of another."""
    if depth == new:
        return finding
    hidden = range(1, new) if min(finding.layers) < depth else ()
    return finding._replace(layers=(*hidden, *([new] if depth in finding.layers else [])))


def _without(finding: Finding, findings: Sequence[Finding]) -> Finding:
    """Return a finding in the step for the layers where none of those in the gradients is it."""
    first = finding.mistakes[0]
    if any(first == other.mistakes[0] for other in findings):
        return finding._replace(layers=())
    alike = [o for o in findings if first in o.mistakes or first.line == o.mistakes[0].line]
    known = {i for other in alike for i in other.layers}
    return finding._replace(layers=tuple(i for i in finding.layers if i not in known))


def _unclear(outcome: Outcome) -> str:
    if not outcome.defined and outcome.notes:
        return "its lines could not be run so that gradients came back"
    if not outcome.defined:
        return "it defines no function and no class that could be called"
    return (
        f"none of {', '.join(outcome.defined[:8])} could be called so that gradients came back; "
        "write an adapter: mnist-mlp check --new mine_check.py"
    )


# Factors


def common_factor(reading: Reading) -> Factor | None:
    """Return the factor of most tensors; of two as frequent an average, or that of weights."""
    tensors = sorted(reading.factors, key=lambda tensor: tensor.kind != "weights")
    factors = [reading.factors[tensor] for tensor in tensors if reading.factors[tensor].constant]

    def rank(factor: Factor) -> tuple[int, bool, bool]:
        as_many = sum(_same(factor, other) for other in factors)
        return as_many, factor.power == -1, factor.constant > 0

    return max(factors, key=rank, default=None)


def _same(one: Factor, other: Factor) -> bool:
    return one.power == other.power and _near(one.constant, other.constant)


def _near(one: float, other: float) -> bool:
    return abs(one - other) < TOLERANCE * abs(other)


def _by_factors(reading: Reading, trial: Trial) -> list[Finding]:
    """Return the mistakes that show in factors: of signs, averages, constants and weight decay."""
    common = common_factor(reading)
    if not common:
        return []
    net = reading.nets[0]
    found: dict[tuple[Mistake, ...], tuple[int, ...]] = {}
    if trial.step and common.constant < 0:
        found[UPHILL, SUBTRACTED] = tuple(net.W)
    if common.power == -2:
        found[TWICE_AVERAGED,] = tuple(net.W)
    if _counts_whole_file(reading, trial, common):
        found[WHOLE_FILE,] = tuple(net.W)
    rate = trial.answers[0].rate
    if _near(abs(common.constant), rate) and not any(_near(rate, usual) for usual in USUAL_FACTORS):
        found[RATE_TWICE,] = tuple(net.W)
    if _knows_rate(trial) and (wrong := _wrong_count(common, net.a[0].shape[1])):
        found[wrong,] = tuple(net.W)
    counted = _by_inputs(reading)
    found |= {(INPUTS_COUNTED,): counted} if counted else {}
    scales = () if counted else _by_scale(reading, common)
    for mistake, i in (*scales, *_by_decay(reading, common, 2 * trial.penalty)):
        found[mistake,] = (*found.get((mistake,), ()), i)
    return [Finding(mistakes, layers) for mistakes, layers in found.items()]


def _knows_rate(trial: Trial) -> bool:
    """Tell whether the learning rate is known, or not needed because gradients are given."""
    return not trial.step or trial.answers[0].rate != 1


def _counts_whole_file(reading: Reading, trial: Trial, common: Factor) -> bool:
    """Tell whether gradients shrink as the data set grows, though mini-batches do not."""
    for answer in trial.longer:
        expected = common.constant * len(answer.problem.images) ** common.power
        other = common_factor(match([answer], [reading.recipe])[0])
        return other is not None and _near(LONGER * other.constant, expected)
    return False


def _wrong_count(common: Factor, n_inputs: int) -> Mistake | None:
    """Return what gradients are divided by instead of the batch size, if that is likely."""
    if common.power or not common.constant:
        return None
    divisor = 1 / abs(common.constant)
    halves = (1, 2)  # the cost may be ½ Σ (a - y)²
    if any(_near(divisor, n * half) for n in {n_inputs, PIXELS} for half in halves if n > FEW):
        return INPUTS_COUNTED
    return WHOLE_FILE if divisor > MANY else None


def _by_inputs(reading: Reading) -> tuple[int, ...]:
    """Return the layers, if the gradient of each is divided by the number of its own inputs."""
    layers = dict.fromkeys(tensor.layer for tensor, f in reading.factors.items() if f.constant)
    if len(layers) < 2 or not all(
        f.power == 0 and any(_near(abs(f.constant), 1 / n) for n in _inputs(reading, tensor.layer))
        for tensor, f in reading.factors.items()
        if f.constant
    ):
        return ()
    return tuple(layers)


def _inputs(reading: Reading, i: int) -> set[int]:
    """Return how many inputs layer i may have; those that are always 0 are left out of W."""
    return {reading.nets[0].W[i].shape[1], *((PIXELS,) if i == 1 else ())}


def _by_scale(reading: Reading, common: Factor) -> Iterator[tuple[Mistake, int]]:
    """Yield mistakes of scale, and their layers, from the last on.

    A tensor with a mistake in its own line, such as one mean for all of it, has its own scale.
    """
    own = {
        Tensor(kind, i)
        for finding in reading.findings
        for i in finding.layers
        for kind in ("weights", "biases")
        if finding.mistakes[0] in ROOMS[kind]
    }
    expected = common
    for i in reversed(reading.nets[0].W):
        factors = {
            kind: reading.factors[tensor]
            for kind in ("weights", "biases")
            if (tensor := Tensor(kind, i)) in reading.factors and reading.factors[tensor].constant
            if tensor not in own and Tensor("delta", i) not in reading.unknown
        }
        keep = 1 / reading.nets[0].mask.get(i, np.ones(1)).max()
        odd = {kind: factor for kind, factor in factors.items() if not _same(factor, expected)}
        below = [f for tensor, f in reading.factors.items() if tensor.layer < i]
        if len(odd) > 1 and _same(*odd.values()):
            mistake = _scaled_by(odd["weights"], expected, "weights", keep)
            yield mistake, i
            masked = mistake is MASK_UNSCALED
            if masked or not below or any(_same(factor, odd["weights"]) for factor in below):
                expected = odd["weights"]  # it is in delta, and so in the layers below
        elif "biases" in odd and _is_alone(odd["biases"], expected, reading):
            yield BIASES_TWICE, i
        else:
            yield from ((_scaled_by(f, expected, kind, keep), i) for kind, f in odd.items())


def _is_alone(factor: Factor, expected: Factor, reading: Reading) -> bool:
    """Return whether biases are averaged once more than others, and than those elsewhere."""
    biases = (f for tensor, f in reading.factors.items() if tensor.kind == "biases")
    return factor.power < expected.power and any(_same(f, expected) for f in biases)


def _by_decay(reading: Reading, common: Factor, expected: float) -> Iterator[tuple[Mistake, int]]:
    """Yield mistakes of weight decay, and their layers. `expected` is its factor, or 0."""
    decays = {tensor.layer: d for tensor, d in reading.decay.items() if tensor.kind == "weights"}
    usual = max(
        decays.values(), key=lambda d: sum(map(partial(_near, d), decays.values())), default=0
    )
    for i in reading.nets[0].W:
        if Tensor("biases", i) in reading.decay:
            yield DECAYED_BIASES, i
        if decays.get(i, 0) * common.constant < 0:
            yield DECAY_UPHILL, i
        elif i in decays and not _near(decays[i], expected or usual):
            yield DECAY_FACTOR, i
        elif i not in decays and reading.nets[0].decay and Tensor("weights", i) in reading.factors:
            yield DECAY_LEFT_OUT, i


def _scaled_by(factor: Factor, expected: Factor, kind: str, keep: float) -> Mistake:
    """Return what is wrong with a tensor that has another factor than is expected.

    `keep` is the fraction that a dropout mask keeps in its layer.
    """
    weights = kind == "weights"
    if keep < 1 and _same(factor, expected._replace(constant=keep * expected.constant)):
        return MASK_UNSCALED
    if factor.constant * expected.constant < 0:
        return UPHILL if weights else UPHILL_BIASES
    if factor.power == expected.power:
        return STRAY_CONSTANT if weights else STRAY_BIAS
    if factor.power > expected.power:
        return WEIGHTS_SUMMED if weights else BIASES_SUMMED
    if weights:
        return TWICE_AVERAGED
    return BIASES_TWICE if expected.power < 0 else WEIGHTS_SUMMED


def _conventions(reading: Reading, trial: Trial) -> Iterator[str]:
    """Yield what the common factor tells, if it is not wrong."""
    common = common_factor(reading)
    if not common:
        return
    constant, power = common
    low, high = reading.nets[0].y.min(), reading.nets[0].y.max()
    if low and low < high:
        yield f"The targets are {low:.3g} and {high:.3g} instead of 0 and 1."
    if constant < 0 and not trial.step:
        yield "The sign is that of -∂C/∂w: the step must add it."
    if reading.nets[0].n > 1:
        yield {
            0: "Gradients are summed over the batch, not averaged.",
            -1: "Gradients are averaged over the batch.",
        }.get(power, f"Gradients are multiplied by the batch size to the power {power}.")
    size = abs(constant)
    n_out = reading.nets[0].y.shape[1]
    if reading.recipe.cost == "squared_error" and _near(size, 0.5):
        yield "The cost is ½ Σ (a - y)²."
        return
    if n_out > 1 and _near(size * n_out, 1) and _knows_rate(trial):
        yield "The cost is also averaged over the outputs."
    elif reading.recipe.output == "softmax" and _near(size, 2):
        yield f"All gradients are multiplied by 2: {TWICE.name}. {TWICE.learns}"
    elif not _near(size, 1):
        yield f"All gradients are multiplied by {size:.4g}, which is part of the learning rate."
    if any(t.kind == "weights" for t in reading.decay):
        yield "The weights' gradients contain weight decay."
