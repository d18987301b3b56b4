"""The kernels that NumPy and OpenBLAS really use, checked in new processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_mlp.base import kernels
from tests.conftest import CPU, ROOT, needs_avx2

ASK = """
import sys
sys.path.insert(0, {stages!r})
import command
import numpy as np
np.ones((64, 64), "f4") @ np.ones((64, 64), "f4")
print(*np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
"""
FLAGS = CPU.read_text("ascii", "replace") if CPU.exists() else ""
needs_avx512 = pytest.mark.skipif("avx512vl" not in FLAGS, reason="needs a processor with AVX-512")


def chosen(folder: Path, kernels: str, **environment: str) -> tuple[list[str], str]:
    """Return NumPy's CPU features beyond its baseline, and what OpenBLAS prints about its core."""
    params = (
        (ROOT / "params.yaml")
        .read_text("utf-8")
        .replace("kernels: portable", f"kernels: {kernels}")
    )
    (folder / "params.yaml").write_text(params, "utf-8")
    result = subprocess.run(
        [sys.executable, "-c", ASK.format(stages=str(ROOT / "stages"))],
        cwd=folder,
        env=os.environ | {"OPENBLAS_VERBOSE": "2"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.split(), result.stderr


@needs_avx2
def test_portable_kernels_are_those_for_avx2_whatever_the_environment_says(tmp_path: Path) -> None:
    hostile = {"OPENBLAS_CORETYPE": "SkylakeX", "NPY_DISABLE_CPU_FEATURES": "X86_V3"}
    features, core = chosen(tmp_path, "portable", **hostile)
    assert features == ["X86_V3"]
    assert "Core: Haswell" in core


@needs_avx512
def test_the_fastest_kernels_use_avx512_if_the_processor_has_it(tmp_path: Path) -> None:
    features, core = chosen(tmp_path, "fastest")
    assert "X86_V4" in features
    zen4 = "AuthenticAMD" in FLAGS and "cpu family\t: 25" in FLAGS
    assert ("Core: Haswell" if zen4 else "Core: SkylakeX") in core


@pytest.mark.parametrize(
    ("vendor", "family", "core"),
    [
        ("GenuineIntel", 6, "SkylakeX"),
        ("AuthenticAMD", 25, "Haswell"),
        ("AuthenticAMD", 26, "SkylakeX"),
    ],
)
def test_products_avoid_avx512_on_the_processors_that_compute_it_in_halves(
    vendor: str, family: int, core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = f"avx2 {' '.join(kernels.AVX512)}"
    text = f"vendor_id\t: {vendor}\ncpu family\t: {family}\nflags\t\t: {flags}\n\nvendor_id\t: x\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    for variable in (*kernels.VARIABLES, "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(variable, "")  # and restore it
    kernels.choose_kernels("fastest")
    assert os.environ["OPENBLAS_CORETYPE"] == core
