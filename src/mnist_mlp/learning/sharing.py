"""Sharing: work on large arrays is cut into parts, which several threads compute.

The parts have fixed sizes, so a result's bytes do not depend on the number of threads. NumPy
releases the GIL while it computes.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from functools import cache, partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from mnist_mlp.base.arrays import Array

Part = TypeVar("Part")
BLOCK = 2**16  # numbers in a block: with those computed from it, it fits in a core's cache


def share(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """Call `work` with every part, and return when all are done; raise what one of them raised.

    This thread takes one part after another until none is left, and others help. One that is
    waiting for a busy processor holds up no part but its own.
    """
    helpers = min(n_threads(), len(parts)) - 1
    if not helpers:
        for part in parts:
            work(part)
        return
    left = iter(parts)
    ends: SimpleQueue[BaseException | None] = SimpleQueue()
    for _ in range(helpers):  # each in a context of its own, with NumPy's handling of overflow
        _jobs().put(partial(copy_context().run, _work_through, work, left, ends))
    _work_through(work, left, ends)
    errors = [ends.get() for _ in parts]
    if error := next(filter(None, errors), None):
        raise error


def blocks(*vectors: Array) -> list[list[Array]]:
    """Cut vectors into blocks: return the first block of each, then the second, and so on.

    They are views. All vectors but the longest may lack the last blocks, or a part of one.
    """
    longest = max(map(len, vectors))
    starts = range(0, longest, BLOCK)
    return [[vector[start : start + BLOCK] for vector in vectors] for start in starts]


@cache
def n_threads() -> int:
    """Return OMP_NUM_THREADS or, without it, the number of processors for this process."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal():
        return max(1, int(wanted))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _work_through(
    work: Callable[[Part], object], left: Iterable[Part], ends: SimpleQueue[BaseException | None]
) -> None:
    """Work on the parts that are left, and report the end of each, with its error."""
    for part in left:  # the threads draw from the same iterator
        try:
            work(part)
        except BaseException as error:  # noqa: BLE001, for it is raised again by the first thread
            ends.put(error)
        else:
            ends.put(None)


@cache
def _jobs() -> SimpleQueue[Callable[[], None]]:
    """Start the other threads, and return the queue that they get their jobs from."""
    jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def help_out() -> None:
        while True:
            jobs.get()()

    for _ in range(n_threads() - 1):
        Thread(target=help_out, daemon=True).start()
    return jobs


if hasattr(os, "register_at_fork"):  # a forked child has none of its parent's threads
    os.register_at_fork(after_in_child=_jobs.cache_clear)
