"""Make the sample: scikit-learn's 1,797 handwritten digits, in MNIST's form.

Run it from the top of the project, in its environment, after `pip install scikit-learn`:

    python data/sample/make_sample.py
"""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

TRAINING = 1437  # the first four fifths, in the order of the source; the rest is for testing
SIDE, BOX = 28, 20


def frame(digit: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale a digit, (8, 8) from 0 to 16, into MNIST's frame, (28, 28) from 0 to 255.

    As in MNIST, it keeps its proportions, just fits a box of 20×20 pixels, and has its centre of
    mass in the middle of the frame (LeCun et al., the MNIST database).
    """
    picture = Image.fromarray(np.uint8(np.rint(digit * 255 / 16)))
    picture = picture.crop(picture.getbbox())
    scale = BOX / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    ink = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    rows, columns = np.indices(ink.shape)
    top = round((SIDE - 1) / 2 - np.average(rows, weights=ink))
    left = round((SIDE - 1) / 2 - np.average(columns, weights=ink))
    top = min(max(top, 0), SIDE - height)
    left = min(max(left, 0), SIDE - width)
    framed = np.zeros((SIDE, SIDE), np.uint8)
    framed[top : top + height, left : left + width] = ink
    return framed


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write unsigned bytes as an IDX file."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


def main() -> None:
    """Write the four files beside this script."""
    digits = load_digits()
    images = np.stack([frame(digit) for digit in digits.images])
    labels = np.uint8(digits.target)
    folder = Path(__file__).parent
    for name, part in (("train", slice(TRAINING)), ("t10k", slice(TRAINING, None))):
        write_idx(folder / f"{name}-images-idx3-ubyte", images[part])
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels[part])


if __name__ == "__main__":
    main()
