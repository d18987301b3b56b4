"""Killed, out of disk space, or run twice at once, the pipeline recovers with the same bytes."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest
import yaml

from mnist_mlp.base.files import UNFINISHED, atomic_write
from mnist_mlp.runs.mend import mend
from tests.conftest import (
    CLI,
    GIVEN,
    INTERRUPTED,
    KNOBS,
    ROOT,
    contents,
    done,
    start,
    started,
    until,
)

STAGES = ("download", "preprocess", "train", "evaluate", "render", "report")
MADE = (
    "data/raw",
    "data/prepared",
    "data/model.npz",
    "data/model.likeness.npz",
    "data/snapshots.npz",
    "data/validation.npy",
    "metrics",
    "dvc.lock",
)
LONG = {**KNOBS, "epochs": 10_000}

pytestmark = pytest.mark.slow


def repro_again(folder: Path) -> bool:
    """Run `dvc repro` to success; return whether a broken file of DVC's had to be mended first."""
    if start(folder, "dvc", "repro").returncode == 0:
        return False
    assert "was broken" in done(folder, *CLI, "mend")
    done(folder, "dvc", "repro")
    return True


@pytest.fixture
def unrun(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the repository in which nothing has run."""
    folder = tmp_path / "unrun"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("cache"), symlinks=True)
    for name in MADE:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done(folder, "git", "restore", *GIVEN)
    return folder


def test_a_run_killed_at_a_random_moment_leaves_nothing_half_written_and_recovers(
    kill: int,
    unrun: Path,
    clone: Path,
    finished: Path,
    record_property: Callable[[str, object], None],
) -> None:
    random = Random(kill)
    folder = random.choice([unrun, clone])  # a first run, or one whose results DVC has in its cache
    stage = random.choice(STAGES[:-1])  # another one follows, so that there is something to kill
    process = started(folder, "dvc", "repro", "--force", PYTHONUNBUFFERED="1")
    dvc = psutil.Process(process.pid)
    assert any(f"Running stage '{stage}'" in line for line in process.stdout or [])
    time.sleep(random.uniform(0, 0.5))
    whom = random.choice(["dvc", "stage", "both"])
    killed = 0
    while not killed and process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            stages = dvc.children(recursive=True)
            for victim in {"dvc": [dvc], "stage": stages, "both": [dvc, *stages]}[whom]:
                victim.send_signal(random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
                killed += 1
    _, errors = process.communicate()
    assert killed
    assert "src/mnist_mlp" not in errors  # which a traceback would name
    expected = contents(finished)
    found = {name: data for name, data in contents(folder).items() if name in expected}
    found.pop("dvc.lock", None)
    history = found.pop("metrics/history.csv", b"")  # the epochs so far, in complete rows
    assert expected["metrics/history.csv"].startswith(history)
    assert history.endswith(b"\n") or not history
    assert found.items() <= expected.items()
    mended = repro_again(folder)
    assert not (mended and whom == "stage")
    if folder == clone and contents(folder) != expected:
        # If DVC took the results from its cache, no stage ran that removes its own leftovers.
        left = contents(folder).keys() - expected.keys()
        assert all(name.endswith((UNFINISHED, ".checkpoint")) for name in left)
        done(folder, "dvc", "repro", "--force")
    assert contents(folder) == expected
    record_property("survived", "with mnist-mlp mend" if mended else "with dvc alone")


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_every_stage_in_one_line(stage: str, clone: Path) -> None:
    expected = contents(clone)
    os.mkfifo(clone / "knobs")  # the stage waits for its content
    process = started(clone, "python", f"stages/{stage}.py", "--params", "knobs")
    writer = until(lambda: opened(clone / "knobs"), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    os.close(writer)
    assert (process.returncode, errors) == (1, INTERRUPTED)
    assert contents(clone) == expected


def opened(pipe: Path) -> int | None:
    """Open a named pipe to write to, if someone reads from it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_ctrl_c_within_a_callback_ends_in_one_line_too(clone: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, 'stages')\n"
        "import command, signal, weakref\n"
        "class Thing: pass\n"
        "thing = Thing()\n"
        "reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "del thing\n"
        "print('went on')\n"
    )
    result = start(clone, "python", "-c", code)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", INTERRUPTED)


