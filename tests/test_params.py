"""The knobs: which values params.yaml may have, and how others are refused."""

import re
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.params import Params, load_params

PROJECT = Path(__file__).parents[1]

WRITTEN = {
    "dataset": "sample",
    "validation": "0.25",
    "straighten": "true",
    "hidden": "[20, 12]",
    "activation": "tanh",
    "cost": "squared_error",
    "initial_weights": "xavier",
    "learning_rate": "0.5",
    "momentum": "0.9",
    "nesterov": "true",
    "schedule": "constant",
    "weight_decay": "0.001",
    "batch_size": "64",
    "epochs": "3",
    "labels": "random",
    "augment": "deform",
    "final_strength": "0.5",
    "dropout": "0.2",
    "averaging": "0.0",
    "refuse": "0.02",
    "seed": "7",
    "kernels": "fastest",
}
NOT_NUMBERS = [
    *("null", "true", "false", "abc", "''", "'1'", "[1]", "{a: 1}", "2020-01-01"),
    *(".nan", ".inf", "-.inf", "1e400", "-1e400"),
]
NOT_CHOICES = ["null", "true", "0", ".nan", "abc", "''", "[]", "{}"]
# One knob of each kind gets every wrong value, and the others only those at their own bounds.
WRONG = {
    "dataset": ["MNIST"],
    "validation": [*NOT_NUMBERS, "-0.1", "-1e-3", "1", "1e300"],
    "hidden": ["0", "-3", "16.5", "9" * 30, "null", "[16, 0]", "[16, abc]", "[[16, 16]]", "[[]]"],
    "activation": [*NOT_CHOICES, "softmax"],
    "cost": ["cross-entropy"],
    "initial_weights": ["He"],
    "learning_rate": ["0", "0.0", "-0.1", "1e300"],
    "momentum": ["1"],
    "nesterov": ["null", "0", "1", ".nan", "abc", "'true'", "yes", "[true]", "{}"],
    "schedule": ["[cosine]"],
    "weight_decay": ["-0.1", "1e300"],
    "batch_size": [*NOT_NUMBERS, "0", "-3", "16.5", "9" * 30],
    "epochs": ["0"],
    "labels": ["fake"],
    "augment": ["shifts"],
    "final_strength": ["-0.1", "1.5"],
    "dropout": ["1"],
    "averaging": ["1.5"],
    "refuse": ["-0.1", "1"],
    "seed": ["-1", "0.5"],
    "kernels": ["Fastest"],
}
WAY_BACK = "; to go back to the committed knobs: `git restore params.yaml`"
TOWER = "&a0 [1, 1], " + ", ".join(f"&a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 16))


def write(folder: Path, **changes: str) -> Path:
    path = folder / "params.yaml"
    path.write_text("".join(f"{knob}: {text}\n" for knob, text in {**WRITTEN, **changes}.items()))
    return path


def read(folder: Path, **changes: str) -> Params:
    return load_params(write(folder, **changes))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_params(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert message.endswith(WAY_BACK)
    return message.removesuffix(WAY_BACK)


def test_the_defaults_are_those_of_params_yaml() -> None:
    assert load_params(PROJECT / "params.yaml") == Params()


def test_knobs_are_checked_without_a_file_too() -> None:
    ours: dict[str, Any] = {"hidden": 32, "learning_rate": 1}
    assert Params(**ours) == Params(hidden=(32,), learning_rate=1.0)
    with pytest.raises(InputError, match=r"^epochs: expected a whole number .*, found 0$"):
        Params(epochs=0)


@pytest.mark.parametrize("knob", ["label_smoothing", "patience"])
def test_a_removed_knob_is_refused_with_advice(tmp_path: Path, knob: str) -> None:
    path = write(tmp_path, **{knob: "0"})
    assert refusal(path) == f"{path}: {knob}: no longer a knob; delete it"


def test_every_knob_has_the_value_in_the_file(tmp_path: Path) -> None:
    expected = {knob: yaml.safe_load(text) for knob, text in WRITTEN.items()}
    expected["hidden"] = tuple(expected["hidden"])
    assert msgspec.structs.asdict(read(tmp_path)) == expected


def test_knobs_cannot_be_changed_after_loading(tmp_path: Path) -> None:
    params = read(tmp_path)
    with pytest.raises(AttributeError):
        params.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-05", 0.00001), ("2.5e-05", 0.000025), ("5E-1", 0.5), ("+1e-1", 0.1), ("1.E+2", 100)],
)
def test_numbers_with_an_exponent_are_read_as_numbers(
    tmp_path: Path, text: str, number: float
) -> None:
    assert read(tmp_path, learning_rate=text).learning_rate == number


@pytest.mark.parametrize(("text", "shown"), [("-1e-3", "-0.001"), ("1e5", "100000.0")])
def test_wrong_numbers_with_an_exponent_are_shown_as_numbers(
    tmp_path: Path, text: str, shown: str
) -> None:
    assert refusal(write(tmp_path, learning_rate=text)).endswith(f"found {shown}")


@pytest.mark.parametrize("knob", ["learning_rate", "weight_decay"])
def test_whole_numbers_are_accepted_for_fractions(tmp_path: Path, knob: str) -> None:
    assert getattr(read(tmp_path, **{knob: "1"}), knob) == 1


@pytest.mark.parametrize(
    ("text", "layers"), [("32", (32,)), ("[]", ()), ("[100, 50, 20]", (100, 50, 20)), ("[1]", (1,))]
)
def test_hidden_takes_one_number_or_a_list(
    tmp_path: Path, text: str, layers: tuple[int, ...]
) -> None:
    assert read(tmp_path, hidden=text).hidden == layers


@pytest.mark.parametrize("knob", ["validation", "momentum", "weight_decay", "seed"])
def test_zero_is_accepted_if_it_is_in_range(tmp_path: Path, knob: str) -> None:
    assert getattr(read(tmp_path, **{knob: "0"}), knob) == 0


@pytest.mark.parametrize(
    ("knob", "text"), [(knob, text) for knob, texts in WRONG.items() for text in texts]
)
def test_wrong_values_are_refused_with_the_knob_and_what_is_expected(
    tmp_path: Path, knob: str, text: str
) -> None:
    message = refusal(write(tmp_path, **{knob: text}))
    assert re.search(f": {knob}: expected .+, found .+", message)


@pytest.mark.parametrize("text", ["null", "true", "-3", "16.5", "[16, 0]", "'abc'", "[[16]]"])
def test_a_refused_value_is_shown_as_it_was_written(tmp_path: Path, text: str) -> None:
    assert refusal(write(tmp_path, hidden=text)).endswith(f", found {text}")


def test_an_unknown_choice_is_refused_with_the_valid_ones(tmp_path: Path) -> None:
    assert "one of constant, cosine, found 'abc'" in refusal(write(tmp_path, schedule="abc"))


def test_long_values_are_cut_short(tmp_path: Path) -> None:
    assert len(refusal(write(tmp_path, hidden=str(["neuron"] * 1000)))) < len(str(tmp_path)) + 200


@pytest.mark.parametrize("knob", ["learnig_rate", "1", "null", "true", '"two\\nlines"'])
def test_unknown_knobs_are_refused_with_those_that_exist(tmp_path: Path, knob: str) -> None:
    message = refusal(write(tmp_path, **{knob: "1"}))
    assert knob.strip('"') in message
    assert ", ".join(WRITTEN) in message


def test_missing_knobs_are_refused(tmp_path: Path) -> None:
    for knob, text in WRITTEN.items():
        path = write(tmp_path)
        path.write_text(path.read_text().replace(f"{knob}: {text}\n", ""))
        assert f": {knob}: missing; expected " in refusal(path)


@pytest.mark.parametrize("text", ["", "# nothing", "abc", "- a: 1", "16", "null", "[]"])
def test_files_that_are_not_mappings_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert re.search("expected .+, found .+", refusal(path))


@pytest.mark.parametrize(
    "content",
    [
        b"seed: [1",
        b"seed: 'abc",
        b"\tseed: 1",
        b"seed: *nowhere",
        b"? [seed]\n: 1",
        b"seed: \x00",
    ],
)
def test_broken_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert "expected YAML" in refusal(path)


@pytest.mark.parametrize(
    ("more", "problem", "lines"),
    [("seed: 1", "found 'seed' a second time", 1), ("seed: [1", "expected ',' or ']'", 2)],
)
def test_broken_yaml_is_refused_with_its_line_number(
    tmp_path: Path, more: str, problem: str, lines: int
) -> None:
    path = write(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(f"{text}{more}\n", "utf-8")
    line = text.count("\n") + lines
    assert re.search(f"expected YAML; {re.escape(problem)}.* in line {line}$", refusal(path))


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    assert "expected" in refusal(path)


def test_a_file_of_two_documents_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text() + "---\n" + path.read_text())
    assert "expected" in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        *("2020-13-45", "!!int abc", "!!float abc", "!!bool abc", "!!timestamp abc", "!!int ''"),
        *("!!python/int 1", "!!seed 1"),
        pytest.param('"\\ud800"', id="half a surrogate pair"),
        pytest.param("9" * 5000, id="too many digits"),
        pytest.param("0x" + "f" * 5000, id="too many hexadecimal digits"),
        pytest.param("1" + ":00" * 200 + ".0", id="too many minutes"),
        pytest.param("[" * 500 + "]" * 500, id="too many brackets"),
    ],
)
def test_values_that_yaml_cannot_build_are_refused(tmp_path: Path, text: str) -> None:
    assert "expected" in refusal(write(tmp_path, batch_size=text))


