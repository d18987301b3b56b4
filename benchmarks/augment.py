"""Measure how many images per second augmentation processes during training, on one core.

Run it at the top of the project, after `dvc repro`. A network without hidden layers is trained with
each kind of augmentation in turn; the extra time of the second epoch is that of the augmentation.
Prints a Markdown table.
"""

import os
import statistics
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ["OMP_NUM_THREADS"] = "1"

from mnist_mlp.base.kernels import choose_kernels
from mnist_mlp.base.params import load_params

PARAMS = load_params(ROOT / "params.yaml")
choose_kernels(PARAMS.kernels)

import msgspec

from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.augmentation import AUGMENTATIONS
from mnist_mlp.learning.training import new_network, train

PREPARED = ROOT / "data/prepared"
TURNS = 5


def main() -> None:
    """Measure every kind of augmentation."""
    digits = load_dataset(PREPARED, "training")
    seconds: dict[str, list[float]] = {kind: [] for kind in AUGMENTATIONS}
    for _ in range(TURNS):
        for kind, taken in seconds.items():
            knobs = {"hidden": (), "learning_rate": 0.05, "epochs": 2, "validation": 0}
            params = msgspec.structs.replace(PARAMS, **knobs, augment=kind, final_strength=1)
            ends = [time.perf_counter() for _ in train(new_network(params), digits, params)]
            taken.append(ends[1] - ends[0])
    plain = statistics.median(seconds.pop("none"))
    print("| augmentation | images a second |\n| --- | --- |")
    for kind, taken in seconds.items():
        rate = len(digits.images) / (statistics.median(taken) - plain)
        print(f"| `{kind}` | {rate:,.0f} |")


if __name__ == "__main__":
    main()
