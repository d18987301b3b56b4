"""The command mnist-mlp: `predict`, `show` and `info`."""

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.learning.model import load_network, save_network
from mnist_mlp.learning.network import Network, initialise_weights
from mnist_mlp.reading.answers import WIDTH, Answer, bars
from mnist_mlp.reading.framing import frame
from mnist_mlp.reading.photos import MAX_PIXELS, look_at_file, open_photo
from tests.conftest import ROOT, start
from tests.scenes import drawn, grey
from tests.test_hostile import damaged

CODE = "from mnist_mlp.cli import main; main()"


def mnist_mlp(folder: Path, *words: str | Path, **environment: str) -> CompletedProcess[str]:
    top = folder if (folder / "src").exists() else ROOT
    source = {"PYTHONPATH": str(top / "src"), "PYTHONIOENCODING": "utf-8"}
    command = (sys.executable, "-P", "-c", CODE, *map(str, words))
    return start(folder, *command, **source | environment)


def refusal(result: CompletedProcess[str]) -> str:
    """Check that a command failed in one line with exit code 1, and return the line."""
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr)
    return result.stderr


def framed(path: Path) -> Array:
    return frame(open_photo(path))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for digit in range(10):
        grey(1 - drawn(digit, size=60)).save(folder / f"{digit}.png")
    Image.new("L", (60, 60), 200).save(folder / "blank.png")
    return folder


@pytest.fixture(scope="module")
def network(finished: Path) -> Network:
    return load_network(finished / "data/model.npz")


def test_an_answer_shows_the_digit_the_outputs_and_the_runner_up(
    finished: Path, pictures: Path, network: Network
) -> None:
    shutil.copy(finished / "data/model.npz", pictures)  # without what is called no digit
    result = mnist_mlp(finished, "predict", pictures / "0.png", "--model", pictures / "model.npz")
    outputs = network.forward(framed(pictures / "0.png")[np.newaxis])[-1][0]
    second, first = np.argsort(outputs)[-2:]
    assert result.returncode == 0
    assert (
        f"{first} ({outputs[first]:.3f}), runner-up {second} ({outputs[second]:.3f})"
        in (result.stdout.splitlines()[0])
    )
    rows = re.findall(r"^ +(\d)  +(\d\.\d{3})", result.stdout, re.MULTILINE)
    assert rows == [(str(digit), f"{value:.3f}") for digit, value in enumerate(outputs)]


@pytest.mark.parametrize(
    ("outputs", "unsure"), [([0.9, 0.05], False), ([0.5, 0.4], True), ([0.9, 0.8], True)]
)
def test_an_answer_says_if_the_network_is_unsure(outputs: list[float], unsure: bool) -> None:
    network = Network([784, 10], "relu", "squared_error")
    network.biases[0][:] = -20
    network.biases[0][[4, 9]] = np.log(outputs) - np.log(1 - np.array(outputs))
    answer = Answer(network, np.zeros(784, np.float32))
    assert (answer.digit, answer.runner_up) == (4, 9)
    assert answer.data(layers=False)["unsure"] is unsure
    assert ("unsure" in answer.text(layers=False, unicode=True)) is unsure


