"""Faults of data and training: what is wrong with a learner's arrays, initial weights and accuracy.

Images are compared with the mean image of each digit in the project's sample, digits.npy.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.datasets import Data, Images, Labels, some
from mnist_mlp.checking.learner import Learner, limited
from mnist_mlp.checking.roles import call, is_weight, parameters_of, role_of
from mnist_mlp.checking.tensors import Item, find_places, items
from mnist_mlp.data.dataset import DIGITS, PIXELS, SIDE

ALIKE = 0.2  # likeness from which images look like digits: MNIST has 0.6, mixed pixels have 0.05
ROUGH = 0.3  # correlation of neighbouring pixels in the mean image: MNIST has 0.97
AGREE, GUESS = 0.35, 0.2  # accuracies by the nearest mean: MNIST has 0.5, shuffled labels have 0.1
SMOOTHER = 0.99  # roughness of the images before integers wrapped around, compared with that after
SATURATED = 20.0  # a weighted sum so far from 0 leaves no slope to a sigmoid
TOGETHER = (
    "shuffle both with one order: order = np.random.permutation(n); x, y = x[order], y[order]"
)
HIDDEN = 30  # neurons of the networks that are made


def find_faults(learner: Learner, data: Data, columns: bool | None = None) -> Iterator[str]:
    """Yield what is wrong, a line for each fault: what, where, expected, found, what to do.

    `columns` says whether the learner's network takes columns for examples, if that is known.
    """
    for images in data.images:
        mixed = list(mixed_pixels(images))
        yield from mixed or wrapped(images)
    yield from unscaled(learner, data)
    yield from unlike_scales(data)
    yield from unlike_labels(data)
    yield from shuffles_apart(learner.tree)
    for labels in data.labels:
        yield from not_one_hot(labels)
    yield from wrong_one_hot(learner)
    yield from initial_weights(learner)
    yield from wrong_accuracy(learner, columns)


# Images


@cache
def mean_digits() -> Array:
    """Return the mean image of each digit, (10, 784) from 0 to 1."""
    digits: NDArray[np.uint8] = np.load(Path(__file__).with_name("digits.npy"))
    return (digits / 255).reshape(DIGITS, PIXELS)


def _similarities(pixels: Array) -> Array:
    """Return the correlation of each image with the mean image of each digit, (n, 10)."""
    similarities: Array = np.dot(_standardised(pixels), _standardised(mean_digits()).T)
    return similarities


def _standardised(rows: Array) -> Array:
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths: Array = np.linalg.norm(centred, axis=1, keepdims=True)
    standardised: Array = centred / np.maximum(lengths, 1e-12)
    return standardised


def likeness(pixels: Array) -> float:
    """Return how much images, (n, 784), look like digits, from 0 to 1; also inverted or turned."""
    turned = pixels.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(-1, PIXELS)
    return max(float(np.mean(_similarities(x).max(axis=1))) for x in (pixels, -pixels, turned))


def mixed_pixels(images: Images) -> Iterator[str]:
    """Yield whether each image is made of pixels of several: a reshape instead of a transpose."""
    if likeness(images.pixels) > ALIKE:
        return
    others = (
        images.stored.reshape(images.total, PIXELS),
        images.stored.reshape(PIXELS, images.total).T,
    )
    undone = any(likeness(some(x).astype(float)) > ALIKE for x in others)
    found = _neighbours(images.pixels)
    if undone or found < ROUGH:
        shape = "784, n" if images.columns else "n, 784"
        yield (
            f"pixels are mixed: {images}: expected neighbours in the mean image that resemble each "
            f"other, found a correlation of {found:.2f}; reshape does not transpose: "
            f"{'here' if undone else 'perhaps'} images.reshape({shape}) stands for images.T"
        )


def _neighbours(pixels: Array) -> float:
    """Return the correlation of neighbouring pixels in the mean of images."""
    mean = pixels.mean(axis=0).reshape(SIDE, SIDE)
    if not np.ptp(mean):
        return 1.0
    return float(np.corrcoef(mean[:, 1:].ravel(), mean[:, :-1].ravel())[0, 1])


def wrapped(images: Images) -> Iterator[str]:
    """Yield whether 8-bit integers wrapped around, as -1 does to 255."""
    scale = 255 if images.pixels.max() <= 1 else 1
    values = images.pixels * scale
    if np.abs(values - values.round()).max() > 1e-3 or values.min() < 0 or values.max() > 255:
        return
    values = values.round()
    background = np.bincount(values.astype(int).ravel()).argmax()
    for sign, written in ((1, "images - x"), (-1, "x - images, or -images,")):
        plain = sign * (values - background)
        undone = plain % 256
        if np.array_equal(undone, plain):
            continue
        if (
            _roughness(undone) < SMOOTHER * _roughness(values)
            or likeness(undone) > likeness(values) + ALIKE
        ):
            yield (
                f"integers wrap around: {images}: expected grey values without jumps, found "
                f"{written} of 8-bit integers, in which -1 is 255; "
                "write images.astype(float) first"
            )
            return


def _roughness(images: Array) -> float:
    """Return the mean difference of neighbouring pixels of images, (n, 784)."""
    return float(np.abs(np.diff(images.reshape(-1, SIDE, SIDE), axis=2)).mean())


def _is_unscaled(images: Images) -> bool:
    return bool(images.pixels.max() > 100 and images.pixels.min() >= 0)


def unscaled(learner: Learner, data: Data) -> Iterator[str]:
    """Yield which images have no scaled version; not if a function of the file divides by 255."""
    scaled = {images.split for images in data.images if not _is_unscaled(images)}
    if not scaled and _scales_later(learner):
        return
    for images in data.images:
        if images.split not in scaled:
            scaled.add(images.split)
            lowest, highest = images.pixels.min(), images.pixels.max()
            yield (
                f"images are not scaled: {images}: expected values from 0 to 1, found "
                f"{lowest:g} to {highest:g}; divide by 255, the training and the test images alike"
            )


def _scales_later(learner: Learner) -> bool:
    return any(
        isinstance(node, ast.BinOp | ast.AugAssign)
        and isinstance(node.op, ast.Div)
        and any(isinstance(c, ast.Constant) and c.value in (255, 256) for c in ast.walk(node))
        for function in ast.walk(learner.tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    )


def unlike_scales(data: Data) -> Iterator[str]:
    """Yield whether the last test images are scaled otherwise than the last training images."""
    last = {images.split: images for images in data.images if not _is_unscaled(images)}
    training = last.get("training")
    for split in ("validation", "test"):
        other = last.get(split)
        if training and other and not _are_scaled_alike(training.pixels, other.pixels):
            yield (
                f"scaled otherwise: {other}: expected a mean and deviation like those of "
                f"{training.name}, {_moments(training.pixels)}, found {_moments(other.pixels)}; "
                "scale both with the same numbers"
            )


def _are_scaled_alike(one: Array, other: Array) -> bool:
    close = abs(one.mean() - other.mean()) < 0.25 * max(one.std(), other.std())
    return bool(close and 0.7 < (other.std() + 1e-9) / (one.std() + 1e-9) < 1.4)


def _moments(pixels: Array) -> str:
    return f"{pixels.mean():.2f} ± {pixels.std():.2f}"


# Labels


def agreement(images: Images, digits: NDArray[np.intp]) -> Array:
    """Return how many of the images are nearest to the mean of their label + k, for k from 0 to 9.

    The images may be inverted or turned: what agrees best counts.
    """
    pixels = images.pixels
    turned = pixels.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(-1, PIXELS)
    shifts = (digits[:, np.newaxis] + np.arange(DIGITS)) % DIGITS
    found = [
        (_similarities(x).argmax(axis=1)[:, np.newaxis] == shifts).mean(axis=0)
        for x in (pixels, -pixels, turned)
    ]
    return max(found, key=lambda shares: float(shares.max()))


def unlike_labels(data: Data) -> Iterator[str]:
    """Yield which labels do not belong to their images: shuffled apart, or off by some digits.

    Files often keep several versions of their data. So labels are compared with all images of
    their number, and the last images of each part with all labels; one that agrees is enough.
    """
    pairs = [
        (images, labels, agreement(images, labels.digits))
        for images in data.images
        for labels in data.labels
        if (images.total, images.split) == (labels.total, labels.split)
        and labels.is_one_hot
        and likeness(images.pixels) > ALIKE
    ]
    last = {images.split: images.name for images, _, _ in pairs}
    groups = [[p for p in pairs if p[1].name == labels.name] for labels in data.labels]
    groups += [[p for p in pairs if p[0].name == name] for name in last.values()]
    told = set[str]()  # names and parts
    for group in filter(None, groups):
        images, labels, shares = max(group, key=lambda pair: float(pair[2].max()))
        if told & {labels.name, labels.split} or max(pair[2][0] for pair in group) > GUESS:
            continue
        if shares.max() > AGREE:
            told.add(labels.name)
            yield _off(images, labels, int(shares.argmax()))
        else:
            told.add(labels.split)
            yield _apart(images, labels, float(shares[0]))


def _off(images: Images, labels: Labels, shift: int) -> str:
    less = DIGITS - shift
    off = f"{shift} too small" if shift <= less else f"{less} too large"
    return (
        f"labels are off: {labels}: expected the digits of {images.name}, found digits that are "
        f"{off}; index one-hot targets by the label itself, from 0 to 9"
    )


def _apart(images: Images, labels: Labels, share: float) -> str:
    return (
        f"images and labels are shuffled apart: {images} and {labels}: expected half of the images "
        f"or more nearest to the mean of their digit, found {share:.0%}; {TOGETHER}"
    )


def shuffles_apart(tree: ast.Module) -> Iterator[str]:
    """Yield where a function shuffles two arrays, one after the other, in different orders."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        shuffled = ""
        for node in _statements(function.body):
            words = ast.unparse(node)
            call = re.fullmatch(r"([\w.]*shuffle)\((\w+)\)", words)
            if re.search(r"seed|set_state|RandomState|default_rng", words):
                shuffled = ""
            elif call and shuffled and call[2] != shuffled:
                yield (
                    f"images and labels are shuffled apart: {function.name}, line {node.lineno}: "
                    f"expected one order, found {shuffled} and {call[2]} shuffled one after the "
                    f"other; {TOGETHER}"
                )
                shuffled = ""
            elif call:
                shuffled = call[2]


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements in the order of the file; of loops and conditions, those inside."""
    for statement in body:
        inner = getattr(statement, "body", None)
        if inner:
            yield from _statements(inner)
            yield from _statements(getattr(statement, "orelse", []))
        else:
            yield statement


def not_one_hot(labels: Labels) -> Iterator[str]:
    """Yield whether targets have not exactly one 1 for each image."""
    if labels.one_hot is None or labels.is_one_hot:
        return
    ones = labels.one_hot.sum(axis=1)
    yield (
        f"one-hot along the wrong axis: {labels}: expected one 1 for each image, found "
        f"{int(ones.min())} to {int(ones.max())}; write np.eye(10)[labels], "
        "and transpose it with .T, not with reshape"
    )


def wrong_one_hot(learner: Learner) -> Iterator[str]:
    """Yield what the file's own one-hot function makes of known labels, if that is wrong."""
    digits = np.array([3, 0, 9, 1, 4, 9, 7, 2, 5, 8, 6, 0])
    for name, function in learner.functions().items():
        if not re.search(r"(?i)one_?hot|vectori[sz]ed_?(result|label)|to_categorical", name):
            continue
        found = _one_hot_of(function, digits)
        if found is None or any(np.array_equal(found, x) for x in _layouts(np.eye(DIGITS)[digits])):
            continue
        wrong = next(
            (k for k in range(1, DIGITS) if _is_shifted(found, (digits + k) % DIGITS)),
            0,
        )
        if wrong:
            off = f"+ {wrong}" if wrong <= DIGITS - wrong else f"- {DIGITS - wrong}"
            yield (
                f"one-hot off by one: {name}: expected the 1 at the label, found it at label "
                f"{off}; write np.eye(10)[labels]"
            )
        else:
            yield (
                f"one-hot along the wrong axis: {name}: for 12 labels expected 12 rows or columns "
                f"with one 1 each, found {found.sum():g} ones in shape {found.shape}; "
                "write np.eye(10)[labels]"
            )


