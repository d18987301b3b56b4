"""Atomic writes: a file is written completely or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from mnist_mlp.base import files
from mnist_mlp.base.files import atomic_write, remove_file

KILLED_WHILE_WRITING = """
import os, pathlib, sys
from mnist_mlp.base.files import atomic_write
with atomic_write(pathlib.Path(sys.argv[1])) as file:
    file.write(b"half of what should have been written")
    file.flush()
    os._exit(0)
"""


def fail_while_writing(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        raise error


def test_a_new_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_the_old_content_stays_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old, and longer than the new")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old, and longer than the new"
    assert path.read_bytes() == b"new"


def test_nothing_else_is_left_beside_the_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "file") as file:
        file.write(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_unchanged(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error):
        fail_while_writing(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_no_file_if_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_while_writing(tmp_path / "file", KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_created(tmp_path: Path) -> None:
    path = tmp_path / "some" / "folder" / "file"
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_killed_program_leaves_the_old_file_and_does_not_block_later_writes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    src = Path(files.__file__).parents[2]
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, path], cwd=src, check=True)
    assert path.read_bytes() == b"old"
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_program_are_removed_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    src = Path(files.__file__).parents[2]
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, path], cwd=src, check=True)
    remove_file(path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_unfinished_file_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"of someone else")
    (tmp_path / "file.unfinished").symlink_to(other)
    with atomic_write(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"of someone else")
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_the_file_is_closed_before_it_is_renamed_as_windows_requires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        closed.append(file.closed)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    with atomic_write(tmp_path / "file") as file:
        file.write(b"new")
    assert closed == [True]


def test_a_folder_of_the_same_name_raises_an_os_error_and_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError, match="folder"), atomic_write(path) as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir()
