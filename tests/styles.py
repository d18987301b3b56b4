"""Programs as learners write them: backpropagation in more styles, and mistakes in it."""

STYLES = {
    "one vector of parameters": """
        import numpy as np
        from scipy.optimize import minimize
        SHAPES = [(784, 12), (12,), (12, 10), (10,)]
        def unpack(theta):
            parts, at = [], 0
            for shape in SHAPES:
                size = int(np.prod(shape))
                parts.append(theta[at:at + size].reshape(shape))
                at += size
            return parts
        def start():
            return np.concatenate([0.1 * np.random.randn(*s).ravel() for s in SHAPES])
        def cost_and_grad(theta, X, Y):
            W1, b1, W2, b2 = unpack(theta)
            h = np.tanh(X @ W1 + b1)
            e = np.exp(h @ W2 + b2)
            p = e / e.sum(axis=1, keepdims=True)
            cost = -(Y * np.log(p)).sum() / len(X)
            d2 = (p - Y) / len(X)
            d1 = d2 @ W2.T * (1 - h ** 2)
            parts = [X.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)]
            return cost, np.concatenate([part.ravel() for part in parts])
    """,
    "arguments that are called something else": """
        import numpy as np

        def fwd(i, p, q, r, s):
            h = np.maximum(0, i @ p + q)
            e = np.exp(h @ r + s)
            return h, e / e.sum(axis=1, keepdims=True)

        def grads(i, j, v, w, u):
            delta = w - j
            back = delta @ u.T * (v > 0)
            return i.T @ back, back.sum(axis=0), v.T @ delta, delta.sum(axis=0)

        def main():
            A1, A2 = fwd(X, W1, b1, W2, b2)
            dW1, db1, dW2, db2 = grads(X, Y, A1, A2, W2)
    """,
    "one vector with biases in the weights": """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def cost_function(nn_params, input_layer_size, hidden_layer_size, num_labels, X, y, reg):
            cut = hidden_layer_size * (input_layer_size + 1)
            theta1 = nn_params[:cut].reshape(hidden_layer_size, -1)
            theta2 = nn_params[cut:].reshape(num_labels, -1)
            m = len(X)
            Y = np.eye(num_labels)[y]
            a1 = np.c_[np.ones(m), X]
            s = sigmoid(a1 @ theta1.T)
            a2 = np.c_[np.ones(m), s]
            h = sigmoid(a2 @ theta2.T)
            cost = -(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum() / m
            cost += reg / (2 * m) * ((theta1[:, 1:] ** 2).sum() + (theta2[:, 1:] ** 2).sum())
            d3 = h - Y
            d2 = (d3 @ theta2)[:, 1:] * s * (1 - s)
            by1, by2 = d2.T @ a1 / m, d3.T @ a2 / m
            by1[:, 1:] += reg / m * theta1[:, 1:]
            by2[:, 1:] += reg / m * theta2[:, 1:]
            return cost, np.r_[by1.ravel(), by2.ravel()]
    """,
    "global arrays": """
        import numpy as np
        W1 = np.random.randn(20, 784) / 28
        b1 = np.zeros((20, 1))
        W2 = np.random.randn(10, 20) / 5
        b2 = np.zeros((10, 1))
        def sigmoid(z):
            return 1 / (1 + np.exp(-z))
        def forward(x):
            h = sigmoid(W1 @ x + b1)
            return h, sigmoid(W2 @ h + b2)
        def train(images, labels, epochs=3, rate=0.1):
            global W1, b1, W2, b2
            for epoch in range(epochs):
                for x, y in zip(images, labels):
                    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
                    h, o = forward(x)
                    d2 = (o - y) * o * (1 - o)
                    d1 = W2.T @ d2 * h * (1 - h)
                    W2 -= rate * d2 @ h.T
                    b2 -= rate * d2
                    W1 -= rate * d1 @ x.T
                    b1 -= rate * d1
                print("epoch", epoch)
    """,
    "a loop in main": """
        import numpy as np
        import matplotlib.pyplot as plt
        from tensorflow.keras.datasets import mnist

        def softmax(z):
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)

        def main():
            (x_train, y_train), (x_test, y_test) = mnist.load_data()
            x_train = x_train.reshape(-1, 784) / 255.0
            y_train = np.eye(10)[y_train]
            rng = np.random.default_rng(0)
            W1 = rng.normal(0, 0.05, (784, 32))
            b1 = np.zeros(32)
            W2 = rng.normal(0, 0.05, (32, 10))
            b2 = np.zeros(10)
            lr, batch_size = 0.1, 64
            losses = []
            for epoch in range(10):
                order = rng.permutation(len(x_train))
                for i in range(0, len(x_train), batch_size):
                    xb = x_train[order[i:i + batch_size]]
                    yb = y_train[order[i:i + batch_size]]
                    z1 = xb @ W1 + b1
                    a1 = np.maximum(0, z1)
                    p = softmax(a1 @ W2 + b2)
                    losses.append(-np.mean(np.sum(yb * np.log(p), axis=1)))
                    dz2 = (p - yb) / len(xb)
                    dz1 = (dz2 @ W2.T) * (z1 > 0)
                    W2 -= lr * a1.T @ dz2
                    b2 -= lr * dz2.sum(axis=0)
                    W1 -= lr * xb.T @ dz1
                    b1 -= lr * dz1.sum(axis=0)
                print(epoch, losses[-1])
            plt.plot(losses)
            plt.show()

        if __name__ == "__main__":
            main()
    """,
    "a loop under if main": """
        import gzip
        import numpy as np

        def read_images(name):
            with gzip.open(name) as f:
                return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784)

        def read_labels(name):
            with gzip.open(name) as f:
                return np.frombuffer(f.read(), np.uint8, offset=8)

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        if __name__ == "__main__":
            X = read_images("train-images-idx3-ubyte.gz").T / 255
            labels = read_labels("train-labels-idx1-ubyte.gz")
            Y = np.zeros((10, labels.size))
            Y[labels, np.arange(labels.size)] = 1
            m = X.shape[1]
            W1, b1 = np.random.randn(16, 784) * 0.1, np.zeros((16, 1))
            W2, b2 = np.random.randn(10, 16) * 0.1, np.zeros((10, 1))
            for step in range(500):
                A1 = np.tanh(W1 @ X + b1)
                A2 = sigmoid(W2 @ A1 + b2)
                dZ2 = A2 - Y
                dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
                W2 = W2 - 0.5 * dZ2 @ A1.T / m
                b2 = b2 - 0.5 * dZ2.sum(axis=1, keepdims=True) / m
                W1 = W1 - 0.5 * dZ1 @ X.T / m
                b1 = b1 - 0.5 * dZ1.sum(axis=1, keepdims=True) / m
    """,
    "a train method with two hidden layers": """
        import numpy

        class neuralNetwork:
            def __init__(self, inputnodes, hidden1nodes, hidden2nodes, outputnodes, learningrate):
                self.lr = learningrate
                self.w_ih1 = numpy.random.normal(0, 0.1, (hidden1nodes, inputnodes))
                self.w_h1h2 = numpy.random.normal(0, 0.1, (hidden2nodes, hidden1nodes))
                self.w_h2o = numpy.random.normal(0, 0.1, (outputnodes, hidden2nodes))
                self.bias_h1 = numpy.zeros((hidden1nodes, 1))
                self.bias_h2 = numpy.zeros((hidden2nodes, 1))
                self.bias_o = numpy.zeros((outputnodes, 1))
                self.f = lambda x: 1 / (1 + numpy.exp(-x))

            def train(self, inputs_list, targets_list):
                x = numpy.array(inputs_list, ndmin=2).T
                t = numpy.array(targets_list, ndmin=2).T
                h1 = self.f(self.w_ih1 @ x + self.bias_h1)
                h2 = self.f(self.w_h1h2 @ h1 + self.bias_h2)
                o = self.f(self.w_h2o @ h2 + self.bias_o)
                do = (t - o) * o * (1 - o)
                d2 = self.w_h2o.T @ do * h2 * (1 - h2)
                d1 = self.w_h1h2.T @ d2 * h1 * (1 - h1)
                self.w_h2o += self.lr * do @ h2.T
                self.bias_o += self.lr * do
                self.w_h1h2 += self.lr * d2 @ h1.T
                self.bias_h2 += self.lr * d2
                self.w_ih1 += self.lr * d1 @ x.T
                self.bias_h1 += self.lr * d1
    """,
    "a batch of pairs": """
        import numpy as np

        class Network:
            def __init__(self, sizes):
                self.b = [np.zeros((n, 1)) for n in sizes[1:]]
                self.w = [np.random.randn(n, m) for m, n in zip(sizes, sizes[1:])]
                self.sum_b, self.sum_w = [0 * b for b in self.b], [0 * w for w in self.w]

            def backprop(self, x, y):
                acts = [x]
                for w, b in zip(self.w, self.b):
                    acts.append(1 / (1 + np.exp(-w @ acts[-1] - b)))
                delta = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
                by_b, by_w = [], []
                for i in range(len(self.w) - 1, -1, -1):
                    by_b.insert(0, delta)
                    by_w.insert(0, delta @ acts[i].T)
                    delta = self.w[i].T @ delta * acts[i] * (1 - acts[i])
                return by_b, by_w

            def update_mini_batch(self, batch, eta):
                sum_b, sum_w = [0 * b for b in self.b], [0 * w for w in self.w]
                for x, y in batch:
                    by_b, by_w = self.backprop(x, y)
                    for i in range(len(self.w)):
                        sum_b[i] += by_b[i]
                        sum_w[i] += by_w[i]
                self.w = [w - eta / len(batch) * s for w, s in zip(self.w, sum_w)]
                self.b = [b - eta / len(batch) * s for b, s in zip(self.b, sum_b)]
    """,
    "a class without NumPy": """
        import math
        import random

        def sigmoid(x):
            return 1 / (1 + math.exp(-x))

        def layer(rows, biases, x):
            return [sigmoid(sum(w * v for w, v in zip(row, x)) + b) for row, b in zip(rows, biases)]

        class Network:
            def __init__(self, n_in, n_hidden, n_out):
                self.w1 = [[random.gauss(0, 1) for _ in range(n_in)] for _ in range(n_hidden)]
                self.w2 = [[random.gauss(0, 1) for _ in range(n_hidden)] for _ in range(n_out)]
                self.b1, self.b2 = [0.0] * n_hidden, [0.0] * n_out

            def train(self, x, target, lr=0.1):
                h = layer(self.w1, self.b1, x)
                o = layer(self.w2, self.b2, h)
                d2 = [(a - t) * a * (1 - a) for a, t in zip(o, target)]
                d1 = []
                for j, a in enumerate(h):
                    error = sum(d * row[j] for d, row in zip(d2, self.w2))
                    d1.append(error * a * (1 - a))
                for rows, biases, deltas, inputs in (
                    (self.w1, self.b1, d1, x), (self.w2, self.b2, d2, h)
                ):
                    for k, d in enumerate(deltas):
                        biases[k] -= lr * d
                        for j, v in enumerate(inputs):
                            rows[k][j] -= lr * d * v
    """,
    "lists of neurons with the bias last": """
        import math

        def output(neuron, inputs):
            return 1 / (1 + math.exp(-sum(w * v for w, v in zip(neuron, inputs + [1]))))

        def gradients(network, x, target):
            hidden_layer, output_layer = network
            hidden = [output(neuron, x) for neuron in hidden_layer]
            outputs = [output(neuron, hidden) for neuron in output_layer]
            deltas = [(o - t) * o * (1 - o) for o, t in zip(outputs, target)]
            columns = list(zip(*output_layer))[:-1]
            carried = [sum(d * w for d, w in zip(deltas, column)) for column in columns]
            hidden_deltas = [c * h * (1 - h) for c, h in zip(carried, hidden)]
            return [
                [[d * v for v in x + [1]] for d in hidden_deltas],
                [[d * h for h in hidden + [1]] for d in deltas],
            ]
    """,
    "neurons as dictionaries": """
        from math import exp
        from random import random

        def new_network(n_inputs, n_hidden, n_outputs):
            def layer(m, n):
                return [{"weights": [random() for _ in range(m + 1)]} for _ in range(n)]
            return [layer(n_inputs, n_hidden), layer(n_hidden, n_outputs)]

        def run(network, values):
            for layer in network:
                for neuron in layer:
                    *weights, bias = neuron["weights"]
                    total = bias + sum(w * v for w, v in zip(weights, values))
                    neuron["inputs"], neuron["output"] = values, 1 / (1 + exp(-total))
                values = [neuron["output"] for neuron in layer]
            return values

        def blame(network, expected):
            errors = [neuron["output"] - y for neuron, y in zip(network[-1], expected)]
            for layer in reversed(network):
                for neuron, error in zip(layer, errors):
                    neuron["delta"] = error * neuron["output"] * (1 - neuron["output"])
                errors = [
                    sum(neuron["weights"][j] * neuron["delta"] for neuron in layer)
                    for j in range(len(layer[0]["weights"]) - 1)
                ]

        def train_network(network, train, l_rate, n_epoch, n_outputs):
            for epoch in range(n_epoch):
                for row in train:
                    run(network, row[:-1])
                    blame(network, [int(k == row[-1]) for k in range(n_outputs)])
                    for layer in network:
                        for neuron in layer:
                            step = l_rate * neuron["delta"]
                            for j, value in enumerate(neuron["inputs"]):
                                neuron["weights"][j] -= step * value
                            neuron["weights"][-1] -= step
    """,
    "neurons as objects": """
        import math
        import random

        class Neuron:
            def __init__(self, n):
                self.weights = [random.uniform(-1, 1) for _ in range(n)]
                self.bias = random.uniform(-1, 1)

            def fire(self, inputs):
                total = sum(w * x for w, x in zip(self.weights, inputs)) + self.bias
                self.inputs, self.output = inputs, 1 / (1 + math.exp(-total))
                return self.output

        class Brain:
            def __init__(self, num_inputs, num_hidden, num_outputs):
                self.hidden_layer = [Neuron(num_inputs) for _ in range(num_hidden)]
                self.output_layer = [Neuron(num_hidden) for _ in range(num_outputs)]

            def train(self, inputs, targets, rate=0.5):
                h = [n.fire(inputs) for n in self.hidden_layer]
                o = [n.fire(h) for n in self.output_layer]
                d2 = [(a - t) * a * (1 - a) for a, t in zip(o, targets)]
                d1 = []
                for j, a in enumerate(h):
                    error = sum(d * n.weights[j] for d, n in zip(d2, self.output_layer))
                    d1.append(error * a * (1 - a))
                for n, d in zip(self.output_layer + self.hidden_layer, d2 + d1):
                    n.weights = [w - rate * d * x for w, x in zip(n.weights, n.inputs)]
                    n.bias -= rate * d
    """,
    "a class with dropout": """
        import numpy as np
        class Net:
            def __init__(self, n_in=784, n_hidden=64, n_out=10, lr=0.1, keep_prob=0.8):
                self.lr, self.keep_prob = lr, keep_prob
                self.W1, self.b1 = np.random.randn(n_in, n_hidden) / 28, np.zeros(n_hidden)
                self.W2, self.b2 = np.random.randn(n_hidden, n_out) / 8, np.zeros(n_out)
            def fit_batch(self, X, y):
                n = len(X)
                z = X @ self.W1 + self.b1
                a = np.maximum(z, 0)
                self.mask = (np.random.rand(*a.shape) < self.keep_prob) / self.keep_prob
                a = a * self.mask
                s = a @ self.W2 + self.b2
                p = np.exp(s - s.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                p[np.arange(n), y] -= 1
                d2 = p / n
                d1 = d2 @ self.W2.T * self.mask * (z > 0)
                self.W2 -= self.lr * a.T @ d2
                self.b2 -= self.lr * d2.sum(axis=0)
                self.W1 -= self.lr * X.T @ d1
                self.b1 -= self.lr * d1.sum(axis=0)
    """,
    "dropout with a cache": """
        import numpy as np

        def forward(X, parameters, keep_prob=0.5):
            Z1 = parameters["W1"] @ X + parameters["b1"]
            A1 = np.maximum(Z1, 0)
            D1 = np.random.rand(*A1.shape) < keep_prob
            A1 = A1 * D1 / keep_prob
            A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
            cache = (Z1, D1, A1, A2)
            return A2, cache

        def backward(X, Y, cache, parameters, keep_prob):
            Z1, D1, A1, A2 = cache
            m = X.shape[1]
            dZ2 = A2 - Y
            dA1 = parameters["W2"].T @ dZ2
            dA1 = dA1 * D1 / keep_prob
            dZ1 = dA1 * (Z1 > 0)
            return {
                "dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
                "dW2": dZ2 @ A1.T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m,
            }
    """,
    "annotations, decorators and arguments": """
        from __future__ import annotations
        import argparse
        from dataclasses import dataclass, field
        from typing import Iterator
        import numpy as np
        from numba import njit
        from tqdm import tqdm, trange
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        parser.add_argument("--hidden", type=int, default=32)
        args = parser.parse_args()
        @njit
        def relu(z):
            return np.maximum(z, 0)
        @dataclass
        class Grads:
            dW: list[np.ndarray] = field(default_factory=list)
            db: list[np.ndarray] = field(default_factory=list)
        class MLP:
            def __init__(self, sizes: list[int]) -> None:
                self._W = [np.random.randn(m, n) / np.sqrt(m) for m, n in zip(sizes, sizes[1:])]
                self._b = [np.zeros(n) for n in sizes[1:]]
            @property
            def n_layers(self) -> int:
                return len(self._W)
            @property
            def accuracy(self):
                raise RuntimeError("train first")
            def forward(self, x: np.ndarray) -> list[np.ndarray]:
                acts = [x]
                for k in range(self.n_layers):
                    z = acts[-1] @ self._W[k] + self._b[k]
                    acts.append(relu(z) if k < self.n_layers - 1 else softmax(z))
                return acts
            def backward(self, acts: list[np.ndarray], y: np.ndarray) -> Grads:
                grads = Grads()
                delta = (acts[-1] - y) / len(y)
                for k in reversed(range(self.n_layers)):
                    grads.dW.insert(0, acts[k].T @ delta)
                    grads.db.insert(0, delta.sum(axis=0))
                    delta = delta @ self._W[k].T * (acts[k] > 0)
                return grads
        def softmax(z):
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        def main():
            net = MLP([784, args.hidden, 10])
            for epoch in trange(10):
                print(net.n_layers)
        main()
    """,
    "labels as a row": """
        import numpy as np

        def forward(W1, b1, W2, b2, X):
            A1 = np.tanh(W1 @ X + b1)
            E = np.exp(W2 @ A1 + b2)
            return A1, E / E.sum(axis=0)

        def backprop(W1, b1, W2, b2, X, Y):
            m = Y.shape[1]
            A1, A2 = forward(W1, b1, W2, b2, X)
            hot = np.zeros((10, m))
            hot[Y[0], np.arange(m)] = 1
            dZ2 = A2 - hot
            dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
            dW1, db1 = dZ1 @ X.T / m, dZ1.sum(1, keepdims=True) / m
            dW2, db2 = dZ2 @ A1.T / m, dZ2.sum(1, keepdims=True) / m
            return dW1, db1, dW2, db2
    """,
    "a list of pairs": """
        import numpy as np

        def start(sizes):
            shapes = zip(sizes, sizes[1:])
            return [(0.1 * np.random.randn(m, n), 0.1 * np.random.randn(n)) for m, n in shapes]

        def grad(params, inputs, targets):
            acts = [inputs]
            for W, b in params:
                acts.append(np.tanh(acts[-1] @ W + b))
            E = np.exp(acts[-2] @ params[-1][0] + params[-1][1])
            delta = (E / E.sum(axis=1, keepdims=True) - targets) / len(inputs)
            grads = []
            for (W, b), a in reversed(list(zip(params, acts))):
                grads.append((a.T @ delta, delta.sum(axis=0)))
                delta = delta @ W.T * (1 - a ** 2)
            return grads[::-1]
    """,
    "layers in an object": """
        import numpy as np
        class Linear:
            def __init__(self, in_features, out_features):
                self.weight = np.random.randn(out_features, in_features) * 0.1
                self.bias = np.zeros(out_features)
            def __call__(self, x):
                return self.forward(x)
            def forward(self, x):
                self.x = x
                return x @ self.weight.T + self.bias
            def backward(self, grad):
                self.weight_grad = grad.T @ self.x
                self.bias_grad = grad.sum(axis=0)
                return grad @ self.weight
        class Sigmoid:
            def forward(self, x):
                self.out = 1 / (1 + np.exp(-x))
                return self.out
            def backward(self, grad):
                return grad * self.out * (1 - self.out)
        class Sequential:
            def __init__(self, *layers):
                self.layers = layers
            def forward(self, x):
                for layer in self.layers:
                    x = layer.forward(x)
                return x
            def backward(self, grad):
                for layer in reversed(self.layers):
                    grad = layer.backward(grad)
        class MSELoss:
            def forward(self, pred, target):
                self.pred, self.target = pred, target
                return ((pred - target) ** 2).mean()
            def backward(self):
                return 2 * (self.pred - self.target) / self.pred.size
        model = Sequential(Linear(784, 30), Sigmoid(), Linear(30, 10), Sigmoid())
        loss_fn = MSELoss()
    """,
    "a class with biases in the weights": """
        import numpy as np
        class Perceptron:
            def __init__(self, inputs, hidden, outputs):
                self.w1 = np.random.randn(inputs + 1, hidden) * 0.1
                self.w2 = np.random.randn(hidden + 1, outputs) * 0.1
            def train(self, X, T, eta=0.1):
                ones = np.ones((len(X), 1))
                X = np.hstack([X, ones])
                h = 1 / (1 + np.exp(-X @ self.w1))
                H = np.hstack([h, ones])
                o = 1 / (1 + np.exp(-H @ self.w2))
                d2 = (o - T) * o * (1 - o)
                d1 = (d2 @ self.w2.T)[:, :-1] * h * (1 - h)
                self.w2 -= eta * H.T @ d2
                self.w1 -= eta * X.T @ d1
    """,
    "a while loop over random batches": """
        import numpy as np
        f = np.load("mnist.npz")
        x_train, y_train = f["x_train"].reshape(60000, 784) / 255, f["y_train"]
        w1, w2 = np.random.randn(784, 40) * 0.1, np.random.randn(40, 10) * 0.1
        def sig(z): return 1 / (1 + np.exp(-z))
        alpha, batch_size, it = 0.05, 100, 0
        while it < 1000:
            idx = np.random.choice(60000, batch_size)
            xb = x_train[idx]
            t = np.eye(10)[y_train[idx]]
            l1 = sig(xb.dot(w1))
            l2 = sig(l1.dot(w2))
            d2 = (l2 - t) * l2 * (1 - l2)
            d1 = d2.dot(w2.T) * l1 * (1 - l1)
            w2 -= alpha * l1.T.dot(d2)
            w1 -= alpha * xb.T.dot(d1)
            it += 1
    """,
    "a fit method that makes the weights": """
        import numpy as np
        class MLPClassifier:
            def __init__(self, hidden=30, lr=0.1, epochs=20, batch_size=32, seed=0):
                self.hidden, self.lr, self.epochs, self.batch_size = hidden, lr, epochs, batch_size
                self.rng = np.random.default_rng(seed)
            def fit(self, X, y):
                n, d = X.shape
                k = 10
                self.W1 = self.rng.normal(0, 0.1, (d, self.hidden))
                self.b1 = np.zeros(self.hidden)
                self.W2 = self.rng.normal(0, 0.1, (self.hidden, k))
                self.b2 = np.zeros(k)
                Y = np.eye(k)[y]
                for epoch in range(self.epochs):
                    order = self.rng.permutation(n)
                    for start in range(0, n, self.batch_size):
                        rows = order[start:start + self.batch_size]
                        xb, yb = X[rows], Y[rows]
                        h = np.maximum(xb @ self.W1 + self.b1, 0)
                        s = h @ self.W2 + self.b2
                        p = np.exp(s - s.max(1, keepdims=True))
                        p /= p.sum(1, keepdims=True)
                        d2 = (p - yb) / len(xb)
                        d1 = d2 @ self.W2.T * (h > 0)
                        self.W2 -= self.lr * h.T @ d2
                        self.b2 -= self.lr * d2.sum(0)
                        self.W1 -= self.lr * xb.T @ d1
                        self.b1 -= self.lr * d1.sum(0)
                return self
            def predict(self, X):
                return (np.maximum(X @ self.W1 + self.b1, 0) @ self.W2 + self.b2).argmax(1)
    """,
    "a loop in a function over global data": """
        import numpy as np
        import sklearn.datasets

        X, y = sklearn.datasets.load_digits(return_X_y=True)
        n_examples = len(X)
        rate = 0.01

        def build_model(n_hidden, n_steps=20000):
            W1, b1 = np.random.randn(64, n_hidden) / 8, np.zeros((1, n_hidden))
            W2, b2 = np.random.randn(n_hidden, 10) / 8, np.zeros((1, 10))
            for i in range(n_steps):
                a1 = np.tanh(X @ W1 + b1)
                e = np.exp(a1 @ W2 + b2)
                d3 = e / e.sum(axis=1, keepdims=True)
                d3[range(n_examples), y] -= 1
                d2 = d3 @ W2.T * (1 - a1 ** 2)
                W2 -= rate * a1.T @ d3
                b2 -= rate * d3.sum(axis=0, keepdims=True)
                W1 -= rate * X.T @ d2
                b1 -= rate * d2.sum(axis=0)
            return W1, b1, W2, b2
    """,
    "two inputs and one output": """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        class Regression:
            def __init__(self):
                self.W1, self.W2 = np.random.randn(2, 3), np.random.randn(3, 1)

            def forward(self, X):
                self.a2 = sigmoid(X @ self.W1)
                return sigmoid(self.a2 @ self.W2)

            def cost_prime(self, X, y):
                y_hat = self.forward(X)
                delta3 = -(y - y_hat) * y_hat * (1 - y_hat)
                dJdW2 = self.a2.T @ delta3
                dJdW1 = X.T @ (delta3 @ self.W2.T * self.a2 * (1 - self.a2))
                return dJdW1, dJdW2
    """,
    "weight decay as an attribute": """
        import numpy as np

        class Net:
            def __init__(self, hidden_dims, input_dim=784, num_classes=10, reg=0.0):
                dims = [input_dim, *hidden_dims, num_classes]
                self.params, self.reg, self.n = {}, reg, len(dims) - 1
                for i in range(1, self.n + 1):
                    self.params[f"W{i}"] = 0.01 * np.random.randn(dims[i - 1], dims[i])
                    self.params[f"b{i}"] = np.zeros(dims[i])

            def loss(self, X, y):
                acts = [X]
                for i in range(1, self.n + 1):
                    s = acts[-1] @ self.params[f"W{i}"] + self.params[f"b{i}"]
                    acts.append(np.maximum(s, 0))
                p = np.exp(s - s.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                cost = -np.log(p[np.arange(len(y)), y]).mean()
                p[np.arange(len(y)), y] -= 1
                d, grads = p / len(y), {}
                for i in range(self.n, 0, -1):
                    grads[f"W{i}"] = acts[i - 1].T @ d + self.reg * self.params[f"W{i}"]
                    grads[f"b{i}"] = d.sum(axis=0)
                    d = d @ self.params[f"W{i}"].T * (acts[i - 1] > 0)
                return cost, grads
    """,
    "a function that trains what it is given": """
        import numpy as np
        def sigmoid(z): return 1 / (1 + np.exp(-z))
        def train(W1, b1, W2, b2, X, y, lr, epochs):
            for epoch in range(epochs):
                h = sigmoid(X @ W1 + b1)
                o = sigmoid(h @ W2 + b2)
                d2 = 2 * (o - y) * o * (1 - o) / len(X)
                d1 = d2 @ W2.T * h * (1 - h)
                W2 = W2 - lr * h.T @ d2
                b2 = b2 - lr * d2.sum(axis=0)
                W1 = W1 - lr * X.T @ d1
                b1 = b1 - lr * d1.sum(axis=0)
                print(epoch, ((o - y) ** 2).mean())
            return W1, b1, W2, b2
    """,
}