def _one_hot_of(function: Callable[..., Any], digits: NDArray[np.intp]) -> Array | None:
    """Return what a function makes of labels, all at once or one at a time; None if it fails."""
    n_required = sum(p.default is p.empty for p in parameters_of(function))
    more = (DIGITS,) * (n_required - 1)
    results: list[Array] = []
    for make in (
        lambda: function(digits.copy(), *more),
        lambda: [np.ravel(function(int(digit), *more)) for digit in digits],
    ):
        try:
            with limited():
                results.append(np.asarray(make(), float))
        except Exception:  # noqa: BLE001, S112
            continue
    fitting = [result for result in results if result.size == len(digits) * DIGITS]
    found = next(iter(fitting + [result for result in results if result.ndim == 2]), None)
    return None if found is None else found.reshape([size for size in found.shape if size != 1])


def _layouts(rows: Array) -> tuple[Array, Array]:
    return rows, rows.T


def _is_shifted(found: Array, digits: NDArray[np.intp]) -> bool:
    return any(np.array_equal(found, x) for x in _layouts(np.eye(DIGITS)[digits]))


# Initial weights


def initial_weights(learner: Learner) -> Iterator[str]:
    """Yield whether a network starts with weights that are all alike, or too large."""
    for name, weights in _networks(learner):
        if len(weights) > 1 and all(np.ptp(W) == 0 for W in weights):
            yield (
                f"initial weights are all alike: {name}: expected random numbers, found "
                f"{weights[0].flat[0]:g} everywhere, so that all neurons of a layer stay alike; "
                "write np.random.randn(n_out, n_in) * np.sqrt(1 / n_in)"
            )
            return
        first = next((W for W in weights if PIXELS in W.shape), None)
        if first is None:
            continue
        sums = mean_digits() @ (first if first.shape[0] == PIXELS else first.T)
        share = float(np.mean(np.abs(sums) > SATURATED))
        if share > 0.5:
            yield (
                f"initial weights are too large: {name}: expected weighted sums of a few, found "
                f"{share:.0%} beyond ±{SATURATED:g}, where neurons are saturated and do not "
                "learn; write np.random.randn(n_out, n_in) * np.sqrt(1 / n_in)"
            )
            return


