"""Kernels: which of their loops NumPy and its OpenBLAS compute with.

Both have loops for many processors and pick some by the processor that they run on, and another
choice changes the last bits of a result. They read their choice from environment variables when
NumPy is imported, so this module imports no NumPy and must be asked first.
"""

import os
from pathlib import Path

VARIABLES = ("OPENBLAS_CORETYPE", "NPY_ENABLE_CPU_FEATURES", "NPY_DISABLE_CPU_FEATURES")
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def choose_kernels(kernels: str) -> None:
    """Set the environment for `portable` or `fastest` kernels.

    Portable ones are those for AVX2, on any x86-64 processor that has it; without it, and on
    other kinds of processors, NumPy and OpenBLAS choose by themselves. So they do for the
    fastest, except that OpenBLAS takes processors newer than itself for old ones: it is told
    which have AVX-512.
    """
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    # OpenBLAS's own threads wait by spinning, and change the last bits of wide layers.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    features = _processor_features()
    if kernels == "fastest" and features >= AVX512:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    elif kernels == "portable" and "avx2" in features:
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
        os.environ["NPY_ENABLE_CPU_FEATURES"] = "X86_V3"


def _processor_features() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
