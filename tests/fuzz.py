"""Fuzz the readers of IDX files and of models, guided by the code that each input reaches.

    PYTHONPATH=src python tests/fuzz.py idx 100000       # or: model 100000

Reads so many inputs that atheris makes up, and ends in an error at the first that raises
anything but InputError or OSError, takes more than 10 seconds, or more than 500 MB.
"""

import contextlib
import gzip
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gzip", "zipfile", "numpy.lib", "mnist_mlp"]):
    from mnist_mlp.base.errors import InputError
    from mnist_mlp.data.idx import read_idx
    from mnist_mlp.data.mirrors import read_file
    from mnist_mlp.data.mnist import File
    from mnist_mlp.learning.model import load_network, save_network
    from mnist_mlp.learning.network import Network

FOLDER = Path(tempfile.mkdtemp())
INPUT = FOLDER / "input"


def idx(data: bytes) -> None:
    """Read the input as an IDX file, and as a file of a mirror, packed or not."""
    INPUT.write_bytes(data)
    with contextlib.suppress(InputError, OSError):
        read_idx(INPUT, dimensions=1)
    with contextlib.suppress(InputError, OSError):
        read_file(INPUT, File("input", 11, "", ""))


def model(data: bytes) -> None:
    """Read the input as a model."""
    INPUT.write_bytes(data)
    with contextlib.suppress(InputError, OSError):
        load_network(INPUT)


def main() -> None:
    """Fuzz the reader that the first argument names, with as many inputs as the second says."""
    reader, runs = {"idx": idx, "model": model}[sys.argv[1]], sys.argv[2]
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    (corpus / "idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]))
    (corpus / "packed").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3])))
    save_network(corpus / "model", Network([784, 1, 10], "relu", "cross_entropy"))
    limits = ["-timeout=10", "-rss_limit_mb=500", "-max_len=10000"]
    atheris.Setup([sys.argv[0], f"-atheris_runs={runs}", *limits, str(corpus)], reader)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