def test_a_stage_that_was_started_to_ignore_ctrl_c_ignores_it(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump({**KNOBS, "epochs": 1000}), "utf-8")
    process = started(clone, "sh", "-c", "trap '' INT; exec python stages/train.py")
    until((clone / "data/model.npz.checkpoint").exists, process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])  # bash execs the stage, sh forks
def test_a_stage_ends_with_the_dvc_that_runs_it(
    shell: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", shell)
    (clone / "params.yaml").write_text(yaml.safe_dump(LONG), "utf-8")
    process = started(clone, "dvc", "repro", "train")
    until((clone / "data/model.npz.checkpoint").exists, process)
    *_, stage = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    psutil.wait_procs([stage], timeout=10)
    assert not stage.is_running() or stage.status() == psutil.STATUS_ZOMBIE
    process.communicate()


def written(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


def test_a_killed_training_resumes_and_ends_with_the_same_bytes(clone: Path) -> None:
    knobs = KNOBS | {
        "epochs": 200,
        "learning_rate": 0.01,
        "momentum": 0.9,
        "nesterov": True,
        "augment": "deform",
        "final_strength": 0.2,
        "dropout": 0.1,
        "averaging": 0.9,
    }
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    checkpoint = clone / "data/model.npz.checkpoint"
    done(clone, "python", "stages/train.py")
    expected = contents(clone)
    for _ in range(3):
        before = written(checkpoint)
        process = started(clone, "python", "stages/train.py")
        until(lambda before=before: written(checkpoint) > before, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
    assert "resuming after epoch" in done(clone, "python", "stages/train.py")
    assert contents(clone) == expected


@pytest.mark.parametrize(
    "change", ["knob", "data", "src/mnist_mlp/learning/costs.py", "stages/train.py"]
)
def test_a_checkpoint_of_another_training_is_not_resumed(change: str, clone: Path) -> None:
    knobs = {**KNOBS, "epochs": 300}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    checkpoint = clone / "data/model.npz.checkpoint"
    process = started(clone, "python", "stages/train.py")
    until(checkpoint.exists, process)
    process.kill()
    process.communicate()
    if change == "knob":
        (clone / "params.yaml").write_text(yaml.safe_dump({**knobs, "seed": 1}), "utf-8")
    elif change == "data":
        images = clone / "data/prepared/training_images.npy"
        images.write_bytes(images.read_bytes()[:-1] + b"?")
    else:
        with (clone / change).open("a", encoding="utf-8") as source:
            source.write("# changed\n")
    assert "resuming" not in done(clone, "python", "stages/train.py")
    assert not checkpoint.exists()


def test_a_training_that_fails_leaves_no_checkpoint(clone: Path) -> None:
    knobs = {**KNOBS, "learning_rate": 1000, "schedule": "constant", "weight_decay": 1.0}
    (clone / "params.yaml").write_text(yaml.safe_dump(knobs), "utf-8")
    checkpoint = clone / "data/model.npz.checkpoint"
    checkpoint.write_bytes(b"of another training")
    result = start(clone, "python", "stages/train.py")
    assert "became NaN or infinite" in result.stderr, result.stdout
    assert not checkpoint.exists()


def test_a_damaged_checkpoint_is_not_resumed(clone: Path) -> None:
    checkpoint = clone / "data/model.npz.checkpoint"
    checkpoint.write_bytes((clone / "data/model.npz").read_bytes()[:-10])
    expected = contents(clone)
    del expected["data/model.npz.checkpoint"]
    done(clone, "python", "stages/train.py")
    assert contents(clone) == expected


@pytest.mark.parametrize("stage", STAGES)
def test_an_exceeded_quota_is_reported_in_one_line_with_nothing_half_written(
    stage: str, clone: Path
) -> None:
    before = contents(clone)
    blocks = {"render": 1, "evaluate": 0}.get(stage, 4)
    result = start(clone, "bash", "-c", f"ulimit -f {blocks}; exec python stages/{stage}.py")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith(": File too large\n")
    assert result.stderr.count("\n") == 1
    after = contents(clone)
    if stage == "train":  # its history has the epochs so far, in complete rows
        header, *epochs = after.pop("metrics/history.csv").decode().splitlines(keepends=True)
        assert all(row.count(",") == header.count(",") and row.endswith("\n") for row in epochs)
    assert after.items() <= before.items()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KB, or skip the test if this user may not."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; run it with sudo")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def run_on_disk(folder: Path, stage: str, disk: Path) -> subprocess.CompletedProcess[str]:
    """Run a stage whose outputs go to another disk; then restore the earlier outputs."""
    made = {"download": "data/raw", "preprocess": "data/prepared", "train": "data"}
    place, aside = folder / made.get(stage, "metrics"), folder / "aside"
    place.rename(aside)
    place.symlink_to(disk)
    inputs = {
        "train": ["--prepared", "aside/prepared"],
        "report": ["--accuracy", "aside/accuracy.json", "--history", "aside/history.csv"],
    }
    result = start(folder, "python", f"stages/{stage}.py", *inputs.get(stage, []))
    place.unlink()
    aside.rename(place)
    return result


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_is_reported_in_one_line_and_a_later_run_recovers(
    stage: str, clone: Path, small_disk: Path
) -> None:
    expected = contents(clone)
    ballast = small_disk / "t10k-labels-idx1-ubyte.unfinished"  # as a killed run may leave it
    ballast.write_bytes(bytes(2**16))
    result = run_on_disk(clone, stage, small_disk)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith(": No space left on device\n")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in small_disk.iterdir()] == [ballast.name]
    done(clone, "dvc", "repro", "-f", "-s", stage)
    assert contents(clone) == expected


def remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)


