"""Sharing: all parts are computed, whatever happens, and threads and parts change no byte."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread, get_ident

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning import sharing
from mnist_mlp.learning.augmentation import deform
from mnist_mlp.learning.sharing import BLOCK, blocks, share
from mnist_mlp.learning.training import new_network, train

SOURCE = Path(__file__).parents[1] / "src"
TRAIN = """
import hashlib, sys
from mnist_mlp.base.kernels import choose_kernels
choose_kernels("portable")
import numpy as np
from mnist_mlp.base.params import Params
from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.sharing import n_threads
from mnist_mlp.learning.training import new_network, train
random = np.random.default_rng(0)
digits = Dataset(random.random((300, 784), "f4"), np.eye(10, dtype="f4")[np.arange(300) % 10])
params = Params(hidden=(600, 400), batch_size=100, epochs=1, validation=0.3, momentum=0.9,
                nesterov=True, augment="deform", dropout=0.2, activation=sys.argv[1])
network = new_network(params)
moments = list(train(network, digits, params))
print(n_threads(), hashlib.sha256(network.parameters.data).hexdigest(), moments)
"""


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "n_threads", lambda: 3)
    sharing._jobs.cache_clear()


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_wide_network_has_the_same_bytes_with_any_number_of_threads(activation: str) -> None:
    found = set()
    for threads in ("1", "2", "3", "5"):
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", TRAIN, activation]
        said = subprocess.check_output(command, env=environment, text=True)
        used, _, made = said.partition(" ")
        assert used == threads
        found.add(made)
    assert len(found) == 1


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("nesterov", [False, True])
def test_cutting_the_parameters_into_blocks_changes_no_byte(
    nesterov: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    targets = np.eye(10, dtype=np.float32)[np.arange(60) % 10]
    digits = Dataset(random.random((60, 784), np.float32), targets)
    params = Params(hidden=(30,), validation=0, epochs=1, momentum=0.9, nesterov=nesterov)

    def trained(block: int) -> bytes:
        monkeypatch.setattr(sharing, "BLOCK", block)
        network = new_network(params)
        list(train(network, digits, params))
        return network.parameters.tobytes()

    assert trained(1001) == trained(10**9)


@pytest.mark.usefixtures("three_threads")
def test_images_are_deformed_alike_alone_and_by_several_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    images = random.random((200, 784), np.float32)

    def deformed(threads: int) -> Array:
        monkeypatch.setattr(sharing, "n_threads", lambda: threads)
        copy = images.copy()
        deform(copy, np.random.default_rng(1))
        return copy

    assert (deformed(3) == deformed(1)).all()
    assert (deformed(1) != images).any()


@pytest.mark.parametrize("n", [1, BLOCK, BLOCK + 1, 10 * BLOCK - 1])
def test_blocks_are_views_that_cover_every_number_once(n: int) -> None:
    long, short = np.zeros(n, np.float32), np.zeros(n // 2, np.float32)
    parts = blocks(long, short)
    for part in parts:
        for views in part:
            np.add(views, 1, out=views)
    assert (long == 1).all()
    assert (short == 1).all()
    assert len(parts) == -(-n // BLOCK)


@pytest.mark.usefixtures("three_threads")
def test_the_calling_thread_and_others_work_on_different_parts() -> None:
    started = [Event(), Event(), Event()]
    threads = set()

    def work(part: int) -> None:
        threads.add(get_ident())
        started[part].set()
        for each in started:
            assert each.wait(60)

    share(work, [0, 1, 2])
    assert get_ident() in threads
    assert len(threads) == 3


@pytest.mark.usefixtures("three_threads")
def test_one_part_wakes_no_other_thread() -> None:
    threads = []
    share(lambda part: threads.append(get_ident()), ["the only one"])
    assert threads == [get_ident()]
    assert sharing._jobs.cache_info().currsize == 0


@pytest.mark.usefixtures("three_threads")
def test_an_error_in_any_part_is_raised_when_the_others_are_done() -> None:
    done = []

    def work(part: int) -> None:
        if part == 5:
            raise ArithmeticError("the fifth")
        done.append(part)

    for _ in range(3):  # the threads survive it
        done.clear()
        with pytest.raises(ArithmeticError, match="the fifth"):
            share(work, range(20))
        assert sorted(done) == [part for part in range(20) if part != 5]


@pytest.mark.usefixtures("three_threads")
def test_other_threads_handle_overflow_as_the_calling_one_does() -> None:
    large = np.full(20, 1e38, np.float32)

    def square(part: int) -> None:
        time.sleep(0.001)  # so that each thread gets some
        large[part : part + 1] *= large[part : part + 1]

    with np.errstate(over="ignore"):
        share(square, range(10))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        share(square, range(10, 20))


@pytest.mark.usefixtures("three_threads")
def test_threads_share_at_the_same_time_and_inside_of_each_other() -> None:
    sums = np.zeros((4, 5, 6))

    def outer(i: int) -> None:
        def middle(j: int) -> None:
            share(lambda k: sums[i, j].__setitem__(k, 1), range(6))

        share(middle, range(5))

    callers = [Thread(target=share, args=(outer, [i, i + 1])) for i in (0, 2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert (sums == 1).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_threads_of_its_own() -> None:
    code = (
        "import os, time\n"
        "from mnist_mlp.learning.sharing import share\n"
        "share(time.sleep, [0, 0])\n"
        "child = os.fork()\n"
        "share(time.sleep, [0.01] * 4)\n"
        "if child: os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "import threading; os._exit(0 if threading.active_count() == 3 else 1)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "3"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, check=True, timeout=60
    )


def test_without_a_wish_there_is_a_thread_for_each_processor_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sharing.n_threads.cache_clear()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert sharing.n_threads() == 3
    sharing.n_threads.cache_clear()
