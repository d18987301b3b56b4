"""Many trainings in parallel: stages run on this machine's cores or on a Dask cluster.

A task imports only the standard library and Dask: this package is sent to the workers, which may
lack its other requirements.
"""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, get_worker

MEASURES = ("validation_accuracy", "training_accuracy")  # and nothing about the test digits
TIMEOUT = 10  # seconds to wait for a scheduler
SOURCE = Path(__file__).parents[2]
DASHBOARD = "127.0.0.1:0"  # of a local cluster, visible to this machine only


class StageError(Exception):
    """A stage failed; the message is the stage's own."""


class SourceMismatchError(Exception):
    """A worker's source is not the client's."""


@contextmanager
def cluster(scheduler: str | None = None, workers: int | None = None) -> Iterator[Client]:
    """Connect to a Dask scheduler, or start workers on this machine, by default one for each core.

    Local workers are threads, as each training is a process of its own. Raises what Dask raises if
    it cannot connect.
    """
    logging.disable(logging.ERROR)  # errors are raised
    if scheduler:
        with Client(scheduler, timeout=TIMEOUT) as client:
            print(f"waiting for a worker at {scheduler}", file=sys.stderr)
            client.wait_for_workers(1)
            with tempfile.TemporaryDirectory() as folder:
                package = shutil.make_archive(f"{folder}/mnist_mlp", "zip", SOURCE, "mnist_mlp")
                client.upload_file(package)
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers or CPU_COUNT,
            threads_per_worker=1,
            processes=False,
            dashboard_address=DASHBOARD,
            worker_dashboard_address=DASHBOARD,
            memory_limit=0,
        ) as local,
        Client(local) as client,
    ):
        yield client


def run_stage(name: str, **paths: str | Path) -> None:
    """Run a stage's command on one thread, in a process that, on Linux, ends with this one.

    `paths` are its options. Raises StageError if it fails, and ChildProcessError if it is killed.
    """
    command: list[str | Path] = [sys.executable, Path("stages") / f"{name}.py"]
    for option, path in paths.items():
        command += [f"--{option}", path]
    environment = {"OMP_NUM_THREADS": "1", "DVC_STAGE": name}  # as dvc sets it, for end_with_dvc
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    if result.returncode < 0:
        raise ChildProcessError(f"{name} was killed by signal {-result.returncode}")
    if result.returncode:
        reason = result.stderr.strip().rpartition("\n")[2].removeprefix("error: ")
        raise StageError(reason.removeprefix(f"{paths['params']}: "))


def run_training(
    knobs: dict[str, Any], raw: Mapping[str, bytes], data: str, code: str
) -> dict[str, Any]:
    """Preprocess the digits, train a network and evaluate it, on a worker.

    `raw` holds the four files of MNIST; `data` is their digest, and `code` the client's
    `digest_code`. Returns MEASURES and the model's MD5, as in dvc.lock, or {"error": ...} if a
    stage fails. Raises SourceMismatchError if the worker was not started at the top of a clone that
    has the client's source.
    """
    worker = get_worker()
    if digest_code() != code:
        raise SourceMismatchError(
            f"{Path.cwd()} of worker {worker.address}: expected the top of a clone with the same "
            "source as here, found another"
        )
    folder = Path(worker.local_directory) / f"training-{threading.get_ident()}"
    names = (
        *("params.yaml", "model.npz", "snapshots.npz", "validation.npy"),
        *("history.csv", "accuracy.json", "predictions.csv"),
    )
    params, model, snapshots, validation, *tables = (folder / name for name in names)
    history, accuracy, predictions = tables
    prepared = folder / f"{code[:12]}-{data[:12]}-{knobs['straighten']}"
    try:
        if not prepared.exists():
            shutil.rmtree(folder, ignore_errors=True)
            unfinished = folder / "unfinished"
            unfinished.mkdir(parents=True)
            for name, content in raw.items():
                (folder / name).write_bytes(content)
            params.write_text(json.dumps(knobs), encoding="utf-8")
            run_stage("preprocess", params=params, raw=folder, prepared=unfinished)
            unfinished.rename(prepared)
        params.write_text(json.dumps(knobs), encoding="utf-8")
        paths = {"params": params, "prepared": prepared, "model": model, "validation": validation}
        run_stage("train", **paths, snapshots=snapshots, history=history)
        run_stage("evaluate", **paths, accuracy=accuracy, predictions=predictions)
    except StageError as error:
        return {"error": str(error)}
    results = json.loads(accuracy.read_text(encoding="utf-8"))
    md5 = hashlib.md5(model.read_bytes(), usedforsecurity=False).hexdigest()
    return {name: results[name] for name in MEASURES} | {"model": md5}


def digest_code() -> str:
    """Return a SHA-256 of the source and the pinned packages of the clone in this folder."""
    digest = hashlib.sha256()
    for pattern in ("stages/*.py", "src/mnist_mlp/**/*.py", "requirements.lock"):
        for source in sorted(Path().glob(pattern)):
            digest.update(source.read_bytes())
    return digest.hexdigest()
