"""examples/from_scratch.py: a page that trains the same network as the pipeline."""

import ast
import importlib.util
import sys
from types import ModuleType

import msgspec
import numpy as np
import pytest

from mnist_mlp import Params, new_network, train
from mnist_mlp.data import mnist
from mnist_mlp.data.dataset import in_stored_order, normalise, read_digits
from tests.conftest import ROOT, done

PAGE = ROOT / "examples/from_scratch.py"
SAMPLE = ROOT / "data/sample"


@pytest.fixture
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("from_scratch", PAGE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_has_at_most_90_lines_no_class_and_imports_only_numpy() -> None:
    text = PAGE.read_text("utf-8")
    assert len(text.splitlines()) <= 90
    nodes = list(ast.walk(ast.parse(text)))
    assert not [node for node in nodes if isinstance(node, ast.ClassDef | ast.ImportFrom)]
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy"}


@pytest.mark.parametrize("seed", [0, 3])
def test_it_trains_the_default_network_up_to_rounding(
    seed: int, page: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "SEED", seed)
    weights, biases = page.train(*page.load(SAMPLE, "train"))
    found = np.concatenate([part.ravel() for part in (*weights, *biases)])
    files = (SAMPLE / mnist.TRAIN_IMAGES.name, SAMPLE / mnist.TRAIN_LABELS.name)
    params = msgspec.structs.replace(Params(), seed=seed)
    network = new_network(params)
    list(train(network, normalise(*in_stored_order(*read_digits(*files))), params))
    np.testing.assert_allclose(found, network.parameters, atol=1e-4)


def test_it_prints_how_many_unseen_digits_it_reads() -> None:
    output = done(ROOT, sys.executable, str(PAGE), str(SAMPLE))
    percent, rest = output.split("% of ")
    assert rest == "360 unseen digits are classified correctly.\n"
    assert float(percent) > 80
