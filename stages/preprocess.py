"""Stage 2, preprocess: the four files become arrays to train and test with."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import PARAMS, PREPARED, RAW, ParamsFile, PreparedFolder, RawFolder, run

from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import load_params
from mnist_mlp.data import mnist
from mnist_mlp.data.dataset import NAME, in_stored_order, read_digits, save_dataset
from mnist_mlp.data.mirrors import is_complete


def preprocess(
    params_file: ParamsFile = PARAMS, raw: RawFolder = RAW, prepared: PreparedFolder = PREPARED
) -> None:
    """Turn the digits into images in [0, 1] and one-hot targets.

    Reads data/raw; writes data/prepared. No knob changes the arrays, so all experiments share them:
    the training images are in one random order, and `train` chooses which are held out.
    """
    load_params(params_file)
    training = read_digits(raw / mnist.TRAIN_IMAGES.name, raw / mnist.TRAIN_LABELS.name)
    test = read_digits(raw / mnist.TEST_IMAGES.name, raw / mnist.TEST_LABELS.name)
    save_dataset(prepared, "training", *in_stored_order(*training))
    save_dataset(prepared, "test", *test)
    with atomic_write(prepared / NAME) as file:
        file.write(b"mnist" if is_complete(raw) else b"sample")
    print(f"{len(training[1]):,} training and {len(test[1]):,} test images are in {prepared}.")


if __name__ == "__main__":
    run(preprocess)
