"""Simulate how often the CI gate, and a sweep, are wrong about a loss of accuracy.

    PYTHONPATH=src:.ci python benchmarks/gate.py    # after `make claims`: a few seconds

Run it from the top of the project. First it measures on the networks of the claims how test
accuracy varies with the seed, on how many test digits two seeds disagree, and how the validation
accuracies of two recipes differ, paired by seed. Then it draws pairs of runs, of which the second
is worse by a true loss, from normal distributions with these standard deviations. Prints a Markdown
table.
"""

import csv
import itertools
from pathlib import Path

import numpy as np
from accuracy_gate import fell
from scipy.special import stdtrit

from mnist_mlp.base.arrays import Array
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.model import load_network
from mnist_mlp.runs.versus import ALPHA, Comparison

CLAIMS = Path("data/claims")
LOSSES = (0, 0.001, 0.003, 0.005)
SEEDS = (5, 20)  # of a sweep
DRAWS = 20_000


def validation_accuracies(family: str) -> Array:
    """Return the validation accuracy after the last epoch of each seed."""
    found = []
    for path in sorted((CLAIMS / "networks" / family).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            *_, last = csv.DictReader(file)
        found.append(float(last["validation_accuracy"]))
    return np.array(found)


def gate_fails(loss: float, sd: float, disagree: int, digits: int) -> float:
    """Return the fraction of pairs that the gate fails; only one reads `disagree` digits right."""
    random = np.random.default_rng(0)
    seen = loss + sd * (random.standard_normal(DRAWS) - random.standard_normal(DRAWS))
    worse = np.rint((disagree - digits * seen) / 2).astype(int).clip(0, disagree).tolist()
    return float(np.mean([fell(Comparison(digits, one, disagree - one)) for one in worse]))


def sweep_sees(loss: float, sd: float, seeds: int) -> float:
    """Return the fraction of sweeps whose 95 % interval says that a recipe is worse."""
    differences = np.random.default_rng(0).normal(-loss, sd, (DRAWS, seeds))
    margin = stdtrit(seeds - 1, 0.975) * differences.std(axis=1, ddof=1) / seeds**0.5
    return float(np.mean(differences.mean(axis=1) + margin < 0))


def main() -> None:
    test = load_dataset(CLAIMS / "prepared", "test")
    networks = [load_network(path) for path in sorted((CLAIMS / "networks/default").glob("*.npz"))]
    right = [answer(network, test.images).argmax(axis=1) == test.labels for network in networks]
    sd = float(np.std([each.mean() for each in right], ddof=1))
    digits = len(test.labels)
    pairs = [
        Comparison(digits, int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a)))
        for a, b in itertools.combinations(right, 2)
    ]
    disagree = round(np.mean([pair.only_one + pair.only_other for pair in pairs]))
    differ = sum(pair.p < ALPHA for pair in pairs)
    ours, theirs = validation_accuracies("default"), validation_accuracies("squared_error")
    n = min(len(ours), len(theirs))
    paired = float(np.std(ours[:n] - theirs[:n], ddof=1))
    print(
        f"Test accuracy has a standard deviation of {sd:.2%} over {len(right)} seeds; only one of "
        f"two seeds reads {disagree} of {digits:,} test digits right, and {differ} of {len(pairs)} "
        "pairs of them differ by McNemar's exact test. The difference of two "
        f"recipes' validation accuracies has a standard deviation of {paired:.2%} over {n} seeds.\n"
    )
    sweeps = [f"a sweep with {n} seeds" for n in SEEDS]
    print(f"| true loss, points | {' | '.join(['the gate', *sweeps])} |\n{'| --- ' * 4}|")
    for loss in LOSSES:
        seen = [gate_fails(loss, sd, disagree, digits)]
        seen += [sweep_sees(loss, paired, n) for n in SEEDS]
        cells = [f"missed {1 - each:.1%}" if loss else f"false alarm {each:.1%}" for each in seen]
        print(f"| {100 * loss:.1f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
