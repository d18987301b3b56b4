"""The tables of docs/check.md: the museum, and the classes of mistakes with equal gradients.

`python -m mnist_mlp.checking.tables docs/check.md` writes them between their marks.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.lines import LINES, Recipe, new_problem, run
from mnist_mlp.checking.matcher import fit
from mnist_mlp.checking.measured import in_table, without_mistakes
from mnist_mlp.checking.museum import MUSEUM, ROOMS, Mistake, plant
from mnist_mlp.learning.costs import COSTS
from mnist_mlp.learning.network import ACTIVATIONS

DEPTHS = {"one": [12, 10, 10], "two": [12, 10, 10, 10]}  # hidden layers; square, for all mistakes
RATES = {"gradient": 0.0, "step": 0.5}
BATCHES = (6, 9)
Condition = tuple[str, str, str, str]  # interface, function, cost, hidden layers
TITLES = {
    "forward": "Forward",
    "output": "The delta of the outputs",
    "slope": "Slopes",
    "carried": "From layer to layer",
    "weights": "Weights",
    "biases": "Biases",
    "scale": "Scale",
    "step": "Steps",
}


def museum_table() -> Iterator[str]:
    """Yield the museum as Markdown."""
    yield f"\nWithout a mistake the accuracy is {without_mistakes()}."
    for room, mistakes in ROOMS.items():
        yield f"\n**{TITLES[room]}**\n"
        yield "| mistake | wrong | right | why it learns, or does not | accuracy |"
        yield "| --- | --- | --- | --- | --- |"
        for m in mistakes:
            right = f"`{m.formula}` {LINES[m.line].equation}"
            cells = (m.name, f"`{m.wrong}`", right, m.learns, in_table(m.name))
            yield f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"


def classes() -> dict[tuple[str, ...], list[Condition]]:
    """Return the mistakes that cannot be told apart, and the conditions under which."""
    found: dict[tuple[str, ...], list[Condition]] = {}
    conditions = product(RATES, ACTIVATIONS, COSTS, DEPTHS)
    for condition in conditions:
        for names in classes_under(condition):
            found.setdefault(names, []).append(condition)
    return found


def classes_under(condition: Condition) -> list[tuple[str, ...]]:
    """Return the classes of two or more mistakes with equal gradients, made in all layers."""
    interface, function, cost, depth = condition
    recipe = Recipe(function, COSTS[cost].output, cost)
    groups: list[tuple[list[list[Array]], list[str]]] = []
    for mistake in MUSEUM:
        prints = fingerprint(mistake, recipe, DEPTHS[depth], RATES[interface])
        if not prints:
            continue
        for other, names in groups:
            if all(fit(a, b, BATCHES) for a, b in zip(prints, other, strict=True)):
                names.append(mistake.name)
                break
        else:
            groups.append((prints, [mistake.name]))
    return [tuple(names) for _, names in groups if len(names) > 1]


def fingerprint(
    mistake: Mistake, recipe: Recipe, sizes: Sequence[int], rate: float
) -> list[list[Array]]:
    """Return the gradients with a mistake in all its layers: for each tensor, of each problem.

    Nothing if it cannot be made, or if only factors change.
    """
    problems = [new_problem(sizes, n, seed) for seed, n in enumerate(BATCHES)]
    right = [run(problem, recipe, {}, rate) for problem in problems]
    planted = plant([(mistake, mistake.layers(right[0]))])
    with np.errstate(all="ignore"):
        try:
            wrong = [run(problem, recipe, planted, rate) for problem in problems]
        except ValueError:  # the shapes do not allow it
            return []
        prints = [[net.dW[i] for net in wrong] for i in right[0].W]
        prints += [[net.db[i] for net in wrong] for i in right[0].W]
        own = [[net.dW[i] for net in right] for i in right[0].W]
        own += [[net.db[i] for net in right] for i in right[0].W]
        same = all(fit(a, b, BATCHES) for a, b in zip(prints, own, strict=True))
    return [] if same else prints


def classes_table() -> Iterator[str]:
    """Yield the classes as Markdown."""
    yield "| cannot be told apart | where |"
    yield "| --- | --- |"
    for names, conditions in sorted(classes().items(), key=lambda pair: -len(pair[1])):
        yield f"| {'; '.join(names)} | {describe(conditions)} |"


def describe(conditions: Sequence[Condition]) -> str:
    """Describe conditions by the values in which they are limited."""
    every = (list(RATES), list(ACTIVATIONS), list(COSTS), list(DEPTHS))
    used = [
        [v for v in values if v in {c[k] for c in conditions}] for k, values in enumerate(every)
    ]
    if len(conditions) < np.prod([len(values) for values in used]):
        return "; ".join(", ".join(condition) for condition in conditions)
    units = ("{}", "{}", "{}", "{} hidden layers")
    limits = [
        unit.format(" or ".join(values))
        for unit, values, all_of in zip(units, used, every, strict=True)
        if values != all_of
    ]
    return ", ".join(limits).replace("one hidden layers", "one hidden layer") or "everywhere"


def write(page: str) -> str:
    """Return a page with its tables made again."""
    for name, lines in (("museum", museum_table()), ("classes", classes_table())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(write(path.read_text("utf-8")), "utf-8")
