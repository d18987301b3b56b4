"""Exercise 5 of 5, loop: many small steps, each on a few examples.

An epoch shows the network every example once, in a new random order, a mini-batch at a time. Each
mini-batch gives a gradient, and each gradient a step:

    shuffle  →  next mini-batch  →  gradient  →  step  →  next mini-batch ...

`np.random.permutation(n)` returns the numbers from 0 to n - 1 in random order, and `images[rows]`
the images with these numbers; n is `len(images)`. `backprop` and `step` are those of exercises 3
and 4; the check brings its own. Replace each `...`, and run

    mnist-mlp check ex5_loop.py

When it is right, it says: loop: right. Then put the five exercises into one file, and train:

    cat ex1*.py ex2*.py ex3*.py ex4*.py ex5*.py > mine.py
    mnist-mlp check mine.py
    mnist-mlp train mine.py
"""

import numpy as np


def loop(weights, biases, images, targets, epochs, batch_size, learning_rate):
    """Train the network: change `weights` and `biases` step by step."""
    for epoch in range(epochs):
        order = ...  # all rows, shuffled
        for start in range(0, len(images), batch_size):
            rows = ...  # the next `batch_size` of them
            by_weights, by_biases = backprop(weights, biases, ..., ...)
            step(...)
