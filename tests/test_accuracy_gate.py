"""The gate: what passes continuous integration, and what does not."""

from pathlib import Path

import pytest
from accuracy_gate import gate


def metrics(folder: Path, text: str, name: str = "new.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_high_enough_accuracy_passes(tmp_path: Path) -> None:
    gate(metrics(tmp_path, '{"test_accuracy": 0.9612}'), at_least=0.96)


def test_an_accuracy_below_the_bound_fails(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"of 0\.9600, found 0\.9599"):
        gate(metrics(tmp_path, '{"test_accuracy": 0.9599}'), at_least=0.96)


def test_an_accuracy_that_fell_within_the_tolerance_passes(tmp_path: Path) -> None:
    base = metrics(tmp_path, '{"test_accuracy": 0.97}', "base.json")
    gate(metrics(tmp_path, '{"test_accuracy": 0.9651}'), base)


def test_an_accuracy_that_fell_by_more_fails(tmp_path: Path) -> None:
    base = metrics(tmp_path, '{"test_accuracy": 0.97}', "base.json")
    with pytest.raises(SystemExit, match=r"of 0\.9650, found 0\.9649"):
        gate(metrics(tmp_path, '{"test_accuracy": 0.9649}'), base)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "3",
        "",
        "not json",
        '{"test_accuracy": null}',
        '{"test_accuracy": true}',
        '{"test_accuracy": "0.99"}',
        '{"test_accuracy": NaN}',
        '{"test_accuracy": Infinity}',
        '{"test_accuracy": [0.99]}',
    ],
)
def test_an_accuracy_that_is_missing_or_no_number_fails(tmp_path: Path, text: str) -> None:
    good = metrics(tmp_path, '{"test_accuracy": 0.97}', "good.json")
    bad = metrics(tmp_path, text)
    for run, base in ((bad, good), (good, bad)):
        with pytest.raises(SystemExit, match=r"new\.json: expected a (number as )?test_accuracy"):
            gate(run, base)


def test_a_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"none\.json: expected a test_accuracy"):
        gate(tmp_path / "none.json")
