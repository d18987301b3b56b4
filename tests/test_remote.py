"""Data and models are shared through a DVC remote, as docs/remote.md says."""

from pathlib import Path

import pytest

from tests.conftest import commit, contents, done

pytestmark = pytest.mark.slow


@pytest.fixture
def first(clone: Path) -> Path:
    done(clone, "dvc", "remote", "add", "--default", "storage", str(clone.parent / "storage"))
    commit(clone)
    return clone


def cloned(source: Path) -> Path:
    done(source.parent, "git", "clone", "--quiet", str(source), "second")
    return source.parent / "second"


def test_a_second_clone_pulls_all_that_the_first_pushed_and_reruns_nothing(first: Path) -> None:
    done(first, "dvc", "push")
    second = cloned(first)
    done(second, "dvc", "pull")
    assert contents(second) == contents(first)
    output = done(second, "dvc", "repro")
    assert "Running stage" not in output
    assert output.endswith("Data and pipelines are up to date.\n")


def test_an_experiment_is_shared_with_its_results_and_data(first: Path, tmp_path: Path) -> None:
    done(tmp_path, "git", "clone", "--quiet", "--bare", str(first), "hub")
    done(first, "git", "remote", "add", "origin", str(tmp_path / "hub"))
    done(first, "dvc", "exp", "run", "--name=wide", "-S", "hidden=32")
    done(first, "dvc", "exp", "push", "origin", "wide")
    second = cloned(tmp_path / "hub")
    done(second, "dvc", "exp", "pull", "origin", "wide")
    done(second, "dvc", "exp", "apply", "wide")
    assert "Running stage" not in done(second, "dvc", "repro")
    assert contents(second) == contents(first)


def test_the_model_and_the_page_are_fetched_without_a_clone(first: Path, tmp_path: Path) -> None:
    done(first, "dvc", "push")
    source = cloned(first)  # its cache is empty: everything comes from the remote
    for name in ("data/model.npz", "metrics/report.html"):
        done(tmp_path, "dvc", "get", str(source), name)
        assert (tmp_path / Path(name).name).read_bytes() == (first / name).read_bytes()


def test_the_model_is_an_artifact_and_is_fetched_by_name_and_version(
    first: Path, tmp_path: Path
) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    done(first, "git", *identity, "tag", "--annotate", "digit-reader@v1.0.0", "--message=First")
    done(tmp_path, "dvc", "artifacts", "get", str(first), "digit-reader", "--rev", "v1.0.0")
    assert (tmp_path / "model.npz").read_bytes() == (first / "data/model.npz").read_bytes()