@pytest.mark.parametrize("room", [100, 1_000, 4_000, 8_500, 9_500, 12_000])
def test_a_clone_on_a_disk_that_fills_up_recovers_once_there_is_room(
    room: int, unrun: Path, finished: Path, small_disk: Path
) -> None:
    remount(small_disk, "size=1g")
    folder = shutil.copytree(unrun, small_disk / "clone", symlinks=True)
    remount(small_disk, f"size={room + (2**30 - shutil.disk_usage(folder).free) // 1024}k")
    result = start(folder, "dvc", "repro")
    expected = contents(finished)
    found = {name: data for name, data in contents(folder).items() if name != "dvc.lock"}
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    assert found.items() <= expected.items()
    remount(small_disk, "size=1g")
    repro_again(folder)
    assert contents(folder) == expected


@pytest.mark.parametrize("stage", STAGES)
def test_a_read_only_disk_is_reported_in_one_line(
    stage: str, clone: Path, small_disk: Path
) -> None:
    remount(small_disk, "ro")
    result = run_on_disk(clone, stage, small_disk)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith(": Read-only file system\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("stage", "output"),
    [
        ("preprocess", "data/prepared/test_images.npy"),
        ("train", "data/model.npz"),
        ("train", "metrics/history.csv"),
        ("evaluate", "metrics/accuracy.json"),
        ("render", "metrics/weights.png"),
        ("report", "metrics/report.html"),
    ],
)
def test_a_folder_in_place_of_an_output_file_is_reported_in_one_line(
    stage: str, output: str, clone: Path
) -> None:
    (clone / output).unlink()
    (clone / output).mkdir()
    result = start(clone, "python", f"stages/{stage}.py")
    assert result.returncode == 1
    assert result.stderr == f"error: {output}: is a folder; expected a file, or nothing\n"


