"""Claim 2: the network of the videos reads about 96 % of unseen digits."""

from claim import (
    BLUE,
    ORANGE,
    PART_2,
    RECIPES,
    Finding,
    accuracy_on,
    chart,
    load_digits,
    load_settings,
    load_trained,
    report,
)
from command import run


def accuracy() -> None:
    """Test networks trained by the videos' recipe and by the project's default."""
    at_least = load_settings("accuracy")["at_least"]
    test = load_digits("test")
    findings = [
        Finding(
            name,
            "test accuracy",
            [accuracy_on(trained.network, test) for trained in load_trained(recipe)],
            "share",
            2,
            at_least=at_least,
        )
        for recipe, name in RECIPES.items()
    ]
    figure, axes = chart(
        "784-16-16-10 on unseen digits: one point per seed", "", "test accuracy (%)"
    )
    for place, (finding, colour) in enumerate(zip(findings, (ORANGE, BLUE), strict=True)):
        seeds = len(finding.values)
        spread = [place + 0.02 * (i - seeds / 2) for i in range(seeds)]
        axes.plot(spread, [100 * v for v in finding.values], "o", color=colour)
    axes.axhline(100 * at_least, color="black", linestyle="--", linewidth=1)
    axes.text(1.4, 100 * at_least, "“about 96 %” starts here", ha="right", va="bottom")
    axes.set(xticks=[0, 1], xticklabels=list(RECIPES.values()), xlim=(-0.5, 1.5))
    videos, default = findings
    report(
        accuracy,
        2,
        statement="784-16-16-10 reads about 96 % of unseen digits",
        source=PART_2,
        brief=f"{default} with the project's default, {videos} with the videos' recipe",
        meaning=(
            "A network's size alone does not decide its accuracy. Both recipes train the same "
            "weights and biases, but differ in activation, cost, initial weights, learning rate "
            "and epochs."
        ),
        findings=findings,
        figure=figure,
    )


if __name__ == "__main__":
    run(accuracy)
