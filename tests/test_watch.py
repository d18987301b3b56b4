"""Programs that are run as they are: whatever loads their data, their first step is read."""

from pathlib import Path
from textwrap import dedent, indent

import numpy as np
import pytest

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.diagnosis import Diagnosis, judge
from mnist_mlp.checking.isolation import Outcome
from mnist_mlp.checking.learner import Learner
from mnist_mlp.checking.lines import new_problem
from mnist_mlp.checking.matcher import Answer
from mnist_mlp.checking.sources import stand_in
from mnist_mlp.checking.tensors import find_places
from mnist_mlp.checking.trial import is_double, without_dark_pixels
from mnist_mlp.checking.watch import new_digits, watched_trials
from mnist_mlp.checking.words import report

pytestmark = pytest.mark.usefixtures("stand_ins")

LOADERS = {
    "Keras": """
        from tensorflow.keras.datasets import mnist
        (images, labels), _ = mnist.load_data()
        images = images.reshape(-1, 784) / 255
    """,
    "a book's own loader": """
        from dataset.mnist import load_mnist
        (images, targets), (x_test, t_test) = load_mnist(normalize=True, one_hot_label=True)
        labels = targets.argmax(1)
    """,
    "scikit-learn": """
        from sklearn.datasets import fetch_openml
        images, labels = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
        images, labels = images / 255, labels.astype(int)
    """,
    "PyTorch": """
        import torchvision
        data = torchvision.datasets.MNIST("data", train=True, download=True)
        images, labels = data.data.numpy().reshape(-1, 784) / 255, data.targets.numpy()
    """,
    "pandas": """
        import pandas as pd
        frame = pd.read_csv("train.csv")
        labels = frame["label"].values
        images = frame.drop("label", axis=1).values[:5000] / 255
    """,
    "a file of comma-separated values": """
        rows = [line.split(",") for line in open("mnist_train.csv")]
        labels = np.array([int(row[0]) for row in rows])
        images = np.array([[float(v) for v in row[1:]] for row in rows]) / 255
    """,
    "a file with a line of names": """
        import csv
        with open("train.csv") as file:
            reader = csv.reader(file)
            next(reader)
            rows = np.array([[int(v) for v in row] for row in reader])
        labels, images = rows[:, 0], rows[:, 1:] / 255
    """,
    "np.loadtxt": """
        rows = np.loadtxt("mnist.csv", delimiter=",", skiprows=1)
        labels, images = rows[:, 0].astype(int), rows[:, 1:] / 255
    """,
    "idx files": """
        import gzip, struct
        with gzip.open("train-labels-idx1-ubyte.gz") as file:
            struct.unpack(">II", file.read(8))
            labels = np.frombuffer(file.read(), np.uint8)
        with gzip.open("train-images-idx3-ubyte.gz") as file:
            _, n, rows, columns = struct.unpack(">IIII", file.read(16))
            images = np.frombuffer(file.read(), np.uint8).reshape(n, rows * columns) / 255
    """,
    "idx files with np.fromfile": """
        import struct
        with open("train-labels.idx1-ubyte", "rb") as file:
            struct.unpack(">II", file.read(8))
            labels = np.fromfile(file, np.uint8)
        images = np.fromfile("train-images.idx3-ubyte", np.uint8)[16:].reshape(-1, 784) / 255
    """,
    "a download": """
        import gzip, os, urllib.request
        def load(name):
            if not os.path.exists(name):
                urllib.request.urlretrieve("http://example.com/" + name, name)
            data = gzip.decompress(urllib.request.urlopen("http://example.com/" + name).read())
            return np.frombuffer(data, np.uint8)
        labels = load("train-labels-idx1-ubyte.gz")[8:]
        images = load("train-images-idx3-ubyte.gz")[16:].reshape(-1, 784) / 255
    """,
    "requests": """
        import gzip, requests
        def load(name):
            data = requests.get("http://example.com/" + name).content
            return np.frombuffer(gzip.decompress(data), np.uint8)
        labels = load("train-labels-idx1-ubyte.gz")[8:]
        images = load("train-images-idx3-ubyte.gz")[16:].reshape(-1, 784) / 255
    """,
    "pixel by pixel": """
        file = open("train-images.idx3-ubyte", "rb")
        file.read(16)
        images = []
        for _ in range(60000):
            row = []
            for _ in range(784):
                row.append(ord(file.read(1)) / 255)
            images.append(row)
        images = np.array(images)
        labels = np.frombuffer(open("train-labels.idx1-ubyte", "rb").read()[8:], np.uint8)
    """,
    "python-mnist": """
        from mnist import MNIST
        images, labels = map(np.array, MNIST("data").load_training())
        images = images / 255
    """,
    "a pickled file": """
        import gzip, pickle
        with gzip.open("mnist.pkl.gz", "rb") as file:
            (images, labels), _, _ = pickle.load(file, encoding="latin1")
    """,
    "an .npz file": """
        with np.load("mnist.npz") as data:
            images, labels = data["x_train"].reshape(-1, 784) / 255, data["y_train"]
    """,
    "an .npy file for each": """
        images, labels = np.load("X_train.npy").reshape(-1, 784) / 255, np.load("y_train.npy")
    """,
    "a module that is missing": """
        from my_mnist import get_mnist
        images, targets = get_mnist()
        labels = targets.argmax(1)
    """,
}
UPHILL = ["the step goes uphill"]
UNCORRECTED = ["Adam's averages are not corrected"]
MISCORRECTED = ["Adam's averages are corrected wrongly"]
NETWORK = """
    rate = 0.05
    w_i_h, w_h_o = np.random.randn(784, 30) * 0.05, np.random.randn(30, 10) * 0.1
    b_i_h, b_h_o = np.zeros(30), np.zeros(10)
    for epoch in range(3):
        for k in range(0, len(images), 64):
            x, t = images[k:k + 64], np.eye(10)[labels[k:k + 64]]
            h = 1 / (1 + np.exp(-(x @ w_i_h + b_i_h)))
            o = 1 / (1 + np.exp(-(h @ w_h_o + b_h_o)))
            d_o = (o - t) * o * (1 - o) / len(x)
            d_h = d_o @ w_h_o.T * h * (1 - h)
            w_h_o -= rate * h.T @ d_o
            b_h_o -= rate * d_o.sum(axis=0)
            w_i_h -= rate * x.T @ d_h
            b_i_h -= rate * d_h.sum(axis=0)
"""


