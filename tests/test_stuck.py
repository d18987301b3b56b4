"""Training that gets stuck says so in one line, and training that is only slow does not."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.checkpoint import checkpoint_key, save_checkpoint
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.progress import Moment, Progress
from mnist_mlp.learning.snapshots import plan_snapshots
from tests.conftest import KNOBS, start

LITERAL = {
    "activation": "sigmoid",
    "cost": "squared_error",
    "initial_weights": "gaussian",
    "schedule": "constant",
    "weight_decay": 0.0,
}


def warned(folder: Path, **knobs: Any) -> str:
    """Train with some knobs, and return what was printed on standard error."""
    (folder / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"epochs": 15} | knobs), "utf-8")
    result = start(folder, "python", "stages/train.py")
    assert result.returncode == 0
    return result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("knobs", "tip"),
    [
        ({"learning_rate": 1.0}, "a smaller learning_rate (now 1.0)"),
        ({"momentum": 0.95}, "a smaller learning_rate (now 0.1) or less momentum (now 0.95)"),
        ({"weight_decay": 10.0}, "less weight_decay (now 10.0)"),
        ({"dropout": 0.9}, "less dropout (now 0.9)"),
        (
            {"initial_weights": "gaussian", "activation": "sigmoid", "learning_rate": 10.0},
            "a smaller learning_rate (now 10.0) or other initial_weights (now gaussian)",
        ),
        ({"hidden": [1]}, "other layers in hidden (now [1])"),
    ],
)
def test_stuck_training_says_so_once_and_what_to_try(
    knobs: dict[str, Any], tip: str, clone: Path
) -> None:
    line = re.fullmatch(
        r"warning: stuck: after epoch 8 the network classifies (\d+)% of the images as \d, with an "
        r"accuracy of (\d+\.\d\d)%; try ([^\n]+)\n",
        warned(clone, **knobs),
    )
    assert line
    assert int(line[1]) > 90
    assert float(line[2]) < 20
    assert tip in line[3]


def test_short_stuck_training_says_so_at_its_end(clone: Path) -> None:
    assert "after epoch 2 the" in warned(clone, epochs=2, learning_rate=1.0)


def test_training_that_gets_stuck_later_says_so_then(clone: Path) -> None:
    params = Params(**KNOBS | {"epochs": 15})
    digits = load_dataset(clone / "data/prepared", "training")
    network = Network([784, *params.hidden, 10], params.activation, params.cost)  # all zeros
    progress = Progress(network, digits, params)
    progress.history += [Moment(i, 129 * i, 0.1, 0.9, 0.1, 0.9, "0" * 12) for i in range(1, 11)]
    key = checkpoint_key(params, digits, clone / "stages")
    snapshots = plan_snapshots(progress)
    save_checkpoint(clone / "data/model.npz.checkpoint", key, progress, snapshots)
    assert "stuck: after epoch 11 the" in warned(clone)


@pytest.mark.slow
@pytest.mark.parametrize(
    "knobs",
    [
        {},
        LITERAL,
        LITERAL | {"hidden": [30], "learning_rate": 1.5},
        {"batch_size": 1293},
        {"augment": "deform", "dropout": 0.3},
        {"labels": "random", "learning_rate": 1.0},
    ],
    ids=["default", "literal", "nielsen", "full batch", "refined", "random labels"],
)
def test_slow_training_gets_no_warning(knobs: dict[str, Any], clone: Path) -> None:
    assert warned(clone, **knobs) == ""


def test_on_a_terminal_the_warning_replaces_the_progress_bar(clone: Path) -> None:
    knobs = KNOBS | {"epochs": 15, "learning_rate": 1.0}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "stages/train.py"]
    process = subprocess.Popen(command, cwd=clone, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
        while part := os.read(ours, 1000):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    lines = shown.decode().split("\r\n")
    (warning,) = (line for line in lines if "warning" in line)
    before, _, after = warning.partition("\r\x1b[K")
    assert "warning" not in before
    assert "training" not in after
    assert "100%" in lines[lines.index(warning) + 1]
