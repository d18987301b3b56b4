"""Stage 2, preprocess: the four files become arrays to train and test with."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import PARAMS, PREPARED, RAW, ParamsFile, PreparedFolder, RawFolder, run

import numpy as np

from mnist_mlp.base.params import load_params
from mnist_mlp.data import mnist
from mnist_mlp.data.dataset import in_stored_order, read_digits, save_dataset, save_description
from mnist_mlp.data.mirrors import is_complete
from mnist_mlp.data.straightening import straighten


def preprocess(
    params_file: ParamsFile = PARAMS, raw: RawFolder = RAW, prepared: PreparedFolder = PREPARED
) -> None:
    """Turn the digits into images in [0, 1] and one-hot targets.

    Reads data/raw and the knob straighten; writes data/prepared. No other knob changes the arrays:
    the training images are in one random order, and `train` chooses which are held out.
    """
    params = load_params(params_file)
    training = read_digits(raw / mnist.TRAIN_IMAGES.name, raw / mnist.TRAIN_LABELS.name)
    test = read_digits(raw / mnist.TEST_IMAGES.name, raw / mnist.TEST_LABELS.name)
    for name, (pixels, labels) in {"training": in_stored_order(*training), "test": test}.items():
        images = np.stack([straighten(image) for image in pixels]) if params.straighten else pixels
        save_dataset(prepared, name, images, labels)
    save_description(prepared, "mnist" if is_complete(raw) else "sample", params.straighten)
    print(f"{len(training[1]):,} training and {len(test[1]):,} test images are in {prepared}.")


if __name__ == "__main__":
    run(preprocess)