def program(loader: str, network: str = NETWORK) -> str:
    return "import numpy as np\n" + dedent(loader) + dedent(network)


def watched(folder: Path, text: str) -> Diagnosis:
    """Return what the first step of a program tells."""
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    learner = Learner(path)
    found = [
        trial._replace(
            answers=list(map(without_dark_pixels, trial.answers)),
            longer=list(map(without_dark_pixels, trial.longer)),
        )
        for trial in watched_trials(learner)
    ]
    return judge(Outcome(found, "", learner.errors, []))


def names_in(diagnosis: Diagnosis) -> list[str]:
    return [mistake.name for finding in diagnosis.findings for mistake in finding.mistakes]


OFTEN = ("Keras", "a book's own loader", "pandas", "idx files", "a pickled file")
RARELY = [pytest.param(source, marks=pytest.mark.slow) for source in LOADERS if source not in OFTEN]


@pytest.mark.parametrize("source", [*OFTEN, *RARELY])
def test_a_right_program_is_right_whatever_loads_its_data(source: str, tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program(LOADERS[source]))
    assert diagnosis.is_right, report(diagnosis, "mine.py")


def test_a_program_in_a_function_under_any_names_is_read(tmp_path: Path) -> None:
    loop = NETWORK.replace("w_", "zeta").replace("images", "bilder").replace("labels", "zahlen")
    text = (
        program(LOADERS["Keras"], "").replace("images", "bilder").replace("labels", "zahlen")
        + "def los():\n"
        + indent(
            dedent(loop.replace("d_h = d_o @ zetah_o.T * h * (1 - h)", "d_h = d_o @ zetah_o.T")),
            "    ",
        )
        + "if __name__ == '__main__':\n    los()\n"
    )
    assert "the hidden slope left out" in names_in(watched(tmp_path, text))


