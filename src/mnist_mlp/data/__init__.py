"""The data: MNIST's files, and the arrays that they become."""
