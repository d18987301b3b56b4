"""Products: the same as NumPy's, and the same bytes for every number of threads."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_mlp.products import LARGE, TILE, multiply

SOURCE = Path(__file__).parents[1] / "src"
HASH = """
import hashlib, sys
import numpy as np
from mnist_mlp.products import multiply
a, b = np.random.default_rng(0).random((2, 300, 300), dtype=np.float32)
a, b = np.tile(a, 2), np.tile(b, (2, 5))
print(hashlib.sha256(multiply(a, b, np.empty((300, 1500), "f4"))).hexdigest())
"""


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (3, 5, 7), (128, 784, 1024), (128, 512, 700)])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_is_numpys_whatever_its_size(n: int, k: int, m: int, transposed: bool) -> None:
    random = np.random.default_rng(0)
    a = random.random((k, n)).T if transposed else random.random((n, k))
    b = random.random((m, k)).T if transposed else random.random((k, m))
    out = np.empty((n, m))
    assert multiply(a, b, out) is out
    np.testing.assert_allclose(out, a @ b)


def test_large_products_are_cut_into_several_tiles() -> None:
    assert LARGE <= 128 * 784 * 1024
    assert TILE < 1024


def test_the_number_of_threads_does_not_change_a_byte() -> None:
    hashes = set()
    for threads in ("1", "2", "5"):
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": threads}
        environment["OPENBLAS_NUM_THREADS"] = "1"
        command = [sys.executable, "-c", HASH]
        hashes.add(subprocess.check_output(command, env=environment, text=True).strip())
    assert len(hashes) == 1
    assert len(hashes.pop()) == hashlib.sha256().digest_size * 2
