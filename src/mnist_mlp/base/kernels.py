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
    than itself for an old one: it is told to use AVX-512 if the processor has it. Zen 4 is not: it
    computes the 512 bits in two halves, and OpenBLAS's kernels for AVX2 are 13 % faster there.
    """
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    # OpenBLAS's own threads busy-wait, and change the last bits of wide layers.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    processor = _processor()
    features = set(processor.get("flags", "").split())
    if kernels == "fastest" and features >= AVX512:
        zen4 = (processor.get("vendor_id"), processor.get("cpu family")) == ("AuthenticAMD", "25")
        os.environ["OPENBLAS_CORETYPE"] = "Haswell" if zen4 else "SkylakeX"
    elif kernels == "portable" and "avx2" in features:
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
        os.environ["NPY_ENABLE_CPU_FEATURES"] = "X86_V3"


def _processor() -> dict[str, str]:
    """Return what Linux says about the first processor, such as its flags."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
