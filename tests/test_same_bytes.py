"""The same inputs give the same bytes, wherever and however they are run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import GIVEN, KNOBS, done, needs_avx2, started

pytestmark = pytest.mark.slow

MADE = (
    "data/prepared",
    "data/model.npz",
    "data/model.likeness.npz",
    "data/snapshots.npz",
    "data/validation.npy",
    "metrics",
)
EMULATOR = shutil.which("qemu-x86_64")


def made(folder: Path) -> dict[str, bytes]:
    files = [path for name in MADE for path in (folder / name, *(folder / name).rglob("*"))]
    found = {str(path.relative_to(folder)): path for path in files if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in GIVEN}


def test_threads_and_load_change_no_byte_of_layers_wide_enough_for_several_threads(
    clone: Path,
) -> None:
    knobs = {**KNOBS, "hidden": 1024, "epochs": 1}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    done(clone, "python", "stages/train.py", OMP_NUM_THREADS="1")
    alone = made(clone)
    busy = "import time\nwhile time.monotonic() < %f: pass" % (time.monotonic() + 300)
    others = [started(clone, "nice", "python", "-c", busy) for _ in range(2)]
    try:
        done(clone, "python", "stages/train.py", OMP_NUM_THREADS="3")
        assert [other.poll() for other in others] == [None, None]
    finally:
        for other in others:
            other.kill()
            other.communicate()
    assert made(clone) == alone


def run_stages(folder: Path, *python: str, **environment: str) -> None:
    for path in made(folder):
        (folder / path).unlink()
    for stage in ("preprocess", "train", "evaluate", "render", "report"):
        done(folder, *python, f"stages/{stage}.py", **environment)


@needs_avx2
@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"OMP_NUM_THREADS": "5", "PYTHONHASHSEED": "2", "PYTHONOPTIMIZE": "2"},
        {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
        {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-ERMS"},
    ],
)
def test_threads_locale_hashes_and_the_callers_kernels_change_no_byte(
    environment: dict[str, str], finished: Path, clone: Path
) -> None:
    run_stages(clone, "python", **environment)
    assert made(clone) == made(finished)


@pytest.mark.skipif(not shutil.which("localedef"), reason="needs localedef, to make a locale")
def test_a_locale_with_decimal_commas_and_a_dotless_i_changes_no_byte(
    finished: Path, clone: Path, tmp_path: Path
) -> None:
    locale = tmp_path / "tr_TR.UTF-8"
    command = ["localedef", "--inputfile=tr_TR", "--charmap=UTF-8", str(locale)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the source of the Turkish locale; Debian's package is locales")
    run_stages(clone, "python", LOCPATH=str(tmp_path), LC_ALL=locale.name)
    assert made(clone) == made(finished)


@pytest.mark.usefixtures("thorough")
@pytest.mark.skipif(not EMULATOR, reason="needs qemu-x86_64; Debian's package is qemu-user")
@pytest.mark.parametrize(
    "processor", ["Haswell-v4", "Broadwell-v4", "Skylake-Client-v4", "EPYC-v2"]
)
def test_an_emulated_processor_with_avx2_gives_the_same_bytes(
    processor: str, finished: Path, clone: Path
) -> None:
    interpreter = str(Path(sys.executable).resolve())
    run_stages(
        clone,
        *(str(EMULATOR), "-cpu", processor, interpreter),
        PYTHONPATH=os.pathsep.join(path for path in sys.path if path.endswith("site-packages")),
    )
    assert made(clone) == made(finished)
