"""Claim 2: the network of the videos reads about 96 % of unseen digits."""

from claim import (
    BLUE,
    GREEN,
    ORANGE,
    PART_2,
    RECIPES,
    Finding,
    accuracy_on,
    chart,
    load_digits,
    load_named,
    load_settings,
    load_trained,
    report,
    straightened_digits,
    train_networks,
)
from command import run

from mnist_mlp.data.dataset import load_dataset


def accuracy() -> None:
    """Test networks trained by the videos' recipe and by the project's default.

    To see how good this very network can be, others train on straightened and deformed digits.
    """
    settings = load_settings("accuracy")
    at_least = settings["at_least"]
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
    with straightened_digits() as folder:
        networks = train_networks(load_named("videos"), settings["seeds"], folder)
        straightened = load_dataset(folder, "test")
        values = [accuracy_on(trained.network, straightened) for trained in networks]
    best = Finding("on straightened, deformed digits", "test accuracy", values, "share", 2)
    findings.append(best)
    figure, axes = chart(
        "784-16-16-10 on unseen digits: one point per seed", "", "test accuracy (%)"
    )
    for place, (finding, colour) in enumerate(zip(findings, (ORANGE, BLUE, GREEN), strict=True)):
        seeds = len(finding.values)
        spread = [place + 0.02 * (i - seeds / 2) for i in range(seeds)]
        axes.plot(spread, [100 * v for v in finding.values], "o", color=colour)
    axes.axhline(100 * at_least, color="black", linestyle="--", linewidth=1)
    axes.text(2.4, 100 * at_least, "“about 96 %” starts here", ha="right", va="bottom")
    axes.set(xticks=range(3), xticklabels=[*RECIPES.values(), best.case], xlim=(-0.5, 2.5))
    videos, default, _ = findings
    report(
        accuracy,
        2,
        statement="784-16-16-10 reads about 96 % of unseen digits",
        source=PART_2,
        brief=f"{default} with the project's default, {videos} with the videos' recipe",
        meaning=(
            "A network's size alone does not decide its accuracy. Both recipes train the same "
            "weights and biases, but differ in activation, cost, initial weights, learning rate "
            f"and epochs. If the digits are made upright and equally wide and high first, the "
            f"network reads {best} of them: slant and proportions cost it more than its size."
        ),
        findings=findings,
        figure=figure,
    )


if __name__ == "__main__":
    run(accuracy)