def _networks(learner: Learner) -> Iterator[tuple[str, list[Array]]]:
    """Yield the weights that functions, classes and the file itself initialise."""
    for name, function in learner.functions().items():
        if re.match(r"(?i)(.*_)?(init|create|make|build|new|random|get_?(params|weights))", name):
            for supply in _sizes():
                try:
                    with limited():
                        returned = call(function, supply, {})
                except Exception:  # noqa: BLE001, S112
                    continue
                if weights := _matrices(items(returned, "", learner.returned_names(function))):
                    yield f"{name}()", weights
                    break
    for kind in learner.classes():
        for supply in _sizes():
            try:
                with limited():
                    places = find_places(call(kind, supply, {}))
            except Exception:  # noqa: BLE001, S112
                continue
            if places and PIXELS in places.sizes[:1]:
                yield kind.__name__, [slot.array for slot in places.weights]
                break
    own = [
        Item(name, None, value)
        for name, value in learner.names.items()
        if isinstance(value, np.ndarray) and is_weight(name)
    ]
    if weights := _matrices(own):
        yield ", ".join(item.name for item in own if item.array.ndim == 2), weights


def _sizes() -> Iterator[dict[str, Any]]:
    """Yield the sizes of a network by role, with its hidden layers as a number and as a list."""
    for hidden, sizes in product((HIDDEN, [HIDDEN]), ([PIXELS, HIDDEN, DIGITS],)):
        yield {"sizes": sizes, "inputs": PIXELS, "outputs": DIGITS, "hidden": hidden} | {
            "hidden2": HIDDEN,
            "rate": 0.1,
            "epochs": 1,
        }