def test_of_two_runs_at_once_one_succeeds_and_the_other_says_why_not(
    unrun: Path, finished: Path
) -> None:
    both = [started(unrun, "dvc", "repro") for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert any(process.returncode == 0 for process in both)
    for process, error in zip(both, errors, strict=True):
        if process.returncode:
            assert "Traceback" not in error
            assert "lock" in error or "busy" in error
    done(unrun, "dvc", "repro")
    assert contents(unrun) == contents(finished)


def recorded(folder: Path, experiment: str) -> str:
    """Return the dvc.lock of an experiment."""
    references = done(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (name,) = (name for name in references if name.endswith("/" + experiment))
    return done(folder, "git", "show", f"{name}:dvc.lock")


@pytest.mark.usefixtures("thorough")
def test_two_experiments_at_once_give_the_same_results_as_one_by_one(clone: Path) -> None:
    alone = []
    for size in "89":
        knob = f"hidden={size}"
        done(clone, "dvc", "exp", "run", "--temp", "--name", f"alone-{size}", "-S", knob)
        done(clone, "dvc", "exp", "run", "--queue", "--name", f"both-{size}", "-S", knob)
        alone.append(recorded(clone, f"alone-{size}"))
    done(clone, "dvc", "exp", "remove", "alone-8", "alone-9")
    done(clone, "dvc", "gc", "--workspace", "--force")
    done(clone, "dvc", "queue", "start", "-j", "2")
    while "Queued" in (status := done(clone, "dvc", "queue", "status")) or "Running" in status:
        time.sleep(0.5)
    done(clone, "dvc", "queue", "stop", "--kill")
    assert [recorded(clone, f"both-{size}") for size in "89"] == alone


NO_STAGE = "schema: '2.0'\nstages:\n  train:\n"
NO_HASH = f"{NO_STAGE}    cmd: python stages/train.py\n    outs:\n    - path: a\n      hash: "


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        *(("dvc.lock", broken) for broken in ("", "{", NO_STAGE, NO_HASH)),
        (".dvc/tmp/rwlock", "{"),
    ],
)
@pytest.mark.parametrize("project", [".", "claims"])
def test_files_that_a_killed_dvc_left_broken_are_mended(
    project: str, name: str, broken: str, clone: Path, finished: Path
) -> None:
    path = Path(project, name)
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text(broken, "utf-8")
    assert start(clone, "dvc", "--cd", project, "status").returncode != 0
    assert f"{path} was broken" in done(clone, *CLI, "mend")
    done(clone, "dvc", "--cd", project, "status")
    done(clone, "dvc", "repro")
    assert contents(clone) == contents(finished)


@pytest.mark.parametrize("name", ["dvc.lock", ".dvc/tmp/rwlock"])
def test_files_that_a_running_dvc_is_writing_are_not_mended(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for written in ("{'half", "{}"):
        path.write_text("{", "utf-8")
        monkeypatch.setattr("time.sleep", lambda _, text=written: path.write_text(text, "utf-8"))
        mend()
        assert path.read_text("utf-8") == written
    assert capsys.readouterr().out == ""


def test_valid_files_are_not_mended(clone: Path) -> None:
    before = contents(clone)
    assert done(clone, *CLI, "mend") == ""
    assert contents(clone) == before


def test_two_writers_of_one_file_take_turns(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from mnist_mlp.base.files import atomic_write\n"
        "for i in range(200):\n"
        "    with atomic_write(pathlib.Path('file')) as file:\n"
        "        for _ in range(10): file.write(sys.argv[1].encode() * 1000); file.flush()\n"
    )
    environment = {"PYTHONPATH": str(ROOT / "src")}
    writers = [started(tmp_path, "python", "-c", code, name, **environment) for name in "ab"]
    while any(writer.poll() is None for writer in writers):
        with suppress(FileNotFoundError):
            assert (tmp_path / "file").read_bytes() in (b"a" * 10_000, b"b" * 10_000)
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="something odd") as caught, atomic_write(tmp_path / "file"):
        raise OSError("something odd")  # as NumPy does if the disk is full
    assert caught.value.filename == str(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