@pytest.mark.parametrize("tag", ["object/apply:os.mkdir", "object/new:os.mkdir"])
def test_tags_that_would_run_code_are_refused_and_run_nothing(tmp_path: Path, tag: str) -> None:
    trap = tmp_path / "trap"
    path = write(tmp_path, seed=f"!!python/{tag} [{trap}]")
    refusal(path)
    assert not trap.exists()
    yaml.unsafe_load(path.read_text())
    assert trap.exists(), "the trap was not set"


def test_explosive_anchors_are_refused_without_being_expanded(tmp_path: Path) -> None:
    path = write(tmp_path, hidden=f"[{TOWER}]")
    tracemalloc.start()
    try:
        assert "found an anchor" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("- " * 60_000, "utf-8")
    assert "expected at most 100000 bytes, found 120000" in refusal(path)


def test_a_missing_file_is_refused_without_advice_to_restore_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"params.yaml: not found; run this at the top of the pro"):
        load_params(tmp_path / "params.yaml")


def test_numpy_numbers_are_accepted() -> None:
    rates = np.geomspace(0.1, 1, 2)
    params = Params(learning_rate=rates[0], epochs=np.int64(3), hidden=np.array([3, 4]))  # type: ignore[arg-type]
    assert params == Params(learning_rate=float(rates[0]), epochs=3, hidden=(3, 4))
    with pytest.raises(InputError, match="epochs: expected a whole number"):
        Params(epochs=np.float64(2.5))  # type: ignore[arg-type]
