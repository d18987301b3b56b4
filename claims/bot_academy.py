"""Claim 5: Bot Academy's network, 784-20-10, passes 93 % in three epochs."""

from claim import BLUE, GREY, ORANGE, PREPARED, Finding, chart, knobs, report, share_right, train
from command import run

from mnist_mlp.data.dataset import load_dataset


def bot_academy() -> None:
    """Train by the video's recipe.

    The running accuracy counts each training image in the last epoch just before it is learned
    from, as the video does; the test accuracy is that on unseen digits.
    """
    asked = knobs("bot_academy")
    at_least = asked["at_least"]
    test = load_dataset(PREPARED, "test")
    family = train(asked["knobs"], asked["seeds"])
    running = [trained.history[-1]["training_accuracy"] for trained in family]
    unseen = [share_right(trained.network, test) for trained in family]
    findings = [
        Finding("while it learns", "training accuracy in the last epoch", running, ".2%", at_least),
        Finding("on unseen digits", "test accuracy", unseen, ".2%", at_least),
    ]
    figure, axes = chart("784-20-10, an example at a time", "epoch", "accuracy (%)")
    for trained, tested in zip(family, unseen, strict=True):
        epochs = [row["epoch"] for row in trained.history]
        values = [100 * row["training_accuracy"] for row in trained.history]
        axes.plot(epochs, values, "o-", color=BLUE, alpha=0.5)
        axes.plot(epochs[-1] + 0.15, 100 * tested, "D", color=ORANGE, alpha=0.7)
    axes.plot([], [], "o-", color=BLUE, label="training images, while it learns")
    axes.plot([], [], "D", color=ORANGE, label="unseen digits, at the end")
    axes.axhline(100 * at_least, color=GREY, linestyle="--", linewidth=1)
    axes.set_xticks(epochs)
    axes.legend(frameon=False)
    said = "Bot Academy's 784-20-10 passes 93 % in three epochs."
    report(bot_academy, 5, said, findings, figure)


if __name__ == "__main__":
    run(bot_academy)
