"""Claim 2: the network of the videos classifies about 96 % of unseen digits."""

from claim import (
    BLUE,
    ORANGE,
    PREPARED,
    RECIPES,
    Finding,
    chart,
    knobs,
    load_trained,
    report,
    share_right,
)
from command import run

from mnist_mlp.data.dataset import load_dataset


def accuracy() -> None:
    """Test networks that were trained by either recipe."""
    asked = knobs("accuracy")
    test = load_dataset(PREPARED, "test")
    findings = [
        Finding(
            name,
            "test accuracy",
            [share_right(trained.network, test) for trained in load_trained(family)],
            ".2%",
            at_least=asked["at_least"],
        )
        for family, name in RECIPES.items()
    ]
    figure, axes = chart("784-16-16-10 on unseen digits, a point for each seed", "", "accuracy (%)")
    for place, (finding, colour) in enumerate(zip(findings, (ORANGE, BLUE), strict=True)):
        seeds = len(finding.values)
        spread = [place + 0.02 * (i - seeds / 2) for i in range(seeds)]
        axes.plot(spread, [100 * v for v in finding.values], "o", color=colour)
    axes.axhline(100 * asked["at_least"], color="black", linestyle="--", linewidth=1)
    axes.text(1.4, 100 * asked["at_least"], "about 96 % begins here", ha="right", va="bottom")
    axes.set(xticks=[0, 1], xticklabels=list(RECIPES.values()), xlim=(-0.5, 1.5))
    report(accuracy, 2, "784-16-16-10 reads about 96 % of unseen digits.", findings, figure)


if __name__ == "__main__":
    run(accuracy)
