"""The four files of MNIST: their names, sizes and checksums, and where to get them."""

from typing import NamedTuple


class File(NamedTuple):
    """One of the files, unpacked.

    name     as MNIST publishes it, without .gz
    size     in bytes
    sha256   in hexadecimal: what a mirror sends must have it
    md5      in hexadecimal: the name that DVC's cache gives the file
    """

    name: str
    size: int
    sha256: str
    md5: str


TRAIN_IMAGES = File(
    "train-images-idx3-ubyte",
    47_040_016,
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "6bbc9ace898e44ae57da46a324031adb",
)
TRAIN_LABELS = File(
    "train-labels-idx1-ubyte",
    60_008,
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "a25bea736e30d166cdddb491f175f624",
)
TEST_IMAGES = File(
    "t10k-images-idx3-ubyte",
    7_840_016,
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "2646ac647ad5339dbf082846283269ea",
)
TEST_LABELS = File(
    "t10k-labels-idx1-ubyte",
    10_008,
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "27ae3e4e09519cfbb04c329615203637",
)
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
)
