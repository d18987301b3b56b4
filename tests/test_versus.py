"""`mnist-mlp versus`: what it counts, its significance test, and what it refuses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlp.base.errors import InputError
from mnist_mlp.runs.versus import Answers, Comparison, compare_answers, read_answers
from tests.conftest import CLI, done, start

PREDICTIONS = Path("metrics/predictions.csv")
counts = st.integers(0, 400)
digits = st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1)


@pytest.mark.slow
@given(counts, counts)
def test_the_p_value_is_that_of_a_binomial_test(one: int, other: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1
    assert Comparison(10_000, one, other).p == pytest.approx(expected)


@given(counts, counts)
def test_the_p_value_does_not_depend_on_the_order_and_is_above_0(one: int, other: int) -> None:
    p = Comparison(1000, one, other).p
    assert 0 < p <= 1
    assert p == Comparison(1000, other, one).p


@pytest.mark.parametrize(
    ("one", "other", "p", "words"),
    [
        (0, 0, 1, "p = 1.0000 by McNemar's exact test: no difference seen (alpha 0.05)."),
        (0, 5, 0.0625, "p = 0.0625 by McNemar's exact test: no difference seen (alpha 0.05)."),
        (6, 0, 0.03125, "p = 0.0312 by McNemar's exact test: these networks differ (alpha 0.05)."),
        (1, 9, 0.021484375, "p = 0.0215 by McNemar's exact test: these networks differ"),
        (0, 5000, 0, "p < 0.0001 by McNemar's exact test: these networks differ (alpha 0.05)."),
    ],
)
def test_networks_differ_if_the_p_value_is_below_alpha(
    one: int, other: int, p: float, words: str
) -> None:
    comparison = Comparison(10_000, one, other)
    assert comparison.p == p
    assert words in comparison.verdict


@given(digits)
def test_it_counts_the_digits_that_only_one_reads_right(rows: list[tuple[int, int, int]]) -> None:
    actual, ours, theirs = (list(column) for column in zip(*rows, strict=True))
    found = compare_answers(Answers("a", actual, ours), Answers("b", actual, theirs))
    assert found.digits == len(rows)
    assert found.only_one == sum(a == b != c for a, b, c in rows)
    assert found.only_other == sum(a == c != b for a, b, c in rows)


@given(digits)
def test_no_difference_is_seen_between_equal_predictions(rows: list[tuple[int, int, int]]) -> None:
    actual, ours, _ = (list(column) for column in zip(*rows, strict=True))
    found = compare_answers(Answers("a", actual, ours), Answers("b", actual, ours))
    assert (found.only_one, found.only_other, found.p) == (0, 0, 1)
    assert "no difference seen" in found.verdict


@pytest.mark.parametrize("actual", [[1, 2, 4], [1, 2], [1, 2, 3, 4]])
def test_different_test_digits_are_refused(actual: list[int]) -> None:
    one, other = Answers("a", [1, 2, 3], [1, 2, 3]), Answers("b", actual, actual)
    with pytest.raises(
        InputError, match=r"^b: expected the same test digits as in a, found others"
    ):
        compare_answers(one, other)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"actual,predicted\n",
        b"7,7\n",
        b"actual,predicted\n7,10\n",
        b"actual,predicted\n7,7\n7\n",
        b"actual,predicted\n7,7\n\n7,7\n",
        b"actual,predicted\n7,\xff\n",
        "actual,predicted\n7,٧\n".encode(),
    ],
)
def test_files_that_are_not_predictions_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"p\.csv: (line \d: )?expected (the predictions|two digi)"
    ):
        read_answers(str(path))


def spoil(clone: Path, n: int) -> int:
    """Make a run misread up to n digits that it read right; return how many."""
    rows = (clone / PREDICTIONS).read_text("utf-8").splitlines()
    right = [i for i, row in enumerate(rows) if row[0] == row[-1]][:n]
    for i in right:
        rows[i] = f"{rows[i][0]},{(int(rows[i][0]) + 1) % 10}"
    (clone / PREDICTIONS).write_text("\n".join(rows) + "\n", "utf-8")
    return len(right)


@pytest.mark.slow
def test_a_run_is_compared_with_a_commit_a_file_and_a_model(clone: Path) -> None:
    recorded = (clone / PREDICTIONS).read_text("utf-8")
    total = recorded.count("\n") - 1
    (clone / "before.csv").write_text(recorded, "utf-8")
    assert spoil(clone, 20) == 20
    for other in ("HEAD", "before.csv", "data/model.npz"):
        assert done(clone, *CLI, "versus", other) == (
            f"Of {total:,} test digits, 0 are read correctly only by {PREDICTIONS}, and 20 only by "
            f"{other}.\np < 0.0001 by McNemar's exact test: these networks differ (alpha 0.05).\n"
        )
    output = done(clone, *CLI, "versus", "HEAD", "data/model.npz")
    assert output.endswith("no difference seen (alpha 0.05).\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("nowhere", "metrics/predictions.csv: expected in commit nowhere; git says: "),
        ("nothing.csv", "nothing.csv: not found; run `dvc repro`"),
        ("nothing.npz", "nothing.npz: not found; run `dvc repro`"),
        ("dvc.npz", "dvc.npz: expected a model"),
        ("others.csv", "others.csv: expected the same test digits as in metrics/predictions.csv"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    other: str, words: str, clone: Path
) -> None:
    (clone / "dvc.npz").write_bytes(b"no model")
    (clone / "others.csv").write_text("actual,predicted\n1,1\n", "utf-8")
    result = start(clone, *CLI, "versus", other)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {words}")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_missing_predictions_are_reported_with_how_to_get_them(clone: Path) -> None:
    (clone / PREDICTIONS).unlink()
    result = start(clone, *CLI, "versus", "HEAD")
    assert result.stderr == f"error: {PREDICTIONS}: not found; run `dvc repro`\n"
