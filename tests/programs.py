"""Programs as learners write them: backpropagation in twelve styles, and mistakes in it."""

PROGRAMS = {
    "a class with lists of columns": """
        import numpy as np

        class Network:
            def __init__(self, sizes):
                self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
                self.weights = [np.random.randn(n, m) for m, n in zip(sizes, sizes[1:])]

            def update_mini_batch(self, mini_batch, eta):
                total_b = [0 * b for b in self.biases]
                total_w = [0 * w for w in self.weights]
                for x, y in mini_batch:
                    by_b, by_w = self.backprop(x, y)
                    total_b = [t + g for t, g in zip(total_b, by_b)]
                    total_w = [t + g for t, g in zip(total_w, by_w)]
                rate = eta / len(mini_batch)
                self.weights = [w - rate * t for w, t in zip(self.weights, total_w)]
                self.biases = [b - rate * t for b, t in zip(self.biases, total_b)]

            def backprop(self, x, y):
                zs, layers = [], [x]
                for b, w in zip(self.biases, self.weights):
                    zs.append(w @ layers[-1] + b)
                    layers.append(sigmoid(zs[-1]))
                nabla_b, nabla_w = [], []
                delta = (layers[-1] - y) * sigmoid_prime(zs[-1])
                for i in range(len(zs) - 1, -1, -1):
                    nabla_b.insert(0, delta)
                    nabla_w.insert(0, delta @ layers[i].T)
                    if i > 0:
                        delta = (self.weights[i].T @ delta) * sigmoid_prime(zs[i - 1])
                return nabla_b, nabla_w

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def sigmoid_prime(z):
            return sigmoid(z) * (1 - sigmoid(z))
    """,
    "functions of columns": """
        import numpy as np
        import pandas as pd

        table = pd.read_csv("train.csv").to_numpy()
        m_all, n = table.shape

        def relu(Z):
            return np.maximum(Z, 0)

        def softmax(Z):
            E = np.exp(Z - Z.max(axis=0))
            return E / E.sum(axis=0)

        def forward_prop(W1, b1, W2, b2, X):
            Z1 = W1 @ X + b1
            A1 = relu(Z1)
            Z2 = W2 @ A1 + b2
            A2 = softmax(Z2)
            return Z1, A1, Z2, A2

        def one_hot(Y):
            rows = np.zeros((10, Y.size))
            rows[Y, np.arange(Y.size)] = 1
            return rows

        def backward_prop(Z1, A1, Z2, A2, W2, X, Y):
            m = Y.size
            dZ2 = A2 - one_hot(Y)
            dW2 = dZ2 @ A1.T / m
            db2 = dZ2.sum(axis=1, keepdims=True) / m
            dZ1 = (W2.T @ dZ2) * (Z1 > 0)
            dW1 = dZ1 @ X.T / m
            db1 = dZ1.sum(axis=1, keepdims=True) / m
            return dW1, db1, dW2, db2

        def update_params(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha):
            return W1 - alpha * dW1, b1 - alpha * db1, W2 - alpha * dW2, b2 - alpha * db2
    """,
    "dictionaries and caches": """
        import numpy as np

        def model_forward(X, parameters):
            caches, A = [], X
            L = len(parameters) // 2
            for l in range(1, L + 1):
                Z = parameters["W" + str(l)] @ A + parameters["b" + str(l)]
                caches.append((A, Z))
                A = 1 / (1 + np.exp(-Z)) if l == L else np.maximum(Z, 0)
            AL = A
            return AL, caches

        def model_backward(AL, Y, caches, parameters):
            grads, m = {}, Y.shape[1]
            dA = (1 - Y) / (1 - AL) - Y / AL
            for l in range(len(caches), 0, -1):
                A_prev, Z = caches[l - 1]
                if l == len(caches):
                    s = 1 / (1 + np.exp(-Z))
                    dZ = dA * s * (1 - s)
                else:
                    dZ = dA * (Z > 0)
                grads["dW" + str(l)] = dZ @ A_prev.T / m
                grads["db" + str(l)] = dZ.sum(axis=1, keepdims=True) / m
                dA = parameters["W" + str(l)].T @ dZ
            return grads

        def update_parameters(parameters, grads, learning_rate):
            for key in parameters:
                parameters[key] = parameters[key] - learning_rate * grads["d" + key]
            return parameters
    """,
    "a loss that returns gradients": """
        import numpy as np

        class TwoLayers:
            def __init__(self, input_size, hidden_size, output_size, scale=1e-3):
                self.params = {
                    "W1": scale * np.random.randn(input_size, hidden_size),
                    "b1": np.zeros(hidden_size),
                    "W2": scale * np.random.randn(hidden_size, output_size),
                    "b2": np.zeros(output_size),
                }

            def loss(self, X, y, reg=0.0):
                p, n = self.params, len(X)
                hidden = np.maximum(X @ p["W1"] + p["b1"], 0)
                scores = hidden @ p["W2"] + p["b2"]
                prob = np.exp(scores - scores.max(axis=1, keepdims=True))
                prob /= prob.sum(axis=1, keepdims=True)
                cost = -np.log(prob[range(n), y]).mean()
                d = prob.copy()
                d[range(n), y] -= 1
                d /= n
                grads = {"W2": hidden.T @ d + reg * p["W2"], "b2": d.sum(axis=0)}
                d = d @ p["W2"].T * (hidden > 0)
                grads["W1"], grads["b1"] = X.T @ d + reg * p["W1"], d.sum(axis=0)
                return cost, grads
    """,
    "a train method without biases": """
        import numpy
        import scipy.special

        class NeuralNetwork:
            def __init__(self, input_nodes, hidden_nodes, output_nodes, learning_rate):
                self.wih = numpy.random.normal(0, 0.1, (hidden_nodes, input_nodes))
                self.who = numpy.random.normal(0, 0.1, (output_nodes, hidden_nodes))
                self.lr = learning_rate
                self.f = lambda x: scipy.special.expit(x)

            def train(self, inputs_list, targets_list):
                inputs = numpy.array(inputs_list, ndmin=2).T
                targets = numpy.array(targets_list, ndmin=2).T
                hidden = self.f(self.wih @ inputs)
                final = self.f(self.who @ hidden)
                output_delta = (targets - final) * final * (1 - final)
                hidden_delta = (self.who.T @ output_delta) * hidden * (1 - hidden)
                self.who += self.lr * output_delta @ hidden.T
                self.wih += self.lr * hidden_delta @ inputs.T
    """,
    "a loop over examples": """
        from loader import get_mnist
        import numpy as np

        images, labels = get_mnist()
        w_i_h = np.random.uniform(-0.5, 0.5, (20, 784))
        w_h_o = np.random.uniform(-0.5, 0.5, (10, 20))
        b_i_h = np.zeros((20, 1))
        b_h_o = np.zeros((10, 1))
        learn_rate = 0.01
        right = 0
        for epoch in range(3):
            for img, l in zip(images, labels):
                img = img.reshape(-1, 1)
                l = l.reshape(-1, 1)
                h = 1 / (1 + np.exp(-(w_i_h @ img + b_i_h)))
                o = 1 / (1 + np.exp(-(w_h_o @ h + b_h_o)))
                right += int(o.argmax() == l.argmax())
                delta_o = o - l
                delta_h = (w_h_o.T @ delta_o) * (h * (1 - h))
                w_h_o += -learn_rate * delta_o @ h.T
                b_h_o += -learn_rate * delta_o
                w_i_h += -learn_rate * delta_h @ img.T
                b_i_h += -learn_rate * delta_h
            print("right:", right)
    """,
    "layers that update themselves": """
        import numpy as np

        class Dense:
            def __init__(self, n_in, n_out):
                self.weights = np.random.randn(n_out, n_in)
                self.bias = np.random.randn(n_out, 1)

            def forward(self, x):
                self.x = x
                return self.weights @ x + self.bias

            def backward(self, gradient, learning_rate):
                back = self.weights.T @ gradient
                self.weights -= learning_rate * gradient @ self.x.T
                self.bias -= learning_rate * gradient
                return back

        class Tanh:
            def forward(self, x):
                self.x = x
                return np.tanh(x)

            def backward(self, gradient, learning_rate):
                return gradient * (1 - np.tanh(self.x) ** 2)

        def mse_prime(y_true, y_pred):
            return 2 * (y_pred - y_true) / y_true.size

        network = [Dense(784, 40), Tanh(), Dense(40, 10), Tanh()]
    """,
    "layers that keep gradients": """
        import numpy as np

        class Dense:
            def __init__(self, n_inputs, n_neurons):
                self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
                self.biases = np.zeros((1, n_neurons))

            def forward(self, inputs):
                self.inputs = inputs
                self.output = inputs @ self.weights + self.biases

            def backward(self, dvalues):
                self.dweights = self.inputs.T @ dvalues
                self.dbiases = dvalues.sum(axis=0, keepdims=True)
                self.dinputs = dvalues @ self.weights.T

        class ReLU:
            def forward(self, inputs):
                self.inputs = inputs
                self.output = np.maximum(inputs, 0)

            def backward(self, dvalues):
                self.dinputs = np.where(self.inputs > 0, dvalues, 0)

        class SoftmaxLoss:
            def forward(self, inputs, y_true):
                e = np.exp(inputs - inputs.max(axis=1, keepdims=True))
                self.output = e / e.sum(axis=1, keepdims=True)
                return -np.log((self.output * y_true).sum(axis=1)).mean()

            def backward(self, dvalues, y_true):
                self.dinputs = (dvalues - y_true) / len(dvalues)
    """,
    "a class with forward and backward": """
        import numpy as np

        class MLP:
            def __init__(self, input_size=784, hidden_size=64, output_size=10, lr=0.1):
                self.W1 = np.random.randn(input_size, hidden_size) / 28
                self.b1 = np.zeros((1, hidden_size))
                self.W2 = np.random.randn(hidden_size, output_size) / 8
                self.b2 = np.zeros((1, output_size))
                self.lr = lr

            def forward(self, X):
                self.X = X
                self.h = np.tanh(X @ self.W1 + self.b1)
                e = np.exp(self.h @ self.W2 + self.b2)
                self.out = e / e.sum(axis=1, keepdims=True)
                return self.out

            def backward(self, y):
                d2 = (self.out - y) / len(y)
                d1 = d2 @ self.W2.T * (1 - self.h ** 2)
                self.W2 -= self.lr * self.h.T @ d2
                self.b2 -= self.lr * d2.sum(axis=0, keepdims=True)
                self.W1 -= self.lr * self.X.T @ d1
                self.b1 -= self.lr * d1.sum(axis=0, keepdims=True)
    """,
    "a function of lists": """
        import numpy as np

        def backprop(weights, biases, x, y):
            layers, zs = [x], []
            for i, (w, b) in enumerate(zip(weights, biases)):
                zs.append(layers[-1] @ w + b)
                layers.append(softmax(zs[-1]) if i == len(weights) - 1 else np.maximum(0, zs[-1]))
            grad_w, grad_b = [], []
            delta = (layers[-1] - y) / len(x)
            for i in reversed(range(len(weights))):
                grad_w.insert(0, layers[i].T @ delta)
                grad_b.insert(0, delta.sum(axis=0))
                if i > 0:
                    delta = (delta @ weights[i].T) * (zs[i - 1] > 0)
            return grad_w, grad_b

        def softmax(z):
            e = np.exp(z - z.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)
    """,
    "a loop over epochs": """
        import numpy as np

        def nonlin(x, deriv=False):
            return x * (1 - x) if deriv else 1 / (1 + np.exp(-x))

        X = np.random.random((60, 784))
        y = np.eye(10)[np.random.randint(0, 10, 60)]
        syn0 = 2 * np.random.random((784, 25)) - 1
        syn1 = 2 * np.random.random((25, 10)) - 1
        for step in range(60000):
            l1 = nonlin(X @ syn0)
            l2 = nonlin(l1 @ syn1)
            l2_delta = (y - l2) * nonlin(l2, deriv=True)
            l1_delta = l2_delta @ syn1.T * nonlin(l1, deriv=True)
            syn1 += l1.T @ l2_delta
            syn0 += X.T @ l1_delta
    """,
    "a cost with its gradient": """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def cost_and_gradient(params, X, Y):
            W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
            A1 = sigmoid(X @ W1 + b1)
            A2 = sigmoid(A1 @ W2 + b2)
            d2 = 2 * (A2 - Y) * A2 * (1 - A2) / len(X)
            d1 = d2 @ W2.T * A1 * (1 - A1)
            grads = {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": A1.T @ d2, "b2": d2.sum(axis=0)}
            return np.sum((A2 - Y) ** 2) / len(X), grads
    """,
}