# Style, the right line, the wrong one, and what it must be called.
MISTAKES = [
    ("one vector of parameters", "(1 - h ** 2)", "(1 - h)", "a square forgotten"),
    (
        "one vector with biases in the weights",
        "(d3 @ theta2)[:, 1:]",
        "(d3 @ theta2)[:, :-1]",
        "the wrong column taken for the bias",
    ),
    ("global arrays", "(o - y) * o * (1 - o)", "o - y", "the output slope left out"),
    ("a loop in main", " * (z1 > 0)", "", "the hidden slope left out"),
    ("a loop under if main", "b1 = b1 - 0.5", "b1 = b1 + 0.5", "the biases' step goes uphill"),
    (
        "a train method with two hidden layers",
        "(t - o) * o * (1 - o)",
        "(t - o) * o",
        "the error times the output",
    ),
    (
        "a batch of pairs",
        "sum_w[i] += by_w[i]",
        "sum_w[i] = by_w[i]",
        "the last example only",
    ),
    (
        "a batch of pairs",
        "sum_b, sum_w = [0 * b for b in self.b], [0 * w for w in self.w]\n                for",
        "sum_b, sum_w = list(self.sum_b), list(self.sum_w)\n                for",
        "gradients not reset",
    ),
    (
        "arguments that are called something else",
        " * (v > 0)",
        "",
        "the hidden slope left out",
    ),
    (
        "a class without NumPy",
        "biases[k] -= lr * d\n",
        "biases[k] -= lr * sum(deltas)\n",
        "one number for all biases of a layer",
    ),
    (
        "lists of neurons with the bias last",
        "c * h * (1 - h)",
        "c * h",
        "the function used as its own derivative",
    ),
    (
        "neurons as dictionaries",
        "step * value",
        "step",
        "the input left out",
    ),
    ("neurons as objects", "error * a * (1 - a)", "error", "the hidden slope left out"),
    (
        "a class with dropout",
        "self.W2.T * self.mask",
        "self.W2.T",
        "the dropout mask not applied backward",
    ),
    (
        "dropout with a cache",
        "dA1 * D1 / keep_prob",
        "dA1",
        "the dropout mask not applied backward",
    ),
    ("labels as a row", "dZ1 @ X.T", "0 * dZ1 @ X.T", "the weights are never updated"),
    ("a list of pairs", " * (1 - a ** 2)", "", "the hidden slope left out"),
    ("layers in an object", "self.out * (1 - self.out)", "self.out", "its own derivative"),
    (
        "a class with biases in the weights",
        "[:, :-1] * h * (1 - h)",
        "[:, :-1]",
        "the hidden slope left out",
    ),
    (
        "a fit method that makes the weights",
        "xb.T @ d1",
        "xb.T @ d1 / len(xb)",
        "averaged over the batch twice",
    ),
    ("two inputs and one output", "-(y - y_hat)", "(y - y_hat) ** 2", "its own derivative"),
    (
        "weight decay as an attribute",
        "+ self.reg",
        "- self.reg",
        "L2 with the wrong sign",
    ),
    (
        "a function that trains what it is given",
        "d2 @ W2.T * h",
        "(o - y) @ W2.T * h",
        "the raw error carried back",
    ),
]