@pytest.mark.parametrize("unicode", [True, False])
def test_bars_are_as_long_as_the_values_are_large(unicode: bool) -> None:
    values = np.array([0, 0.001, 0.25, 0.5, 1])
    lines = [line[17:] for line in bars(values, unicode, full=1)]
    assert [len(line) for line in lines][2:] == [WIDTH // 4, WIDTH // 2, WIDTH]
    assert lines[0] == ""
    assert all(line.isascii() is not unicode for line in lines[2:])


def test_values_below_zero_have_their_bars_to_the_left() -> None:
    lines = bars(np.array([-1, 0.5]), unicode=False)
    assert lines[0].endswith("#" * (WIDTH // 2))
    assert lines[1].endswith(" " * (WIDTH // 2) + "#" * (WIDTH // 4))


def test_a_terminal_without_unicode_gets_ascii(finished: Path, pictures: Path) -> None:
    words = ("predict", "--layers", pictures / "3.png")
    assert not mnist_mlp(finished, *words).stdout.isascii()
    assert mnist_mlp(finished, *words, PYTHONIOENCODING="ascii").stdout.isascii()


def test_json_has_fixed_keys_and_all_outputs(
    finished: Path, pictures: Path, network: Network
) -> None:
    path = pictures / "7.png"
    found = json.loads(mnist_mlp(finished, "predict", "--json", path).stdout)
    answer = ["digit", "guess", "runner_up", "unsure", "outputs"]
    places = ["number", "left_out", "digits"]
    assert list(found) == ["image", *answer, *places]
    assert [list(digit) for digit in found["digits"]] == [["line", "box", *answer]]
    layers = [layer[0] for layer in network.forward(framed(path)[np.newaxis])]
    np.testing.assert_allclose(found["outputs"], layers[-1], atol=1e-5)
    assert found["digit"] in (None, found["guess"])
    assert found["guess"] == layers[-1].argmax()
    found = json.loads(mnist_mlp(finished, "predict", "--json", "--layers", path).stdout)
    assert list(found) == ["image", *answer, "layers", *places]
    assert [len(layer) for layer in found["layers"]] == [784, 16, 16, 10]
    for one, other in zip(found["layers"], layers, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_several_images_are_a_list_with_errors_for_those_that_cannot_be_read(
    finished: Path, pictures: Path
) -> None:
    paths = [pictures / name for name in ("1.png", "blank.png", "2.png", "none.png")]
    result = mnist_mlp(finished, "predict", "--json", *paths)
    found = json.loads(result.stdout)
    assert [entry["image"] for entry in found] == [str(path) for path in paths]
    assert ["error" in entry for entry in found] == [False, True, False, True]
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"error: {entry['error']}" for entry in found if "error" in entry
    ]


def test_all_images_are_tried_and_the_exit_code_is_1_if_one_failed(
    finished: Path, pictures: Path
) -> None:
    result = mnist_mlp(finished, "predict", pictures / "blank.png", pictures / "5.png")
    assert result.returncode == 1
    assert result.stdout.startswith(f"{pictures / '5.png'}: ")
    assert result.stderr == (
        f"error: {pictures / 'blank.png'}: expected a digit, found a blank picture\n"
    )


def test_layers_shows_the_activation_of_every_neuron(finished: Path, pictures: Path) -> None:
    text = mnist_mlp(finished, "predict", "--layers", pictures / "4.png").stdout
    assert "what the network sees:" in text
    for title in ("hidden layer 1, relu:", "hidden layer 2, relu:"):
        assert (
            len(re.findall(r"^ +\d+  ", text.partition(title)[2].partition("\n\n")[0], re.M)) == 16
        )


def test_show_draws_what_the_network_saw(finished: Path, pictures: Path, tmp_path: Path) -> None:
    paths = [pictures / "6.png", pictures / "8.png"]
    mnist_mlp(finished, "predict", *paths, "--show", tmp_path / "seen.png")
    pixels = np.asarray(Image.open(tmp_path / "seen.png"))
    assert pixels.shape == (300, 600)
    for i, path in enumerate(paths):
        tile = pixels[15:290:10, 300 * i + 15 : 300 * i + 290 : 10]
        np.testing.assert_allclose(tile / 255, framed(path).reshape(28, 28), atol=0.003)


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


DIGIT = grey(1 - drawn(2, size=60))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.gif", "a.webp", "a.tiff"])
def test_image_formats_are_recognised_by_their_content(name: str, tmp_path: Path) -> None:
    path = saved(DIGIT, tmp_path / name).rename(tmp_path / "no-name")
    assert np.abs(framed(path) - frame(DIGIT.convert("RGB"))).max() < 0.3


def in_mode(kind: str) -> Image.Image:
    """Return the digit in one of Pillow's modes."""
    ink = np.asarray(DIGIT)
    if kind == "RGBA":
        return Image.fromarray(np.dstack([0 * ink, 0 * ink, 0 * ink, 255 - ink]))
    if kind == "I;16":
        return Image.fromarray(ink.astype(np.uint16) * 257)
    if kind in ("I", "F"):
        return Image.fromarray(ink.astype(np.int32 if kind == "I" else np.float32) * 257)
    return DIGIT.convert("RGB").convert(kind)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *[(mode, "a.png") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
        *[(mode, "a.tiff") for mode in ("CMYK", "I;16", "I", "F", "RGBA")],
        ("CMYK", "a.jpg"),
    ],
)
def test_all_kinds_of_pixels_are_read(mode: str, name: str, tmp_path: Path) -> None:
    path = saved(in_mode(mode), tmp_path / name)
    difference = np.asarray(open_photo(path).convert("L"), int) - np.asarray(DIGIT, int)
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("ink", [255, 230])
def test_light_ink_on_transparency_is_read_as_if_on_a_dark_background(
    ink: int, tmp_path: Path
) -> None:
    opacity = 255 - np.asarray(DIGIT)
    colours = [np.full_like(opacity, ink)] * 3
    path = saved(Image.fromarray(np.dstack([*colours, opacity])), tmp_path / "a.png")
    inked = np.asarray(open_photo(path).convert("L"), int)
    assert np.abs(inked - opacity * (ink / 255)).mean() < 3


@pytest.mark.parametrize("paper", [20, 100, 200, 255])
def test_transparent_edges_and_holes_of_a_picture_get_the_colour_of_its_paper(
    paper: int, tmp_path: Path
) -> None:
    ink = 255 - np.asarray(DIGIT, int)
    sheet = np.rint(paper + (255 - 2 * paper) * 0.8 * ink / 255).astype(np.uint8)
    opacity = np.full_like(sheet, 255)
    opacity[:2], opacity[-2:], opacity[:, :2], opacity[:, -2:], opacity[5:9, 5:9] = [0] * 5
    path = saved(Image.fromarray(np.dstack([*[sheet] * 3, opacity])), tmp_path / "a.png")
    seen = np.asarray(open_photo(path).convert("L"), int)
    assert np.abs(seen - np.where(opacity, sheet, paper)).max() <= 1


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = DIGIT.transpose(Image.Transpose.ROTATE_90)
    path = saved(turned, tmp_path / "a.jpg", exif=exif, quality=95)
    assert (
        np.abs(np.asarray(open_photo(path).convert("L"), int) - np.asarray(DIGIT, int)).mean() < 2
    )


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    blank = Image.new("L", DIGIT.size, 255)
    path = saved(DIGIT, tmp_path / "a.gif", save_all=True, append_images=[blank])
    assert np.abs(framed(path) - frame(DIGIT.convert("RGB"))).max() < 0.3


@pytest.mark.slow
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    finished: Path, tmp_path: Path
) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    for name, scale in (("small.png", 1), ("large.png", 3)):
        saved(Image.new("1", (scale * side, scale * side)), tmp_path / name)
        line = refusal(mnist_mlp(finished, "predict", tmp_path / name))
        assert "pixels" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "expected an image (PNG, JPEG"),
        (lambda path: path.write_bytes(b"a text"), "expected an image (PNG, JPEG"),
        (lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"), "expected an image (PNG"),
        (lambda path: path.write_bytes(b"P5 2 2 255 1234"), "expected an image (PNG, JPEG"),
        (lambda path: path.mkdir(), "expected an image file, found a folder"),
        (os.mkfifo, "expected an image file, found a device or a pipe"),
        (lambda path: None, "No such file"),
    ],
    ids=["empty", "text", "postscript", "another format", "folder", "pipe", "missing"],
)
def test_files_that_are_not_images_are_refused(
    make: Any, words: str, finished: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    make(path)
    assert f"{path}: {words}" in refusal(mnist_mlp(finished, "predict", path))


def test_odd_names_stay_on_one_line(finished: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\n\x1b[31m\xff.png"))
    path.write_bytes(b"a text")
    assert r"a\n\x1b[31m\udcff.png: expected" in refusal(mnist_mlp(finished, "predict", path))
    saved(DIGIT, path, format="PNG")
    result = mnist_mlp(finished, "predict", path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.partition(": ")[0].endswith(r"a\n\x1b[31m\udcff.png")


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"", b"not a model", b"PK\x03\x04"])
@pytest.mark.parametrize("command", ["predict", "info"])
def test_an_invalid_model_is_refused(
    command: str, content: bytes | None, pictures: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.npz"
    if content is not None:
        model.write_bytes(content)
    words = [pictures / "1.png"] if command == "predict" else []
    line = refusal(mnist_mlp(tmp_path, command, "--model", model, *words))
    assert line.startswith(f"error: {model}: ")
    assert ("--model FILE" if content is None else "`dvc repro`") in line


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--json", "--layers"])
@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
def test_a_model_that_produces_nan_or_infinity_is_refused(
    cost: str, option: str, pictures: Path, tmp_path: Path
) -> None:
    network = Network([784, 16, 16, 10], "relu", cost)
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    network.parameters[:] *= 1e37
    save_network(tmp_path / "m.npz", network)
    words = ("predict", option, "--model", "m.npz", pictures / "9.png")
    assert "the network produced NaN or infinity" in refusal(mnist_mlp(tmp_path, *words))


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("hidden", [[], [100, 3]])
def test_networks_of_every_kind_answer(
    cost: str, hidden: list[int], pictures: Path, tmp_path: Path
) -> None:
    network = Network([784, *hidden, 10], "tanh", cost)
    initialise_weights(network, "gaussian", np.random.default_rng(0))
    save_network(tmp_path / "m.npz", network)
    result = mnist_mlp(tmp_path, "predict", "--layers", "--model", "m.npz", pictures / "9.png")
    assert result.returncode == 0
    assert result.stderr == (
        "note: everything was read as digits: m.likeness.npz is missing, or of another model; "
        "`dvc repro` writes it\n"
    )
    assert f"outputs, {'softmax' if cost == 'cross_entropy' else 'sigmoid'}:" in result.stdout


def image_files() -> list[bytes]:
    """Return a small valid file in each format."""
    files = []
    for form in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"):
        file = io.BytesIO()
        grey(1 - drawn(3, size=15)).convert("RGB").save(file, form)
        files.append(file.getvalue())
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg", "group4"):
        file = io.BytesIO()
        mode = "1" if compression == "group4" else "RGB"
        grey(1 - drawn(3, size=15)).convert(mode).save(file, "TIFF", compression=compression)
        files.append(file.getvalue())
    return files


@given(st.sampled_from(image_files()).flatmap(damaged) | st.binary(max_size=200))
def test_damaged_images_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{os.getpid()}"
    path.write_bytes(content)
    message = f"{path}: expected"
    try:
        _, sheet = look_at_file(path)
    except InputError as error:
        message = str(error)
    else:
        assert np.isfinite(sheet.ink).all()
    assert message.startswith(f"{path}: expected")
    assert "\n" not in message


@pytest.mark.slow
@pytest.mark.parametrize("content", image_files(), ids=lambda content: repr(content[:4]))
def test_truncated_images_print_only_the_one_line_on_standard_error(
    content: bytes, finished: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{tenths}" for tenths in (2, 5, 8)]
    for path in paths:
        path.write_bytes(content[: len(content) * int(path.name) // 10])
    result = mnist_mlp(finished, "predict", "--json", *paths)
    found = json.loads(result.stdout)
    assert result.stderr.count("\n") == sum("error" in entry for entry in found)


def test_info_shows_the_network_its_knobs_and_its_accuracy(clone: Path) -> None:
    text = mnist_mlp(clone, "info").stdout
    accuracy = json.loads((clone / "metrics/accuracy.json").read_text("utf-8"))["test_accuracy"]
    for words in ("784-16-16-10", "13,002", "relu", "softmax", f"{accuracy:.2%}"):
        assert words in text
    for knob, value in yaml.safe_load((clone / "params.yaml").read_text("utf-8")).items():
        assert re.search(rf"^  {knob} +{re.escape(str(value))}$", text, re.M)
    assert "now has" not in text


def test_info_says_if_params_yaml_has_changed_since(clone: Path) -> None:
    text = (clone / "params.yaml").read_text("utf-8")
    changed = text.replace("learning_rate: 0.1", "learning_rate: 1e-05")
    (clone / "params.yaml").write_text(changed, "utf-8")
    shown = mnist_mlp(clone, "info").stdout
    assert "learning_rate   0.1" in shown
    assert shown.splitlines()[-1] == (
        "params.yaml now has learning_rate: 1e-05; `dvc repro` trains a network with it"
    )


@pytest.mark.slow
@pytest.mark.parametrize("change", ["missing", "stale"])
def test_info_says_if_the_accuracy_is_not_of_this_model(change: str, clone: Path) -> None:
    accuracy = clone / "metrics/accuracy.json"
    if change == "missing":
        accuracy.unlink()
    else:
        accuracy.write_text('{"test_accuracy": 1}', "utf-8")
    assert "is not of this model; run `dvc repro`" in mnist_mlp(clone, "info").stdout


def test_info_says_if_the_model_is_not_the_recorded_one(clone: Path) -> None:
    network = Network([784, 10], "relu", "squared_error")
    save_network(clone / "other.npz", network)
    text = mnist_mlp(clone, "info", "--model", "other.npz").stdout
    assert "784-10" in text
    assert "sigmoid, for squared_error" in text
    assert "dvc.lock has no record of this model" in text
    assert "%" not in text


def test_info_says_if_no_training_is_recorded(clone: Path) -> None:
    lock = yaml.safe_load((clone / "dvc.lock").read_text("utf-8"))
    del lock["stages"]["train"]
    (clone / "dvc.lock").write_text(yaml.safe_dump(lock), "utf-8")
    assert "dvc.lock has no record of this model" in mnist_mlp(clone, "info").stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", ["", "stages: 3", "a: [", "stages: {train: {outs: [1]}}", 3000 * "["]
)
def test_info_refuses_a_broken_dvc_lock(content: str, clone: Path) -> None:
    (clone / "dvc.lock").write_text(content, "utf-8")
    line = refusal(mnist_mlp(clone, "info"))
    assert line == (
        "error: dvc.lock: expected a lock file of DVC, found something else; "
        "run `mnist-mlp mend`, then `dvc repro`\n"
    )


def test_info_uses_its_own_clones_model_in_any_folder(finished: Path, tmp_path: Path) -> None:
    own = mnist_mlp(finished, "info").stdout
    text = mnist_mlp(tmp_path, "info", PYTHONPATH=str(finished / "src")).stdout
    assert text == own.replace(
        "data/model.npz", os.path.relpath(finished / "data/model.npz", tmp_path)
    )
    assert "% of the test digits" in text


def test_show_opens_the_page_in_the_browser(finished: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n', "utf-8")
    browser.chmod(0o755)
    result = mnist_mlp(finished, "show", BROWSER=f"{browser} %s")
    assert (result.returncode, result.stdout) == (0, "")
    page = finished / "metrics/report.html"
    assert (tmp_path / "opened").read_text("utf-8").strip() == page.as_uri()


def test_show_prints_where_the_page_is_if_there_is_no_browser(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("", "utf-8")
    result = mnist_mlp(tmp_path, "show", "page.html", BROWSER="/nowhere/browser", PATH="/nowhere")
    assert result.returncode == 0
    assert str(tmp_path / "page.html") in result.stdout


def test_show_without_a_page_names_the_command_that_makes_it(tmp_path: Path) -> None:
    assert "`make`" in refusal(mnist_mlp(tmp_path, "show", "page.html"))


def test_help_names_every_command_and_does_not_import_numpy(tmp_path: Path) -> None:
    trap = tmp_path / "numpy.py"
    trap.write_text("raise ImportError('NumPy was imported')", "utf-8")
    path = f"{tmp_path}{os.pathsep}{ROOT / 'src'}"
    result = mnist_mlp(tmp_path, "--help", PYTHONPATH=path)
    assert result.returncode == 0
    for command in ("predict", "show", "info"):
        assert re.search(rf"^  {command} ", result.stdout, re.M)
    assert mnist_mlp(tmp_path, "predict", "x", PYTHONPATH=path).returncode != 0


def test_make_creates_a_command_that_runs_its_own_clones_source(
    tmp_path: Path,
) -> None:
    clone = tmp_path / "a clone"
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/ready").write_text(str(clone), "utf-8")
    shutil.copy(ROOT / "Makefile", clone)
    (clone / "requirements.lock").touch()
    os.utime(clone / "requirements.lock", (0, 0))
    (clone / ".venv/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    (clone / ".venv/bin/python").chmod(0o755)
    (clone / "src/mnist_mlp").mkdir(parents=True)
    (clone / "src/mnist_mlp/cli.py").write_text("import sys; print('own', sys.argv[1:])", "utf-8")
    result = start(clone, "make", "--silent", ".venv/bin/mnist-mlp")
    assert result.returncode == 0, result.stderr
    (tmp_path / "mnist_mlp").mkdir()
    (tmp_path / "mnist_mlp/cli.py").write_text("print('from the folder')", "utf-8")
    decoy = {"PYTHONPATH": str(tmp_path)}
    result = start(tmp_path, str(clone / ".venv/bin/mnist-mlp"), "a b", "--help", **decoy)
    assert result.stdout == "own ['a b', '--help']\n"