# Style, the right line, the wrong one, and what it must be called.
MISTAKES = [
    (
        "a class with lists of columns",
        "(layers[-1] - y) * sigmoid_prime(zs[-1])",
        "layers[-1] - y",
        "the output slope left out",
    ),
    (
        "a class with lists of columns",
        "@ delta) * sigmoid_prime(zs[i - 1])",
        "@ delta)",
        "the hidden slope left out",
    ),
    (
        "a class with lists of columns",
        "sigmoid_prime(zs[i - 1])",
        "sigmoid_prime(layers[i])",
        "the function applied again in its derivative",
    ),
    ("a class with lists of columns", "[w - rate", "[w + rate", "the step goes uphill"),
    ("functions of columns", "* (Z1 > 0)", "* (A1 >= 0)", "ReLU tested by >= 0 on its output"),
    (
        "functions of columns",
        "db1 = dZ1.sum(axis=1, keepdims=True)",
        "db1 = dZ1.sum()",
        "one number for all biases of a layer",
    ),
    ("functions of columns", "W2.T @ dZ2", "W2 @ dZ2", "W not transposed on the way back"),
    ("functions of columns", "E / E.sum(axis=0)", "E / E.sum()", "softmax"),
    (
        "dictionaries and caches",
        "dZ.sum(axis=1, keepdims=True) / m",
        "dZ.sum(axis=1, keepdims=True)",
        "average for the weights, sum for the biases",
    ),
    ("a loss that returns gradients", " * (hidden > 0)", "", "the hidden slope left out"),
    (
        "a train method without biases",
        "self.who.T @ output_delta",
        "self.who.T @ (targets - final)",
        "the raw error carried back, without the upper slope",
    ),
    (
        "a train method without biases",
        "(targets - final) * final",
        "(targets - final) ** 2 * final",
        "the cost used as its own derivative",
    ),
    ("a loop over examples", "h * (1 - h)", "1 - h", "a square forgotten"),
    ("a loop over examples", "b_h_o += -learn", "b_h_o += learn", "the biases' step goes uphill"),
    (
        "layers that update themselves",
        "(1 - np.tanh(self.x) ** 2)",
        "(1 - self.x ** 2)",
        "the formula for activations fed with z, for tanh",
    ),
    (
        "layers that keep gradients",
        "dvalues.sum(axis=0, keepdims=True)",
        "dvalues.sum()",
        "one number for all biases of a layer",
    ),
    (
        "a class with forward and backward",
        "(1 - self.h ** 2)",
        "self.h * (1 - self.h)",
        "the slope of the sigmoid for another function",
    ),
    (
        "a class with forward and backward",
        "self.X.T @ d1",
        "0 * self.X.T @ d1",
        "the weights are never updated",
    ),
    (
        "a function of lists",
        "layers[i].T @ delta",
        "(zs[i - 1] if i else x).T @ delta",
        "z instead of a",
    ),
    (
        "a loop over epochs",
        "x * (1 - x) if",
        "nonlin(x) * (1 - nonlin(x)) if",
        "the function applied again in its derivative",
    ),
    (
        "a cost with its gradient",
        '"b1": d1.sum(axis=0)',
        '"b1": d1.sum(axis=1)',
        "summed over the wrong axis",
    ),
]
