"""Learning: costs, the network, backpropagation and gradient descent."""
