"""How a process ends: on Ctrl-C without a traceback, and a stage together with its dvc."""

import os
import signal
import sys
from pathlib import Path
from select import select
from threading import Thread


def catch_ctrl_c() -> None:
    """End this process on Ctrl-C with one line instead of a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
        sys.unraisablehook = _unraisable


def _interrupted(*_: object) -> None:
    sys.exit("interrupted: nothing is half-written; run the same command again")


def _unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    """End the process if Ctrl-C came during a callback, whose exceptions Python ignores.

    Nothing is cleaned up: as after a kill, the next run overwrites an unfinished file.
    """
    if isinstance(ignored.exc_value, SystemExit):
        try:
            sys.stderr.write(f"{ignored.exc_value}\n")
        finally:
            os._exit(1)
    sys.__unraisablehook__(ignored)


def end_with_dvc() -> None:
    """On Linux, kill this process when its dvc ends, so that it writes nothing more."""
    if "DVC_STAGE" not in os.environ or not hasattr(os, "pidfd_open"):
        return
    try:
        dvc = os.getpid()
        while b"DVC_STAGE=" in Path(f"/proc/{dvc}/environ").read_bytes():  # a shell in between too
            dvc = int(Path(f"/proc/{dvc}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
        end = os.pidfd_open(dvc)
    except OSError:  # the kernel or the container hides other processes
        return

    def wait() -> None:
        select([end], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=wait, daemon=True).start()