def test_a_program_that_updates_too_early_is_told(tmp_path: Path) -> None:
    late = "d_h = d_o @ w_h_o.T * h * (1 - h)"
    lines = [line for line in NETWORK.splitlines() if late not in line]
    at = next(k for k, line in enumerate(lines) if "w_h_o -=" in line) + 1
    lines.insert(at, " " * 12 + late)
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], "\n".join(lines)))
    assert names_in(diagnosis) == ["updated too early: delta goes back through new weights"]


def test_gradients_that_are_never_reset_are_told(tmp_path: Path) -> None:
    network = """
        sums = [np.zeros((784, 10)), np.zeros(10)]
        W, b = np.random.randn(784, 10) * 0.05, np.zeros(10)
        def outputs(x):
            e = np.exp(x @ W + b)
            return e / e.sum(axis=1, keepdims=True)
        for epoch in range(3):
            d = outputs(images) - np.eye(10)[labels]
            sums[0] += images.T @ d
            sums[1] += d.sum(axis=0)
            W -= 0.05 * sums[0]
            b -= 0.05 * sums[1]
    """
    text = program(LOADERS["Keras"], network)
    assert names_in(watched(tmp_path, text)) == ["gradients not reset"]
    reset = text.replace("sums[0] += ", "sums[0] = ").replace("sums[1] += ", "sums[1] = ")
    assert watched(tmp_path, reset).is_right


def test_the_gradients_that_adam_is_given_are_read(tmp_path: Path) -> None:
    network = """
        parameters = {"W": np.random.randn(784, 10) * 0.05, "b": np.zeros(10)}
        m, v = ({k: np.zeros_like(p) for k, p in parameters.items()} for _ in range(2))
        def adam(grads, beta1=0.9, beta2=0.999):
            for k, g in grads.items():
                m[k] = beta1 * m[k] + (1 - beta1) * g
                v[k] = beta2 * v[k] + (1 - beta2) * g ** 2
                parameters[k] -= 0.001 * m[k] / (np.sqrt(v[k]) + 1e-8)
        for epoch in range(3):
            o = 1 / (1 + np.exp(-(images @ parameters["W"] + parameters["b"])))
            d = (o - np.eye(10)[labels]) / len(images)
            adam({"W": images.T @ d, "b": d.sum() * np.ones(10)})
    """
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], network))
    assert names_in(diagnosis) == ["one number for all biases of a layer"]


def test_the_cost_that_a_program_computes_decides_which_reading_is_meant(tmp_path: Path) -> None:
    without_slope = NETWORK.replace("(o - t) * o * (1 - o)", "(o - t)")
    squared = without_slope.replace(
        "d_o =", "error = ((o - t) ** 2).sum() / len(x)\n            d_o ="
    )
    assert watched(tmp_path, program(LOADERS["Keras"], without_slope)).is_right
    wrong = watched(tmp_path, program(LOADERS["Keras"], squared))
    assert names_in(wrong)[:1] == ["the output slope left out"]


def test_a_batch_drawn_with_replacement_is_the_one_that_is_used(tmp_path: Path) -> None:
    drawn = NETWORK.replace("range(0, len(images), 64)", "range(3)").replace(
        "x, t = images[k:k + 64], np.eye(10)[labels[k:k + 64]]",
        "rows = np.random.choice(len(images), len(images))\n"
        "            x, t = images[rows], np.eye(10)[labels[rows]]",
    )
    assert watched(tmp_path, program(LOADERS["Keras"], drawn)).is_right


