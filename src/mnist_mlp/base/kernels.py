"""Kernels: the inner loops that NumPy and its OpenBLAS compute with.

Both choose their kernels by the processor that they run on, and different kernels give results that
differ in the last bits. Environment variables override the choice. They are read when NumPy is
imported, so this module imports no NumPy and must be called before any that does.
"""

import os
from pathlib import Path

VARIABLES = ("OPENBLAS_CORETYPE", "NPY_ENABLE_CPU_FEATURES", "NPY_DISABLE_CPU_FEATURES")
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def choose_kernels(kernels: str) -> None:
    """Set the environment for `portable` or `fastest` kernels.

    Portable kernels are those for AVX2, on x86-64 Linux machines that have it; on any other, NumPy
    and OpenBLAS choose. They also choose the fastest, except that OpenBLAS takes a processor newer
    than itself for an old one: it is told to use AVX-512 if the processor has it.
    """
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    # OpenBLAS's own threads busy-wait, and change the last bits of wide layers.
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
