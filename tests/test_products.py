"""Products: the same as NumPy's, and the same bytes for every number of threads."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.learning.products import HALVINGS, LARGE, TILE, matmul, sum_over_examples, tiles
from tests.conftest import needs_avx2

SOURCE = Path(__file__).parents[1] / "src"
HASH = """
import hashlib, sys
import numpy as np
from mnist_mlp.learning.products import matmul
a, b = np.random.default_rng(0).random((2, 300, 300), dtype=np.float32)
a, b = np.tile(a, 2), np.tile(b, (2, 5))
print(hashlib.sha256(matmul(a, b, np.empty((300, 1500), "f4"))).hexdigest())
b = b[:, :512]
print(hashlib.sha256(matmul(a, b, np.empty((300, 512), "f4"))).hexdigest())
"""


@pytest.mark.parametrize(
    ("n", "k", "m"),
    [(1, 1, 1), (3, 5, 7), (128, 784, 1024), (128, 512, 700), (130, 784, 512), (5, 10**6, 4)],
)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_of_any_size_equals_numpys(n: int, k: int, m: int, transposed: bool) -> None:
    random = np.random.default_rng(0)
    a = random.random((k, n)).T if transposed else random.random((n, k))
    b = random.random((m, k)).T if transposed else random.random((k, m))
    out = np.empty((n, m))
    assert matmul(a, b, out) is out
    np.testing.assert_allclose(out, a @ b)


@pytest.mark.parametrize("n", [1, 10, 4096, 4097])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sum_over_examples_equals_numpys(n: int, dtype: type) -> None:
    a: Array = np.random.default_rng(0).random((n, 7)).astype(dtype)
    out: Array = np.full(7, np.nan, dtype)
    assert sum_over_examples(a, out=out) is out
    np.testing.assert_allclose(out, a.sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("m", [1, 300, 512, 784, 1024, 2000])
@pytest.mark.parametrize("n", [60, 128, 256, 257, 1000, 2048])
def test_tiles_cover_a_product_once_and_are_about_equal(n: int, m: int) -> None:
    counts = np.zeros((n, m), int)
    sizes = []
    for tile in tiles(n, 784, m):
        counts[tile] += 1
        sizes.append(counts[tile].size)
    assert (counts == 1).all()
    assert len(sizes) <= 2**HALVINGS
    assert 784 * max(sizes) <= 2 * max(TILE, 784 * n * m / 2**HALVINGS)
    assert np.median(sizes) > 0.7 * max(sizes)


@pytest.mark.parametrize("width", [256, 512, 1024, 2048])
@pytest.mark.parametrize("batch", [64, 128, 256])
def test_the_large_products_of_training_have_tiles_enough_for_their_size(
    batch: int, width: int
) -> None:
    for product in ((batch, 784, width), (batch, width, width), (width, batch, width)):
        multiplications = math.prod(product)
        if multiplications >= LARGE:
            assert len(tiles(*product)) >= min(12, 0.7 * multiplications / TILE), product


@needs_avx2
def test_cutting_products_by_rows_does_not_change_their_bytes() -> None:
    code = (
        "import sys; sys.path.insert(0, 'src')\n"
        "from mnist_mlp.base.kernels import choose_kernels; choose_kernels('portable')\n"
        "import numpy as np\n"
        "from mnist_mlp.learning.products import matmul, tiles\n"
        "random = np.random.default_rng(0)\n"
        "for n, k, m in ((1000, 784, 16), (1000, 784, 64), (10_000, 784, 20), (512, 256, 128)):\n"
        "    assert len(tiles(n, k, m)) > 1, (n, k, m)\n"
        "    a, b = random.random((n, k), 'f4'), random.random((k, m), 'f4')\n"
        "    assert (matmul(a, b) == np.dot(a, b)).all(), (n, k, m)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SOURCE.parent, check=True)


def test_the_number_of_threads_does_not_change_a_byte() -> None:
    hashes = set()
    for threads in ("1", "2", "5"):
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": threads}
        environment["OPENBLAS_NUM_THREADS"] = "1"
        command = [sys.executable, "-c", HASH]
        hashes.add(subprocess.check_output(command, env=environment, text=True).strip())
    assert len(hashes) == 1
    assert len(hashes.pop().split()) == 2