def test_an_average_over_the_whole_file_is_told_from_that_over_a_batch(tmp_path: Path) -> None:
    shuffled = NETWORK.replace(
        "x, t = images[k:k + 64], np.eye(10)[labels[k:k + 64]]",
        "rows = np.random.permutation(len(images))[k:k + 64]\n"
        "            x, t = images[rows], np.eye(10)[labels[rows]]",
    )
    assert watched(tmp_path, program(LOADERS["Keras"], shuffled)).is_right
    for network in (NETWORK, shuffled):
        whole = network.replace("/ len(x)", "/ len(images)")
        assert names_in(watched(tmp_path, program(LOADERS["Keras"], whole))) == [
            "divided by the size of the whole file"
        ]


ONE_AFTER_ANOTHER = """
    W, b = np.random.randn(784, 10) * 0.05, np.zeros(10)
    def outputs(x):
        e = np.exp(x @ W + b)
        return e / e.sum()
    for k in range(0, len(images), 64):
        sum_W, sum_b = np.zeros((784, 10)), np.zeros(10)
        for x, label in zip(images[k:k + 64], labels[k:k + 64]):
            d = outputs(x) - np.eye(10)[label]
            sum_W = np.outer(x, d)
            sum_b = d
            W -= 0.05 / 64 * sum_W
            b -= 0.05 / 64 * sum_b
"""


def test_each_example_of_a_batch_may_make_its_share_of_the_step(tmp_path: Path) -> None:
    text = program(LOADERS["Keras"], ONE_AFTER_ANOTHER)
    by_length = text.replace("/ 64", "/ len(images[k:k + 64])")
    assert watched(tmp_path, by_length).is_right
    growing = by_length.replace("sum_W = n", "sum_W += n").replace("sum_b = d", "sum_b += d")
    assert names_in(watched(tmp_path, growing)) == ["gradients not reset"]


def test_pictures_of_another_size_have_the_pixels_of_those_that_are_made_up(tmp_path: Path) -> None:
    network = """
        sizes = [12288, 20, 1]
        with np.load("cats.npz") as data:
            x, y = data["train_x"].reshape(-1, 12288) / 255, data["train_y"].reshape(-1, 1)
        w1, b1 = np.random.randn(sizes[1], sizes[0]) * 0.01, np.zeros(sizes[1])
        w2, b2 = np.random.randn(sizes[2], sizes[1]), np.zeros(sizes[2])
        for step in range(2500):
            h = np.tanh(x @ w1.T + b1)
            o = 1 / (1 + np.exp(-(h @ w2.T + b2)))
            d2 = (o - y) / len(x)
            d1 = d2 @ w2 * (1 - h ** 2)
            w2 -= 0.01 * d2.T @ h
            b2 -= 0.01 * d2.sum(axis=0)
            w1 -= 0.01 * d1.T @ x
            b1 -= 0.01 * d1.sum(axis=0)
    """
    assert watched(tmp_path, program("", network)).is_right


