"""Exercise 2 of 5, cost: how bad the outputs are, as one number.

`targets` has 1 in the column of the right digit and 0 elsewhere, so Σ y ln a over the ten outputs
is the logarithm of the probability that the network gave to the right digit. It is 0 if the network
was sure, and far below 0 if it was sure of something else. The cross-entropy turns the sign round,
and is averaged over the n examples:

    C = -1/n Σ Σ y ln a

`outputs` (a) and `targets` (y) are (n, 10). Replace the `...`, and run

    mnist-mlp check ex2_cost.py

When it is right, it says: cost: right.
"""

import numpy as np


def cost(outputs, targets):
    """Return the mean cross-entropy of the examples, a number."""
    return ...
