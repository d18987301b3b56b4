"""Exercise 4 of 5, step: gradient descent changes every weight and every bias a little.

The gradient says which way the cost rises fastest. A step goes the other way, and its length is the
learning rate times that of the gradient:

    W ← W - learning_rate · ∂C/∂W        b ← b - learning_rate · ∂C/∂b

`weights[i]` and `by_weights[i]` have the same shape, and so have `biases[i]` and `by_biases[i]`.
Replace each `...`, and run

    mnist-mlp check ex4_step.py

When it is right, it says: step: right.
"""


def step(weights, biases, by_weights, by_biases, learning_rate):
    """Replace the arrays in the lists `weights` and `biases` by those after a step downhill."""
    for i in range(len(weights)):
        weights[i] = ...
        biases[i] = ...
