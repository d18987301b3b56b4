"""The template of an adapter: a few lines between a learner's program and the check."""

from pathlib import Path

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import atomic_write

TEMPLATE = '''\
"""An adapter: it tells `mnist-mlp check` how to call my program. Check this file, not the program.

Keep one of check_gradients and check_step, and change the lines marked with <--.
"""

import numpy as np

# from mine import ...                                       <-- the functions or classes to check


def check_gradients(weights, biases, images, labels):
    """Return the gradients of the weights and of the biases, in the same shapes.

    weights   a list with an array for each layer, (n_out, n_in): [W1, W2, ...]
    biases    a list with an array for each layer, (n_out,): [b1, b2, ...]
    images    (n, n_in), a row for each example
    labels    (n,), the digits
    """
    targets = np.eye(10)[labels]  # one-hot rows, (n, 10)
    # If your arrays are transposed: W.T for (n_in, n_out), images.T for columns, b[:, None] for
    # columns of biases. If your program takes one example at a time, call it for each and add up.
    dW, db = backprop(weights, biases, images, targets)      # <-- your function
    return dW, db


def check_step(weights, biases, images, labels, rate):
    """Return the weights and biases after one step of gradient descent."""
    net = Network([len(images[0]), *map(len, biases)])       # <-- your class
    net.weights, net.biases, net.lr = weights, biases, rate  # <--
    net.train(images, np.eye(10)[labels])                    # <--
    return net.weights, net.biases                           # <--
'''


def write_template(path: Path) -> None:
    """Write the template to a new file. Raises InputError if there is one already."""
    if path.exists():
        raise InputError(f"{path}: exists already")
    with atomic_write(path) as file:
        file.write(TEMPLATE.encode())
    print(f"{path}: written; change the lines marked with <--, then run mnist-mlp check {path}")
