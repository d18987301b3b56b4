"""Claim 5: Bot Academy's network, 784-20-10, passes 93 % in three epochs."""

from claim import (
    BLUE,
    GREY,
    ORANGE,
    Finding,
    accuracy_on,
    chart,
    load_digits,
    load_settings,
    report,
    train_networks,
)
from command import run


def bot_academy() -> None:
    """Train by the video's recipe.

    Training accuracy is a running average over the last epoch, as in the video: each image is
    scored just before its update.
    """
    settings = load_settings("bot_academy")
    at_least = settings["at_least"]
    test = load_digits("test")
    runs = train_networks(settings["knobs"], settings["seeds"])
    running = [trained.history[-1]["training_accuracy"] for trained in runs]
    unseen = [accuracy_on(trained.network, test) for trained in runs]
    training = Finding("training images", "training accuracy", running, "share", 2, at_least)
    testing = Finding("unseen digits", "test accuracy", unseen, "share", 2, at_least)
    figure, axes = chart("784-20-10, trained on one example at a time", "epoch", "accuracy (%)")
    for trained, tested in zip(runs, unseen, strict=True):
        epochs = [row["epoch"] for row in trained.history]
        values = [100 * row["training_accuracy"] for row in trained.history]
        axes.plot(epochs, values, "o-", color=BLUE, alpha=0.5)
        axes.plot(epochs[-1] + 0.15, 100 * tested, "D", color=ORANGE, alpha=0.7)
    axes.plot([], [], "o-", color=BLUE, label="training images, during the epoch")
    axes.plot([], [], "D", color=ORANGE, label="unseen digits, after the last epoch")
    axes.axhline(100 * at_least, color=GREY, linestyle="--", linewidth=1)
    axes.set_xticks(epochs)
    axes.legend(frameon=False)
    report(
        bot_academy,
        5,
        statement="784-20-10 passes 93 % in three epochs",
        source="Bot Academy",
        brief=f"{training} of training images, {testing} of unseen digits",
        meaning=(
            "Training accuracy is a running average, which also counts the answers of the less "
            "trained network at the start of the epoch. So it can be lower than the accuracy on "
            "unseen digits, which is measured at the end."
        ),
        findings=[training, testing],
        figure=figure,
    )


if __name__ == "__main__":
    run(bot_academy)