def _matrices(found: Iterator[Item] | Sequence[Item]) -> list[Array]:
    return [
        item.array
        for item in found
        if item.array.ndim == 2 and min(item.array.shape) > 1 and item.array.dtype.kind == "f"
    ]


# Accuracy


def wrong_accuracy(learner: Learner, columns: bool | None) -> Iterator[str]:
    """Yield whether the file's own accuracy is wrong for outputs and labels that are made up.

    A function that is right for rows is wrong for columns, so the layout has to be known.
    """
    for name, function in learner.functions().items():
        if "accuracy" not in name.lower() or columns is None:
            continue
        parameters = parameters_of(function)
        if len([p for p in parameters if p.default is p.empty]) != 2:
            continue
        if role_of(parameters[0].name) in ("images", "parameters"):
            continue
        if fault := _accuracy_fault(function, columns):
            yield f"accuracy over the wrong axis: {name}: {fault}"


def _accuracy_fault(function: Callable[..., Any], columns: bool) -> str:
    """Return what a function of outputs and labels gives instead of the accuracy, or nothing."""
    random = np.random.default_rng(0)
    wrong = ""
    for n in (10, 12):
        outputs, digits = random.random((n, DIGITS)), random.integers(0, DIGITS, n)
        outputs[np.arange(7), digits[:7]] += 1
        outputs[np.arange(7, n), (digits[7:] + 1) % DIGITS] += 1
        targets = np.eye(DIGITS)[digits]
        laid = [x.T if columns else x for x in (outputs, targets)]
        answers = outputs.argmax(axis=1)
        for prediction, truth in (
            (answers, digits),
            (laid[0], digits),
            (laid[0], laid[1]),
            (answers, laid[1]),
        ):
            for pair in ((prediction, truth), (truth, prediction)):
                try:
                    with limited(), np.errstate(all="ignore"):
                        found = float(function(*(x.copy() for x in pair)))
                except Exception:  # noqa: BLE001, S112
                    continue
                if any(abs(found - right) < 1e-3 for right in (7 / n, 700 / n, 7)):
                    return ""
                if prediction is laid[0] and pair[0] is prediction:
                    wrong = wrong or (
                        f"expected {7 / n:.2f} for {n} outputs of which 7 are right, found "
                        f"{found:.2f}; examples are {'columns' if columns else 'rows'}, so take "
                        f"argmax(axis={0 if columns else 1})"
                    )
    return wrong
