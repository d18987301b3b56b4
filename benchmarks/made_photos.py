"""Measure how many of MNIST's test digits are read right under other conditions, as in photos.

    PYTHONPATH=.:src python benchmarks/made_photos.py         # or: made_photos.py 10000

Run it from the top of the project, after `dvc repro`. Takes that many test digits at random, 2,000
by default, and prints a Markdown table. tests/scenes.py defines the conditions.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.data.dataset import SIDE, load_dataset
from mnist_mlp.learning.evaluation import accuracy, answer
from mnist_mlp.learning.model import load_network
from mnist_mlp.reading.framing import frame
from tests.scenes import CONDITIONS


def see(condition: str, digit: Array, i: int) -> Array | None:
    """Return what the network would see of the i-th digit, or None if it is refused."""
    picture = CONDITIONS[condition](digit.reshape(SIDE, SIDE), np.random.default_rng([0, i]))
    try:
        return frame(picture.convert("RGB"))
    except InputError:
        return None


def main() -> None:
    """Print a row for each condition, for the same digits."""
    n = int(sys.argv[1]) if sys.argv[1:] else 2000
    network = load_network(ROOT / "data/model.npz")
    test = load_dataset(ROOT / "data/prepared", "test")
    chosen = np.sort(np.random.default_rng(0).permutation(len(test.images))[:n])
    images, labels = test.images[chosen], test.labels[chosen]
    plain = accuracy(answer(network, images), labels)
    print("| condition | read right | refused |\n| --- | --- | --- |")
    print(f"| the test images themselves | {plain:.2%} | |")
    with (
        ProcessPoolExecutor(2) as pool,
        tqdm(total=n * len(CONDITIONS), unit="picture", leave=False) as bar,
    ):
        for condition in CONDITIONS:
            seen = []
            for one in pool.map(see, [condition] * n, images, chosen, chunksize=50):
                seen.append(one)
                bar.update()
            frames = np.stack([np.zeros_like(images[0]) if one is None else one for one in seen])
            read = np.array([one is not None for one in seen])
            right = answer(network, frames).argmax(axis=1) == labels
            tqdm.write(f"| {condition} | {np.mean(right & read):.2%} | {np.count_nonzero(~read)} |")


if __name__ == "__main__":
    main()