ADAM = """
    def adam(W, dW, state, t, rate=0.05, beta1=0.9, beta2=0.999):
        state[0] = beta1 * state[0] + (1 - beta1) * dW
        state[1] = beta2 * state[1] + (1 - beta2) * dW ** 2
        m, v = state[0] / (1 - beta1 ** t), state[1] / (1 - beta2 ** t)
        W -= rate * m / (np.sqrt(v) + 1e-8)

    def outputs(x):
        h = 1 / (1 + np.exp(-(x @ w_i_h)))
        return h, 1 / (1 + np.exp(-(h @ w_h_o)))

    rate, t = 0.05, 0
    w_i_h, w_h_o = np.random.randn(784, 30) * 0.05, np.random.randn(30, 10) * 0.1
    states = [[0, 0], [0, 0]]
    x, y = images, np.eye(10)[labels]
    for epoch in range(3):
        h, o = outputs(x)
        d_o = (o - y) * o * (1 - o) / len(x)
        dw_h_o, dw_i_h = h.T @ d_o, x.T @ (d_o @ w_h_o.T * h * (1 - h))
        t += 1
        adam(w_h_o, dw_h_o, states[0], t)
        adam(w_i_h, dw_i_h, states[1], t)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "names"),
    [
        ("t", "t", []),
        ("np.sqrt(v)", "v", ["the square root forgotten"]),
        (" / (1 - beta1 ** t), state[1] / (1 - beta2 ** t)", ", state[1]", UNCORRECTED),
        ("1 - beta2 ** t", "1 - beta1 ** t", MISCORRECTED),
        ("t += 1", "t = 1", MISCORRECTED),
        ("beta1=0.9, beta2=0.999", "beta1=0.999, beta2=0.9", ["Adam's betas are swapped"]),
    ],
)
def test_what_is_wrong_with_adam_is_told(
    right: str, wrong: str, names: list[str], tmp_path: Path
) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], ADAM.replace(right, wrong)))
    assert names_in(diagnosis) == names


MOMENTUM = """
    def outputs(x):
        h = 1 / (1 + np.exp(-(x @ w_i_h)))
        return h, 1 / (1 + np.exp(-(h @ w_h_o)))

    rate, momentum = 0.05, 0.8
    w_i_h, w_h_o = np.random.randn(784, 30) * 0.05, np.random.randn(30, 10) * 0.1
    x, y = images, np.eye(10)[labels]
    velocity, other = 0, 0
    for epoch in range(3):
        h, o = outputs(x)
        d_o = (o - y) * o * (1 - o) / len(x)
        dw_h_o, dw_i_h = h.T @ d_o, x.T @ (d_o @ w_h_o.T * h * (1 - h))
        velocity = momentum * velocity + dw_h_o
        other = momentum * other + dw_i_h
        w_h_o -= rate * velocity
        w_i_h -= rate * other
"""


@pytest.mark.parametrize(
    ("right", "wrong", "names"),
    [
        ("x", "x", []),
        (
            "velocity = momentum * velocity",
            "velocity = 0",
            ["the velocity is reset before each step"],
        ),
        ("w_h_o -= rate * velocity", "w_h_o += rate * velocity", UPHILL),
        ("velocity + dw", "-velocity + dw", ["the old velocity has the wrong sign"]),
    ],
)
def test_what_is_wrong_with_momentum_is_told(
    right: str, wrong: str, names: list[str], tmp_path: Path
) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], MOMENTUM.replace(right, wrong)))
    assert names_in(diagnosis) == names


IN_OBJECTS = """
    class Affine:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, delta):
            self.dW, self.db = self.x.T @ delta, delta.sum(axis=0)
            return delta @ self.W.T

    class Relu:
        def forward(self, x):
            self.mask = x <= 0
            return np.where(self.mask, 0, x)

        def backward(self, delta):
            return np.where(self.mask, 0, delta)

    class Net:
        def __init__(self):
            self.params = {
                "W1": np.random.randn(784, 30) * 0.05, "b1": np.zeros(30),
                "W2": np.random.randn(30, 10) * 0.1, "b2": np.zeros(10),
            }
            self.layers = [
                Affine(self.params["W1"], self.params["b1"]), Relu(),
                Affine(self.params["W2"], self.params["b2"]),
            ]

        def step(self, x, t):
            for layer in self.layers:
                x = layer.forward(x)
            e = np.exp(x - x.max(axis=1, keepdims=True))
            delta = (e / e.sum(axis=1, keepdims=True) - t) / len(t)
            for layer in self.layers[::-1]:
                delta = layer.backward(delta)
            first, _, second = self.layers
            gradients = {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}
            for key in self.params:
                self.params[key] -= 0.1 * gradients[key]

    net = Net()
    for i in range(100):
        net.step(images, np.eye(10)[labels])
