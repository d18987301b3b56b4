"""Claim 2: the network of the videos classifies about 96 % of unseen digits."""

from claim import BLUE, ORANGE, Finding, chart, knobs, load_trained, report
from command import PREPARED, run

from mnist_mlp.dataset import load_dataset
from mnist_mlp.evaluation import accuracy as share_right
from mnist_mlp.evaluation import answer

RECIPES = {"literal": "the literal recipe", "default": "the project's default"}


def accuracy() -> None:
    """Test networks of both recipes, with as many seeds of each as the smaller family has."""
    asked = knobs("accuracy")
    test = load_dataset(PREPARED, "test")
    families = {name: load_trained(name) for name in RECIPES}
    seeds = min(len(family) for family in families.values())
    findings = [
        Finding(
            RECIPES[name],
            "test accuracy",
            [share_right(answer(t.network, test.images), test.labels) for t in family[:seeds]],
            ".2%",
            at_least=asked["at_least"],
        )
        for name, family in families.items()
    ]
    figure, axes = chart("784-16-16-10 on unseen digits, a point for each seed", "", "accuracy (%)")
    for place, (finding, colour) in enumerate(zip(findings, (ORANGE, BLUE), strict=True)):
        spread = [place + 0.02 * (i - seeds / 2) for i in range(seeds)]
        axes.plot(spread, [100 * v for v in finding.values], "o", color=colour)
    axes.axhline(100 * asked["at_least"], color="black", linestyle="--", linewidth=1)
    axes.text(1.4, 100 * asked["at_least"], "about 96 % begins here", ha="right", va="bottom")
    axes.set(xticks=[0, 1], xticklabels=list(RECIPES.values()), xlim=(-0.5, 1.5))
    report("accuracy", 2, "784-16-16-10 reads about 96 % of unseen digits.", findings, figure)


if __name__ == "__main__":
    run(accuracy)
