"""Stage 2, preprocess: the four files become arrays to train, validate and test with."""

from command import PARAMS, PREPARED, RAW, ParamsFile, PreparedFolder, RawFolder, run

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import load_params
from mnist_mlp.base.randomness import generator
from mnist_mlp.data import mnist
from mnist_mlp.data.dataset import read_digits, save_dataset, split


def preprocess(
    params_file: ParamsFile = PARAMS, raw: RawFolder = RAW, prepared: PreparedFolder = PREPARED
) -> None:
    """Turn the digits into images in [0, 1] and one-hot targets.

    Reads data/raw and the knobs validation and seed; writes data/prepared.
    """
    params = load_params(params_file)
    pixels, labels = read_digits(raw / mnist.TRAIN_IMAGES.name, raw / mnist.TRAIN_LABELS.name)
    test = read_digits(raw / mnist.TEST_IMAGES.name, raw / mnist.TEST_LABELS.name)
    random = generator(params.seed, "validation split")
    training, validation = split(len(pixels), params.validation, random)
    if len(training) == 0:
        raise InputError(
            f"{params_file}: validation: expected a share that leaves some of the "
            f"{len(pixels)} images to train on, found {params.validation}"
        )
    save_dataset(prepared, "training", pixels, labels, training)
    save_dataset(prepared, "validation", pixels, labels, validation)
    save_dataset(prepared, "test", *test)
    print(
        f"{len(training):,} training, {len(validation):,} validation and {len(test[0]):,} test "
        f"images are in {prepared}."
    )


if __name__ == "__main__":
    run(preprocess)
