"""A plain NumPy multilayer perceptron that learns to read handwritten digits."""
