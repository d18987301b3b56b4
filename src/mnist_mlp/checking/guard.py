"""The guard of a process that runs a learner's file: it changes no file and reaches no network.

It stops accidents, such as a program that deletes its old results. It is not a sandbox.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {  # audit events, and how many of their arguments are paths
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod"), 1),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink"), 2),
}
FORBIDDEN = {"socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.posix_spawn"}
WHY = "a program that is checked changes no file, starts no program and reaches no network"


def guard(folder: Path) -> None:
    """Let this process change files in one folder only, start no program and reach no network.

    It cannot be undone. What is forbidden raises PermissionError.
    """
    sys.dont_write_bytecode = True
    sys.addaudithook(_hook(folder.resolve()))


def _hook(folder: Path) -> Callable[[str, tuple[Any, ...]], None]:
    root = f"{folder}{os.sep}"

    def is_outside(path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False  # a file that is open already
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        return full != os.devnull and not full.startswith(root)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(args[2], int) and args[2] & WRITING
        paths = args[:1] if writes else args[: CHANGES.get(event, 0)]
        if event in FORBIDDEN or any(map(is_outside, paths)):
            raise PermissionError(WHY)

    return hook