"""
ONE_BY_ONE = """
    W1, b1 = np.random.randn(30, 784) * 0.05, np.zeros((30, 1))
    T, c = np.random.randn(10, 30) * 0.1, np.zeros((10, 1))
    for epoch in range(3):
        dW1, db1, dT, dc = 0, 0, 0, 0
        for row in np.loadtxt("mnist.csv", delimiter=","):
            x, t = row[1:].reshape(-1, 1) / 255, -np.ones((10, 1))
            t[int(row[0])] = 1
            h = np.tanh(W1 @ x + b1)
            o = np.tanh(T @ h + c)
            d_o = (o - t) * (1 - o**2)
            d_h = T.T @ d_o * (1 - h**2)
            dW1, db1, dT, dc = dW1 + d_h @ x.T, db1 + d_h, dT + d_o @ h.T, dc + d_o
        W1 -= 0.1 * dW1
        b1 -= 0.1 * db1
        T -= 0.1 * dT
        c -= 0.1 * dc
"""


def test_parameters_that_a_dictionary_and_layers_share_are_found_once(tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], IN_OBJECTS))
    assert diagnosis.is_right, report(diagnosis, "mine.py")
    assert diagnosis.reading
    assert diagnosis.reading.recipe.output == "softmax"


def test_a_batch_whose_images_are_scaled_one_by_one_is_read(tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program("", ONE_BY_ONE))
    assert diagnosis.is_right, report(diagnosis, "mine.py")


AFTER_SOME = """
    forma, gruppo, visti, somma = [784, 20, 10], 25, 0, None
    P = [[np.random.randn(a, b) * 0.1, np.zeros(b)] for a, b in zip(forma, forma[1:])]
    for giro in range(3):
        for x, t in zip(images, labels):
            h = np.tanh(x @ P[0][0] + P[0][1])
            p = np.exp(h @ P[1][0] + P[1][1])
            p /= p.sum()
            d2 = p - np.eye(10)[t]
            d1 = P[1][0] @ d2 * (1 - h**2)
            nuovo = [np.outer(x, d1), d1, np.outer(h, d2), d2]
            somma = [s + n for s, n in zip(somma, nuovo)] if somma else nuovo
            visti += 1
            if visti == gruppo:
                for k in range(4):
                    P[k // 2][k % 2] = P[k // 2][k % 2] - 0.1 / visti * somma[k]
                visti, somma = 0, None
"""


def test_a_step_after_some_examples_is_made_after_those_there_are(tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], AFTER_SOME))
    assert diagnosis.is_right, report(diagnosis, "mine.py")


DROPPING = """
    W1, b1 = np.random.randn(784, 30) * 0.05, np.zeros(30)
    W2, b2 = np.random.randn(30, 10) * 0.1, np.zeros(10)
    dropout = 0.2
    for epoch in range(3):
        x, t = images, np.eye(10)[labels]
        h = np.maximum(x @ W1 + b1, 0)
        mask = (np.random.rand(*h.shape) < 0.8) * 1
        h = {h}
        d2 = (h @ W2 + b2 - t) / len(x)
        d1 = d2 @ W2.T * (h > 0)
        d1 = {d1}
        W2, b2 = W2 - 0.1 * h.T @ d2, b2 - 0.1 * d2.sum(axis=0)
        W1, b1 = W1 - 0.1 * x.T @ d1, b1 - 0.1 * d1.sum(axis=0)
"""


@pytest.mark.parametrize(
    "scale", ["* mask / 0.8", "* mask", "* 3 * mask", "* mask / (1 - dropout)"]
)
def test_masks_may_be_scaled_by_any_number_of_the_program(scale: str, tmp_path: Path) -> None:
    text = DROPPING.format(h=f"h {scale}", d1=f"d1 {scale}")
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], text))
    assert diagnosis.is_right, report(diagnosis, "mine.py")


def test_a_program_need_not_speak_of_dropout(tmp_path: Path) -> None:
    text = DROPPING.format(h="h * mask / 0.8", d1="d1").replace("mask", "hasard")
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], text.replace("dropout", "reste")))
    assert names_in(diagnosis) == ["the dropout mask without its division"]


YES_OR_NO = """
    strato1, strato2 = np.random.randn(784, 20) * 0.1, np.random.randn(20) * 0.1
    soglia1, soglia2 = np.zeros(20), 0.0
    for epoch in range(3):
        for x, digit in zip(images, labels):
            t = digit == 0
            h = np.tanh(x @ strato1 + soglia1)
            o = 1 / (1 + np.exp(-(h @ strato2 + soglia2)))
            d2 = (o - t) * o * (1 - o)
            d1 = d2 * strato2 * (1 - h**2)
            strato2, soglia2 = strato2 - 0.2 * d2 * h, soglia2 - 0.2 * d2
            strato1, soglia1 = strato1 - 0.2 * np.outer(x, d1), soglia1 - 0.2 * d1
"""


def test_a_single_output_may_have_a_vector_of_weights_and_stand_for_either_label(
    tmp_path: Path,
) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], YES_OR_NO))
    assert diagnosis.is_right, report(diagnosis, "mine.py")
    assert diagnosis.reading
    assert len(diagnosis.reading.factors) == 4
    wrong = YES_OR_NO.replace("soglia2 - 0.2", "soglia2 + 0.2")
    assert names_in(watched(tmp_path, program(LOADERS["Keras"], wrong))) == [
        "the biases' step goes uphill"
    ]


def test_a_layer_alone_is_no_network_with_too_many_outputs(tmp_path: Path) -> None:
    text = YES_OR_NO.replace("strato2", "altri")
    assert not watched(tmp_path, program(LOADERS["Keras"], text)).is_right


NEURONS = """
    class Neuron:
        def __init__(self, n):
            self.weights, self.bias = np.random.randn(n) * 0.1, 0.0

        def fire(self, x):
            self.x, self.a = x, 1 / (1 + np.exp(-(self.weights @ x + self.bias)))
            return self.a

        def learn(self):
            self.weights -= 0.1 * self.delta * self.x
            self.bias -= 0.1 * self.delta

    class Layer:
        def __init__(self, n, size):
            self.neurons = []
            for _ in range(size):
                self.neurons.append(Neuron(n))

        def fire(self, x):
            return np.array([neuron.fire(x) for neuron in self.neurons])

    class Brain:
        def __init__(self):
            self.hidden, self.out = Layer(784, 20), Layer(20, 10)

        def learn(self, x, y):
            self.out.fire(self.hidden.fire(x))
            for k, neuron in enumerate(self.out.neurons):
                neuron.delta = neuron.a - (k == y)
            for j, neuron in enumerate(self.hidden.neurons):
                error = 0.0
                for after in self.out.neurons:
                    error += after.delta * after.weights[j]
                neuron.delta = error * neuron.a * (1 - neuron.a)
            for neuron in self.hidden.neurons + self.out.neurons:
                neuron.learn()

    brain = Brain()
    for x, y in zip(images, labels):
        brain.learn(x, y)
"""


def test_neurons_may_be_updated_by_a_function_of_each(tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], NEURONS))
    assert diagnosis.is_right, report(diagnosis, "mine.py")


def test_weights_may_be_called_as_targets_often_are() -> None:
    places = find_places({"V": ones(64, 785), "U": ones(32, 65), "T": ones(10, 33)})
    assert places
    assert places.sizes == [784, 64, 32, 10]


def ones(*shape: int) -> Array:
    return np.ones(shape)


def test_a_table_can_be_read_with_the_labels_first_or_last() -> None:
    digits = new_digits(5, 0, range(10), header=False)
    with stand_in(digits, set()):
        rows = np.loadtxt("mnist.csv", delimiter=",")
    for labels, images in ((rows[:, 0], rows[:, 1:]), (rows[:, -1], rows[:, :-1])):
        np.testing.assert_array_equal(labels, digits.labels)
        np.testing.assert_array_equal(images, digits.images)


IN_DICTIONARIES = """
    sizes = {"W1": (30, 784), "b1": (30, 1), "W2": (10, 30), "b2": (10, 1)}
    V = {k: np.zeros(size) for k, size in sizes.items()}
    params = {
        "W1": np.random.randn(30, 784) * 0.05, "b1": np.zeros((30, 1)),
        "W2": np.random.randn(10, 30) * 0.1, "b2": np.zeros((10, 1)),
    }
    for epoch in range(3):
        x, t = images.T, np.eye(10)[labels].T
        a = np.tanh(params["W1"] @ x + params["b1"])
        o = 1 / (1 + np.exp(-(params["W2"] @ a + params["b2"])))
        d_o = (o - t) / len(images)
        d_a = params["W2"].T @ d_o * (1 - a**2)
        grads = {
            "W1": d_a @ x.T, "b1": d_a.sum(axis=1, keepdims=True),
            "W2": d_o @ a.T, "b2": d_o.sum(axis=1, keepdims=True),
        }
        for k in params:
            V[k] = 0.9 * V[k] + 0.1 * grads[k]
            params[k] = params[k] - 0.5 * V[k]
"""
WITH_ADAM = """
    class Linear:
        def __init__(self, n_in, n_out):
            self.params = {"w": np.random.randn(n_in, n_out) * 0.1, "b": np.zeros(n_out)}
            self.grads = {}

        def forward(self, x):
            self.x = x
            self.y = np.tanh(x @ self.params["w"] + self.params["b"])
            return self.y

        def backward(self, grad):
            grad = grad * (1 - self.y**2)
            self.grads["w"], self.grads["b"] = self.x.T @ grad, grad.sum(axis=0)
            return grad @ self.params["w"].T

    class Net:
        def __init__(self):
            self.layers = [Linear(784, 30), Linear(30, 10)]

        def step(self, x, t):
            for layer in self.layers:
                x = layer.forward(x)
            grad = x - t
            for layer in reversed(self.layers):
                grad = layer.backward(grad)

    net, m, v, beta1, beta2 = Net(), {}, {}, 0.9, 0.999
    for step in range(1, 100):
        net.step(images, np.eye(10)[labels])
        for layer in net.layers:
            for key, p in layer.params.items():
                grad = layer.grads[key]
                at = id(layer), key
                m[at] = beta1 * m.get(at, 0) + (1 - beta1) * grad
                v[at] = beta2 * v.get(at, 0) + (1 - beta2) * grad**2
                m_hat, v_hat = m[at] / (1 - beta1**step), v[at] / (1 - beta2**step)
                p -= 0.001 * m_hat / (np.sqrt(v_hat) + 1e-8)
"""


@pytest.mark.parametrize("network", [IN_DICTIONARIES, WITH_ADAM], ids=["velocities", "Adam"])
def test_what_an_optimizer_keeps_is_told_from_parameters(network: str, tmp_path: Path) -> None:
    diagnosis = watched(tmp_path, program(LOADERS["Keras"], network))
    assert diagnosis.is_right, report(diagnosis, "mine.py")
    assert diagnosis.reading
    assert diagnosis.reading.recipe.hidden == "tanh"


def test_a_gradient_of_rounding_errors_is_not_called_accumulated() -> None:
    problem = new_problem([6, 5, 4], 1, 0)

    def of(size: float) -> Answer:
        return Answer(problem, [size * np.ones_like(each) for each in problem.weights], [None] * 2)

    assert is_double(of(1e-3), of(2e-3))
    assert not is_double(of(1e-17), of(2e-17))
